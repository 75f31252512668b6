"""Prints a transcript from `bot chat --json`: the four actions, a digression, a correction, a
refused stranger and a handoff, in both languages.

    uv run python -m tests.conversations.transcript > transcript.txt
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.live.chat import CODE, Line, chat_json

CONVERSATIONS = {
    "Wo ist mein Paket (eine Nebenfrage mittendrin)": [
        "Hallo, wo bleibt denn mein Päckchen?",
        "Moment, was kostet eigentlich Expressversand?",
        "die 100234",
        "50674",
        "Danke!",
    ],
    "Adresse ändern (eine Korrektur, zweimal ja)": [
        "Ich bin umgezogen, meine Bestellung B-100235 muss woandershin. PLZ war 20095",
        CODE,
        "Lindenweg 4, 50674 Köln",
        "nein, Hausnummer 14",
        "ja, genau",
        "ja",
    ],
    "Retourenlabel": [
        "Die Laufschuhe aus 100237 sind mir zu klein, ich möchte sie zurückschicken",
        "bjoern.weiss@example.net",
        "ja bitte",
    ],
    "Stornieren": ["Bitte stornieren Sie Bestellung 100236, PLZ 80331", "ja, bitte stornieren"],
    "Ein Fremder": [
        "Wo ist die Bestellung B-100244?",
        "50674",
        "B-999999, PLZ 50674",
        "Dann stornieren Sie B-100244, max@example.net",
    ],
    "Ein Mensch": [
        "Das klappt alles nicht, ich möchte mit einem Menschen sprechen",
        "Wie lange dauert eine Lieferung normalerweise?",
        "Bestellung B-100245 stornieren, PLZ 50674",
        "Zurück zum Bot",
    ],
    "Where is my order (a side question)": [
        "hi, any news about my parcel?",
        "by the way, how long can I return things?",
        "100246, emily.carter@example.com",
        "great, thanks",
    ],
    "Change the address (a correction)": [
        "I need to change the delivery address of order 100248, postcode M3 4BB",
        CODE,
        "221 Deansgate, Manchester M3 4NW",
        "sorry, it's number 223",
        "yes please",
    ],
    "A return label": [
        "I want to send the bathrobe back, order 100242 postcode 50678",
        "rather not say",
        "yes",
    ],
    "Cancel": ["please cancel order 100245, postcode 50674", "yes, cancel it"],
    "A stranger": ["where is order 100244", "my postcode is 50674"],
    "A person": [
        "are you a bot?",
        "let me talk to a human please",
        "which payment methods do you take?",
        "back to the bot",
    ],
}


def main() -> None:
    """Talk and print."""
    lines: list[Line | str] = [
        {"sender": title, "text": text} for title, texts in CONVERSATIONS.items() for text in texts
    ]
    with tempfile.TemporaryDirectory() as folder:
        _print(lines, chat_json(Path(folder), lines))


def _print(lines: list[Line | str], answers: list[Line]) -> None:
    sender = ""
    for line, answer in zip(lines, answers, strict=True):
        assert isinstance(line, dict)
        if line["sender"] != sender:
            sender = line["sender"]
            print(f"\n=== {sender}\n")
        _print_turn(line, answer)


def _print_turn(line: Line, answer: Line) -> None:
    print(f"> {line['text']}")
    print(f"    ({answer['intent']} {answer['confidence']:.2f}, owner: {answer['owner']})")
    for reply in answer["replies"]:
        print("  " + reply["text"].replace("\n", "\n  "))
        if reply["buttons"]:
            print("  " + " ".join(f"[{button['title']}]" for button in reply["buttons"]))
        for file in reply["attachments"]:
            data = Path(file).read_bytes()
            print(f"  <{'PDF' if data.startswith(b'%PDF') else 'PNG'}, {len(data)} bytes>")


if __name__ == "__main__":
    main()
