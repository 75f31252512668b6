"""Freezes what waits in a conversation into one turn: what is asked, also at every retry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.messages import Attachment, Features, Kind, Owner, Turn
from bot.ports import Row, Tx
from bot.store import cases, codec, conversations, outbox, turns
from bot.store.codec import Clock, new_id, unstamp, utc_now
from bot.store.telling import wake_if_waiting

_JOINED = frozenset({Kind.TEXT, Kind.MEDIA})  # the other kinds are a turn of their own
_NUMBER = re.compile(
    r"(?:nr\.?|nummer|number|no\.?|option|die|the)?\s*(\d{1,2})(?:\ufe0f?\u20e3|\s*[.)!])?",
    re.IGNORECASE,
)


@dataclass(eq=False, kw_only=True)
class Freezer:
    """``detect(text, current, first)`` tells the language of a message.

    After a pause of ``session_pause`` seconds, or of the channel's own, the dialogue starts with a
    clean tracker: a turn costs more the longer its tracker is.
    """

    features: Mapping[str, Features]
    detect: Callable[[str, str, bool], str]
    session_pause: float
    clock: Clock = utc_now

    def freeze(self, tx: Tx, conversation: int) -> Turn | None:
        """The frozen turn of a conversation, made when messages wait; ``None``: nothing to do."""
        row = turns.frozen(tx, conversation)
        if row is not None:
            return turns.from_row(row)
        waiting = turns.pending(tx, conversation)
        owner = conversations.get(tx, conversation)
        if owner["owner"] == Owner.AGENT:
            turns.take_messages(tx, [row["id"] for row in waiting], "case", None)
        elif waiting and not turns.lacks_files(waiting[0]):
            return self._make(tx, owner, self._burst(owner["channel"], waiting), waiting)
        # What came with files after the others were fetched is next.
        wake_if_waiting(tx, conversation, self.clock())
        return None

    def _burst(self, channel: str, waiting: list[Row]) -> list[Row]:
        """The messages that are one turn: the first, and the texts that follow it directly."""
        first = waiting[0]
        window = self.features.get(channel, Features()).burst_seconds
        if Kind(first["kind"]) not in _JOINED or window <= 0:
            return [first]
        burst = [first]
        for row in waiting[1:]:
            if Kind(row["kind"]) not in _JOINED or turns.lacks_files(row):
                break
            burst.append(row)
        return burst

    def _make(self, tx: Tx, conversation: Row, messages: list[Row], waiting: list[Row]) -> Turn:
        now = self.clock()
        conversation = self._session(tx, conversation, now)
        turn = self._turn(tx, conversation, messages)
        if conversation["resumed"]:
            unasked = {f"in:{row['id']}" for row in waiting}
            turn = replace(turn, history=cases.said(tx, conversation["id"], unasked))
        turns.insert(tx, turn, conversation["owner_version"], now)
        turns.take_messages(tx, [row["id"] for row in messages], "turn", turn.key)
        conversations.set_language(tx, conversation["id"], turn.language)
        return turn

    def _session(self, tx: Tx, conversation: Row, now: datetime) -> Row:
        last = turns.last_at(tx, conversation["id"])
        own = self.features.get(conversation["channel"], Features()).session_pause
        pause = timedelta(seconds=self.session_pause if own is None else own)
        if last is None or now - unstamp(last) < pause:
            return conversation
        conversations.new_session(tx, conversation["id"], resumed=True)
        conversations.free_language(tx, conversation["id"])
        return conversations.get(tx, conversation["id"])

    def _turn(self, tx: Tx, conversation: Row, messages: list[Row]) -> Turn:
        text = "\n".join(row["text"] for row in messages if row["text"])
        attachments: tuple[Attachment, ...] = ()
        for row in messages:
            attachments += codec.attachments_from_json(row["attachments"])
        first = turns.last_at(tx, conversation["id"]) is None
        payload = self._honoured(tx, conversation, messages[0])
        if payload is None and len(messages) == 1:
            payload = _chosen(tx, conversation["id"], messages[0])
        return Turn(
            key=new_id(),
            conversation=conversation["id"],
            session=conversation["session"],
            text=text,
            language=self._language(conversation, text, first),
            kind=Kind(messages[0]["kind"]),
            payload=payload,
            attachments=attachments,
            state=codec.decode(conversation["state"]),
            resumed=bool(conversation["resumed"]),
        )

    def _language(self, conversation: Row, text: str, first: bool) -> str:
        current: str = conversation["language"]
        # What an agent has set, a word of the next message must not undo.
        return current if conversation["language_set"] else self.detect(text, current, first)

    def _honoured(self, tx: Tx, conversation: Row, message: Row) -> str | None:
        """A payload that was offered, or is in the channel's menu: a forged one is only text."""
        payload: str | None = message["payload"]
        if payload is None:
            return None
        features = self.features.get(conversation["channel"], Features())
        if payload.partition("{")[0] in features.commands:
            return payload
        return payload if outbox.offered(tx, conversation["id"], payload) else None


def _chosen(tx: Tx, conversation: int, message: Row) -> str | None:
    """The payload that a bare number stands for, where the bot last asked with numbers."""
    match = _NUMBER.fullmatch(message["text"].strip())
    if match is None or message["kind"] != Kind.TEXT:
        return None
    choices = outbox.numbered_choices(tx, conversation, before=message["received_at"])
    number = int(match[1])
    return choices[number - 1].payload if 1 <= number <= len(choices) else None
