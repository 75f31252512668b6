"""The same conversations through `bot chat --json`, to customers who are addressed as du."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.chat import CODE, Line, chat_json
from tests.live.words import said

DU = '[bot]\nformality = "du"\n'

TRACK = ["hey, wo steckt mein paket?", "100234", "50674"]
MOVE = [
    "kannst du meine lieferadresse ändern? bestellung 100235, plz 20095",
    CODE,
    "lindenweg 4",
    "was kostet eigentlich express?",
    "50674 köln",
    "nein, hausnummer 14",
    "ja",
    "ja",
]
RETURN = ["ich will was zurückschicken, 100237, plz 70173", "zu klein", "jo"]
CANCEL = ["storniere bitte 100236", "80331", "ja, stornieren"]
STRANGER = ["wo ist 100244", "50674"]
PERSON = ["kann ich mit nem menschen reden", "wie lange dauert eine lieferung?", "zurück zum bot"]
ENGLISH = ["where is my order 100246? postcode 10119", "thanks!"]
SENDERS = {
    "track": TRACK,
    "move": MOVE,
    "return": RETURN,
    "cancel": CANCEL,
    "stranger": STRANGER,
    "person": PERSON,
    "english": ENGLISH,
}
EXPECTED = {
    "track": ["ask_order_id", "ask_proof", "track_order_shipped"],
    "move": [
        "code_sent",
        "ask_new_street",
        "ask_new_postal_code",
        "delivery_options",
        "change_address_propose",
        "change_address_propose",
        "change_address_done",
        "already_done",
    ],
    "return": ["ask_return_reason", "return_label_propose", "return_label_done"],
    "cancel": ["ask_proof", "cancel_order_propose", "cancel_order_done"],
    "stranger": ["ask_proof", "pair_wrong"],
    "person": ["handoff", "delivery_period", "back_to_bot"],
    "odd": ["empty_message"],
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Line]]:
    """All conversations at once, as one run of the command."""
    lines: list[Line | str] = [
        {"sender": sender, "text": text} for sender, texts in SENDERS.items() for text in texts
    ]
    lines += ['{"sender": "odd", "text": ""}', "no json", '{"text": "nobody"}']
    got = chat_json(tmp_path_factory.mktemp("chat"), lines, DU)
    assert len(got) == len(lines)
    found: dict[str, list[Line]] = {"odd": [got[-3]], "bad": got[-2:]}
    for line, answer in zip(lines[:-3], got, strict=False):
        assert isinstance(line, dict)
        assert answer["sender"] == line["sender"]
        found.setdefault(line["sender"], []).append(answer)
    return found


@pytest.mark.parametrize("sender", EXPECTED)
def test_every_turn_is_answered_in_du(answers: dict[str, list[Line]], sender: str) -> None:
    for line, name in zip(answers[sender], EXPECTED[sender], strict=True):
        text = "\n".join(reply["text"] for reply in line["replies"])
        assert said(f"utter_{name}", text, "de", "du"), f"expected {name}, heard: {text}"


def test_english_beside_du(answers: dict[str, list[Line]]) -> None:
    first, second = answers["english"]
    assert said("utter_track_order_shipped", first["replies"][0]["text"], "en")
    assert first["intent"] == "track_order"
    assert any(entity["entity"] == "order_id" for entity in first["entities"])
    assert said("utter_thank_you", second["replies"][0]["text"], "en")


def test_the_label_lies_there_as_a_file(answers: dict[str, list[Line]]) -> None:
    files = [
        Path(file) for reply in answers["return"][-1]["replies"] for file in reply["attachments"]
    ]
    assert any(file.read_bytes().startswith(b"%PDF") for file in files)


def test_the_owner_is_told(answers: dict[str, list[Line]]) -> None:
    assert [line["owner"] for line in answers["person"]] == ["waiting", "waiting", "bot"]


def test_lines_that_are_none(answers: dict[str, list[Line]]) -> None:
    assert all(line["replies"] == [] and line["error"]["message"] for line in answers["bad"])


def test_the_mail_is_told_by_the_line_that_caused_it(answers: dict[str, list[Line]]) -> None:
    asked, *rest = answers["move"]
    (mail,) = asked["mails"]
    assert mail["to"] == "joerg.mueller@example.org"
    assert mail["subject"] == "Dein Code für die Bestellung B-100235"
    assert not any("mails" in line for line in rest)
