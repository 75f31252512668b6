"""The buttons of cards and lines, and the modals that they open, as commands."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.desk import (
    Again,
    Assign,
    Close,
    HandBack,
    HistoryLine,
    Line,
    Prioritise,
    Release,
    SetLanguage,
    Snooze,
    Stop,
    TakeOver,
)
from plugins.slack import blocks_lines, blocks_modals, kit
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import SlackApp
from plugins.slack.blocks_modals import OWN, errors, kept, replaced
from plugins.slack.desk_cards import trouble_key
from plugins.slack.desk_people import user_of
from plugins.slack.desk_visit import Step, Visit, Visitors, rest_of
from plugins.slack.desk_wire import is_internal
from plugins.slack.interactions import Answer
from plugins.slack.snoozing import snooze_times


def register(app: SlackApp, visitors: Visitors) -> None:
    """Take the buttons and modals."""
    for name, step in _PRESSED.items():
        app.on_action(f"desk.{name}", visitors.visitor(step))
    for name, step in _SUBMITTED.items():
        app.on_view(f"desk.{name}", visitors.visitor(step))


async def _take(visit: Visit) -> Answer:
    at = visit.pressed_at
    result = await visit.accept(TakeOver(visit.id, visit.case.id, visit.agent, at=at))
    if result.done:
        return None
    if (result.reason or "").startswith("taken_by"):
        fresh = await visit.office.case(visit.case.id)
        await visit.show(blocks_modals.take(fresh or visit.case, visit.office.words))
        return None
    await visit.tell(visit.office.why(result.reason, visit.case))
    return None


async def _take_sure(visit: Visit) -> Answer:
    before = visit.case.agent
    if before not in (None, visit.agent, kept(visit.interaction.view).get("holder")):
        return replaced(blocks_modals.take(visit.case, visit.office.words))
    await visit.hears_out()
    command = TakeOver(visit.id, visit.case.id, visit.agent, force=True)
    answer = await visit.submit(command, "modal_take")
    if answer is None and before not in (None, visit.agent):
        visit.office.later(_call(visit, "taken_from", user_of(before)))
    return answer


async def _call(visit: Visit, text: str, user: str) -> None:
    """Notify a colleague, by a mention in the thread."""
    place = await visit.place()
    if place is None or not user:
        return
    office = visit.office
    agent = await office.people.name(visit.interaction.user, office.commands)
    shown = blocks_lines.called(user, office.words(text, agent=agent))
    await office.posts.once(f"call:{visit.id}", shown, place.channel, place.ts)


async def _back(visit: Visit) -> Answer:
    return await _mine(visit, blocks_modals.hand_back(visit.case, visit.office.words))


async def _mine(visit: Visit, view: kit.Raw) -> Answer:
    """Show a modal to who has the case; others hear at once that they cannot."""
    if await visit.holds():
        await visit.show(view)
    return None


async def _back_sure(visit: Visit) -> Answer:
    view = visit.interaction.view
    outcome = blocks_modals.outcome_of(view, visit.office.words)
    if is_internal(outcome):
        return errors(own=visit.office.words("marked_internal"))
    note = kit.entered(view, "note")
    await visit.hears_out()
    command = HandBack(visit.id, visit.case.id, visit.agent, outcome=outcome, note=note)
    return await visit.submit(command, "modal_back")


async def _done(visit: Visit) -> Answer:
    return await _unless_taken(visit, blocks_modals.done(visit.case, visit.office.words))


async def _unless_taken(visit: Visit, view: kit.Raw) -> Answer:
    """Show a modal, unless a colleague has the case."""
    if visit.case.agent not in (None, visit.agent):
        await visit.tell(visit.office.why("taken_by", visit.case))
    else:
        await visit.show(view)
    return None


async def _done_sure(visit: Visit) -> Answer:
    view = visit.interaction.view
    outcome, note = kit.entered(view, "outcome"), kit.entered(view, "note")
    await visit.hears_out()
    command = Close(visit.id, visit.case.id, visit.agent, note=note, outcome=outcome)
    return await visit.submit(command, "modal_done")


async def _snooze(visit: Visit) -> Answer:
    office = visit.office
    times = snooze_times(office.clock(), office.settings.zone, office.commands.opens)
    view = blocks_modals.snooze(visit.case, office.words, times, office.clock())
    return await _unless_taken(visit, view)


async def _snooze_sure(visit: Visit) -> Answer:
    view, words = visit.interaction.view, visit.office.words
    choice, own = kit.entered(view, "until"), kit.entered(view, "at")
    if choice == OWN:
        # The field is filled from the start, so that it counts only where it is chosen.
        if not own.isdecimal():
            return errors(at=words("snooze_missing"))
        until = datetime.fromtimestamp(int(own), UTC)
    else:
        until = datetime.fromisoformat(kept(view)["times"][choice])
    if until <= visit.office.clock():
        return errors(**{"at" if choice == OWN else "until": words("snooze_past")})
    command = Snooze(visit.id, visit.case.id, visit.agent, until)
    return await visit.submit(command, "modal_snooze")


async def _wake(visit: Visit) -> Answer:
    await visit.do(Snooze(visit.id, visit.case.id, visit.agent, None))
    return None


async def _priority(visit: Visit) -> Answer:
    chosen = rest_of(visit.interaction)
    command = Prioritise(visit.id, visit.case.id, visit.agent, chosen)  # type: ignore[arg-type]
    await visit.do(command)  # the core refuses what is none
    return None


async def _more(visit: Visit) -> Answer:
    await visit.show(blocks_modals.more(visit.case, visit.office.words, visit.agent))
    return None


async def _again(visit: Visit) -> Answer:
    line = rest_of(visit.interaction)
    if await visit.do(Again(visit.id, visit.case.id, visit.agent, line)):
        await _settle(visit, line, "sent_again")
    return None


async def _leave(visit: Visit) -> Answer:
    if visit.case.state == "taken" and not await visit.holds():
        return None
    await _settle(visit, rest_of(visit.interaction), "left")
    return None


async def _settle(visit: Visit, name: str, text: str) -> None:
    """A line's trouble is over: its message says how, and has no buttons any more."""
    line = await _line(visit, name)
    row = await visit.office.commands.store.read(lambda tx: ledger.line_row(tx, name))
    if line is None or row is None:
        return
    agent = await visit.office.people.name(visit.interaction.user, visit.office.commands)
    shown = blocks_lines.settled(line, visit.office.words, text, agent)
    await visit.office.posts.change(trouble_key(row["channel"], row["ts"], name), shown)


async def _line(visit: Visit, name: str) -> HistoryLine | None:
    return await visit.office.line(visit.case, name)


async def _stop(visit: Visit) -> Answer:
    line = rest_of(visit.interaction)
    result = await visit.accept(Stop(visit.id, visit.case.id, visit.agent, line))
    await visit.office.people.take_back(visit.interaction)
    words = visit.office.words("stopped") if result.done else visit.office.why(result.reason)
    await visit.tell(words)
    return None


async def _note(visit: Visit) -> Answer:
    await visit.show(blocks_modals.note(visit.case, visit.office.words))
    return None


async def _note_sure(visit: Visit) -> Answer:
    text = kit.entered(visit.interaction.view, "note")
    command = Line(visit.form_id, visit.case.id, visit.agent, text, internal=True)
    return await visit.submit(command, "modal_note")


async def _assign(visit: Visit) -> Answer:
    await visit.show(blocks_modals.assign(visit.case, visit.office.words))
    return None


async def _assign_sure(visit: Visit) -> Answer:
    office, user = visit.office, kit.entered(visit.interaction.view, "to")
    place = await visit.place()
    belongs = place is not None and await office.people.belongs(user, place.channel)
    if not belongs or not await office.people.is_person(user):
        return errors(to=office.words("assign_stranger"))
    to = await office.people.agent(user, office.commands)
    answer = await visit.submit(Assign(visit.id, visit.case.id, visit.agent, to), "modal_assign")
    if answer is None and to not in (visit.agent, visit.case.agent):
        office.later(_call(visit, "assigned_by", user))
    return answer


async def _language(visit: Visit) -> Answer:
    await visit.show(blocks_modals.language(visit.case, visit.office.words))
    return None


async def _language_sure(visit: Visit) -> Answer:
    chosen = kit.entered(visit.interaction.view, "language")
    command = SetLanguage(visit.id, visit.case.id, visit.agent, chosen)
    return await visit.submit(command, "modal_language")


async def _release(visit: Visit) -> Answer:
    await visit.hears_out(1.0)  # a modal is to be shown within three seconds
    result = await visit.accept(Release(visit.id, visit.case.id, visit.agent))
    words = visit.office.words
    said = words("released") if result.done else visit.office.why(result.reason, visit.case)
    await visit.show(blocks_modals.message(words("button_release"), said, words))
    return None


PAGE = 20


async def _history(visit: Visit) -> Answer:
    await _page(visit, 0)
    return None


async def _turn(visit: Visit) -> Answer:
    page = rest_of(visit.interaction)
    await _page(visit, int(page) if page.isdecimal() and len(page) < 4 else 0)
    return None


async def _page(visit: Visit, at: int) -> None:
    """A page of the history; ``at`` counts from the end."""
    office = visit.office
    wanted = (at + 1) * PAGE
    lines = await office.history(visit.case, wanted + 1)
    shown = lines[-wanted : len(lines) - at * PAGE] if at else lines[-PAGE:]
    blocks = blocks_lines.page(visit.case, shown, office.words, office.clock())
    before, after = len(lines) > wanted, at > 0
    view = blocks_modals.history(
        visit.case.id, blocks, office.words, at=at, before=before, after=after
    )
    await visit.show(view)


_PRESSED: dict[str, Step] = {
    "take": _take,
    "back": _back,
    "done": _done,
    "snooze": _snooze,
    "wake": _wake,
    "priority": _priority,
    "more": _more,
    "again": _again,
    "leave": _leave,
    "stop": _stop,
    "history": _history,
    "page.": _turn,
    "tool.take": _take,
    "tool.note": _note,
    "tool.assign": _assign,
    "tool.language": _language,
    "tool.release": _release,
    "tool.history": _history,
}
_SUBMITTED: dict[str, Step] = {
    "take": _take_sure,
    "back": _back_sure,
    "done": _done_sure,
    "snooze": _snooze_sure,
    "note": _note_sure,
    "assign": _assign_sure,
    "language": _language_sure,
}
