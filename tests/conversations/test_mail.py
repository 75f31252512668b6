"""The main job by mail: `bot run`, the real model, the demo shop, a real Dovecot and Exim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugins.mail.testing_servers import PASSWORD, MailServers, Trouble
from tests.conversations.main_job import (
    Person,
    asks_for_a_label,
    cancels,
    meets_a_person,
    moves,
)
from tests.live.correspondent import Correspondent, Letter
from tests.live.process import BotProcess
from tests.live.records import Records
from tests.live.shop import LiveShop
from tests.live.waiting import eventually
from tests.live.words import said
from tests.plugins.mail.inbox import box

pytestmark = pytest.mark.slow

SHOP = "kontor@shop.test"
BJOERN, JOERG = "bjoern.weiss@example.net", "joerg.mueller@example.org"
"""On the orders B-100237 and B-100235."""
CODE = re.compile(r"(?:lautet|code is): (\d{6})")
MFG = "\n\nMit freundlichen Grüßen\nJörg Müller\nHauptstraße 5\n20095 Hamburg\nTel. 040 66969001"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def mail_settings(servers: MailServers) -> dict[str, Any]:
    """The tables of a bot that reads one mailbox, and whose team is not there."""
    then = _DAYS[(datetime.now().weekday() + 3) % 7]
    hours = {day: ["08:00-18:00"] if day == then else [] for day in _DAYS}
    return {
        "plugins.mail": {
            "mailboxes": [box(servers, "kontor")],
            "burst_seconds": 0.1,
            "poll_seconds": 1,
        },
        "hours": {"holidays": False, **hours},
    }


SECRETS = {"SCHALTER_MAIL_KONTOR_PASSWORD": PASSWORD}


@dataclass
class Writer(Person):
    """Somebody with a mailbox. All that one answer says comes as one mail."""

    channel = "mail"
    photo_alone = "utter_receipt"  # nothing that a machine could be certain of: a person sees it
    person_asked = "utter_already_waiting"
    courtesies = False
    pen: Correspondent

    async def says(self, text: str) -> object:
        if not self.pen.got:
            return await self.pen.writes(text[:20].strip(), text)
        return await self.pen.replies(text)

    async def presses(self, title: str) -> object:
        return await self.pen.replies(str(self.pen.got[-1].buttons.index(title) + 1))

    async def sends_photo(self, data: bytes, caption: str = "") -> object:
        return await self.pen.replies(caption, files=[("Foto.png", "image/png", data)])

    async def sees(self) -> Letter:
        letter = await self.pen.receives()
        assert letter.answers == self.pen.sent[-1]["Message-ID"]
        assert self.pen.sent[0]["Message-ID"] in letter.references
        first = re.sub("^(?:AW|Re): ", "", self.pen.sent[0]["Subject"])
        assert letter.subject == f"Re: {first}"
        return letter


@dataclass(frozen=True)
class PostOffice:
    """The running bot, its servers, and who writes."""

    bot: BotProcess
    servers: MailServers
    records: Records
    shop: LiveShop

    def writer(self, address: str, language: str = "de", **more: str) -> Writer:
        """Somebody who has not written yet."""
        name = address.partition("@")[0].replace(".", " ").title()
        pen = Correspondent(self.servers, address, name, language, to=SHOP, **more)  # type: ignore[arg-type]
        return Writer(language, pen)


@pytest.fixture(scope="module")
def office(servers: MailServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """One bot for all tests; each writes from a thread of its own."""
    settings = mail_settings(servers)
    bot = BotProcess(tmp_path_factory.mktemp("mail"), settings, SECRETS)
    bot.start()
    try:
        bot.wait_ready()
        yield PostOffice(bot, servers, Records(bot.data), LiveShop(bot.data))
    finally:
        code = bot.stop()
    assert code == 0, bot.tail()
    assert not [line for line in servers.complaints() if SHOP in line]


@pytest.mark.parametrize("language", ["de", "en"])
async def test_the_main_job(office: PostOffice, language: str) -> None:
    """What customers go through; the sender that the server has verified is the proof."""
    bjoern = office.writer(BJOERN, language, signature="Björn Weiß\nKönigstraße 21")
    joerg = office.writer(JOERG, language, program="outlook")
    order = await office.shop.like("B-100237")
    await bjoern.says(bjoern.words["track"].format(order))
    shown = await bjoern.hears("utter_track_order_delivered")
    assert shown.mail["Auto-Submitted"] == "auto-replied"
    assert said("mail_footer_answer", shown.footer, language)
    assert shown.text.startswith("Guten Tag!" if language == "de" else "Hello,")
    await moves(joerg, office.shop, office.records)
    await cancels(joerg, office.shop, office.records)

    await asks_for_a_label(bjoern, order)
    shown = await bjoern.hears("utter_return_label_done", order)
    assert [(kind, content[:4]) for _, kind, content in shown.files] == [
        ("application/pdf", b"%PDF"),
        ("image/png", b"\x89PNG"),
    ]

    await meets_a_person(joerg, office.bot, office.records)
    (by_agent,) = [one for one in joerg.pen.got if one.text == "Danke, ich sehe es."]
    assert "Auto-Submitted" not in by_agent.mail
    assert by_agent.footer == ""
    assert str(by_agent.mail["From"]).startswith("Nora ")
    rest = "SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'draft') AND target = 'channel:mail'"
    await eventually(lambda: not office.records.bot(rest), 10)


async def test_a_stranger_proves_a_pair_and_the_code_goes_to_the_orders_address(
    office: PostOffice,
) -> None:
    order = await office.shop.like("B-100235")
    owner = office.writer(JOERG)
    stranger = office.writer("joerg.privat@mail.test")
    await stranger.says(f"Bitte die Lieferadresse von {order} ändern")
    await stranger.hears("utter_ask_proof")
    await stranger.says("20095")
    await stranger.hears("utter_code_sent")
    mail = await owner.pen.receives()
    assert mail.subject == f"Ihr Code für die Bestellung {order}"
    assert mail.mail["Auto-Submitted"] == "auto-generated"
    code = CODE.search(mail.text)
    assert code is not None, mail.text

    # Sent back by answering the mail it changes nothing, and it is said where it counts.
    await owner.pen.replies(code[1])
    answer = await owner.pen.receives()
    assert said("utter_code_elsewhere", answer.text, "de"), answer.text
    assert answer.subject == f"Re: Ihr Code für die Bestellung {order}"

    await stranger.says(code[1])
    await stranger.hears("utter_code_right", "Wie lautet die neue Lieferadresse?")
    await stranger.says(f"Lindenweg 4\n50674 Köln{MFG}")
    shown = await stranger.hears("utter_change_address_propose", "Neu: Lindenweg 4, 50674 Köln")
    assert "auf diese E-Mail, mit der Nummer oder in Ihren Worten." in shown.text
    await stranger.presses(shown.buttons[0])
    await stranger.hears("utter_change_address_done")
    assert office.records.street(order) == "Lindenweg 4, 50674 Köln"


async def test_a_forged_sender_has_to_prove_who_they_are(office: PostOffice) -> None:
    order = await office.shop.like("B-100235")
    forger = office.writer(JOERG, login="eve@evil.test")
    await forger.says(f"Wo ist mein Paket? Bestellung {order}")
    await forger.hears("utter_ask_proof")


async def test_a_letter_with_a_closing_is_understood(office: PostOffice) -> None:
    """The sender's own street is below it, and was taken for the new address."""
    joerg = office.writer(JOERG)
    order = await office.shop.like("B-100235")
    text = f"Guten Tag,\n\nkönnten Sie bitte die Lieferadresse der Bestellung {order} ändern?{MFG}"
    await joerg.pen.writes("Lieferung", text)
    await joerg.hears("utter_ask_new_street")
    await joerg.pen.replies(f"Gern an:\nLindenweg 4\n50674 Köln{MFG}")
    await joerg.hears("utter_change_address_propose", "Neu: Lindenweg 4, 50674 Köln")
    await joerg.pen.replies(f"1{MFG}")
    await joerg.hears("utter_change_address_done", "Lindenweg 4, 50674 Köln")


async def test_a_question_in_the_subject_alone_and_html_alone(office: PostOffice) -> None:
    bjoern = office.writer(BJOERN)
    order = await office.shop.like("B-100237")
    await bjoern.pen.writes(f"Wo ist meine Bestellung {order}?", "")
    await bjoern.hears("utter_track_order_delivered", order)
    again = office.writer(BJOERN)
    html = (
        '<html><body><div class="WordSection1"><p class="MsoNormal">Sehr geehrte Damen und Herren,'
        "<o:p></o:p></p><p>&nbsp;</p><p>ich warte auf mein Paket.<o:p></o:p></p><p>Mit freundlichen"
        " Gr&uuml;&szlig;en<br>Bj&ouml;rn Wei&szlig;</p></div></body></html>"
    )
    await again.pen.writes(f"Paket {order}", "", html=html)
    await again.hears("utter_track_order_delivered", order)


async def test_what_the_bot_said_is_not_understood_as_the_customers(office: PostOffice) -> None:
    """Above a quoted question of ours stands another question, or nothing but a phone's line."""
    joerg = office.writer(JOERG, program="outlook")
    order = await office.shop.like("B-100235")
    await joerg.says(joerg.words["cancel"].format(order))
    await joerg.hears("utter_cancel_order_propose_paid")
    await joerg.pen.replies("Von meinem iPhone gesendet")
    await joerg.hears("utter_receipt")
    assert office.records.changes(order) == []


async def test_what_is_not_certain_is_a_draft_and_the_receipt_says_when(office: PostOffice) -> None:
    bjoern = office.writer(BJOERN)
    text = "Wir sind ein Verein und würden gern wissen, ob Sie unser Sommerfest unterstützen."
    await bjoern.pen.writes("Kooperation", text)
    shown = await bjoern.hears("utter_receipt")
    then = datetime.now() + timedelta(days=3)
    assert f"{then.day}. " in shown.text
    assert "ab 8 Uhr per E-Mail" in shown.text
    drafts = office.records.bot(
        "SELECT 1 FROM outbox WHERE state = 'draft' AND reason = 'uncertain'"
    )
    assert drafts
    await bjoern.pen.replies(text)  # one receipt is enough
    await bjoern.pen.gets_nothing(3)


async def test_two_mails_at_once_are_two_threads(office: PostOffice) -> None:
    emily = office.writer("emily.carter@example.com", "en")
    order = await office.shop.like("B-100246")
    first = await emily.pen.writes("Parcel", f"Where is my parcel? {order}")
    second = await emily.pen.writes("Shipping", "How much is shipping?")
    got = {one.answers: one for one in [await emily.pen.receives(), await emily.pen.receives()]}
    assert order in got[first["Message-ID"]].text
    assert said("utter_delivery_options", got[second["Message-ID"]].text, "en")


async def test_an_answer_that_a_machine_gives_is_not_answered(office: PostOffice) -> None:
    bjoern = office.writer(BJOERN)
    await bjoern.says(bjoern.words["shipping"])
    shown = await bjoern.hears("utter_delivery_options")
    await bjoern.pen.replies(
        "Ich bin bis Montag nicht im Büro.", shown, Auto_Submitted="auto-replied"
    )
    await bjoern.pen.gets_nothing(3)


async def test_an_answer_that_comes_back_calls_a_person(office: PostOffice) -> None:
    gone = office.writer(f"{Trouble.BOUNCES}anna@mail.test")
    sent = await gone.pen.writes("Versand", gone.words["shipping"])
    failed = (
        "SELECT c.reason FROM outbox o JOIN cases c ON c.conversation = o.conversation "
        "JOIN mail_messages m ON m.thread = (SELECT thread FROM mail_messages WHERE "
        "message_id = :id) AND m.row = o.id WHERE o.state = 'failed'"
    )
    id = sent["Message-ID"].strip("<>")
    await eventually(lambda: bool(office.records.bot(failed, id=id)), 20)
    (row,) = office.records.bot(failed, id=id)
    assert row["reason"] == "mail_undelivered"
