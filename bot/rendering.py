"""From what is to be said to outbox rows: words, parts that fit the channel, attachments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.messages import Attachment, Author, Button, Features, Say, State
from bot.ports import Row, Texts, Tx
from bot.store import outbox
from bot.store.codec import new_id

_BREAKS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])\s+"),
    re.compile(r"\s+"),
)


class Renderer:
    """Renders and queues. ``features`` are the channels' by name."""

    def __init__(self, texts: Texts, features: Mapping[str, Features]) -> None:
        self.texts = texts
        self._features = features

    def queue(
        self,
        tx: Tx,
        conversation: Row,
        says: Sequence[Say],
        *,
        now: datetime,
        author: Author = Author.BOT,
        turn: str | None = None,
        language: str | None = None,
        state: State = State.QUEUED,
        effect: bool = False,
        case: int | None = None,
        owner_version: int | None = None,
        tag: str | None = None,
    ) -> list[str]:
        """Queue what is to be said, in order; return the ids of the rows.

        With a turn the ids are made of its key and ``tag`` (the author): a repeat adds no row.
        """
        language = language or conversation["language"]
        ids: list[str] = []
        for number, say in enumerate(says):
            text, buttons = self._words(say, conversation["channel"], language, turn)
            attachments = tuple(_attachment(tx, file) for file in say.files)
            part = new_id()
            pieces = self.pieces(conversation["channel"], text)
            for index, piece in enumerate(pieces):
                last = index == len(pieces) - 1
                ids.append(
                    outbox.insert_send(
                        tx,
                        conversation=conversation,
                        author=author,
                        text=piece,
                        now=now,
                        buttons=buttons if last else (),
                        attachments=attachments if last else (),
                        language=language,
                        turn=turn,
                        part=part,
                        case=case,
                        effect=effect,
                        state=state,
                        owner_version=owner_version,
                        id=None if turn is None else f"{turn}.{tag or author}.{number}.{index}",
                    )
                )
        return ids

    def pieces(self, channel: str, text: str) -> list[str]:
        """The parts of a text that fit a channel; one at least."""
        return split(text, self._features.get(channel, Features()).text_limit)

    def _words(
        self, say: Say, channel: str, language: str, turn: str | None
    ) -> tuple[str, tuple[Button, ...]]:
        own = tuple(
            Button(self._title(button.title, say, channel, language), button.payload)
            for button in say.buttons
        )
        if say.response is None:
            return say.text or "", own
        rendered = self.texts.render(
            say.response, say.facts, language=language, channel=channel, key=turn or ""
        )
        return rendered.text, (*rendered.buttons, *own)

    def _title(self, title: str, say: Say, channel: str, language: str) -> str:
        if not self.texts.has(title):
            return title
        return self.texts.render(title, say.facts, language=language, channel=channel).text


def _attachment(tx: Tx, file: str) -> Attachment:
    row = tx.row("SELECT * FROM files WHERE file = :file LIMIT 1", file=file)
    if row is None:
        return Attachment(file, "application/octet-stream", file=file, error="file_gone")
    return Attachment(row["name"], row["content_type"], row["size"], file)


def split(text: str, limit: int) -> list[str]:
    """Cut a text into parts of at most ``limit`` characters, at the best break there is."""
    parts: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest]


def _cut(text: str, limit: int) -> int:
    for pattern in _BREAKS:
        cuts = [match.end() for match in pattern.finditer(text, 0, limit)]
        # A break in the first quarter would leave crumbs.
        if cuts and cuts[-1] > limit // 4:
            return cuts[-1]
    return limit
