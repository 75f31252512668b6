"""Opens modals, and shows others in their place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bot.ports import Retry, UnknownOutcome
from plugins.slack import blocks_modals
from plugins.slack.errors import SlackRefused
from plugins.slack.interactions import Answer, Interaction
from plugins.slack.kit import Raw
from plugins.slack.office import Office

log = logging.getLogger(__name__)
_IN_TIME = 1.5  # seconds; Slack waits three for the answer to a submission
_ATTEMPTS = 6
_SETTLED = 1.0  # seconds until Slack shows what such an answer said


async def show(office: Office, interaction: Interaction, view: Raw) -> bool:
    """Open a modal; in place of the one that the interaction came from, if it came from one.

    False when it must be pressed again: a trigger is only good for three seconds, so there is no
    second try. Raises SlackRefused.
    """
    try:
        if interaction.view:
            await change(office, str(interaction.view["id"]), view)
        else:
            await office.app.call("views.open", trigger_id=interaction.trigger_id, view=view)
    except SlackRefused as refused:
        if refused.reason != "slack_trigger":
            raise
        return False
    except Retry:
        return False
    except UnknownOutcome:
        log.info("slack desk: a modal may be open, or not")
    return True


async def change(office: Office, view_id: str, view: Raw) -> None:
    """Show another modal in the place of an open one; nothing where it was closed. Raises Retry."""
    try:
        await office.app.call("views.update", view_id=view_id, view=view)
    except SlackRefused as refused:
        if refused.error not in ("not_found", "view_not_found"):
            raise


async def soon(
    office: Office,
    interaction: Interaction,
    work: Coroutine[Any, Any, Raw],
    meanwhile: Raw,
) -> Answer:
    """The view that ``work`` makes: at once where it is quick, else ``meanwhile`` and then it."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=_IN_TIME)
    if done:
        return {"response_action": "update", "view": task.result()}

    async def later() -> None:
        try:
            view = await task
        except Exception:  # an edge: whatever a shop's plugin does wrong; the modal must not wait
            log.exception("slack desk: no answer for a modal")
            words = office.words
            view = blocks_modals.message(words("modal_act"), words("act_unsettled"), words)
        await asyncio.sleep(_SETTLED)
        await _patiently(office, str(interaction.view["id"]), view)

    office.later(later())
    return {"response_action": "update", "view": meanwhile}


async def _patiently(office: Office, view_id: str, view: Raw) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            return await change(office, view_id, view)
        except Retry as retry:
            await asyncio.sleep(2**attempt / 4 if retry.after is None else retry.after)
    log.warning("slack desk: a modal does not say what became of it")
    return None
