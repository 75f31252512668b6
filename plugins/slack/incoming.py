"""From what Slack sends, or shows in a history, to an :class:`Event`; pure.

https://docs.slack.dev/reference/events/message and the pages of its subtypes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from plugins.slack.events import Event, EventKind, Malformed, Raw
from plugins.slack.names import Me

_WRITTEN = frozenset({"", "file_share", "me_message", "thread_broadcast"})
"""Subtypes of messages that a person wrote. All others are notices: joins, topics, reminders."""
_TS = re.compile(r"\d{10}\.\d{6}")
_LONGEST = 200_000  # characters; Slack cuts at 40,000, of which each may be escaped with five
_SLACKBOT = "USLACKBOT"
RANKS = {EventKind.MESSAGE: 0, EventKind.EDIT: 1, EventKind.DELETE: 2}
"""The order of what happened to one message at the same time."""


def parse_event(raw: Raw, me: Me, event_id: str = "") -> Event | None:
    """One event; ``None`` for the bot's own doing, other bots', and notices. Raises Malformed."""
    kind = _text(raw, "type")
    if not kind:
        raise Malformed("no type")
    if kind in ("message", "app_mention"):
        return _message_event(raw, me)
    if kind in ("reaction_added", "reaction_removed"):
        return _reaction(raw, me)
    return _other(raw, kind, event_id)


def parse_shown(raw: Raw, channel: str, me: Me) -> list[Event]:
    """What a message in a history tells: that it was written, and perhaps edited. Never raises.

    The gravestone of a deleted one tells nothing: not even whose message it was.
    """
    try:
        written = _written(raw, channel, me)
        if written is None:
            return []
        edit = _edit(raw, channel, me, at="")
    except Malformed:
        return []
    return [written, edit] if edit is not None else [written]


def is_gravestone(raw: Raw) -> bool:
    """Whether it stands in a history for a deleted message whose thread goes on."""
    return _text(raw, "subtype") == "tombstone"


def deletion_of(event: Event, at: str) -> Event:
    """That a message which was taken is not in the history any more; noticed ``at``."""
    return replace(
        event, kind=EventKind.DELETE, key=f"{event.key}/deleted", at=at, text="", files=(), raw={}
    )


def message_key(channel: str, ts: str) -> str:
    """The key of a message that was written, which its edits and its deletion begin with."""
    return f"{channel}/{ts}"


def _message_event(raw: Raw, me: Me) -> Event | None:
    channel, subtype = _channel(raw), _text(raw, "subtype")
    at = _text(raw, "event_ts") or _text(raw, "ts")
    if not channel:
        raise Malformed("no channel")
    if subtype == "message_changed":
        changed, before = _part(raw, "message"), _part(raw, "previous_message")
        direct = _is_direct(raw, channel)
        if is_gravestone(changed):
            gone = _deleted(before, channel, _ts(changed, "ts"), at, direct)
            return _unless_bots(before, me, gone)
        # Slack tells the time of an edit in whole seconds: two within one differ by their words.
        same = all(changed.get(part) == before.get(part) for part in ("edited", "text"))
        if same and before:
            return None  # a link was unfolded, somebody replied: nobody edited it
        return _edit({**changed, "channel_type": _text(raw, "channel_type")}, channel, me, at)
    if subtype == "message_deleted":
        before = _part(raw, "previous_message")
        gone = _deleted(before, channel, _ts(raw, "deleted_ts"), at, _is_direct(raw, channel))
        return _unless_bots(before, me, gone)
    if raw.get("edited") and _text(raw, "type") == "app_mention":
        return _edit(raw, channel, me, at)  # an edit named the bot
    return _written(raw, channel, me)


def _written(raw: Raw, channel: str, me: Me) -> Event | None:
    if _text(raw, "subtype") not in _WRITTEN or _is_bots(raw, me):
        return None
    ts = _ts(raw, "ts")
    return Event(
        key=message_key(channel, ts),
        kind=EventKind.MESSAGE,
        type="message",
        at=ts,
        **_said(raw, channel, ts, me),
    )


def _edit(raw: Raw, channel: str, me: Me, at: str) -> Event | None:
    edited = _text(_part(raw, "edited"), "ts")
    if not edited or _text(raw, "subtype") not in _WRITTEN or _is_bots(raw, me):
        return None
    ts = _ts(raw, "ts")
    said = _said(raw, channel, ts, me)
    words = hashlib.blake2b(said["text"].encode(), digest_size=6).hexdigest()
    return Event(
        key=f"{message_key(channel, ts)}/edited/{edited}/{words}",
        kind=EventKind.EDIT,
        type="message",
        at=max(at or edited, ts),
        **said,
    )


def _said(raw: Raw, channel: str, ts: str, me: Me) -> dict[str, Any]:
    text, user = _text(raw, "text"), _text(raw, "user")
    if not user:
        raise Malformed("no user")
    if len(text) > _LONGEST:
        raise Malformed("too long")
    return {
        "channel": channel,
        "ts": ts,
        "thread_ts": _thread(raw, ts),
        "user": user,
        "text": text,
        "files": tuple(one for one in _list(raw, "files") if isinstance(one, Mapping)),
        "direct": _is_direct(raw, channel),
        "mention": f"<@{me.user}>" in text or f"<@{me.user}|" in text,
        "team": _text(raw, "user_team") or _text(raw, "team"),
        "raw": raw,
    }


def _deleted(before: Raw, channel: str, ts: str, at: str, direct: bool) -> Event:
    return Event(
        key=f"{message_key(channel, ts)}/deleted",
        kind=EventKind.DELETE,
        type="message",
        channel=channel,
        ts=ts,
        at=max(at, ts),
        thread_ts=_thread(before, ts),
        user=_text(before, "user"),
        text=_text(before, "text"),
        direct=direct,
        raw=before,
    )


def _reaction(raw: Raw, me: Me) -> Event | None:
    item, user = _part(raw, "item"), _text(raw, "user")
    if _text(item, "type") != "message" or user in (me.user, "", _SLACKBOT):
        return None
    kind, name, at = EventKind(_text(raw, "type")), _text(raw, "reaction"), _text(raw, "event_ts")
    channel, ts = _text(item, "channel"), _ts(item, "ts")
    return Event(
        key=f"{channel}/{ts}/{kind}/{user}/{name}/{at}",
        kind=kind,
        type=str(kind),
        channel=channel,
        ts=ts,
        at=max(at, ts),
        user=user,
        reaction=name,
        direct=_is_direct(raw, channel),
        raw=raw,
    )


def _other(raw: Raw, kind: str, event_id: str) -> Event:
    at = _text(raw, "event_ts")
    user = raw.get("user")
    return Event(
        key=f"{kind}/{event_id or at}",
        kind=EventKind.OTHER,
        type=kind,
        channel=_channel(raw),
        at=at,
        user=user if isinstance(user, str) else "",
        raw=raw,
    )


def _unless_bots(before: Raw, me: Me, event: Event) -> Event | None:
    return None if _is_bots(before, me) or _text(before, "subtype") not in _WRITTEN else event


def _is_bots(raw: Raw, me: Me) -> bool:
    return bool(raw.get("bot_id") or raw.get("bot_profile")) or _text(raw, "user") in (
        me.user,
        _SLACKBOT,
    )


def _is_direct(raw: Raw, channel: str) -> bool:
    return _text(raw, "channel_type") == "im" or channel.startswith("D")


def _thread(raw: Raw, ts: str) -> str:
    root = _text(raw, "thread_ts")
    return "" if root == ts else root


def _channel(raw: Raw) -> str:
    channel = raw.get("channel")
    if isinstance(channel, Mapping):  # channel_rename and its like
        return _text(channel, "id")
    return channel if isinstance(channel, str) else ""


def _ts(raw: Raw, name: str) -> str:
    ts = _text(raw, name)
    if _TS.fullmatch(ts) is None:
        raise Malformed(f"no {name}")
    return ts


def _part(raw: Raw, name: str) -> Raw:
    part = raw.get(name)
    return part if isinstance(part, Mapping) else {}


def _list(raw: Raw, name: str) -> list[Any]:
    part = raw.get(name)
    return part if isinstance(part, list) else []


def _text(raw: Raw, name: str) -> str:
    text = raw.get(name)
    return text if isinstance(text, str) else ""
