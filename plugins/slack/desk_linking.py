"""Buttons and modals that link a customer's conversations, or part them, as commands."""

from __future__ import annotations

from bot.desk import Link, Unlink
from plugins.slack import blocks_modals, kit
from plugins.slack.app import SlackApp
from plugins.slack.blocks_modals import errors
from plugins.slack.desk_visit import Visit, Visitors, rest_of
from plugins.slack.interactions import Answer

_DIGITS = 15


def register(app: SlackApp, visitors: Visitors) -> None:
    """Take them."""
    app.on_action("desk.link", visitors.visitor(_link))
    app.on_action("desk.apart", visitors.visitor(_apart))
    app.on_action("desk.tool.link", visitors.visitor(_ask_link))
    app.on_action("desk.tool.unlink", visitors.visitor(_ask_part))
    app.on_view("desk.link", visitors.visitor(_link_sure))
    app.on_view("desk.unlink", visitors.visitor(_part_sure))


async def _link(visit: Visit) -> Answer:
    if other := _number(rest_of(visit.interaction)):
        await visit.do(Link(visit.id, visit.case.id, visit.agent, other))
    return None


async def _apart(visit: Visit) -> Answer:
    if other := _number(rest_of(visit.interaction)):
        await visit.do(Unlink(visit.id, visit.case.id, visit.agent, other))
    return None


async def _ask_link(visit: Visit) -> Answer:
    await visit.show(blocks_modals.link(visit.case, visit.office.words))
    return None


async def _link_sure(visit: Visit) -> Answer:
    number = _number(kit.entered(visit.interaction.view, "case").strip().lstrip("#"))
    other = await visit.office.case(number) if number else None
    if other is None:
        return errors(case=visit.office.words.reason("no_such_case"))
    command = Link(visit.form_id, visit.case.id, visit.agent, other.conversation)
    return await visit.submit(command, "modal_link")


async def _ask_part(visit: Visit) -> Answer:
    await visit.show(blocks_modals.unlink(visit.case, visit.office.words))
    return None


async def _part_sure(visit: Visit) -> Answer:
    other = _number(kit.entered(visit.interaction.view, "other"))
    command = Unlink(visit.form_id, visit.case.id, visit.agent, other)
    return await visit.submit(command, "modal_unlink")


def _number(text: str) -> int:
    """A number that a button or a person gave; 0 where it is none."""
    fits = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return int(text) if fits else 0
