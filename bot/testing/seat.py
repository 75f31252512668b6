"""An agent at a desk, for tests that read like a conversation."""

from __future__ import annotations

from datetime import datetime

from bot.desk import (
    Again,
    Assign,
    Close,
    Command,
    CommandResult,
    Edit,
    HandBack,
    Line,
    Link,
    Prioritise,
    Priority,
    Release,
    SetLanguage,
    Snooze,
    Stop,
    TakeOver,
    Unlink,
    Unsend,
)
from bot.messages import Attachment
from bot.ports import DeskInbox
from bot.store.codec import new_id


class Seat:
    """An agent who works on one case. Each method is a command of its own, and gives its result."""

    def __init__(self, inbox: DeskInbox, agent: str, case: int = 1) -> None:
        self.inbox = inbox
        self.agent = agent
        self.case = case

    async def does(self, command: Command) -> CommandResult:
        """Give any command."""
        return await self.inbox.accept(command)

    async def takes_over(self, *, force: bool = False) -> CommandResult:
        """Speak to the customer from now on."""
        return await self.does(TakeOver(new_id(), self.case, self.agent, force))

    async def says(self, text: str, *files: Attachment, id: str | None = None) -> CommandResult:
        """Write to the customer."""
        return await self.does(Line(id or new_id(), self.case, self.agent, text, files))

    async def notes(self, text: str) -> CommandResult:
        """Write to colleagues."""
        return await self.does(Line(new_id(), self.case, self.agent, text, internal=True))

    async def stops(self, line: str) -> CommandResult:
        """Take a line back within its undo time."""
        return await self.does(Stop(new_id(), self.case, self.agent, line))

    async def edits(self, line: str, text: str) -> CommandResult:
        """Change a line."""
        return await self.does(Edit(new_id(), self.case, self.agent, line, text))

    async def unsends(self, line: str) -> CommandResult:
        """Delete a line."""
        return await self.does(Unsend(new_id(), self.case, self.agent, line))

    async def sends_again(self, line: str) -> CommandResult:
        """Send what failed once more."""
        return await self.does(Again(new_id(), self.case, self.agent, line))

    async def assigns(self, to: str) -> CommandResult:
        """Give the case to a colleague."""
        return await self.does(Assign(new_id(), self.case, self.agent, to))

    async def releases(self) -> CommandResult:
        """Give the case back to the desk."""
        return await self.does(Release(new_id(), self.case, self.agent))

    async def prioritises(self, priority: Priority) -> CommandResult:
        """Set the priority."""
        return await self.does(Prioritise(new_id(), self.case, self.agent, priority))

    async def snoozes(self, until: datetime | None) -> CommandResult:
        """Put the case off, or wake it."""
        return await self.does(Snooze(new_id(), self.case, self.agent, until))

    async def sets_language(self, language: str) -> CommandResult:
        """Set the language of the conversation."""
        return await self.does(SetLanguage(new_id(), self.case, self.agent, language))

    async def links(self, other: int) -> CommandResult:
        """Say that another conversation is the same customer's."""
        return await self.does(Link(new_id(), self.case, self.agent, other))

    async def parts(self, other: int) -> CommandResult:
        """Say that another conversation is not the same customer's."""
        return await self.does(Unlink(new_id(), self.case, self.agent, other))

    async def hands_back(self, outcome: str = "", note: str = "") -> CommandResult:
        """Give the conversation back to the bot."""
        return await self.does(HandBack(new_id(), self.case, self.agent, outcome, note))

    async def closes(self, outcome: str = "", note: str = "") -> CommandResult:
        """End the case."""
        return await self.does(Close(new_id(), self.case, self.agent, note, outcome))
