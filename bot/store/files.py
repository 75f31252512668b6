"""Who owns a stored file: what is erased with whom."""

from __future__ import annotations

from bot.ports import Tx


def hand_over(tx: Tx, file: str, owner: str, conversation: int) -> None:
    """A file that was kept under ``owner`` belongs to a conversation from now on."""
    tx.run(
        "UPDATE OR REPLACE files SET owner = :new WHERE file = :file AND owner = :owner",
        file=file,
        owner=owner,
        new=f"conversation:{conversation}",
    )
