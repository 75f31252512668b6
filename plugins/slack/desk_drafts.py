"""What is done with a draft of the bot's in a thread, and the quoted text of a message."""

from __future__ import annotations

from bot.desk import HistoryLine, Line, Unsend
from bot.messages import State
from bot.store import cases
from plugins.slack import blocks_modals, kit
from plugins.slack.app import SlackApp
from plugins.slack.blocks_modals import errors, kept
from plugins.slack.desk_visit import Visit, Visitors, rest_of
from plugins.slack.desk_wire import is_internal
from plugins.slack.interactions import Answer


def register(app: SlackApp, visitors: Visitors) -> None:
    """Take the buttons and the modal."""
    app.on_action("desk.send_draft", visitors.visitor(_send))
    app.on_action("desk.edit_draft", visitors.visitor(_edit))
    app.on_view("desk.draft", visitors.visitor(_edited))
    app.on_action("desk.drop_draft", visitors.visitor(_drop))
    app.on_action("desk.folded", visitors.visitor(_folded))


async def _send(visit: Visit) -> Answer:
    """What the bot would have said, as a line of the agent's. The core sends a draft once."""
    draft = await _find(visit, rest_of(visit.interaction))
    if draft is not None:
        files, name = draft.attachments, draft.id
        command = Line(visit.id, visit.case.id, visit.agent, draft.text, files, draft=name)
        await visit.do(command)
    return None


async def _edit(visit: Visit) -> Answer:
    draft = await _find(visit, rest_of(visit.interaction))
    if draft is None or draft.state is not State.DRAFT:
        await visit.tell(visit.office.why("no_draft", visit.case))
    elif await visit.holds():
        await visit.show(blocks_modals.draft(visit.case, draft, visit.office.words))
    return None


async def _edited(visit: Visit) -> Answer:
    view, words = visit.interaction.view, visit.office.words
    text = kit.entered(view, "draft").strip()
    if is_internal(text):
        return errors(draft=words("marked_internal"))
    name = str(kept(view).get("line", ""))
    draft = await _find(visit, name)
    # Without it the core says why not; and says the same when Slack repeats itself.
    files = () if draft is None else draft.attachments
    command = Line(visit.form_id, visit.case.id, visit.agent, text, files, draft=name)
    return await visit.submit(command, "modal_draft")


async def _drop(visit: Visit) -> Answer:
    name = rest_of(visit.interaction)
    await visit.do(Unsend(visit.id, visit.case.id, visit.agent, name))
    return None


async def _find(visit: Visit, name: str) -> HistoryLine | None:
    conversation = visit.case.conversation
    return await visit.office.commands.store.read(lambda tx: cases.line(tx, conversation, name))


async def _folded(visit: Visit) -> Answer:
    """What a message quotes, a page at a time."""
    page, _, name = rest_of(visit.interaction).partition(":")
    line = await _find(visit, name)
    if line is not None and (line := await visit.office.veil.line(visit.case, line)).folded:
        at = int(page) if page.isdecimal() and len(page) < 4 else 0
        await visit.show(blocks_modals.folded(visit.case.id, line, visit.office.words, at))
    return None
