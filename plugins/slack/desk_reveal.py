"""Shows one agent who a customer is, behind a pseudonym; the audit log keeps who looked."""

from __future__ import annotations

from bot.ports import Tx
from bot.store import audit, cases, customers
from plugins.slack import blocks_modals
from plugins.slack.app import SlackApp
from plugins.slack.desk_visit import Visit, Visitors
from plugins.slack.interactions import Answer


def register(app: SlackApp, visitors: Visitors) -> None:
    """Take the button."""
    app.on_action("desk.reveal", visitors.visitor(_reveal))


async def _reveal(visit: Visit) -> Answer:
    office, number = visit.office, visit.case.id

    def note(tx: Tx) -> None:
        audit.note(
            tx,
            "reveal",
            ok=True,
            subject=customers.subject(visit.case.person),
            conversation=visit.case.conversation,
            actor=visit.agent,
            now=office.clock(),
        )

    # Written before anything is shown: nobody looks without a trace.
    await office.commands.store.write(note)
    case = await office.commands.store.read(lambda tx: cases.load(tx, number))
    if case is not None:
        await visit.show(blocks_modals.revealed(case, visit.case, office.words))
    return None
