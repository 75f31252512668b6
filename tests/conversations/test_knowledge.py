"""Every other question has an answer that helps, with a next step, in both languages."""

from __future__ import annotations

import pytest

from tests.conversations.conftest import Someone

QUESTIONS = {
    "change_order": ("Kann ich in meiner Bestellung einen Artikel austauschen?",
                     "can I swap an item in my order?"),
    "check_cancellation_fee": ("Kostet eine Stornierung etwas?", "is there a cancellation fee?"),
    "check_invoice": ("Auf meiner Rechnung steht ein falscher Betrag, wo sehe ich sie?",
                      "where can I look at my invoice?"),
    "check_payment_methods": ("Kann man bei euch mit PayPal zahlen?", "do you take PayPal?"),
    "check_refund_policy": ("Wie lange darf ich etwas zurückgeben?",
                            "what is your refund policy?"),
    "contact_customer_service": ("Wie erreiche ich den Kundenservice?",
                                 "how can I reach customer service?"),
    "create_account": ("Wie lege ich ein Kundenkonto an?", "how do I open an account?"),
    "delete_account": ("Bitte löschen Sie mein Konto", "please delete my account"),
    "delivery_options": ("Was kostet der Versand bei euch?", "which shipping options are there?"),
    "delivery_period": ("Wie lange dauert eine Lieferung normalerweise?",
                        "how long does delivery usually take?"),
    "discount_code_issue": ("mein Gutscheincode geht nicht", "my discount code doesn't work"),
    "edit_account": ("Ich will meine Telefonnummer im Konto ändern",
                     "I want to change the phone number in my account"),
    "get_invoice": ("Ich brauche die Rechnung als PDF", "can I get the invoice as a PDF?"),
    "get_refund": ("Ich will mein Geld zurück", "I want my money back"),
    "missing_delivery": ("Laut DHL zugestellt, aber hier ist nichts angekommen",
                         "it says delivered but I never got the parcel"),
    "newsletter_subscription": ("Ich möchte den Newsletter abbestellen",
                                "unsubscribe me from the newsletter"),
    "payment_issue": ("Mir wurde zweimal Geld abgebucht", "I was charged twice"),
    "place_order": ("Wie kann ich bei euch etwas bestellen?", "how do I place an order?"),
    "privacy_request": ("Wie lange speichert ihr meine Daten?",
                        "how long do you keep my data?"),
    "product_question": ("Gibt es die Jacke auch in Größe XL?",
                         "does the jacket come in size XL?"),
    "recover_password": ("Ich habe mein Passwort vergessen", "I forgot my password"),
    "registration_problems": ("Die Registrierung klappt nicht, immer kommt ein Fehler",
                              "I can't sign up, it keeps showing an error"),
    "report_damaged_item": ("Die Lampe kam zerbrochen an", "the lamp arrived broken"),
    "review": ("Wo kann ich eine Bewertung abgeben?", "where can I leave a review?"),
    "set_up_shipping_address": ("Wie speichere ich eine neue Lieferadresse in meinem Konto?",
                                "how do I add a new shipping address to my account?"),
    "switch_account": ("Wie wechsle ich zu einem anderen Konto?",
                       "how do I switch to another account?"),
    "track_refund": ("Wann kommt meine Rückerstattung?", "where is my refund?"),
    "withdraw_contract": ("Hiermit widerrufe ich den Vertrag", "I withdraw from the contract"),
    "greet": ("Moin!", "hi there"),
    "thank_you": ("super, danke dir", "thanks a lot"),
    "goodbye": ("tschüssi", "bye bye"),
}  # fmt: skip


@pytest.mark.parametrize("intent", QUESTIONS)
async def test_a_helpful_answer(someone: Someone, intent: str) -> None:
    for language, text in zip(("de", "en"), QUESTIONS[intent], strict=True):
        async with someone(language) as c:
            await c.says(text)
            c.hears(f"utter_{intent}")
            assert c.owner == "bot"


async def test_what_no_shop_knows(someone: Someone) -> None:
    async with someone("de") as c:
        await c.says("Wie wird morgen das Wetter in Hamburg?")
        c.hears("utter_out_of_scope")
    async with someone("en") as c:
        await c.says("who won the world cup in 1990?")
        c.hears("utter_out_of_scope")
