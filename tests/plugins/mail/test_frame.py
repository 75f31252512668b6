"""A salutation and what stands below a closing are not asked, and what is asked stays whole."""

from __future__ import annotations

import pytest

from plugins.mail.quoting.frame import unframed

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
        ("wo ist es?", "MfG\nDr. Anna von der Heide\nLeiterin der Buchhaltung"),
        ("Danke", "Mit besten Grüßen\nA. Schäfer\nwww.schaefer.example"),
    ],
)
def test_a_closing_is_split_off(asked: str, below: str) -> None:
    assert unframed(f"{asked}\n\n{below}") == (asked, below)


@pytest.mark.parametrize(
    "text",
    [
        "Danke",
        "Thanks",
        "Viele Grüße\nJörg",
        "Wo ist mein Paket?\n\nViele Grüße\nJörg\n\nPS: Bitte beim Nachbarn abgeben",
        "Hallo ihr\n\nGrüße\n\nich wollte fragen, ob ihr auch in die Schweiz liefert",
        "Bitte ändern.\n\nLG\n\nAch so, kann ich auch noch etwas dazu bestellen?",
        "Hallo wo ist mein Paket\nBestellung B-100235",
        "Guten Tag, wo ist mein Paket",
        "Hallo",
        "Sehr geehrte Damen und Herren,",
        "Best\nprice for two of them please",
        "",
    ],
)
def test_what_is_said_below_is_asked(text: str) -> None:
    assert unframed(text) == (text, "")


def test_a_number_of_the_order_below_the_name_is_asked() -> None:
    text = f"Wo ist mein Paket?\n\nMit freundlichen Grüßen\n{ADDRESS}\nBestellnummer B-100235"
    asked, below = unframed(text)
    assert asked == "Wo ist mein Paket?\n\nBestellnummer B-100235"
    assert below == f"Mit freundlichen Grüßen\n{ADDRESS}"


@pytest.mark.parametrize(
    "opening",
    [
        "Sehr geehrte Damen und Herren,",
        "Hallo",
        "Liebes Kranich-Team,",
        "Guten Tag Frau Dr. Weber!",
        "Hallo zusammen,",
        "Dear Sir or Madam,",
        "Hi there,",
        "Hi,",
    ],
)
def test_a_salutation_is_split_off(opening: str) -> None:
    """Two polite lines made a plain question uncertain."""
    asked = "ich warte auf mein Paket."
    assert unframed(f"{opening}\n\n{asked}") == (asked, opening)
    assert unframed(f"{opening}\n{asked}\n\nLG\nJörg") == (asked, f"{opening}\n\nLG\nJörg")
