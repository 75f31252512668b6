"""An agent who pressed or submitted something about a case, and may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.desk import Case, Command, CommandResult
from bot.ports import Retry
from plugins.slack import blocks_modals, desk_modals, kit
from plugins.slack import desk_ledger as ledger
from plugins.slack.blocks_modals import kept, replaced
from plugins.slack.desk_ledger import Place
from plugins.slack.desk_wire import TS, time_of
from plugins.slack.interactions import Answer, Interaction
from plugins.slack.office import Door, Office


@dataclass(frozen=True)
class Visit:
    """An interaction about a case, by an agent who may act."""

    office: Office
    interaction: Interaction
    case: Case
    agent: str

    @property
    def id(self) -> str:
        """For a command; the same when Slack repeats itself."""
        return f"slack-{self.interaction.id}"

    @property
    def form_id(self) -> str:
        """The same for one modal: who gets no answer in time submits it again."""
        return f"slack-form-{self.interaction.view['id']}"

    @property
    def pressed_at(self) -> datetime | None:
        """When a button was pressed, by the clock that dates messages too."""
        actions = self.interaction.raw.get("actions") or [{}]
        ts = str(actions[0].get("action_ts", ""))
        return time_of(ts) if TS.fullmatch(ts) else None

    async def accept(self, command: Command) -> CommandResult:
        """Give a command to the core."""
        return await self.office.commands.accept(command)

    async def do(self, command: Command) -> bool:
        """The same, and tell the agent when it was refused; True when it was done."""
        result = await self.accept(command)
        if not result.done:
            await self.tell(self.office.why(result.reason, self.case))
        return result.done

    async def submit(self, command: Command, title: str) -> Answer:
        """The same for a submitted modal, which then says why."""
        result = await self.accept(command)
        if result.done:
            return None
        why = self.office.why(result.reason, self.case)
        words = self.office.words
        return replaced(blocks_modals.message(words(title), why, words))

    async def show(self, view: kit.Raw) -> None:
        """Show a modal."""
        if not await desk_modals.show(self.office, self.interaction, view):
            await self.tell(self.office.words("press_again"))

    async def tell(self, words: str) -> None:
        """Say something to the agent alone, in the thread."""
        place = await self.place()
        if place is not None:
            await self.office.people.tell(self.interaction.user, place.channel, place.ts, words)

    async def holds(self) -> bool:
        """Whether the agent has the case; others hear that they do not.

        Asked before a command whose id is always the same: its refusal would be, too.
        """
        if self.case.agent == self.agent:
            return True
        code = "not_taken" if self.case.agent is None else "taken_by"
        await self.tell(self.office.why(code, self.case))
        return False

    async def hears_out(self, seconds: float = 20.0) -> None:
        """Wait until what was written in the thread before is taken.

        Who writes a line and ends the case right after it means the customer to read it.
        """
        place = await self.place()
        if place is not None:
            await self.office.app.quiet(place.channel, place.ts, seconds)

    async def place(self) -> Place | None:
        """Where the card of the case is."""
        return await self.office.commands.store.read(lambda tx: ledger.place_of(tx, self.case.id))


Step = Callable[[Visit], Awaitable[Answer]]


class Visitors:
    """Lets in who may act on a case that there is."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def visitor(self, step: Step) -> Callable[[Interaction], Awaitable[Answer]]:
        """Let a step see only such visits."""

        async def enter(interaction: Interaction) -> Answer:
            visit = await self.visit(interaction)
            return None if visit is None else await step(visit)

        return enter

    async def visit(self, interaction: Interaction, case: int | None = None) -> Visit | None:
        """Who may act; ``None`` was told why not. Raises Retry."""
        office = self._door.office
        number = _case_of(interaction) if case is None else case
        found = None if number is None else await office.case(number)
        place = None
        if found is not None:
            place = await office.commands.store.read(lambda tx: ledger.place_of(tx, found.id))
        if found is None:
            return None
        if place is None:  # somebody is quicker than our own note of the card
            raise Retry(0.3, "posting")
        if not await office.people.belongs(interaction.user, place.channel):
            words = office.words("not_a_member")
            await office.people.tell(interaction.user, place.channel, place.ts, words)
            return None
        agent = await office.people.agent(interaction.user, office.commands)
        return Visit(office, interaction, found, agent)


def _case_of(interaction: Interaction) -> int | None:
    """A button's value begins with the number of its case; a modal keeps it."""
    number = str(kept(interaction.view).get("case", "")) if interaction.view else ""
    number = number or interaction.value.partition(":")[0]
    return int(number) if number.isdecimal() and len(number) < 16 else None


def rest_of(interaction: Interaction) -> str:
    """What stands after the case's number in a value."""
    return interaction.value.partition(":")[2]
