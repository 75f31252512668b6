"""`bot chat` for people: a prompt, the bot's words, and its buttons as numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from bot.messages import Attachment, Author, Button, Outbound
from bot.ports import Refused
from bot.store.codec import new_id
from plugins.console.session import Session, lines_of, standard_input
from plugins.console.turns import Line
from plugins.mailbox.api import ShownMail

_LIMIT = 1024 * 1024  # bytes of a line
_END = b"\n"  # no line holds it
_HELP = (
    "A number presses a button, [b]/file PATH[/b] sends a file with the next line, "
    "[b]/quit[/b] or Ctrl-D ends."
)


class Talk:
    """A conversation in the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._buttons: Sequence[Button] = ()
        self._files: list[Attachment] = []
        self._session: Session | None = None

    def show(self, out: Outbound) -> None:
        """Show a message as it goes out."""
        who = "bot" if out.author is Author.BOT else out.name or out.author.value
        self._console.print(f"[bold cyan]{escape(who)}[/] {escape(out.text)}")
        for attachment in out.attachments:
            path = self._session.path(attachment.file or "") if self._session else ""
            self._console.print(f"    [dim]{escape(attachment.name)}[/] {escape(path)}")
        if out.buttons:
            self._buttons = out.buttons
        for number, button in enumerate(out.buttons, 1):
            self._console.print(f"    [cyan]{number}[/] {escape(button.title)}")

    def _show_mail(self, mail: ShownMail) -> None:
        """Show what would be in somebody's mailbox: here nothing is sent."""
        said = Group(Text(mail.subject, style="bold"), "", Text(mail.text))
        title = Text(f"Mail to {mail.to}, shown here and sent to nobody")
        self._console.print(Panel(said, title=title, title_align="left", border_style="yellow"))

    async def run(self, session: Session, sender: str, stopped: asyncio.Event) -> None:
        """Talk until the end of the input, /quit or Ctrl-C."""
        self._session = session
        self._console.print(Rule("bot chat"), _HELP)
        lines = lines_of(standard_input(), _LIMIT)
        while (text := await self._next(lines, stopped)) is not None:
            if text.strip() == "/quit":
                return
            if text.startswith("/file "):
                await self._attach(_path(text), sender)
            elif text.strip() or self._files:
                await self._say(text, sender)

    async def _next(self, lines: AsyncIterator[bytes | None], stopped: asyncio.Event) -> str | None:
        self._console.print("[bold green]you[/] ", end="")
        reading = asyncio.ensure_future(anext(lines, _END))
        ending = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait([reading, ending], return_when=asyncio.FIRST_COMPLETED)
            raw = reading.result() if reading.done() else _END
        finally:
            reading.cancel()
            ending.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)
        if raw is _END:
            self._console.print()
            return None
        if raw is None:
            self._console.print("[red]That line is too long.[/]")
            return ""
        return raw.decode("utf-8", "replace").replace("\0", "")

    async def _say(self, text: str, sender: str) -> None:
        session = self._session
        assert session is not None  # noqa: S101 - set by run
        button = self._pressed(text)
        line = Line(
            sender=sender,
            id=new_id(),
            text=button.title if button else text,
            payload=button.payload if button else None,
            attachments=tuple(self._files),
        )
        self._buttons, self._files = (), []
        with self._console.status("the bot is typing"):
            ended = await session.say(line)
        for mail in ended.mails:
            self._show_mail(mail)
        about = ended.intent or "-"
        self._console.print(f"[dim]{about} {ended.confidence:.2f}, owner: {ended.owner}[/]")

    def _pressed(self, text: str) -> Button | None:
        number = text.strip()
        if number.isascii() and number.isdigit() and 0 < int(number) <= len(self._buttons):
            return self._buttons[int(number) - 1]
        return None

    async def _attach(self, path: Path, sender: str) -> None:
        session = self._session
        assert session is not None  # noqa: S101 - set by run
        try:
            attachment = await session.attach(path, sender)
        except (OSError, Refused) as error:
            self._console.print(f"[red]{escape(str(path))} is not taken: {escape(str(error))}[/]")
            return
        self._files.append(attachment)
        self._console.print(f"[dim]{escape(attachment.name)} goes with your next line.[/]")


def _path(text: str) -> Path:
    return Path(text.removeprefix("/file ").strip()).expanduser()
