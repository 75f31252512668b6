"""Accept once, commit, wake: the one door for what channels bring in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.clean import clean_text, valid_text
from bot.messages import Address, Features, Inbound, Kind, Owner, Receipt, Speaker
from bot.ports import Files, Row, Store, Texts, Tx
from bot.store import agents, cases, conversations, linking, turns
from bot.store.codec import Clock, attachments_to_json, unstamp, utc_now
from bot.store.telling import apply_receipt, post_line, wake_if_waiting

# A burst is joined at most this many windows long, then it is asked.
_LONGEST_BURST = 5
_NOTED = frozenset({Kind.DELETE, Kind.AUTOMATIC})  # for people to see, and nobody's question


@dataclass(eq=False, kw_only=True)
class CoreInbox:
    """The Inbox port. ``features`` are the channels' by name; ``language`` the shop's default."""

    store: Store
    files: Files
    texts: Texts
    features: Mapping[str, Features]
    language: str
    clock: Clock = utc_now
    heard: Callable[[Tx, int], None] = lambda _tx, _conversation: None
    """Called with the conversation when its customer wrote while a case is open."""
    calls: Callable[[Tx, Row, str], int] = lambda _tx, _conversation, _reason: 0
    """Called with the conversation and a reason to open a case."""

    async def accept(
        self, *messages: Inbound, cursor: Callable[[Tx], None] | None = None
    ) -> list[bool]:
        """Commit messages (and the plugin's ``cursor``) and return which were new."""

        def work(tx: Tx) -> list[bool]:
            new = [self._accept(tx, message) for message in messages]
            if cursor is not None:
                cursor(tx)
            return new

        return await self.store.write(work)

    async def receipt(self, *receipts: Receipt) -> None:
        """Note what the vendor reports; what comes before its message is noted is kept."""
        now = self.clock()

        def work(tx: Tx) -> None:
            for receipt in receipts:
                apply_receipt(tx, receipt, now)

        await self.store.write(work)

    async def speaker(self, address: Address) -> Speaker:
        """Who speaks to this identity now."""

        def work(tx: Tx) -> Speaker:
            conversation = conversations.of_address(tx, address)
            if conversation is None:
                return Speaker()
            owner = Owner(conversation["owner"])
            case = cases.open_case(tx, conversation["id"]) if owner is Owner.AGENT else None
            return Speaker(owner, agents.name_of(tx, case["agent"]) if case else None)

        return await self.store.read(work)

    def _accept(self, tx: Tx, message: Inbound) -> bool:
        now = self.clock()
        message = _tidy(message)
        conversation = conversations.ensure(
            tx, message.address, message.sender_name, self.language, now
        )
        owner = Owner(conversation["owner"])
        merged = self._merge(tx, message, conversation["id"], owner)
        noted = message.kind in _NOTED or message.person is not None
        for_people = owner is Owner.AGENT or noted
        status = "merged" if merged else "case" if for_people else "pending"
        # What waits unasked is not vouched for by who wrote after it.
        waits = conversations.is_asked(tx, conversation["id"]) or turns.pending(
            tx, conversation["id"]
        )
        mixed = bool(waits) and message.email != conversation["email"]
        line = turns.insert_message(tx, message, conversation["id"], status, now)
        if not line:
            return False
        if message.kind not in (*_NOTED, Kind.EDIT):  # no reply window begins anew with one
            noted_as = replace(message, email=None) if mixed else message
            conversations.note_message(tx, conversation["id"], noted_as, now)
            linking.heard(tx, conversation["id"], message, now)
        unfetched = any(not one.file and not one.error for one in message.attachments)
        if status == "pending":
            self._wake(tx, conversation, message, now)
        elif status == "case" and unfetched:
            wake_if_waiting(tx, conversation["id"], now)
        if owner is not Owner.BOT and not merged:
            if message.kind not in _NOTED:
                self.heard(tx, conversation["id"])
            if not unfetched:
                # One with files to fetch is shown when they are there.
                post_line(tx, conversation["id"], f"in:{line}", now)
        if message.person is not None:
            self.calls(tx, conversation, message.person)
        tx.notify("conversation", conversation["id"])
        return True

    def _merge(self, tx: Tx, message: Inbound, conversation: int, owner: Owner) -> bool:
        """Take an edit or a deletion into what no turn has taken yet; True: nothing is left."""
        if message.kind not in (Kind.EDIT, Kind.DELETE):
            return False
        channel = message.address.channel
        if turns.find_message(tx, channel, message.wire_id) is not None:
            return False
        if message.kind is Kind.DELETE:
            turns.withdraw_pending(tx, channel, message.edits or "", conversation)
            return owner is Owner.BOT  # of what was answered, there is nothing to say
        files = attachments_to_json(message.attachments) if message.attachments else None
        return message.edits is not None and turns.merge_edit(
            tx, channel, message.edits, conversation, message.text, files
        )

    def _wake(self, tx: Tx, conversation: Row, message: Inbound, now: datetime) -> None:
        if turns.frozen(tx, conversation["id"]) is not None:
            return  # the next turn; finishing this one makes it due
        features = self.features.get(message.address.channel, Features())
        due = now
        waiting = turns.pending(tx, conversation["id"])
        # One that is a turn of its own (a button) ends the burst, and what follows cannot delay it.
        if all(row["kind"] in (Kind.TEXT, Kind.MEDIA) for row in waiting):
            window = timedelta(seconds=max(features.burst_seconds, 0.0))
            first = unstamp(waiting[0]["received_at"])
            due = min(now + window, first + window * _LONGEST_BURST)
        conversations.due_at(tx, conversation["id"], due)
        tx.notify("inbox")


def _tidy(message: Inbound) -> Inbound:
    text = clean_text(message.text)
    name = " ".join(clean_text(message.sender_name or "").split())[:80] or None
    kind = message.kind
    if kind is Kind.TEXT and not text:
        kind = Kind.MEDIA if message.attachments else Kind.EMPTY
    # What was deleted is shown as what a deletion is about.
    quotes = message.edits if kind is Kind.DELETE else message.quotes
    attachments = tuple(
        replace(one, name=" ".join(clean_text(one.name).split())[:200])
        for one in message.attachments
    )
    return replace(
        message,
        wire_id=valid_text(message.wire_id),
        address=replace(message.address, id=valid_text(message.address.id)),
        text=text,
        payload=None if message.payload is None else valid_text(message.payload),
        edits=None if message.edits is None else valid_text(message.edits),
        quotes=None if quotes is None else valid_text(quotes),
        attachments=attachments,
        sender_name=name,
        kind=kind,
        folded=clean_text(message.folded),
    )
