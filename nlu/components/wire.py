"""What the bot asks and what it gets back, as JSON: read, check, write. No I/O and no Rasa here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

AUTHORS = frozenset({"customer", "bot", "agent"})
MAX_PARSED = 4000
"""Characters of a message that are understood and kept in the tracker; the bot has the rest."""
MAX_TEXTS = 2000
"""Texts in one request to understand a batch."""
_PAYLOAD = re.compile(r"/(?P<intent>\w+)(?P<entities>\{.*\})?", re.DOTALL)


class BadRequest(ValueError):
    """The body is not what the wire contract says; the message says which part, never what was in
    it."""


@dataclass(frozen=True)
class State:
    """What a new tracker is seeded with."""

    slots: Mapping[str, Any] = field(default_factory=dict)
    active_loop: str | None = None
    requested_slot: str | None = None


@dataclass(frozen=True)
class Past:
    """A line that was said while the dialogue was silent."""

    by: str
    text: str


@dataclass(frozen=True)
class Payload:
    """What a button of ours carries: an intent, and values as its entities."""

    intent: str
    entities: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class TurnRequest:
    """One turn to answer. `turn` is its key; the same key again is the same turn."""

    turn: str
    sender: str
    text: str
    payload: Payload | None
    language: str
    state: State
    history: tuple[Past, ...]


def read_turn(body: bytes) -> TurnRequest:
    """Read the body of `POST turn`. Raises BadRequest."""
    data = _object(body)
    payload = _optional(data, "payload", str)
    state = _optional(data, "state", dict) or {}
    return TurnRequest(
        turn=_required(data, "turn"),
        sender=_required(data, "sender"),
        text=(_optional(data, "text", str) or "")[:MAX_PARSED],
        payload=read_payload(payload) if payload is not None else None,
        language=_optional(data, "language", str) or "de",
        state=State(
            slots=_optional(state, "slots", dict) or {},
            active_loop=_optional(state, "active_loop", str),
            requested_slot=_optional(state, "requested_slot", str),
        ),
        history=tuple(_past(item) for item in _optional(data, "history", list) or []),
    )


def read_payload(payload: str) -> Payload:
    """Read `/intent` or `/intent{"entity": "value"}`. Raises BadRequest."""
    match = _PAYLOAD.fullmatch(payload)
    if match is None:
        raise BadRequest("payload: expected /intent or /intent{...}")
    values: Any = {}
    if match["entities"]:
        try:
            values = json.loads(match["entities"])
        except ValueError:
            raise BadRequest("payload: what follows the intent is not JSON") from None
    entities = tuple({"entity": name, "value": value} for name, value in values.items())
    return Payload(match["intent"], entities)


def read_texts(body: bytes) -> list[str]:
    """Read the body of `POST parse`. Raises BadRequest."""
    texts = _optional(_object(body), "texts", list)
    if texts is None or not all(isinstance(text, str) for text in texts):
        raise BadRequest("texts: expected a list of strings")
    if len(texts) > MAX_TEXTS:
        raise BadRequest(f"texts: at most {MAX_TEXTS} in one request")
    return [text[:MAX_PARSED] for text in texts]


def read_conversations(body: bytes) -> list[int]:
    """Read the body of `POST forget`. Raises BadRequest."""
    found = _optional(_object(body), "conversations", list)
    if found is None or not all(type(one) is int for one in found):
        raise BadRequest("conversations: expected a list of numbers")
    return found


def read_age(body: bytes) -> tuple[float, bool]:
    """Read the body of `POST old`: seconds since 1970, and whether to drop. Raises BadRequest."""
    data = _object(body)
    before, drop = data.get("before"), data.get("drop")
    if not isinstance(before, (int, float)) or not isinstance(drop, bool):
        raise BadRequest("before: expected a number; drop: expected true or false")
    return float(before), drop


def understood(parsed: Mapping[str, Any], fallback: str) -> dict[str, Any]:
    """What the model made of a text, as the wire has it; `ranking` leaves the fallback out."""
    intent = parsed.get("intent") or {}
    ranking = [rank for rank in parsed.get("intent_ranking", ()) if rank["name"] != fallback]
    return {
        "intent": intent.get("name"),
        "confidence": round(intent.get("confidence") or 0.0, 4),
        "entities": [_entity(entity) for entity in parsed.get("entities", ())],
        "ranking": [
            {"intent": rank["name"], "confidence": round(rank["confidence"], 4)}
            for rank in ranking[:3]
        ],
    }


def replies(said: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the bot is to say, out of what Rasa recorded: `text` and `data` of each utterance."""
    return [_reply(item.get("text"), item.get("data") or {}) for item in said]


def _reply(text: str | None, data: Mapping[str, Any]) -> dict[str, Any]:
    extras = {
        key: data[key] for key in ("buttons", "image", "attachment") if data.get(key) is not None
    }
    custom = data.get("custom") or {}
    if "answer" in custom:
        return {"answer": custom["answer"]}
    if "response" in custom:
        return {"response": custom["response"], "facts": custom.get("facts", {}), **extras}
    if custom:
        return {"custom": custom, **extras}
    return {"text": text or "", **extras}


def _entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entity.get(key) for key in ("entity", "value", "start", "end")}


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        raise BadRequest("the body is not JSON in UTF-8") from None
    if not isinstance(data, dict):
        raise BadRequest("the body is not a JSON object")
    return data


def _required(data: Mapping[str, Any], key: str) -> str:
    value = _optional(data, key, str)
    if not value or len(value) > 255:
        raise BadRequest(f"{key}: expected a string of 1 to 255 characters")
    return str(value)


def _optional(data: Mapping[str, Any], key: str, kind: type) -> Any:
    value = data.get(key)
    if value is not None and not isinstance(value, kind):
        raise BadRequest(f"{key}: expected {_JSON_NAMES[kind]}")
    return value


def _past(item: object) -> Past:
    if not isinstance(item, dict) or item.get("by") not in AUTHORS:
        raise BadRequest("history: expected objects with by (customer, bot or agent) and text")
    return Past(item["by"], (_optional(item, "text", str) or "")[:MAX_PARSED])


_JSON_NAMES: dict[type, str] = {str: "a string", dict: "an object", list: "a list"}
