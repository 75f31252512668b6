"""Names and limits that more than one module of the plugin needs."""

from __future__ import annotations

CHANNEL = "mail"
UNREADABLE = "mail_unreadable"
NO_SENDER = "mail_no_sender"
SEVERAL_SENDERS = "mail_several_senders"
FROM_US = "mail_from_us"
ENCRYPTED = "mail_encrypted"
MAYBE_A_MACHINE = "mail_maybe_a_machine"
UNDELIVERED = "mail_undelivered"
TOO_MANY = "mail_too_many"
"""Reasons for which a person must see a mail that no machine answers."""
TEXT_LIMIT = 100_000  # characters of an answer; nobody's mail program minds
