"""What stands below the closing is no part of what is asked, and what is asked stays whole."""

from __future__ import annotations

import pytest

from plugins.mail.quoting.closing import split_closing

ADDRESS = "Jörg Müller\nHauptstraße 5\n20095 Hamburg\nTel. 040 66969001"


@pytest.mark.parametrize(
    ("asked", "below"),
    [
        ("Bitte ändern Sie die Adresse.", f"Mit freundlichen Grüßen\n{ADDRESS}"),
        ("Bitte ändern Sie die Adresse.", f"Freundliche Grüße\n\n{ADDRESS}"),
        ("1", "VG Jörg"),
        ("Ja, bitte", "Viele Grüße\njörg"),
        ("Ja", "LG"),
        ("Nummer 3", "Vielen Dank im Voraus und viele Grüße\nJörg"),
        ("3", "Danke & Gruß, Jörg"),
        ("Please cancel it.", "Kind regards,\nEmily Carter\n+49 171 3920007"),
        ("Hallo,\n\nwo ist es?", "MfG\nDr. Anna von der Heide\nLeiterin der Buchhaltung"),
        ("Danke", "Mit besten Grüßen\nA. Schäfer\nwww.schaefer.example"),
    ],
)
def test_a_closing_is_split_off(asked: str, below: str) -> None:
    assert split_closing(f"{asked}\n\n{below}") == (asked, below)


@pytest.mark.parametrize(
    "text",
    [
        "Danke",
        "Thanks",
        "Viele Grüße\nJörg",
        "Hi,\nThanks\nWhere is my parcel",
        "Wo ist mein Paket?\n\nViele Grüße\nJörg\n\nPS: Bitte beim Nachbarn abgeben",
        "Hallo\n\nGrüße\n\nich wollte fragen, ob ihr auch in die Schweiz liefert",
        "Bitte ändern.\n\nLG\n\nAch so, kann ich auch noch etwas dazu bestellen?",
        "Best\nprice for two of them please",
        "",
    ],
)
def test_what_is_said_below_is_asked(text: str) -> None:
    assert split_closing(text) == (text, "")


def test_a_number_of_the_order_below_the_name_is_asked() -> None:
    text = f"Wo ist mein Paket?\n\nMit freundlichen Grüßen\n{ADDRESS}\nBestellnummer B-100235"
    asked, below = split_closing(text)
    assert asked == "Wo ist mein Paket?\n\nBestellnummer B-100235"
    assert below == f"Mit freundlichen Grüßen\n{ADDRESS}"
