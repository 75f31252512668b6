"""A customer at the chat page, for tests that read like a conversation."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from plugins.web.testing import ChatClient, ChatFile, ChatMessage
from tests.live.records import Records
from tests.live.waiting import eventually
from tests.live.words import said

PATIENCE = 30.0
"""Seconds until somebody who waits for an answer gives up."""
_LOOK = 0.01


class Customer:
    """Says something, and hears what comes back, until the turn is over."""

    def __init__(self, chat: ChatClient, records: Records, language: str, formality: str) -> None:
        self.chat = chat
        self.records = records
        self.language = language
        self.formality = formality
        self.heard: list[ChatMessage] = []
        self.client_id = ""
        self._newest = 0
        self._transcript: list[str] = []

    # --- what they do

    async def says(self, text: str, *, files: Sequence[ChatFile] = ()) -> None:
        """Write, and read everything that comes back."""
        await self._post(text, files=files)
        await self._answered()

    async def presses(self, title: str) -> None:
        """Press a button of what was heard last."""
        offered = {shown: payload for m in self.heard for shown, payload in m.buttons}
        assert title in offered, self._told(f"there is no button {title!r}, only {list(offered)}")
        await self._post(title, payload=offered[title])
        await self._answered()

    async def enters_code(self) -> None:
        """Read the mail that the last message had sent, and write its code."""
        try:
            await eventually(lambda: self.records.code_of(self.client_id) is not None, PATIENCE)
        except TimeoutError:
            raise AssertionError(self._told("no mail with a code")) from None
        code = self.records.code_of(self.client_id)
        assert code is not None
        await self.says(code)

    async def says_at_once(self, *texts: str) -> None:
        """Write several messages in one breath."""
        for text in texts:
            await self._post(text)
        await self._answered()

    async def says_to_agent(self, text: str) -> None:
        """Write while a person owns the conversation: nothing comes back by itself."""
        await self.says(text)
        assert self.heard == [], self._told("the bot spoke while an agent owns the conversation")

    async def waits_for(self, *expected: str) -> None:
        """Hear what comes without having said anything: an agent, a notice."""
        async with asyncio.timeout(PATIENCE):
            while not all(self._holds(one) for one in expected):
                await asyncio.sleep(_LOOK)
                await self._read(keep=True)

    # --- what they heard

    @property
    def text(self) -> str:
        """Everything that came back to the last message."""
        return "\n".join(message.text for message in self.heard)

    @property
    def everything(self) -> str:
        """All that was ever said, by both."""
        return "\n".join(self._transcript)

    @property
    def files(self) -> list[ChatFile]:
        """The files that came back to the last message."""
        return [file for message in self.heard for file in message.attachments]

    def hears(self, *expected: str) -> None:
        """Each was said: the name of a text (`utter_...`), or words."""
        for one in expected:
            assert self._holds(one), self._told(f"did not hear {one!r}")

    def hears_one_of(self, *names: str) -> None:
        """One of them was said."""
        assert any(self._holds(name) for name in names), self._told(f"heard none of {names}")

    def does_not_hear(self, *unwanted: str) -> None:
        """None of it was said."""
        for one in unwanted:
            assert not self._holds(one), self._told(f"heard {one!r}")

    @property
    def owner(self) -> str:
        """Who speaks to this customer now."""
        (row,) = self.records.bot(
            "SELECT owner FROM conversations c JOIN inbox i ON i.conversation = c.id"
            " WHERE i.wire_id LIKE :id",
            id=f"%/{self.client_id}",
        )
        return str(row["owner"])

    @property
    def understood(self) -> str | None:
        """The intent of the last message."""
        intent: str | None = self.records.turn_of(self.client_id)["intent"]
        return intent

    # --- how

    def _holds(self, expected: str) -> bool:
        if expected.startswith("utter_"):
            return said(expected, self.text, self.language, self.formality)
        return expected.casefold() in self.text.casefold()

    def _told(self, fault: str) -> str:
        return f"{fault}\n" + "\n".join(self._transcript[-24:])

    async def _post(
        self, text: str, *, payload: str | None = None, files: Sequence[ChatFile] = ()
    ) -> None:
        self.client_id = secrets.token_urlsafe(12)
        self._transcript.append(f"> {text[:200]}")
        number = await self.chat.post(text, payload=payload, files=files, client_id=self.client_id)
        self._newest = max(self._newest, number)

    async def _answered(self) -> None:
        try:
            await eventually(lambda: self.records.over(self.client_id), PATIENCE)
        except TimeoutError:
            raise AssertionError(self._told("no answer")) from None
        await self._read(keep=False)

    async def _read(self, *, keep: bool) -> None:
        new = [m for m in await self.chat.history() if m.id > self._newest]
        self._newest = max([self._newest, *(m.id for m in new)])
        came = [message for message in new if message.direction == "out"]
        for message in came:
            buttons = " ".join(f"[{title}]" for title, _ in message.buttons)
            files = " ".join(f"<{file.name}>" for file in message.attachments)
            self._transcript.append(f"  {message.text} {buttons} {files}".rstrip())
        self.heard = [*self.heard, *came] if keep else came


@asynccontextmanager
async def customer(
    url: str, records: Records, language: str = "de", formality: str = "Sie"
) -> AsyncIterator[Customer]:
    """Somebody who opens the chat page for the first time."""
    async with ChatClient(url, language) as chat:
        yield Customer(chat, records, language, formality)
