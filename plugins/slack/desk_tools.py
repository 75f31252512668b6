"""An agent's tools: macros, order actions, and sending a message by its menu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.desk import Act, Line
from bot.messages import State
from bot.ports import Row
from plugins.slack import blocks_modals, desk_modals, kit
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import SlackApp
from plugins.slack.blocks_modals import errors, kept, named, replaced
from plugins.slack.desk_files import take_files
from plugins.slack.desk_thread import Said, accepted, line_of, read
from plugins.slack.desk_visit import Visit, Visitors
from plugins.slack.desk_wire import SENT, is_internal, sent_by_menu
from plugins.slack.interactions import Answer, Interaction
from plugins.slack.office import Door

SEND = "desk_send"
TOOLS = "desk_tools"
COMMAND = "/schalter"


def register(app: SlackApp, visitors: Visitors, door: Door) -> None:
    """Take the tools' buttons, modals, shortcuts and the slash command."""
    app.on_action("desk.tool.macro", visitors.visitor(_macro))
    app.on_action("desk.macro", visitors.visitor(_macro_chosen))
    app.on_view("desk.macro", visitors.visitor(_macro_sent))
    app.on_action("desk.tool.order", visitors.visitor(_order))
    app.on_action("desk.act.", visitors.visitor(_order_chosen))
    app.on_view("desk.act", visitors.visitor(_order_filled))
    app.on_view("desk.confirm", visitors.visitor(_order_confirmed))
    shortcuts = _Shortcuts(door, visitors)
    app.on_shortcut(SEND, shortcuts.send)
    app.on_shortcut(TOOLS, shortcuts.tools)
    app.on_command(COMMAND, shortcuts.command)


async def _macro(visit: Visit) -> Answer:
    found = await visit.office.commands.macros(visit.case.id)
    await visit.show(blocks_modals.macros(visit.case, found, visit.office.words))
    return None


async def _macro_chosen(visit: Visit) -> Answer:
    found = await visit.office.commands.macros(visit.case.id)
    chosen = named(found, visit.interaction.value)
    await visit.show(blocks_modals.macros(visit.case, found, visit.office.words, chosen))
    return None


async def _macro_sent(visit: Visit) -> Answer:
    view = visit.interaction.view
    name = str(kept(view).get("macro", ""))
    if not name:  # quicker than the view that a choice brings
        found = await visit.office.commands.macros(visit.case.id)
        chosen = named(found, kit.entered(view, "macro"))
        if chosen is None:
            return errors(macro=visit.office.words("macro_pick"))
        return replaced(blocks_modals.macros(visit.case, found, visit.office.words, chosen))
    text = kit.entered(view, blocks_modals.macro_field(name)).strip()
    if is_internal(text):
        return errors(**{blocks_modals.macro_field(name): visit.office.words("marked_internal")})
    command = Line(visit.form_id, visit.case.id, visit.agent, text)
    return await visit.submit(command, "modal_macro")


async def _order(visit: Visit) -> Answer:
    found = await visit.office.commands.order_actions(visit.case.id)
    await visit.show(blocks_modals.order_actions(visit.case, found, visit.office.words))
    return None


async def _order_chosen(visit: Visit) -> Answer:
    name = visit.interaction.name.removeprefix("desk.act.")
    action = named(await visit.office.commands.order_actions(visit.case.id), name)
    if action is None:
        return None
    words = visit.office.words
    view = blocks_modals.order_form(visit.case.id, action, words)
    if not action.read_only and visit.case.agent != visit.agent:
        code = "not_taken" if visit.case.agent is None else "taken_by"
        why = visit.office.why(code, visit.case)
        view = blocks_modals.message(words("modal_order"), why, words)
    await visit.show(view)
    return None


async def _order_filled(visit: Visit) -> Answer:
    """Say what would happen; nothing does yet. What only reads is run at once."""
    view, office = visit.interaction.view, visit.office
    keep = kept(view)
    name, reads = str(keep["action"]), bool(keep["reads"])
    # One id for the preview and what is confirmed after it: pressed twice it runs once.
    arguments = blocks_modals.arguments_of(view)
    act = Act(f"slack-act-{visit.interaction.id}", visit.case.id, visit.agent, name, arguments)

    async def preview() -> kit.Raw:
        made = await office.commands.preview(act)
        made = replace(made, text=await office.veil.text(visit.case, made.text))
        return blocks_modals.order_preview(visit.case.id, name, made, office.words, act.id)

    async def run() -> kit.Raw:
        made = await office.commands.act(replace(act, tell=False))
        made = replace(made, text=await office.veil.text(visit.case, made.text))
        return blocks_modals.order_result(made, office.words)

    running = blocks_modals.order_running(office.words)
    work = run() if reads else preview()
    return await desk_modals.soon(office, visit.interaction, work, running)


async def _order_confirmed(visit: Visit) -> Answer:
    view, office = visit.interaction.view, visit.office
    keep = kept(view)
    act = Act(
        str(keep["act"]),
        visit.case.id,
        visit.agent,
        str(keep["action"]),
        dict(keep["arguments"]),
        str(keep["version"]),
        tell=kit.entered(view, "tell") == "yes",
    )

    async def run() -> kit.Raw:
        made = await office.commands.act(act)
        made = replace(made, text=await office.veil.text(visit.case, made.text))
        return blocks_modals.order_result(made, office.words)

    running = blocks_modals.order_running(office.words)
    return await desk_modals.soon(office, visit.interaction, run(), running)


class _Shortcuts:
    """What a message's menu offers, and the slash command: Slack has no commands in threads."""

    def __init__(self, door: Door, visitors: Visitors) -> None:
        self._door, self._visitors = door, visitors

    async def send(self, interaction: Interaction) -> Answer:
        """Send a message of the thread to the customer: one's own, or what a colleague wrote."""
        visit = await self._visit(interaction)
        place = None if visit is None else await visit.place()
        if visit is None or place is None or not await visit.holds():
            return None
        office, message = visit.office, interaction.message
        text = await read(office, message)
        # Read once: what two quick choices make of it is the same command, and so one line.
        ts, user = interaction.message_ts, interaction.user
        command, rows = await office.commands.store.read(lambda tx: line_of(tx, place, ts))
        if why := await _cannot_send(visit, text, rows):
            await visit.tell(office.words(why))
            return None
        files, bad = await take_files(office, message.get("files") or ())
        if bad or not (text or files):
            why_not = [
                office.words("bad_file", name=one, why=office.why(code))
                for one, code in bad.items()
            ]
            await visit.tell("\n".join(why_not) or office.words("nothing_to_send"))
            return None
        said = Said(place, ts, user, visit.agent, text, files, _next(command, rows))
        result = await visit.accept(Line(said.command, place.case, visit.agent, text, files))
        if result.done:
            await accepted(office, said, result)
        else:
            await visit.tell(office.why(result.reason, visit.case))
        return None

    async def tools(self, interaction: Interaction) -> Answer:
        """The menu of the case that a message is in."""
        visit = await self._visit(interaction)
        if visit is not None:
            await visit.show(blocks_modals.more(visit.case, visit.office.words, visit.agent))
        return None

    async def command(self, interaction: Interaction) -> Answer:
        """How many cases wait; the answer is for who asked alone."""
        office = self._door.office
        if not await office.people.belongs(interaction.user, office.settings.channel):
            return {"response_type": "ephemeral", "text": office.words("not_a_member")}
        cases = await office.commands.cases(desk="slack")
        free = sum(case.agent is None for case in cases)
        said = office.words("command_help", open=len(cases), free=free)
        return {"response_type": "ephemeral", "text": kit.escape(said)}

    async def _visit(self, interaction: Interaction) -> Visit | None:
        office = self._door.office
        root = interaction.thread_ts or interaction.message_ts
        place = await office.commands.store.read(
            lambda tx: ledger.case_at(tx, interaction.channel, root)
        )
        if place is None:
            words = office.words("no_case_here")
            await office.people.tell(interaction.user, interaction.channel, root, words)
            return None
        return await self._visitors.visit(interaction, place.case)


async def _cannot_send(visit: Visit, text: str, rows: Sequence[Row]) -> str:
    """The words for why a message's menu does not send it; empty where it does."""
    office, message = visit.office, visit.interaction.message
    me = await office.app.me()
    if message.get("bot_id") or message.get("user") == me.user:
        return "not_of_a_person"
    if is_internal(text):
        return "marked_internal"
    return "" if all(row["state"] == State.CANCELLED for row in rows) else "sent_already"


def _next(command: str, rows: Sequence[Row]) -> str:
    """What is added to a message's command for a line of its own."""
    _, mark, number = command.rpartition(SENT)
    return sent_by_menu(int(number or 0) + 1) if mark and rows else sent_by_menu(0)
