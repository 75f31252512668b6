"""What the core's own tables hold of persons.

Rows of conversations, messages, turns and cases stay, empty: figures count them, and SQLite would
give their numbers to somebody else, whom an answer that is under way would then reach.
"""

from __future__ import annotations

from bot.store.personal import DataTable, among

_CONVERSATION = among("conversation", "conversations")
_BEFORE = "at < :before"
_FACT = "facts ->> '$.{}'"

CLASSES = {
    "conversations": "what was said, by whom, and what came of it, since the last message",
    "identity": "codes, links, wrong tries and proofs, after their end",
    "audit": "the audit log and alarms",
    "tracker": "Rasa's working memory of conversations that have ended",
    "ledgers": "what channels note to find their messages and buttons again",
    "receipts": "reports of vendors about messages that nobody knows",
    "erasures": "that something was erased, without whose it was",
}
"""The classes of retention, each with what it is about."""

TABLES = (
    DataTable(
        "conversations",
        "the address on a channel, name, phone number and e-mail address that it vouches for",
        whose=among("id", "conversations"),
        # The fence: a turn that still runs finishes nothing any more.
        erase="address = 'erased:' || id, customer = NULL, name = NULL, phone = NULL, "
        "email = NULL, state = NULL, "
        "owner = 'bot', owner_version = owner_version + 1, agent_version = owner_version + 1, "
        "session = session + 1, resumed = 0, misses = 0, ready_at = NULL, fence = fence + 1",
    ),
    DataTable(
        "customers",
        "which conversations are one person's",
        whose="id NOT IN (SELECT customer FROM conversations WHERE customer IS NOT NULL)",
        exported=False,
    ),
    DataTable("contacts", "addresses and numbers that were proven", whose=_CONVERSATION),
    DataTable(
        "links",
        "which conversations may be one person's",
        whose=f"{among('one', 'conversations')} OR {among('other', 'conversations')}",
        internal=True,  # a proposal tells of somebody who may be another
    ),
    DataTable(
        "inbox",
        "what the customer wrote and sent",
        whose=_CONVERSATION,
        erase="wire_id = 'erased:' || id, text = '', payload = NULL, attachments = '[]', "
        "edits = NULL, quotes = NULL, folded = '', "
        "status = CASE status WHEN 'pending' THEN 'merged' ELSE status END",
    ),
    DataTable(
        "turns",
        "what was asked and how it was understood",
        whose=_CONVERSATION,
        erase="text = '', payload = NULL, attachments = '[]', state = NULL, history = '[]', "
        "entities = '[]', error = NULL, "
        "status = CASE status WHEN 'frozen' THEN 'dropped' ELSE status END",
    ),
    DataTable(
        "receipts",
        "a vendor's id of a message, for reports that come before it is noted",
        whose="(channel, vendor_id) IN (SELECT substr(target, 9), vendor_id FROM outbox "
        f"WHERE vendor_id IS NOT NULL AND {_CONVERSATION})",
        old=_BEFORE,
        keeps="receipts",
    ),
    DataTable(
        "outbox",
        "what the bot and agents answered",
        whose=_CONVERSATION,
        erase="text = '', buttons = '[]', attachments = '[]', facts = '{}', name = NULL, "
        "subject = NULL, reason = NULL, vendor_id = NULL, command = NULL, secret = NULL, "
        "state = CASE WHEN state IN ('queued', 'draft', 'sending') THEN 'cancelled' ELSE state END",
    ),
    DataTable(
        "cases",
        "an e-mail address that was left, how a case ended, in an agent's words too",
        whose=_CONVERSATION,
        erase="contact = NULL, outcome = 'erased', snoozed_until = NULL, "
        "closed_at = coalesce(closed_at, opened_at), state = 'closed'",
    ),
    DataTable(
        "commands", "what agents did with a case", whose=among("case_id", "cases"), internal=True
    ),
    DataTable("notes", "what agents noted", whose=_CONVERSATION, internal=True),
    DataTable("proposals", "what a yes was asked for: an address, an order", whose=_CONVERSATION),
    DataTable(
        "calls",
        "what actions did, with order and result",
        whose=_CONVERSATION,
        erase="subject = '', result = '{}'",
    ),
    DataTable(
        "proofs",
        "which order was proven",
        whose=_CONVERSATION,
        old="expires_at < :before",
        keeps="identity",
    ),
    DataTable(
        "attempts",
        "which order was tried",
        whose=_CONVERSATION,
        limits="conversation = -conversation",
        old=_BEFORE,
        keeps="identity",
        internal=True,
    ),
    DataTable(
        "codes",
        "which code was asked for, and for which order; its address until it is over",
        whose=_CONVERSATION,
        limits="conversation = -conversation, email = NULL, turn = '', "
        "state = CASE state WHEN 'open' THEN 'over' ELSE state END",
        old="created_at < :before",
        keeps="identity",
        exported=False,  # it tells whether a pair was right, and which address the order has
    ),
    DataTable(
        "timers",
        "what is due in a case",
        whose="kind IN ('desk_claim', 'desk_snooze') AND "
        f"{among('CAST(subject AS INTEGER)', 'cases')}",
        exported=False,
    ),
    DataTable(
        "files",
        "name and type of attachments",
        whose=among("file", "files"),
    ),
    DataTable(
        "audit",
        "who proved what, and who looked at it",
        # What others did with the same order stays theirs: a pair is on every parcel, and a thief
        # who knows it would erase the trail.
        whose=f"{_CONVERSATION} OR conversation IS NULL AND subject <> '' "
        f"AND {among('subject', 'subjects')}",
        erase="subject = :pseudonym, conversation = NULL",
        old=_BEFORE,
        keeps="audit",
        internal=True,  # it tells whether what was entered was right
    ),
    DataTable(
        "alarms",
        "which order or conversation an alarm is about",
        whose=f"{among(_FACT.format('conversation'), 'conversations')} "
        f"OR {among(_FACT.format('subject'), 'subjects')} "
        f"OR {among(_FACT.format('order'), 'subjects')}",
        erase="facts = '{}'",
        old=_BEFORE,
        keeps="audit",
        internal=True,
    ),
    DataTable("agents", "names of the team, no customers"),
    DataTable(
        "erasure_steps",
        "what is still to be erased elsewhere; emptied when it is done",
        old="state <> 'open' AND next_at < :before",
        keeps="erasures",
    ),
    DataTable(
        "erasures",
        "that something was erased: a pseudonym and numbers that nobody has any more",
        old="done_at < :before AND NOT EXISTS "
        "(SELECT 1 FROM erasure_steps s WHERE s.erasure = erasures.id)",
        keeps="erasures",
    ),
    DataTable("migrations", "numbers of changes to the tables"),
)
"""Every table of the core; the steps go before the erasures they belong to."""
