"""From what is to be said to outbox rows: words, parts that fit the channel, attachments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.messages import Attachment, Author, Button, Features, Say, State, TextUnits
from bot.ports import Row, Texts, Tx
from bot.store import automatic, outbox
from bot.store.codec import new_id

_BREAKS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])\s+"),
    re.compile(r"\s+"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One message of the vendor's. ``numbered``: its buttons stand as numbers in the text."""

    text: str
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    numbered: bool = False


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
        Courtesies make no row on a channel without them.
        """
        features = self._features.get(conversation["channel"], Features())
        language = language or conversation["language"]
        ids: list[str] = []
        said = [
            (say, self._whole(tx, say, conversation, language, turn))
            for say in says
            if features.courtesies or not say.courtesy
        ]
        if features.joined:
            said = _joined(said)
        for number, (say, whole) in enumerate(said):
            part = new_id()
            for index, piece in enumerate(self.pieces(conversation["channel"], whole, language)):
                ids.append(
                    outbox.insert_send(
                        tx,
                        conversation=conversation,
                        author=author,
                        text=piece.text,
                        now=now,
                        buttons=piece.buttons,
                        attachments=piece.attachments,
                        numbered=piece.numbered,
                        response=None if index else say.response,
                        facts=None if index else say.facts,
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
        if features.automatic_per_day is not None:
            limit = features.automatic_per_day
            automatic.hold_back(tx, conversation["id"], ids, limit, now)
        return ids

    def pieces(self, channel: str, whole: Piece, language: str) -> list[Piece]:
        """What fits a channel, in order: each is one message of the vendor's. One at least."""
        features = self._features.get(channel, Features())
        if whole.attachments and not features.attachments_out:
            said = self.texts.render("utter_files_not_here", {}, language=language).text
            whole = Piece(f"{whole.text}\n\n{said}".strip(), whole.buttons)
        if _needs_numbers(whole, features):
            whole = self._number(whole, channel, language)
        texts = split(whole.text, features.text_limit, features.text_units)
        files = whole.attachments
        if files and not features.files_with_text:
            *before, last = texts
            said_first = [Piece(text) for text in before]
            if last or whole.buttons:
                said_first.append(replace(whole, text=last, attachments=()))
            return [*said_first, *(Piece("", attachments=(file,)) for file in files)]
        return [*(Piece(text) for text in texts[:-1]), replace(whole, text=texts[-1])]

    def takes_files(self, channel: str) -> bool:
        """Whether files can go out on a channel."""
        return self._features.get(channel, Features()).attachments_out

    def _number(self, whole: Piece, channel: str, language: str) -> Piece:
        lines = (f"{number}. {button.title}" for number, button in enumerate(whole.buttons, 1))
        facts = {"choices": "\n".join(lines)}
        choices = self.texts.render(
            "utter_numbered_choices", facts, language=language, channel=channel
        ).text
        return replace(whole, text=f"{whole.text}\n\n{choices}".strip(), numbered=True)

    def _whole(self, tx: Tx, say: Say, conversation: Row, language: str, turn: str | None) -> Piece:
        text, buttons = self._words(say, conversation["channel"], language, turn)
        return Piece(text, buttons, tuple(_attachment(tx, file) for file in say.files))

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


def _joined(said: Sequence[tuple[Say, Piece]]) -> list[tuple[Say, Piece]]:
    """All in one; the last one, which may be a question, says what it is; its choices are first."""
    if len(said) < 2:
        return list(said)
    wholes = [whole for _, whole in said]
    text = "\n\n".join(whole.text for whole in wholes if whole.text)
    buttons = dict.fromkeys(button for whole in wholes[::-1] for button in whole.buttons)
    attachments = tuple(file for whole in wholes for file in whole.attachments)
    named = next((say for say, _ in reversed(said) if say.response), said[-1][0])
    return [(named, Piece(text, tuple(buttons), attachments))]


def _attachment(tx: Tx, file: str) -> Attachment:
    row = tx.row("SELECT * FROM files WHERE file = :file LIMIT 1", file=file)
    if row is None:
        return Attachment(file, "application/octet-stream", file=file, error="file_gone")
    return Attachment(row["name"], row["content_type"], row["size"], file)


def _needs_numbers(whole: Piece, features: Features) -> bool:
    if not whole.buttons:
        return False
    title = features.button_title or max(len(button.title) for button in whole.buttons)
    text = features.button_text or len(whole.text)
    too_many = len(whole.buttons) > features.buttons
    too_long = any(len(button.title) > title for button in whole.buttons)
    return too_many or too_long or len(whole.text) > text


def split(text: str, limit: int, units: TextUnits = "characters") -> list[str]:
    """Cut a text into parts of at most ``limit`` of its units, at the best break there is."""
    parts: list[str] = []
    rest = text.strip()
    while (room := _room(rest, limit, units)) < len(rest):
        cut = _cut(rest, room)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest]


def _room(text: str, limit: int, units: TextUnits) -> int:
    """How many characters from the start of a text fit."""
    if units == "characters" or len(text) * 2 <= limit:
        return limit
    used = 0
    for index, character in enumerate(text):
        used += 2 if ord(character) > 0xFFFF else 1
        if used > limit:
            return index
    return len(text)


def _cut(text: str, limit: int) -> int:
    for pattern in _BREAKS:
        cuts = [match.end() for match in pattern.finditer(text, 0, limit)]
        # A break in the first quarter would leave crumbs.
        if cuts and cuts[-1] > limit // 4:
            return cuts[-1]
    return limit
