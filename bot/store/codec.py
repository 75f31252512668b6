"""Messages as JSON and back, and times as text: how they lie in the store and go over the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bot.messages import (
    Answer,
    Attachment,
    Button,
    Entity,
    Filling,
    Outcome,
    Past,
    Say,
    Understanding,
)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, in UTC: the clock of everything that is given no other."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """A UTC time as text of a fixed width, so that it compares as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def unstamp(text: str) -> datetime:
    """The time of a stamp."""
    return datetime.fromisoformat(text)


def new_id() -> str:
    """A random id, 128 bits."""
    return uuid.uuid4().hex


def encode(value: Any) -> str:
    """JSON text; dates and decimals keep their type."""
    return json.dumps(pack(value), ensure_ascii=False, separators=(",", ":"))


def decode(text: str | bytes | None) -> Any:
    """The value of JSON text; ``None`` for ``None``."""
    return None if text is None else unpack(json.loads(text))


def pack(value: Any) -> Any:
    """A JSON-able copy of facts; ``{"$date": ...}``, ``{"$decimal": ...}`` keep their types."""
    match value:
        case datetime():
            return {"$time": stamp(value)}
        case date():
            return {"$date": value.isoformat()}
        case Decimal():
            return {"$decimal": str(value)}
        case str() | int() | float() | bool() | None:
            return value
        case Mapping():
            return {_escaped(str(key)): pack(item) for key, item in value.items()}
        case Sequence() | set() | frozenset():
            return [pack(item) for item in value]
    raise TypeError(f"a fact cannot be of type {type(value).__name__}")


def _escaped(key: str) -> str:
    # A key of a fact's own, or of what somebody sent, must not be taken for one of our marks.
    return f"${key}" if key.startswith("$") else key


def unpack(value: Any) -> Any:
    """Undo :func:`pack`."""
    match value:
        case {"$date": str(text)}:
            return date.fromisoformat(text)
        case {"$time": str(text)}:
            return unstamp(text)
        case {"$decimal": str(text)}:
            return Decimal(text)
        case dict():
            return {key.removeprefix("$"): unpack(item) for key, item in value.items()}
        case list():
            return [unpack(item) for item in value]
    return value


def attachments_to_json(attachments: Sequence[Attachment]) -> str:
    """Attachments as JSON text."""
    return encode([asdict(attachment) for attachment in attachments])


def attachments_from_json(text: str) -> tuple[Attachment, ...]:
    """Attachments of JSON text."""
    return tuple(Attachment(**item) for item in decode(text))


def buttons_to_json(buttons: Sequence[Button]) -> str:
    """Buttons as JSON text."""
    return encode([asdict(button) for button in buttons])


def buttons_from_json(text: str) -> tuple[Button, ...]:
    """Buttons of JSON text."""
    return tuple(Button(**item) for item in decode(text))


def past_to_json(history: Sequence[Past]) -> str:
    """History for the dialogue as JSON text."""
    return encode([{"by": past.by.value, "text": past.text} for past in history])


def entities_to_json(entities: Sequence[Entity]) -> str:
    """Entities as JSON text."""
    return encode([asdict(entity) for entity in entities])


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """An Answer as a JSON-able dict, without what is the dialogue's own."""
    return {
        "says": [_say_to_dict(say) for say in answer.says],
        "outcome": answer.outcome.value,
        "reason": answer.reason,
        "slots": pack(answer.slots),
        "effect": answer.effect,
        "events": pack(answer.events),
    }


def answer_from_dict(data: Mapping[str, Any]) -> Answer:
    """An Answer of what :func:`answer_to_dict` made. Raises KeyError or ValueError."""
    return Answer(
        says=tuple(_say_from_dict(say) for say in data["says"]),
        outcome=Outcome(data["outcome"]),
        reason=data.get("reason"),
        slots=unpack(data.get("slots") or {}),
        effect=bool(data.get("effect")),
        events=tuple(unpack(data.get("events") or ())),
    )


def filling_to_dict(filling: Filling) -> dict[str, Any]:
    """A Filling as a JSON-able dict."""
    return {
        "slots": pack(filling.slots),
        "ask": filling.ask,
        "says": [_say_to_dict(say) for say in filling.says],
        "outcome": Outcome.FAILED.value if filling.failed else Outcome.ASK.value,
    }


def filling_from_dict(data: Mapping[str, Any]) -> Filling:
    """A Filling of what :func:`filling_to_dict` made."""
    return Filling(
        slots=unpack(data["slots"]),
        ask=data["ask"],
        says=tuple(_say_from_dict(say) for say in data["says"]),
        failed=data["outcome"] == Outcome.FAILED,
    )


def understanding_from_dict(data: Mapping[str, Any]) -> Understanding:
    """An Understanding of ``{"intent", "confidence", "entities"}``; more keys do not matter."""
    entities = tuple(
        Entity(item["entity"], str(item["value"]), item.get("start"), item.get("end"))
        for item in data.get("entities") or ()
    )
    return Understanding(data.get("intent"), float(data.get("confidence") or 0.0), entities)


def _say_to_dict(say: Say) -> dict[str, Any]:
    return {
        "response": say.response,
        "facts": pack(say.facts),
        "buttons": [asdict(button) for button in say.buttons],
        "files": list(say.files),
        "text": say.text,
    }


def _say_from_dict(data: Mapping[str, Any]) -> Say:
    return Say(
        response=data.get("response"),
        facts=unpack(data.get("facts") or {}),
        buttons=tuple(Button(**button) for button in data.get("buttons") or ()),
        files=tuple(data.get("files") or ()),
        text=data.get("text"),
    )
