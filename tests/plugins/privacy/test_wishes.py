"""What is wanted of the many ways in which people write about their data."""

from __future__ import annotations

import pytest

from plugins.privacy.wishes import Wish, read

EXPORT = [
    "Welche Daten haben Sie über mich?",
    "was habts ihr über mich gspeichert, alles",
    "schick mir bitte alle meine daten",
    "Ich bitte um Auskunft nach Art. 15 DSGVO",
    "kopie meiner daten",
    "Ich möchte meine Daten herunterladen",
    "was weißt du über mich",
    "send me my data",
    "What information do you have about me?",
    "i want a copy of everything you have on me",
    "please export my data",
    "DSAR",
]
ERASE = [
    "Löschen Sie meine Daten",
    "lösch alles über mich",
    "bitte alle meine Daten entfernen",
    "ich will vergessen werden, art. 17",
    "loescht meine daten sofort",
    "macht meine daten weg bitte, also alles löschen",
    "delete my data",
    "please remove all my personal information",
    "wipe my records",
    "I want to be forgotten",
    "erase this chat please",
]
ANSWER = [
    "Wie lange speichern Sie meine Daten?",
    "wann löscht ihr meine daten",
    "gebt ihr meine daten weiter",
    "Bitte löschen Sie meine Daten nicht",
    "Datenschutzerklärung",
    "Ich widerspreche der Werbung",
    "Daten von Kunde Huber löschen, verstorben",
    "please delete my mother's data, she passed away",
    "how long do you keep my data",
    "when do you delete my data?",
    "don't delete my data",
    "do you automatically delete old chats?",
    "privacy policy",
    "do you sell my data",
]


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        *((text, Wish.EXPORT) for text in EXPORT),
        *((text, Wish.ERASE) for text in ERASE),
        *((text, Wish.ANSWER) for text in ANSWER),
    ],
)
def test_the_wish_is_read(text: str, wish: Wish) -> None:
    assert read(text) is wish
    assert read(text.upper()) is wish
