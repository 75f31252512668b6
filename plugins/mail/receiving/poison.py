"""The last net: a mail that the parser cannot read is still a mail that somebody gets to see."""

from __future__ import annotations

import logging
from email import policy
from email.parser import BytesHeaderParser
from email.utils import parseaddr

from plugins.mail.model import Mail, Person
from plugins.mail.parsing.parse import parse

log = logging.getLogger(__name__)

_MOST = 100_000  # bytes of the beginning
_LONGEST_FROM = 1000  # characters; that library reads many brackets one within the other
_SHOWN = ("From", "To", "Date", "Subject")


def read(raw: bytes) -> tuple[Mail, bool]:
    """The mail, and whether it is only what could be saved of it."""
    try:
        return parse(raw), False
    except Exception:  # an edge: nothing that a stranger sends may stop the mails behind it
        log.exception("a mail could not be parsed")
        return saved(raw), True


def saved(raw: bytes) -> Mail:
    """What a person needs to find it: the headers that are shown. Raises nothing."""
    try:
        headers = BytesHeaderParser(policy=policy.compat32).parsebytes(raw[:_MOST])
        found = {name: " ".join(str(headers.get(name, "")).split()) for name in _SHOWN}
        message_id = str(headers.get("Message-ID", "")).strip().strip("<>")
        name, email = parseaddr(found["From"][:_LONGEST_FROM])
    except Exception:  # as above; the original is kept in any case
        found, message_id, name, email = dict.fromkeys(_SHOWN, ""), "", "", ""
    return Mail(
        message_id=message_id if message_id.isprintable() else "",
        sender=Person(email, name),
        subject=found["Subject"],
        text="\n".join(f"{name}: {value}" for name, value in found.items() if value),
        headers=tuple(found.items()),
        defects=("unreadable",),
    )
