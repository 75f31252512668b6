"""Proposals, recorded calls and proofs: what makes an action safe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.messages import Proof, Proposal
from bot.ports import Row, Tx
from bot.store import codec
from bot.store.codec import new_id, stamp, unstamp


def call(tx: Tx, turn: str, action: str, number: int) -> Row | None:
    """The record of the n-th call of an action in a turn."""
    return tx.row(
        "SELECT * FROM calls WHERE turn = :turn AND action = :action AND number = :number",
        turn=turn,
        action=action,
        number=number,
    )


def actions_of(tx: Tx, turn: str) -> list[str]:
    """The actions that were called in a turn, or under the id of an agent's act."""
    return [row["action"] for row in tx.rows("SELECT action FROM calls WHERE turn = :t", t=turn)]


def form_failed(tx: Tx, turn: str, action: str) -> bool:
    """Whether a step of an action's form failed in this turn."""
    row = tx.row(
        "SELECT 1 FROM calls WHERE turn = :turn AND action = :action AND outcome = 'failed'",
        turn=turn,
        action=f"fill:{action}",
    )
    return row is not None


def start_call(
    tx: Tx,
    *,
    turn: str,
    action: str,
    number: int,
    conversation: int,
    name: str,
    subject: str,
    key: str,
    actor: str,
    effect: bool,
    now: datetime,
) -> None:
    """Write that a call is about to be made."""
    tx.run(
        "INSERT INTO calls (turn, action, number, conversation, name, subject, key, actor, "
        "status, effect, started_at) VALUES (:turn, :action, :number, :conversation, :name, "
        ":subject, :key, :actor, 'started', :effect, :now)",
        turn=turn,
        action=action,
        number=number,
        conversation=conversation,
        name=name,
        subject=subject,
        key=key,
        actor=actor,
        effect=int(effect),
        now=stamp(now),
    )


def of_case(tx: Tx, turn: str, case: int, *, tell: bool) -> bool:
    """Note the case of an agent's call, and whether the customer hears its result; once."""
    return bool(
        tx.run(
            "UPDATE calls SET case_id = :case_id, tell = :tell WHERE turn = :turn "
            "AND case_id IS NULL",
            turn=turn,
            case_id=case,
            tell=int(tell),
        )
    )


def end_call(
    tx: Tx,
    *,
    turn: str,
    action: str,
    number: int,
    status: str,
    outcome: str | None,
    result: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write what a started call gave."""
    tx.run(
        "UPDATE calls SET status = :status, outcome = :outcome, result = :result, done_at = :now "
        "WHERE turn = :turn AND action = :action AND number = :number",
        turn=turn,
        action=action,
        number=number,
        status=status,
        outcome=outcome,
        result=codec.encode(result),
        now=stamp(now),
    )


def last_effect(tx: Tx, conversation: int, since: datetime) -> Row | None:
    """The finished side effect of the latest proposal of a conversation; ``None`` if it has none.

    A later proposal that was dropped or expired hides it: "yes" is not about it any more.
    """
    return tx.row(
        "SELECT c.* FROM calls c WHERE c.conversation = :id AND c.effect = 1 "
        "AND c.status = 'done' AND c.outcome = 'done' AND c.done_at >= :since AND c.key = "
        "(SELECT p.id FROM proposals p WHERE p.conversation = :id "
        "ORDER BY p.created_at DESC, p.rowid DESC LIMIT 1)",
        id=conversation,
        since=stamp(since),
    )


def finished(tx: Tx, turn: str) -> list[Row]:
    """The side effects of a turn whose result is known, in order."""
    return tx.rows(
        "SELECT * FROM calls WHERE turn = :turn AND effect = 1 AND result IS NOT NULL "
        "ORDER BY started_at, number",
        turn=turn,
    )


def cut_off(tx: Tx) -> list[Row]:
    """Side effects without a result: started by a process that ended since."""
    return tx.rows("SELECT * FROM calls WHERE effect = 1 AND result IS NULL ORDER BY started_at")


def propose(
    tx: Tx,
    *,
    conversation: int,
    turn: str,
    action: str,
    proposal: Proposal,
    expires: datetime,
    now: datetime,
    id: str | None = None,
    state: str = "open",
) -> str:
    """Open a proposal; one that was open lapses. Returns its id.

    What an agent has decided is ``consumed`` from the start, under the ``id`` of the decision.
    """
    lapse(tx, conversation)
    proposal_id = id or new_id()
    tx.run(
        "INSERT INTO proposals (id, conversation, turn, action, arguments, subject, version, "
        "state, expires_at, created_at) VALUES (:id, :conversation, :turn, :action, :arguments, "
        ":subject, :version, :state, :expires, :now)",
        id=proposal_id,
        conversation=conversation,
        turn=turn,
        action=action,
        arguments=codec.encode(proposal.arguments),
        subject=proposal.subject,
        version=proposal.version,
        state=state,
        expires=stamp(expires),
        now=stamp(now),
    )
    return proposal_id


def open_proposal(tx: Tx, conversation: int, now: datetime) -> Row | None:
    """The proposal that waits for a yes, if it has not expired."""
    return _waiting(tx, conversation, "open", now)


def agreed(tx: Tx, conversation: int, now: datetime) -> Row | None:
    """The proposal that was given its yes and lacks a proof."""
    return _waiting(tx, conversation, "agreed", now)


def agree(tx: Tx, proposal_id: str) -> bool:
    """A yes that counts as soon as it is proven whose it is."""
    return _move(tx, proposal_id, "agreed")


def proposal(tx: Tx, proposal_id: str) -> Row | None:
    """A proposal by its id."""
    return tx.row("SELECT * FROM proposals WHERE id = :id", id=proposal_id)


def consume(tx: Tx, proposal_id: str) -> bool:
    """The one yes: compare and set. False when it was consumed, dropped or lapsed before."""
    return _move(tx, proposal_id, "consumed")


def drop(tx: Tx, proposal_id: str) -> bool:
    """A no."""
    return _move(tx, proposal_id, "dropped")


def lapse(tx: Tx, conversation: int) -> None:
    """End the open proposal of a conversation without an answer, or one that lacks a proof."""
    tx.run(
        "UPDATE proposals SET state = 'lapsed' WHERE conversation = :id "
        "AND state IN ('open', 'agreed')",
        id=conversation,
    )


def lapse_unread(tx: Tx, turn: str) -> None:
    """End the open proposal of a turn whose answer did not go out: no yes can be about it."""
    tx.run("UPDATE proposals SET state = 'lapsed' WHERE turn = :turn AND state = 'open'", turn=turn)


def read_by_form(tx: Tx, turn: str) -> bool:
    """Whether a step of a form found what it asked for in the message of a turn."""
    rows = tx.rows(
        "SELECT result FROM calls WHERE turn = :turn AND action LIKE 'fill:%' "
        "AND result IS NOT NULL",
        turn=turn,
    )
    return any(codec.decode(row["result"]).get("slots") for row in rows)


def _move(tx: Tx, proposal_id: str, state: str) -> bool:
    return bool(
        tx.run(
            "UPDATE proposals SET state = :state WHERE id = :id AND state IN ('open', 'agreed')",
            id=proposal_id,
            state=state,
        )
    )


def _waiting(tx: Tx, conversation: int, state: str, now: datetime) -> Row | None:
    return tx.row(
        "SELECT * FROM proposals WHERE conversation = :id AND state = :state "
        "AND expires_at > :now ORDER BY created_at DESC, rowid DESC LIMIT 1",
        id=conversation,
        state=state,
        now=stamp(now),
    )


def grant(tx: Tx, conversation: int, proof: Proof, contact: str = "") -> None:
    """Keep a proof; a later end counts. With a ``contact`` it is only of messages of that one."""
    tx.run(
        "INSERT INTO proofs (conversation, kind, subject, expires_at, contact) VALUES "
        "(:conversation, :kind, :subject, :expires, :contact) "
        "ON CONFLICT (conversation, kind, subject) DO UPDATE SET "
        "expires_at = max(expires_at, :expires), contact = :contact",
        conversation=conversation,
        kind=proof.kind,
        subject=proof.subject,
        expires=stamp(proof.expires),
        contact=contact,
    )


def proofs(tx: Tx, conversation: int, now: datetime, contact: str = "") -> tuple[Proof, ...]:
    """The proofs of a conversation that have not expired, for a message of ``contact``."""
    rows = tx.rows(
        "SELECT * FROM proofs WHERE conversation = :id AND expires_at > :now "
        "AND contact IN ('', :contact)",
        id=conversation,
        now=stamp(now),
        contact=contact,
    )
    return tuple(Proof(row["kind"], row["subject"], unstamp(row["expires_at"])) for row in rows)
