"""Cases and lines for tests of the desk and for the pictures of its documentation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from bot.desk import Case, HistoryLine
from bot.messages import Address, Attachment, Author, Kind, Owner, State
from bot.store.customers import Related, WrittenBy
from bot.store.digest import Digest
from host.texts import TextsBook
from plugins.slack.words import Words

NOW = datetime(2026, 11, 26, 13, 44, tzinfo=UTC)
DOMAIN = Path(__file__).parents[2] / "nlu" / "domain"


@cache
def words(language: str = "de") -> Words:
    """The real words of the desk."""
    return Words(TextsBook([DOMAIN], facts={"shop_name": "Lindenhof"}), language)


ORDER = {
    "number": "B-100234",
    "state": "shipped",
    "placed": "2026-11-21",
    "customer": "Erika Mustermann",
    "email": "erika@example.org",
    "address": "Aachener Straße 12, 50674 Köln",
    "lines": "1 × Leinenvorhang, natur; 2 × Kissenhülle",
    "total": "84.90 EUR",
    "payment": "PayPal, paid",
    "parcels": "00340434161094042557 out_for_delivery",
}
WAITING = Case(
    id=42,
    conversation=7,
    address=Address("whatsapp", "+4915112345678"),
    reason="complaint",
    priority="high",
    state="open",
    opened_at=NOW - timedelta(minutes=12),
    language="de",
    owner=Owner.WAITING,
    customer="Erika Mustermann",
    intents=("track_order", "missing_delivery", "complaint"),
    tried=("track_order: done", "knowledge: done"),
    orders=(ORDER,),
    desk="slack",
    updated=3,
    last_in_at=NOW - timedelta(minutes=12),
    reply_until=NOW + timedelta(hours=23),
    waits_since=NOW - timedelta(minutes=12),
    due_at=NOW + timedelta(minutes=18),
    summary=(
        "Die Kundin fragt nach der Sendung zu B-100234 und beschwert sich, dass sie seit drei "
        "Tagen „in Zustellung“ ist. Der Bot hat zweimal den Stand genannt und dann übergeben."
    ),
)
TAKEN = replace(
    WAITING,
    state="taken",
    owner=Owner.AGENT,
    agent="slack:U0JANA",
    agent_name="Jana Kurz",
    taken_at=NOW - timedelta(minutes=4),
    waits_since=NOW - timedelta(minutes=2),
    reply_until=NOW + timedelta(minutes=41),
    due_at=NOW - timedelta(minutes=1),
    updated=5,
)
SNOOZED = replace(TAKEN, snoozed_until=NOW + timedelta(hours=19), waits_since=None, due_at=None)
CLOSED = replace(
    TAKEN,
    state="closed",
    owner=Owner.BOT,
    closed_at=NOW,
    outcome="Ein Ersatz ist auf dem Weg.",
    waits_since=None,
)
ENGLISH = replace(
    WAITING,
    id=43,
    address=Address("telegram", "5551"),
    reason="asked",
    priority="normal",
    language="en",
    customer="Tom Baker",
    contact="tom@example.org",
    reply_until=None,
    orders=(),
    tried=("cancel_order: refused",),
    intents=("cancel_order", "contact_human_agent"),
    summary="The customer wants to cancel an order that has left already. They asked for a person.",
)
RELATED = replace(
    WAITING,
    related=(
        Related(
            9, Address("mail", "t1"), 12, "E. Mustermann", "sender", True, NOW - timedelta(hours=2)
        ),
        Related(
            4,
            Address("telegram", "55"),
            7,
            "Erika",
            "channel",
            False,
            NOW - timedelta(days=1),
            case=38,
            agent_name="Jonas Weber",
        ),
    ),
)
MAILED = replace(
    WAITING,
    address=Address("mail", "2f9c"),
    reason="uncertain",
    priority="normal",
    customer="Erika Mustermann <erika@example.org>",
    sender=WrittenBy("erika@example.org", "Mein Vorhang ist noch nicht da", proven=False),
    reply_until=None,
    orders=(),
    related=(
        Related(
            9,
            Address("mail", "t1"),
            12,
            "Erika Mustermann",
            "thread",
            True,
            NOW - timedelta(days=2),
        ),
    ),
    summary="Anliegen: Sendungsverfolgung. Der Bot hat nichts versucht.",
)
HIDDEN = replace(
    TAKEN,
    customer="Kundin/Kunde K-7F3A",
    address=Address("whatsapp", ""),
    orders=({key: value for key, value in ORDER.items() if key not in ("customer", "email")},),
)
DIGEST = Digest(
    since=NOW - timedelta(days=1),
    until=NOW,
    conversations=61,
    turns=184,
    solved={"track_order": 58, "get_return_label": 21, "delivery_period": 12, "": 4},
    asked=47,
    missed=9,
    handed=14,
    beside=6,
    failed=1,
    unfinished=0,
    missed_examples=("Kann ich den Vorhang auch kürzen lassen?", "B-###### kam ohne Haken"),
    cases={("asked", "handed_back"): 7, ("complaint", "closed"): 4, ("misses", "open"): 1},
    first_answer=timedelta(minutes=7),
    to_close=timedelta(minutes=26),
    failed_sends={("whatsapp", "window_closed"): 2},
    dead_letters=1,
)
DEAD = {
    "id": "5f0c2a9e",
    "kind": "send",
    "conversation": 17,
    "attempts": 12,
    "reason": "failed: gave_up",
}
NASTY = (
    "<!channel> *fett* _kursiv_ `code` <@U0JANA> <https://evil.example|Lindenhof> & :tada:\u202e"
)
HOSTILE = replace(
    WAITING,
    customer=NASTY + "x" * 300,
    contact=NASTY,
    sender=WrittenBy(NASTY * 50, NASTY * 50, proven=False),
    outcome=NASTY * 50,
    agent="slack:U1",
    agent_name=NASTY,
    state="taken",
    intents=(NASTY,) * 30,
    tried=(f"{NASTY}: {NASTY}",) * 30,
    orders=tuple(
        {"number": f"{n}{NASTY}", **{k: NASTY * 90 for k in ORDER if k != "number"}}
        for n in range(9)
    ),
    summary=NASTY * 400,
    reason=NASTY,
    address=Address(NASTY, NASTY),
    language=NASTY,
    related=tuple(
        Related(n, Address(NASTY, NASTY), n, NASTY * 20, NASTY, n < 5, NOW, n, NASTY)
        for n in range(2, 20)
    ),
)


def line(text: str = "Wo bleibt mein Paket?", **more: object) -> HistoryLine:
    """A line of the customer's, or with ``author`` of somebody else's."""
    made = HistoryLine("in:5", Author.CUSTOMER, text, NOW - timedelta(minutes=2))
    return replace(made, **more)  # type: ignore[arg-type]


PHOTO = Attachment("Karton.jpg", "image/jpeg", 348_000, file="a" * 64)
LINES = (
    line("Hallo, wo ist meine Bestellung B-100234?", id="in:1"),
    line(
        "Sie ist unterwegs und wird heute zugestellt.",
        id="out:1",
        author=Author.BOT,
        state=State.READ,
    ),
    line("Das steht da seit drei Tagen. Ich bin wirklich sauer!", id="in:2"),
    line("Ich hole jemanden aus dem Team dazu.", id="out:2", author=Author.BOT, state=State.SENT),
)
IN_CASE = (
    line("So kam der Karton bei der Nachbarin an.", id="in:3", attachments=(PHOTO,)),
    line("Ich meine: bei der Nachbarin im 2. Stock.", id="in:4", kind=Kind.EDIT),
    line(
        "Die Sendung ist heute zugestellt worden.",
        id="out:3",
        author=Author.BOT,
        state=State.DRAFT,
    ),
    line(
        "Der Nachbar nimmt nichts mehr an, Ersatz ist bestellt.",
        id="note:1",
        author=Author.NOTE,
        name="Jonas Weber",
    ),
)
FAILED = line(
    "Guten Tag Frau Mustermann, ich kümmere mich darum.",
    id="out:9",
    author=Author.AGENT,
    name="Jana Kurz",
    state=State.FAILED,
    reason="window_closed",
)
