"""Whose other conversations a mail may belong to: asked of agents, as nothing proves it."""

from __future__ import annotations

from datetime import datetime

from bot.messages import Address
from bot.ports import Tx
from bot.store import conversations, linking
from plugins.mail.names import CHANNEL
from plugins.mail.receiving.auth_results import Verdict
from plugins.mail.threads import Place


def propose(
    tx: Tx, conversation: int, spot: Place, participant: str, proven: Verdict, now: datetime
) -> None:
    """Propose the thread that a mail refers to, and who owns an address that it only shows.

    What DMARC proves of the sender is linked by the core, as the message is accepted.
    """
    other = spot.proposed and conversations.of_address(tx, Address(CHANNEL, spot.proposed))
    if other:
        linking.propose(tx, conversation, other["id"], "thread", now)
    if participant and proven is not Verdict.PASS:
        linking.propose_sender(tx, conversation, participant, now)
