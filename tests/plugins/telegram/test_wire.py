"""Updates as Telegram's documentation shows them, and what they are read as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Attachment, Kind
from plugins.telegram.names import GREET, HUMAN, SHARE_CONTACT, WRITE_PRIVATELY, Malformed, Me
from plugins.telegram.settings import Start
from plugins.telegram.wire import Parsed, Pressed, parse

WIRE = Path(__file__).parent / "wire"
ME = Me(700000001, "muster_shop_bot")
STARTS = {"track": Start(payload="/track_order", entity="order_id")}
KEY = "0123456789abcdef0123456789abcdef"
MESSAGE, UPDATE, OURS = "700000001/1001/42", "700000001/u880000042", "700000001/1001/41"
PHOTO = Attachment("photo-42.jpg", "image/jpeg", 120345, ref="large-id")


def read(name: str) -> Parsed:
    return parse(json.loads((WIRE / f"{name}.json").read_text("utf-8")), ME, STARTS)


MESSAGES: dict[str, dict[str, Any]] = {
    "text": {"kind": Kind.TEXT, "text": "Wo ist mein Paket? 📦"},
    "formatted": {"kind": Kind.TEXT, "text": "📦 B-100234 bitte"},
    "reply": {"kind": Kind.TEXT, "quotes": OURS},
    "start": {"kind": Kind.BUTTON, "payload": '/track_order{"order_id": "B-100234"}'},
    "photo": {"kind": Kind.MEDIA, "text": "", "attachments": (PHOTO,)},
    "photo_with_caption": {
        "kind": Kind.TEXT,
        "text": "So kam es an",
        "attachments": (PHOTO,),
    },
    "album_part": {"kind": Kind.TEXT, "text": "Beide Seiten", "attachments": (PHOTO,)},
    "document": {
        "kind": Kind.MEDIA,
        "attachments": (Attachment("Rechnung März.pdf", "application/pdf", 81234, ref="doc-id"),),
    },
    "voice": {
        "kind": Kind.MEDIA,
        "attachments": (Attachment("voice-42.ogg", "audio/ogg", 81234, ref="voice-id"),),
    },
    "audio": {
        "kind": Kind.MEDIA,
        "attachments": (Attachment("lied.mp3", "audio/mpeg", 81234, ref="audio-id"),),
    },
    "video": {
        "kind": Kind.MEDIA,
        "attachments": (Attachment("video-42.mp4", "video/mp4", 81234, ref="video-id"),),
    },
    "video_note": {
        "kind": Kind.MEDIA,
        "attachments": (Attachment("video-42.mp4", "video/mp4", 81234, ref="note-id"),),
    },
    "animation": {
        "kind": Kind.MEDIA,
        "attachments": (Attachment("x.mp4", "video/mp4", 81234, ref="gif-id"),),
    },
    "live_photo": {"kind": Kind.MEDIA, "attachments": (PHOTO,)},
    "location": {"kind": Kind.LOCATION, "text": "50.941300, 6.958300"},
    "venue": {
        "kind": Kind.LOCATION,
        "text": "Kölner Dom\nDomkloster 4, 50667 Köln\n50.941300, 6.958300",
    },
    "contact_own": {
        "kind": Kind.CONTACT,
        "text": "+491713920001",
        "phone": "+491713920001",
        "payload": SHARE_CONTACT,
    },
    "contact_of_other": {"kind": Kind.CONTACT, "text": "Karin, +491713920001"},
    "contact_without_user": {"kind": Kind.CONTACT, "text": "Jörg, +491713920001"},
    "contact_forwarded": {"kind": Kind.CONTACT, "text": "Jörg, +491713920001"},
    "sticker": {"kind": Kind.UNKNOWN},
    "poll": {"kind": Kind.UNKNOWN},
    "dice": {"kind": Kind.UNKNOWN},
    "edited_text": {"kind": Kind.EDIT, "text": "Wo ist B-100235?", "edits": MESSAGE},
    "edited_caption": {
        "kind": Kind.EDIT,
        "text": "So kam es wirklich an",
        "attachments": (PHOTO,),
        "edits": MESSAGE,
    },
    "edited_album_caption": {"kind": Kind.EDIT, "text": "Drei Seiten", "edits": MESSAGE},
    "pressed": {"kind": Kind.BUTTON, "text": "Nein", "quotes": OURS},
    "pressed_inaccessible": {"kind": Kind.BUTTON, "text": "", "quotes": OURS},
    "pressed_unknown": {"kind": Kind.UNKNOWN, "text": "", "quotes": OURS},
    "to_come": {"kind": Kind.UNKNOWN},
}
IN_A_GROUP = ("group_mention", "group_command", "group_answer")
NOTHING = (
    "group",
    "group_migrated",
    "channel_post",
    "blocked",
    "pinned",
    "live_location",
    "pressed_inline",
)
BY_UPDATE = ("edited", "pressed", "to_come")


def test_every_recorded_payload_is_looked_at() -> None:
    names = {path.stem for path in WIRE.glob("*.json")}
    assert names == {*MESSAGES, *IN_A_GROUP, *NOTHING}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str) -> None:
    message = read(name).message
    assert message is not None
    assert (message.address.channel, message.address.id) == ("telegram", "1001")
    assert message.wire_id == (UPDATE if name.startswith(BY_UPDATE) else MESSAGE)
    assert message.sender_name == (None if name == "to_come" else "Jörg Müller")
    wanted = {"payload": None, "phone": None, "edits": None, "attachments": (), **MESSAGES[name]}
    assert {key: getattr(message, key) for key in wanted} == wanted


@pytest.mark.parametrize("name", IN_A_GROUP)
def test_a_group(name: str) -> None:
    message = read(name).message
    assert message is not None
    assert message.address.id == "-1001234567890"
    assert (message.kind, message.payload) == (Kind.BUTTON, WRITE_PRIVATELY)


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_for_the_bot(name: str) -> None:
    assert read(name).message is None


def test_what_belongs_to_a_message() -> None:
    assert read("album_part").album == "13579"
    assert read("pressed").pressed == read("pressed_inaccessible").pressed == Pressed(KEY, 2)
    assert read("pressed_unknown").pressed is None
    for name in ("pressed", "pressed_inaccessible", "pressed_unknown", "pressed_inline"):
        assert read(name).query == "4382bfdwdsb323b2d9"


@pytest.mark.parametrize(
    ("text", "payload"),
    [("/HELP", GREET), ("/Mensch", HUMAN), ("/human\n\nbitte", HUMAN), ("human", None)],
)
def test_commands(text: str, payload: str | None) -> None:
    raw = json.loads((WIRE / "text.json").read_text("utf-8"))
    raw["message"]["text"] = text
    message = parse(raw, ME, STARTS).message
    assert message is not None
    assert message.payload == payload


@pytest.mark.parametrize(
    "raw", [{}, {"update_id": "1"}, {"update_id": True}, {"update_id": 1, "message": 1}]
)
def test_what_is_no_update(raw: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse(raw, ME, STARTS)
