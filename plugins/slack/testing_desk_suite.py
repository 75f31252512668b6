"""The desk in Slack in the desk suite: each agent is a person in the simulated Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.testing.desk_wire import DeskHarness, Known, Room, Sitting, ThreadLine, Told
from plugins.slack.desk_wire import command_of
from plugins.slack.kit import Raw
from plugins.slack.marks import EMOJI, INTERNAL
from plugins.slack.testing import Message, OpenView, Person, Refused, SlackSimulator
from plugins.slack.testing import Room as Channel
from plugins.slack.testing_installed import install_for
from plugins.slack.wanted import Wanted

_BY = {"👤": "customer", "🤖": "bot", "⚙️": "system", "💬": "agent", "🔒": "note"}
_SENT = {"delivered": "sent", "read": "sent", "sending": "waiting", "queued": "waiting"}
_STATES = {emoji: _SENT.get(state.value, state.value) for state, emoji in EMOJI.items()}
_MOMENT = 0.6  # seconds in which an agent hears that something did not work
_SEND_DRAFT, _EDIT_DRAFT, _DROP_DRAFT = (
    "So an den Kunden senden",
    "Bearbeiten und senden",
    "Verwerfen",
)
_TAKE, _BACK, _DONE, _MORE = "Übernehmen", "Zurück an den Bot", "Erledigt", "Mehr …"
_ASKED = "👥 Vielleicht dieselbe Person: "


class SlackAgent:
    """A :class:`bot.testing.desk_wire.Sitting`."""

    def __init__(self, slack: SlackSimulator, support: Channel, person: Person) -> None:
        self._slack, self._support, self.person = slack, support, person
        self.name = person.user.real_name

    async def takes_over(self, *, force: bool = False) -> None:
        """As in the protocol."""
        heard = len(self.person.ephemeral)
        card = await self._card()
        try:
            await self.person.presses(card, _TAKE)
        except Refused:  # a colleague has it: the card does not offer it, the tools do
            await self.person.presses(await self._tools(), _TAKE)

        def answered() -> bool:
            asked = any(view.callback_id == "desk.take" for view in self.person.views)
            return asked or self._holder(card) == self.name or len(self.person.ephemeral) > heard

        await self._slack.until(answered)
        if self._holder(card) == self.name:
            return
        if len(self.person.ephemeral) > heard:
            raise Told(self.person.ephemeral[-1].words)
        sure = self.person.views[-1]
        if not force:
            await self.person.closes(sure)
            raise Told(sure.words)
        await self._submits(sure, {})
        await self._slack.until(lambda: self._holder(card) == self.name)

    async def says(self, text: str, *files: tuple[str, bytes]) -> None:
        """As in the protocol. What stays inside was not said."""
        heard = len(self.person.ephemeral)
        card = await self._card()
        if files:
            message = await self.person.uploads(self._support, dict(files), text, thread=card)
        else:
            message = await self.person.writes(self._support, text, thread=card)
        await self._slack.until(lambda: message.bot_reactions)
        if INTERNAL in message.bot_reactions:
            told = [one.words for one in self.person.ephemeral[heard:]]
            raise Told(" ".join(told) or "it stays inside")

    async def notes(self, text: str) -> None:
        """As in the protocol."""
        card = await self._card()
        message = await self.person.writes(self._support, f"// {text}", thread=card)
        await self._slack.until(lambda: message.bot_reactions == [INTERNAL])

    async def takes_back(self, text: str) -> None:
        """As in the protocol: by its button, which is there while it can be undone."""
        message = self._own(text)
        command = command_of(self._support.id, message.ts)

        def offered() -> Message | None:
            return next((m for m in self.person.ephemeral if command in str(m.raw)), None)

        try:
            button = await self._slack.until(offered, seconds=_MOMENT)
        except TimeoutError:
            raise Told("there is no button to stop it") from None
        heard = len(self.person.ephemeral)
        await self.person.presses(button, "Anhalten")
        await self._slack.until(lambda: len(self.person.ephemeral) > heard)
        if "no_entry_sign" not in message.bot_reactions:
            try:
                await self._slack.until(
                    lambda: "no_entry_sign" in message.bot_reactions, seconds=_MOMENT
                )
            except TimeoutError:
                raise Told(self.person.ephemeral[-1].words) from None

    async def edits(self, text: str, to: str) -> None:
        """As in the protocol."""
        await self.person.edits(self._own(text), to)
        await self._slack.events.settled()
        await asyncio.sleep(_MOMENT)

    async def deletes(self, text: str) -> None:
        """As in the protocol."""
        heard = len(self.person.ephemeral)
        await self.person.deletes(self._own(text))
        await self._unless_told(heard)

    async def sends_again(self, text: str) -> None:
        """As in the protocol."""
        heard, button = len(self.person.ephemeral), "Noch einmal senden"

        def offered() -> Message | None:
            notices = [one for one in self._messages() if one.by_bot and text in one.words]
            return next((one for one in notices if button in one.buttons), None)

        try:
            notice = await self._slack.until(offered, seconds=3 * _MOMENT)
        except TimeoutError:
            raise Told("there is no button to send it again") from None
        await self.person.presses(notice, button)
        await self._slack.until(
            lambda: button not in notice.buttons or len(self.person.ephemeral) > heard
        )
        if button in notice.buttons:
            raise Told(self.person.ephemeral[-1].words)

    async def sends_draft(self, text: str) -> None:
        """As in the protocol."""
        await self._settles_draft(text, _SEND_DRAFT)

    async def edits_draft(self, text: str, to: str) -> None:
        """As in the protocol."""
        await self._settles_draft(text, _EDIT_DRAFT, to)

    async def drops_draft(self, text: str) -> None:
        """As in the protocol."""
        await self._settles_draft(text, _DROP_DRAFT)

    async def releases(self) -> None:
        """As in the protocol."""
        card = await self._card()
        await self.person.presses(await self._tools(), "Freigeben")
        view = await self._slack.until(lambda: self._top("desk.nothing"))
        await self.person.closes(view)
        if self._holder(card) == self.name:
            await self._slack.until(lambda: self._holder(card) is None)

    async def assigns(self, to: Sitting) -> None:
        """As in the protocol."""
        if not isinstance(to, SlackAgent):
            raise TypeError("no colleague in Slack")
        card = await self._card()
        await self.person.presses(await self._tools(), "Zuweisen")
        view = await self._slack.until(lambda: self._top("desk.assign"))
        await self._submits(view, {"to": to.person.id})
        await self._slack.until(lambda: self._holder(card) == to.name)

    async def hands_back(self, outcome: str = "") -> None:
        """As in the protocol."""
        await self._ends(_BACK, "desk.back", {"own": outcome} if outcome else {})

    async def closes(self, outcome: str = "") -> None:
        """As in the protocol."""
        await self._ends(_DONE, "desk.done", {"outcome": outcome} if outcome else {})

    async def knows(self) -> Sequence[Known]:
        """As in the protocol."""
        words = (await self._card()).words.split("\n")
        asked = [line.removeprefix(_ASKED) for line in words if line.startswith(_ASKED)]
        linked = [line.removeprefix("🔗 ") for line in words if line.startswith("🔗 ")]
        found = [(line, True) for line in asked] + [(line, False) for line in linked]
        return [Known(line.split(" · ")[0], proposed) for line, proposed in found]

    async def links(self, name: str) -> None:
        """As in the protocol."""
        await self._decides(name, "Verknüpfen")

    async def parts(self, name: str) -> None:
        """As in the protocol: by the card, or by the tools where it is linked."""
        if Known(name, proposed=True) in await self.knows():
            await self._decides(name, "Getrennt lassen")
            return
        await self.person.presses(await self._tools(), "Trennen")
        view = await self._slack.until(lambda: self._top("desk.unlink"))
        await self._submits(view, {})

    async def _decides(self, name: str, button: str) -> None:
        card = await self._card()
        await self.person.presses(card, button)
        asked = f"{_ASKED}{name}"
        await self._slack.until(lambda: asked not in card.words)

    async def reads(self) -> Sequence[str]:
        """As in the protocol."""
        await self.person.presses(await self._tools(), "Früherer Verlauf")
        view = await self._slack.until(lambda: self._top("desk.history"))
        found: list[str] = view.words.split("\n")
        await self.person.closes(view)
        return found

    async def thread(self) -> Sequence[ThreadLine]:
        """As in the protocol."""
        return [line for one in self._messages() for line in shown(one)]

    async def holder(self) -> str | None:
        """As in the protocol."""
        return self._holder(await self._card())

    async def cards(self) -> int:
        """As in the protocol."""
        return sum(_DONE in one.buttons for one in self._support.messages if one.by_bot)

    async def _ends(self, button: str, callback: str, values: Mapping[str, Any]) -> None:
        heard, card = len(self.person.ephemeral), await self._card()
        await self.person.presses(card, button)
        await self._slack.until(lambda: self._top(callback) or len(self.person.ephemeral) > heard)
        view = self._top(callback)
        if view is None:
            raise Told(self.person.ephemeral[-1].words)
        await self._submits(view, values)
        await self._slack.until(lambda: _DONE not in card.buttons)

    async def _tools(self) -> OpenView:
        await self.person.presses(await self._card(), _MORE)
        view: OpenView = await self._slack.until(lambda: self._top("desk.more"))
        return view

    def _top(self, callback: str) -> OpenView | None:
        view = self.person.views[-1] if self.person.views else None
        return view if view is not None and view.callback_id == callback else None

    async def _submits(self, view: OpenView, values: Mapping[str, Any]) -> None:
        """Raises Told for complaints, and for a modal that says why not."""
        complaints = await self.person.submits(view, values)
        left = self._top("desk.nothing")
        if complaints or left is not None:
            words = " ".join(complaints.values()) if complaints else str(left and left.words)
            for one in reversed(self.person.views):
                await self.person.closes(one)
            raise Told(words)

    async def _unless_told(self, heard: int) -> None:
        try:
            await self._slack.until(
                lambda: len(self.person.ephemeral) > heard or None, seconds=2 * _MOMENT
            )
        except TimeoutError:
            return
        raise Told(self.person.ephemeral[-1].words)

    async def _settles_draft(self, text: str, button: str, to: str = "") -> None:
        heard = len(self.person.ephemeral)
        drafts = [one for one in self._messages() if button in one.buttons and text in one.words]
        if not drafts:
            raise Told("there is no button for it")
        await self.person.presses(drafts[0], button)
        if to:
            view = await self._slack.until(
                lambda: self._top("desk.draft") or len(self.person.ephemeral) > heard
            )
            if isinstance(view, OpenView):
                await self._submits(view, {"draft": to})
        await self._slack.until(
            lambda: button not in drafts[0].buttons or len(self.person.ephemeral) > heard
        )
        if button in drafts[0].buttons:
            raise Told(self.person.ephemeral[-1].words)

    def _own(self, text: str) -> Message:
        card = self._latest()
        found = self._support.thread(card) if card else []
        return next(m for m in found if m.user == self.person.id and m.text == text)

    def _latest(self) -> Message | None:
        cards = [one for one in self._support.messages if one.by_bot]
        return cards[-1] if cards else None

    async def _card(self) -> Message:
        card: Message = await self._slack.until(self._latest)
        return card

    def _messages(self) -> list[Message]:
        card = self._latest()
        return self._support.thread(card) if card else []

    @staticmethod
    def _holder(card: Message) -> str | None:
        label = "Betreut von "
        lines = [line for line in card.words.split("\n") if line.startswith(label)]
        return lines[0].removeprefix(label) if lines and _BACK in card.buttons else None


def shown(message: Message) -> Iterator[ThreadLine]:
    """The lines that a message in a thread is; none for a notice with buttons of its own."""
    files = tuple(data for _, data in message.files)
    if not message.by_bot:
        mark = next(iter(message.bot_reactions), "")
        if mark == INTERNAL:
            yield ThreadLine(message.text.removeprefix("//").strip(), "note", files=files)
        else:
            yield ThreadLine(message.text, "agent", _STATES.get(mark, "waiting"), files)
        return
    blocks = message.raw.get("blocks") or []
    if files:
        yield ThreadLine("", "customer", files=files)
    elif blocks and blocks[0]["type"] == "context":
        head = blocks[0]["elements"][0]["text"]
        by = _BY.get(head.split(" ")[0])
        if by is None:  # what was said before: several in one message
            yield from map(_of_transcript, blocks[1]["elements"])
        else:
            state = "waiting" if by == "agent" else ""
            state = _STATES.get(next(iter(message.bot_reactions), ""), state)
            told = "draft" if _SEND_DRAFT in message.buttons else state if by == "agent" else ""
            yield ThreadLine(_text(blocks[1]["elements"]), by, told)


def _of_transcript(section: Raw) -> ThreadLine:
    who, *rest = section["elements"]
    said = [part["text"] for part in rest if not part.get("style")]
    return ThreadLine("".join(said).strip(), _BY.get(who["text"].split(" ")[0], "note"))


def _text(elements: Sequence[Raw]) -> str:
    """What was said, without quotes and files."""
    said = [one for one in elements if one["type"] == "rich_text_section"][:1]
    return "".join(part.get("text", "") for one in said for part in one["elements"])


class SlackRoom:
    """A :class:`bot.testing.desk_wire.Room`: a channel."""

    def __init__(self, slack: SlackSimulator) -> None:
        self.slack = slack
        self.support = slack.channel("support")

    def listens_at(self, url: str) -> None:
        """As in the protocol; over a WebSocket Slack calls nobody."""

    async def agent(self, name: str) -> Sitting:
        """As in the protocol."""
        person = self.slack.person(name.lower().replace(" ", "."), name)
        self.slack.channel("support", person)
        return SlackAgent(self.slack, self.support, person)


class SlackDeskHarness(DeskHarness):
    """The desk in Slack."""

    @asynccontextmanager
    async def room(self) -> AsyncIterator[Room]:
        """As in the protocol."""
        async with SlackSimulator() as slack:
            install_for(slack, Wanted(direct=False, channels=False))
            yield SlackRoom(slack)

    def plugins(self, room: Room, wire: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """As in the protocol."""
        del wire
        here = _slack(room)
        table = {
            "api_url": here.slack.api_url,
            "per_channel_seconds": 0.0,
            "hold_seconds": 0.02,
            "desk": {"channel": here.support.id},
        }
        return {"knowledge": {}, "slack": table}

    def environment(self, room: Room) -> Mapping[str, str]:
        """As in the protocol."""
        here = _slack(room)
        return {
            "SCHALTER_SLACK_BOT_TOKEN": here.slack.bot_token,
            "SCHALTER_SLACK_APP_TOKEN": here.slack.app_token,
        }


def _slack(room: Room) -> SlackRoom:
    if not isinstance(room, SlackRoom):
        raise TypeError("no room in Slack")
    return room
