"""German or English, as people write; what tells too little keeps the conversation's."""

from __future__ import annotations

import pytest

from host.language import LanguageDetector

GERMAN = """
ja
nein
ja bitte
nein danke
doch nicht
hallo
guten tag
moin
wo ist mein paket
wo bleibt meine bestellung
paket nicht da
wann kommt das
ich will stornieren
bitte stornieren
retoure
rücksendung
ruecksendeetikett bitte
ich möchte mit einem menschen sprechen
mitarbeiter bitte
falsche adresse
nein, hausnummer 14
adresse ändern
ich brauche eine rechnung
geld zurück
passwort vergessen
bin umgezogen
das ist kaputt angekommen
wie lange dauert der versand
danke schön
vielen dank
tschüss
was kostet der versand
kann ich mit paypal zahlen
newsletter abbestellen
konto löschen
stimmt so
genau
passt
alles klar
meine postleitzahl ist 50674
hab nix bekommen
bist du ein bot
so ein mist
""".strip().splitlines()

ENGLISH = """
yes
no
yes please
no thanks
hello
hi there
good morning
where is my parcel
where's my order
package not here
when does it arrive
i want to cancel
please cancel
return
return label please
i want to talk to a human
agent please
wrong address
no, number 14
change address
i need an invoice
money back
forgot password
i moved house
it arrived broken
how long does shipping take
thank you
thanks a lot
bye
what does shipping cost
can i pay with paypal
unsubscribe newsletter
delete my account
that's right
exactly
sounds good
all good
my postcode is OX1 2AB
nothing came
are you a bot
this is rubbish
""".strip().splitlines()

NEITHER = [
    "100234",
    "B-100234",
    "50674",
    "OK",
    "ok",
    "ada@example.org",
    "👍",
    "???",
    "PayPal",
    "DHL",
]


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector()


@pytest.mark.parametrize("current", ["de", "en"])
@pytest.mark.parametrize("text", NEITHER)
def test_too_little_to_tell_keeps_the_conversations_language(
    detector: LanguageDetector, text: str, current: str
) -> None:
    assert detector.detect(text, current) == current


def test_the_first_message_sets_the_language(detector: LanguageDetector) -> None:
    wrong = [(t, "de") for t in GERMAN if detector.detect(t, "en", first=True) != "de"]
    wrong += [(t, "en") for t in ENGLISH if detector.detect(t, "de", first=True) != "en"]
    assert wrong == []


def test_a_conversation_keeps_its_language_in_its_own(detector: LanguageDetector) -> None:
    wrong = [t for t in GERMAN if detector.detect(t, "de") != "de"]
    wrong += [t for t in ENGLISH if detector.detect(t, "en") != "en"]
    assert wrong == []


def test_most_messages_in_the_other_language_switch(detector: LanguageDetector) -> None:
    missed = [t for t in GERMAN if detector.detect(t, "en") != "de"]
    missed += [t for t in ENGLISH if detector.detect(t, "de") != "en"]
    assert len(missed) <= 12, missed


@pytest.mark.parametrize(
    ("text", "language"),
    [("Lindenweg 4, 50674 Köln", "en"), ("5 Rose Lane, Oxford, OX1 2AB", "de")],
)
def test_an_address_does_not_switch(detector: LanguageDetector, text: str, language: str) -> None:
    assert detector.detect(text, language) == language


def test_a_very_long_text_takes_no_longer_than_its_beginning(detector: LanguageDetector) -> None:
    """It is detected in the store's own thread: everybody else waits."""
    import time

    started = time.perf_counter()
    assert detector.detect("wo ist mein paket " * 100_000, "en") == "de"
    # Each blank line was the beginning of a quote that might follow all of them.
    assert detector.detect("wo ist mein paket" + "\n" * 100_000 + "x", "en") == "de"
    assert time.perf_counter() - started < 0.5


def test_words_that_are_quoted_are_somebody_elses(detector: LanguageDetector) -> None:
    """A German answer between the lines of an English mail got an English answer."""
    quoted = "> We are happy to tell you that your parcel has been handed over to the carrier.\n"
    answers = f"{quoted}Das stimmt nicht.\n{quoted}Wo ist es?\n  {quoted}"
    assert detector.detect(answers, "de") == "de"
    assert detector.detect(answers, "en", first=True) == "de"
    assert detector.detect(quoted, "de", first=True) == "en"  # nothing else is there
