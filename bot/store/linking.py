"""Links conversations to one customer: silently on a strong proof, else as an agent says.

Everything here is a part of a transaction. What an agent has said of two customers is never undone
silently: it then takes another agent's word.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.messages import Inbound
from bot.ports import Tx
from bot.store import audit, conversations, customers, outbox
from bot.store.customers import APART, LINKED, OPEN, Contact, contact_of

CUSTOMER = "customer"
_FRESH = timedelta(days=180)
"""Since who holds a contact point last wrote: numbers are given away again after some months."""
_MOST_OPEN = 5  # proposals of one customer; more than that nobody looks through


def heard(tx: Tx, conversation: int, message: Inbound, now: datetime) -> None:
    """A message came: its conversation joins those of who owns what the channel vouches for.

    A thread in which another sender than the first was vouched for names nobody by that.
    """
    for text in (message.phone, message.email):
        contact = contact_of(text) if text else None
        if contact is None or customers.has_contact(tx, conversation, contact):
            continue
        others = customers.vouched_of_kind(tx, conversation, contact.kind)
        if contact.kind == "email" and others:
            for other in customers.holders(tx, contact, conversation):
                propose(tx, conversation, other, "sender", now)
            continue
        prove(tx, conversation, contact, "channel", now)


def prove(tx: Tx, conversation: int, contact: Contact, proof: str, now: datetime) -> None:
    """Keep that a contact point is the customer's, and link who else has proven the same.

    Known evidence links nothing anew: an agent may have parted what it had linked. Old evidence is
    only proposed: providers give numbers and mailboxes to somebody else.
    """
    if not customers.note_contact(tx, conversation, contact, proof, now):
        return
    others = customers.holders(tx, contact, conversation)
    since = now - _FRESH
    if (
        len(others) == 1
        and not is_parted(tx, conversation, others[0])
        and customers.heard_by(tx, contact, others[0], since)
    ):
        _link(tx, conversation, others[0], reason=proof, actor=CUSTOMER, now=now)
        if conversations.is_new(tx, conversation):
            conversations.new_session(tx, conversation, resumed=True)
        return
    for other in others:
        propose(tx, conversation, other, proof, now, again=True)


def propose(
    tx: Tx, conversation: int, other: int, reason: str, now: datetime, *, again: bool = False
) -> bool:
    """Ask agents whether two conversations are one customer's; False where that is settled.

    ``again``: on new and strong evidence they are asked once more.
    """
    if customers.of(tx, conversation) == customers.of(tx, other) or _is_full(tx, conversation):
        return False
    if not again and _is_full(tx, other):
        return False  # whoever forges senders must not crowd out what is on the card
    if customers.between(tx, conversation, other) and not again:
        return False
    customers.say(tx, conversation, other, OPEN, reason=reason, actor=CUSTOMER, now=now)
    _note(tx, "link_proposed", conversation, reason, CUSTOMER, now)
    show(tx, (conversation, other), now)
    return True


def propose_sender(tx: Tx, conversation: int, email: str, now: datetime) -> None:
    """A mail shows an address that nobody vouched for: it may be its owner's, or a forgery."""
    contact = contact_of(email)
    if contact is not None:
        for other in customers.holders(tx, contact, conversation):
            propose(tx, conversation, other, "sender", now)


def propose_order(tx: Tx, conversation: int, subject: str, now: datetime) -> None:
    """Somebody has proven something about an order that another customer has, too."""
    for other in customers.of_order(tx, subject, conversation):
        propose(tx, conversation, other, "order", now)


def link(tx: Tx, conversation: int, other: int, agent: str, now: datetime) -> str | None:
    """An agent says that two conversations are one customer's; the reason of a refusal."""
    if conversation == other or not (_exists(tx, conversation) and _exists(tx, other)):
        return "no_such_link"
    if customers.of(tx, conversation) == customers.of(tx, other):
        return None
    reason = next((row["reason"] for row in customers.between(tx, conversation, other)), "agent")
    _link(tx, conversation, other, reason=reason, actor=agent, now=now)
    for one in (conversation, other):
        # What the other conversation knows: also at once, where nobody waits for an answer.
        if not conversations.is_asked(tx, one):
            conversations.new_session(tx, one, resumed=True)
    return None


def part(tx: Tx, conversation: int, other: int, agent: str, now: datetime) -> str | None:
    """An agent says that two conversations are not one customer's, linked or only proposed.

    ``other`` leaves: it gets a customer of its own. The same number twice: this one leaves.
    """
    if not (_exists(tx, conversation) and _exists(tx, other)):
        return "no_such_link"
    customer = customers.of(tx, conversation)
    if conversation != other and customer != customers.of(tx, other):
        return _reject(tx, conversation, other, agent, now)
    rest = [one for one in customers.conversations_of(tx, customer) if one != other]
    if not rest:
        return "no_such_link"
    customers.separate(tx, other, now)
    for one in rest:
        customers.say(tx, one, other, APART, reason="agent", actor=agent, now=now)
    for one in (*rest, other):
        conversations.forget_state(tx, one)  # it may hold what the other person said
    _note(tx, "unlink", other, "agent", agent, now)
    show(tx, (*rest, other), now)
    return None


def is_parted(tx: Tx, one: int, other: int) -> bool:
    """Whether an agent has said that two customers are not one."""
    return any(row["state"] == APART for row in customers.between(tx, one, other))


def show(tx: Tx, changed: tuple[int, ...], now: datetime) -> None:
    """Have the cards shown anew of everybody whose links changed."""
    for conversation in changed:
        for case in tx.rows(
            "SELECT k.* FROM cases k JOIN conversations v ON v.id = k.conversation "
            "WHERE v.customer = :id AND k.state <> 'closed'",
            id=customers.of(tx, conversation),
        ):
            outbox.tell_desk(tx, "show", case, str(case["id"]), now)
            tx.run("UPDATE cases SET updated = updated + 1 WHERE id = :id", id=case["id"])
            tx.notify("case", case["id"])


def _link(tx: Tx, conversation: int, other: int, *, reason: str, actor: str, now: datetime) -> None:
    # What was asked or said of them before is answered by this.
    for row in customers.between(tx, conversation, other):
        pair = (row["one"], row["other"])
        customers.say(tx, *pair, LINKED, reason=row["reason"], actor=actor, now=now)
    customers.say(tx, conversation, other, LINKED, reason=reason, actor=actor, now=now)
    customers.join(tx, conversation, other)
    _note(tx, "link", conversation, reason, actor, now)
    show(tx, (conversation,), now)


def _reject(tx: Tx, conversation: int, other: int, agent: str, now: datetime) -> str | None:
    asked = [row for row in customers.between(tx, conversation, other) if row["state"] == OPEN]
    for row in asked:
        pair = (row["one"], row["other"])
        customers.say(tx, *pair, APART, reason=row["reason"], actor=agent, now=now)
    if asked:
        _note(tx, "link_rejected", conversation, asked[0]["reason"], agent, now)
        show(tx, (conversation, other), now)
    return None if asked else "no_such_link"


def _is_full(tx: Tx, conversation: int) -> bool:
    row = tx.row(
        "SELECT count(*) AS n FROM links l JOIN conversations m ON m.id IN (l.one, l.other) "
        "WHERE m.customer = :id AND l.state = 'open'",
        id=customers.of(tx, conversation),
    )
    return row is not None and row["n"] >= _MOST_OPEN


def _exists(tx: Tx, conversation: int) -> bool:
    return (
        tx.row(
            "SELECT 1 FROM conversations WHERE id = :id AND customer IS NOT NULL", id=conversation
        )
        is not None
    )


def _note(tx: Tx, kind: str, conversation: int, reason: str, actor: str, now: datetime) -> None:
    audit.note(
        tx,
        kind,
        ok=True,
        reason=reason,
        subject=customers.subject(customers.of(tx, conversation)),
        conversation=conversation,
        actor=actor,
        now=now,
    )
