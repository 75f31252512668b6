"""Whether all that bots handed in during a run of tests was sound mail."""

from __future__ import annotations

import email
import email.policy
import time

from plugins.mail.testing_servers import MailServers

_STRICT = email.policy.default.clone(raise_on_defect=True)
_ONCE = ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References")
_QUEUE = 10.0  # seconds in which Exim may bring what it has taken


def unsound(servers: MailServers) -> list[str]:
    """What Exim complained about unprovoked, and what a strict reader does not like."""
    until = time.monotonic() + _QUEUE
    while any((servers.folder / "spool" / "input").glob("*-H")) and time.monotonic() < until:
        time.sleep(0.05)
    found = [
        line
        for line in servers.complaints()
        if not any(cause in line for cause in servers.provoked)
    ]
    for raw in servers.sent_by_bots():
        if wrong := defects(raw):
            found.append(f"{wrong}: {raw[:2000]!r}")
    return found


def defects(raw: bytes) -> list[str]:
    """What Python's strict policy finds in a mail, its headers and its parts."""
    utf8 = not raw.partition(b"\n\n")[0].isascii()
    try:
        if utf8:  # headers in UTF-8 (RFC 6532), which Python reads only from text
            mail = email.message_from_string(raw.decode(), policy=_STRICT.clone(utf8=True))
        else:
            mail = email.message_from_bytes(raw, policy=_STRICT)
        wrong = [repr(one) for part in mail.walk() for one in part.defects]
        wrong += [f"two of {name}" for name in _ONCE if len(mail.get_all(name, [])) > 1]
        for part in mail.walk():
            for name, value in part.items():
                # Of an address beyond ASCII Python says that it is none.
                wrong += [] if utf8 else [f"{name}: {one!r}" for one in value.defects]
            if part.get_content_maintype() == "text":
                part.get_content(errors="strict")
            elif not part.is_multipart():
                part.get_content()
    except Exception as error:  # whatever it raises is what was sought
        return [repr(error)]
    return wrong
