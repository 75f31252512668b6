"""What an SMTP server's refusal means: again later, or never and why."""

from __future__ import annotations

import re
from typing import Literal

from bot.ports import Reject, Retry

Step = Literal["hello", "login", "sender", "recipient", "content"]
"""Where in the exchange it was said; "content": at DATA, or after its final dot."""

_ENHANCED = re.compile(r"\s*[45]\.(\d{1,3}\.\d{1,3})\b")  # RFC 3463, without its class
_MEANS = {
    "1.0": "mailbox_unknown",
    "1.1": "mailbox_unknown",
    "1.2": "domain_unknown",
    "1.3": "mail_address",
    "1.4": "mailbox_unknown",
    "1.6": "mailbox_unknown",  # moved away
    "1.7": "mail_sender",
    "1.8": "mail_sender",
    "1.10": "domain_unknown",  # RFC 7505: it takes no mail
    "2.0": "mailbox_unknown",
    "2.1": "mailbox_disabled",
    "2.2": "mailbox_full",
    "2.3": "too_big",
    "3.4": "too_big",
    "4.4": "domain_unknown",  # no server for it
    "6.7": "mail_address_utf8",
    "6.9": "mail_address_utf8",
}
_CREDENTIALS = {"7.8", "7.9", "7.11", "7.13", "7.14"}  # of RFC 4954 and of Microsoft's
_CREDENTIAL_CODES = {530, 534, 535, 538}
_ADDRESS_CODES = {501, 555}


def failure(code: int, text: str, step: Step) -> Retry | Reject:
    """What to raise for a reply that is no success."""
    found = _ENHANCED.match(text)
    enhanced = found[1] if found else ""
    if step in ("hello", "login") or code in _CREDENTIAL_CODES or enhanced in _CREDENTIALS:
        # Not this mail's fault: the next one would fare no better, and operators can mend it.
        lost = step != "hello" and code >= 500
        return Retry(None, "mail_credentials" if lost else "mail_unreachable")
    if 500 <= code < 600:
        return Reject(_MEANS.get(enhanced) or _by_code(code, enhanced, step))
    return Retry(None, "mail_full_now" if enhanced == "2.2" or code == 452 else "mail_later")


def _by_code(code: int, enhanced: str, step: Step) -> str:
    if code == 552:
        return "mailbox_full" if step == "recipient" else "too_big"
    if step == "sender":
        return "mail_sender"
    if enhanced.startswith("7."):
        return "refused"
    if code in _ADDRESS_CODES:
        return "mail_address"
    return "mailbox_unknown" if step == "recipient" and code != 554 else "refused"
