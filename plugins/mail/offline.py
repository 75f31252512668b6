"""What `bot check` finds out without a look at the servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.ports import Problem
from plugins.mail.settings import Mailbox, MailSettings


def where(box: Mailbox) -> str:
    """How a mailbox is named in a finding."""
    return f"channel mail, mailbox {box.name}"


def offline_problems(settings: MailSettings) -> Iterator[Problem]:
    """What cannot work with these settings, or not as one may think."""
    for box in settings.mailboxes:
        yield from _problems(box)


def _problems(box: Mailbox) -> Iterator[Problem]:
    for server in (box.imap, box.smtp):
        try:
            server.trust()
        except OSError as error:
            what = f"ca_file {server.ca_file} cannot be used ({error.strerror})"
            yield Problem(where(box), what, "name a file with certificates (PEM)")
    if not box.authserv_ids:
        what = "no sender of a mail is believed: authserv_ids is empty"
        fix = "name the receiving server's id as its Authentication-Results begin with it"
        yield Problem(where(box), what, fix, fatal=False)
    expires = box.oauth.secret_expires if box.oauth is not None else None
    if box.oauth is not None and expires is not None:
        days = (expires - datetime.now(UTC).date()).days
        if days <= box.oauth.warn_days:
            what = f"the client secret ends in {days} days" if days > 0 else "the secret has ended"
            fix = f"make a new one, set SCHALTER_MAIL_{box.name.upper()}_CLIENT_SECRET and the day"
            yield Problem(where(box), what, fix, fatal=days <= 0)
