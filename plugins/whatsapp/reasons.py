"""Twilio's error codes, as reasons that an agent understands (responses ``reason_<code>``).

The codes are those of https://www.twilio.com/docs/api/errors.
"""

from __future__ import annotations

REASONS = {
    20003: "whatsapp_credentials",
    21211: "whatsapp_number",  # invalid 'To'
    21212: "whatsapp_sender",  # invalid 'From'
    21408: "whatsapp_region",
    21604: "whatsapp_number",
    21606: "whatsapp_sender",
    21610: "whatsapp_opted_out",
    21614: "whatsapp_number",
    21617: "whatsapp_too_long",
    21620: "whatsapp_media",
    21655: "whatsapp_template",  # the ContentSid is invalid
    21656: "whatsapp_template",  # the ContentVariables are invalid
    21658: "whatsapp_too_long",
    63001: "whatsapp_credentials",
    63003: "whatsapp_not_there",  # the channel could not find the 'To' address
    63005: "whatsapp_content",
    63007: "whatsapp_sender",  # no channel with the 'From' address
    63012: "whatsapp_outage",
    63013: "whatsapp_policy",
    63014: "whatsapp_blocked",  # by something that the recipient did
    63015: "whatsapp_sandbox",  # has not joined it, or three days ago
    63016: "window_closed",
    63017: "whatsapp_rate",
    63018: "whatsapp_rate",
    63019: "whatsapp_media",
    63021: "whatsapp_content",
    63024: "whatsapp_not_there",  # invalid recipient
    63027: "whatsapp_template",
    63028: "whatsapp_template",
    63032: "whatsapp_not_delivered",
    63033: "whatsapp_blocked",
    63038: "whatsapp_day_limit",
    63040: "whatsapp_template",
    63041: "whatsapp_template",
    63042: "whatsapp_template",
    63049: "whatsapp_not_delivered",
}
OTHER = "whatsapp_refused"
PASSING = frozenset({20429, 63018, 63012, 20503, 20504})
"""Codes that a later attempt may not get any more."""


def reason_of(code: str | int | None) -> str:
    """The reason for an error code; a general one for a code that is not listed."""
    try:
        return REASONS.get(int(code or 0), OTHER)
    except ValueError:
        return OTHER
