"""Payloads as Twilio's documentation shows them, and what they are read as."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from bot.messages import Button, Kind, State
from plugins.whatsapp import wire
from plugins.whatsapp.reasons import REASONS, reason_of

WIRE = Path(__file__).parent / "wire"
SID = "SM00000000000000000000000000000001"
OTHER = "SM00000000000000000000000000000009"


def form(name: str) -> dict[str, str]:
    text = (WIRE / f"{name}.form").read_text("ascii").strip()
    return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))


MESSAGES: dict[str, dict[str, Any]] = {
    "text": {"kind": Kind.TEXT, "text": "Wo ist mein Paket? 📦"},
    "reply": {"kind": Kind.TEXT, "text": "Dieses hier", "quotes": OTHER},
    "quick_reply": {"kind": Kind.BUTTON, "text": "Ja", "quotes": OTHER},
    "foreign_button": {"kind": Kind.TEXT, "text": "Mehr erfahren"},
    "list_reply": {"kind": Kind.BUTTON, "text": "Rechnung"},
    "photo": {"kind": Kind.MEDIA, "text": ""},
    "photos_with_words": {"kind": Kind.TEXT, "text": "So kam es an"},
    "voice": {"kind": Kind.MEDIA},
    "document": {"kind": Kind.MEDIA},
    "location": {
        "kind": Kind.LOCATION,
        "text": "Kölner Dom\nDomkloster 4, 50667 Köln\n50.9413, 6.9583",
    },
    "pin": {"kind": Kind.LOCATION, "text": "50.9413, 6.9583"},
    "contact": {"kind": Kind.CONTACT},
    "reaction": {"kind": Kind.UNKNOWN},
    "unsupported": {"kind": Kind.UNKNOWN},
    "order": {"kind": Kind.UNKNOWN},
    "empty": {"kind": Kind.TEXT, "text": ""},
}


def test_every_recorded_payload_is_looked_at() -> None:
    names = {path.stem for path in WIRE.glob("*.form")}
    assert names == {*MESSAGES, *(f"status_{name}" for name in STATES)}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str) -> None:
    message, _ = wire.parse_message(form(name))
    assert (message.wire_id, message.phone) == (SID, "+491713920001")
    assert (message.address.channel, message.address.id) == ("whatsapp", "+491713920001")
    assert message.sender_name == "Jörg Müller"
    assert {key: getattr(message, key) for key in MESSAGES[name]} == MESSAGES[name]
    assert message.payload is None


@pytest.mark.parametrize(
    ("name", "place", "under"),
    [("quick_reply", 1, OTHER), ("list_reply", 4, OTHER)],
)
def test_a_pressed_button_names_its_place(name: str, place: int, under: str) -> None:
    _, pressed = wire.parse_message(form(name))
    assert pressed == wire.Pressed(place, under)


@pytest.mark.parametrize("payload", ["choice_", "choice_x", "choice_999", "choice_-1", "choice_²"])
def test_a_forged_place_is_none(payload: str) -> None:
    message, pressed = wire.parse_message({**form("quick_reply"), "ButtonPayload": payload})
    assert (message.kind, pressed) == (Kind.TEXT, None)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("photo", [("image-1.jpg", "image/jpeg")]),
        ("photos_with_words", [("image-1.jpg", "image/jpeg"), ("image-2.png", "image/png")]),
        ("document", [("application-1.pdf", "application/pdf")]),
        ("contact", [("contact-1.vcf", "text/vcard")]),
    ],
)
def test_files_are_references_with_names(name: str, files: list[tuple[str, str]]) -> None:
    message, _ = wire.parse_message(form(name))
    assert [(one.name, one.content_type) for one in message.attachments] == files
    assert all(
        one.ref and one.ref.startswith("https://api.twilio.com/") for one in message.attachments
    )


STATES = {
    "queued": (State.SENT, None),
    "sent": (State.SENT, None),
    "delivered": (State.DELIVERED, None),
    "read": (State.READ, None),
    "failed": (State.FAILED, "window_closed"),
    "undelivered": (State.FAILED, "whatsapp_not_there"),
    "failed_without_code": (State.FAILED, "whatsapp_refused"),
    "new_word": None,
}


@pytest.mark.parametrize("name", STATES)
def test_states(name: str) -> None:
    receipt = wire.parse_status(form(f"status_{name}"))
    found = None if receipt is None else (receipt.state, receipt.reason)
    assert found == STATES[name]


@pytest.mark.parametrize("broken", [{}, {"MessageSid": SID}, {"MessageStatus": "sent"}])
def test_what_is_no_status_is_refused(broken: dict[str, str]) -> None:
    with pytest.raises(wire.Malformed):
        wire.parse_status(broken)


@pytest.mark.parametrize("code", [None, "", "abc", "1", 70000])
def test_an_unknown_code_has_a_reason(code: str | int | None) -> None:
    assert reason_of(code) == "whatsapp_refused"


def test_every_reason_has_words() -> None:
    texts = "".join(
        Path(f"nlu/domain/{name}.yml").read_text("utf-8") for name in ("whatsapp", "system")
    )
    for reason in {*REASONS.values(), "whatsapp_refused"}:
        assert f"reason_{reason}:" in texts, reason


def test_a_content_holds_no_words_of_a_customer() -> None:
    buttons = (Button("Ja", "/affirm"), Button("Nein", "/deny"))
    one = wire.content_of("An Lindenweg 4?\n\n50674 Köln", buttons, "Wählen", "de")
    two = wire.content_of("An Domplatz 1?\n\n50667 Köln", buttons, "Wählen", "de")
    assert one.shape == two.shape
    assert "Lindenweg" not in str(one.to_dict())
    assert one.variables == {"1": "An Lindenweg 4?", "2": "50674 Köln"}
    assert one.types["twilio/quick-reply"]["body"] == "{{1}}\n\n{{2}}"  # type: ignore[index]


def test_four_choices_are_a_list() -> None:
    buttons = tuple(Button(f"Wahl {n}", f"/w{n}") for n in range(4))
    assert list(wire.content_of("Was?", buttons, "Wählen", "de").types) == ["twilio/list-picker"]
