"""Approved templates for lines that could not go out: chosen, filled and sent in a modal."""

from __future__ import annotations

from bot.desk import SendTemplate, Template
from bot.store import lines
from plugins.slack import blocks_trouble, kit
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import SlackApp
from plugins.slack.blocks_modals import errors, kept, named, replaced
from plugins.slack.blocks_trouble import fingerprint, gap, pick_template
from plugins.slack.desk_cards import trouble_key
from plugins.slack.desk_visit import Visit, Visitors, rest_of
from plugins.slack.interactions import Answer


def register(app: SlackApp, visitors: Visitors) -> None:
    """Take the button of a failed line, and the modal."""
    app.on_action("desk.template", visitors.visitor(_open))
    app.on_action("desk.template_pick", visitors.visitor(_chosen))
    app.on_view("desk.template", visitors.visitor(_sent))


async def _open(visit: Visit) -> Answer:
    if not await visit.holds():
        return None
    line = rest_of(visit.interaction)
    found = await visit.office.commands.templates(visit.case.id, line)
    shown = await visit.office.veil.templates(visit.case, found)
    only = shown[0] if len(shown) == 1 else None
    await visit.show(pick_template(visit.case, line, shown, visit.office.words, only))
    return None


async def _chosen(visit: Visit) -> Answer:
    line = str(kept(visit.interaction.view).get("line", ""))
    found = await visit.office.commands.templates(visit.case.id, line)
    shown = await visit.office.veil.templates(visit.case, found)
    chosen = _at(shown, visit.interaction.value)
    await visit.show(pick_template(visit.case, line, shown, visit.office.words, chosen))
    return None


async def _sent(visit: Visit) -> Answer:
    """Send what was seen; where the facts are others by now, show them first."""
    view, words = visit.interaction.view, visit.office.words
    keep = kept(view)
    line = str(keep.get("line", ""))
    found = await visit.office.commands.templates(visit.case.id, line)
    shown = await visit.office.veil.templates(visit.case, found)
    name = str(keep.get("template", ""))
    chosen, seen = named(found, name), named(shown, name)
    if chosen is None:  # quicker than the view that a choice brings, or it is gone
        picked = _at(shown, kit.entered(view, "template"))
        if picked is None:
            return errors(template=words("template_pick"))
        return replaced(pick_template(visit.case, line, shown, words, picked))
    if keep.get("seen") != fingerprint(seen):
        return replaced(pick_template(visit.case, line, shown, words, seen, changed=True))
    values = {
        one.name: one.value or kit.entered(view, gap(chosen, one.name)) for one in chosen.fields
    }
    command = SendTemplate(visit.id, visit.case.id, visit.agent, chosen.name, values, line)
    answer = await visit.submit(command, "modal_template")
    if answer is None:
        visit.office.later(_tell(visit, line))
    return answer


async def _tell(visit: Visit, name: str) -> None:
    """Say under the failed line that a template went out, and whether it said the same."""
    office = visit.office
    store = office.commands.store
    line = await office.line(visit.case, name)
    row = await store.read(lambda tx: ledger.line_row(tx, name))
    if line is None or row is None:
        return
    brought = await store.read(
        lambda tx: any(lines.sent_again(tx, row) for row in lines.rows_of(tx, visit.case.id, name))
    )
    agent = await office.people.name(visit.interaction.user, office.commands)
    shown = blocks_trouble.template_sent(visit.case.id, line, office.words, agent, brought=brought)
    await office.posts.change(trouble_key(row["channel"], row["ts"], name), shown)


def _at(found: list[Template], number: str) -> Template | None:
    known = number.isdecimal() and int(number) < len(found)
    return found[int(number)] if known else None
