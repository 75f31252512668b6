"""Names and limits that more than one module of the plugin needs."""

from __future__ import annotations

CHANNEL = "mail"
HUMAN = "/contact_human_agent"
"""What a mail asks for that no machine can make sense of: a person sees it."""
TEXT_LIMIT = 100_000  # characters of an answer; nobody's mail program minds
