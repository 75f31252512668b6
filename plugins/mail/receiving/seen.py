"""What is found out about a mail before the store is asked. Pure, and slow: it belongs in a thread.

Whatever a stranger sends, a mail comes out of it: at the worst what could be saved of one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from plugins.mail.addresses import normal
from plugins.mail.model import Bounce, Mail
from plugins.mail.names import ENCRYPTED, FROM_US, NO_SENDER, SEVERAL_SENDERS, UNREADABLE
from plugins.mail.parsing import bounces, kinds
from plugins.mail.receiving.auth_results import Verdict, verdict
from plugins.mail.receiving.ledger import Fingerprint, Source
from plugins.mail.receiving.poison import read, saved
from plugins.mail.receiving.wire import participant
from plugins.mail.settings import Mailbox, MailSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as it came out of its mailbox. ``raw`` is its beginning where ``size`` is larger."""

    source: Source
    raw: bytes
    size: int

    @property
    def whole(self) -> bool:
        """Whether all of it was fetched."""
        return len(self.raw) >= self.size


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail with everything that was found out about it.

    ``file`` is the original in Files. ``automatic`` says why no machine answers it, ``person`` why
    a person must see it. ``participant`` is who is answered; empty: nobody can be.
    """

    fetched: Fetched
    mark: Fingerprint
    file: str | None
    box: Mailbox
    mail: Mail
    odd: bool  # could not be read as others are
    participant: str
    proven: Verdict
    by_form: bool = False  # a contact form of the shop's names the participant
    bounce: Bounce | None = None
    automatic: str | None = None
    person: str | None = None

    @property
    def sender(self) -> str:
        """Who seems to have written it."""
        return normal(self.mail.sender.email)


def look(
    fetched: Fetched, mark: Fingerprint, file: str | None, box: Mailbox, settings: MailSettings
) -> Seen:
    """Find it out. Raises nothing."""
    mail, odd = read(fetched.raw)
    if not odd:
        try:
            return _seen(fetched, mark, file, box, mail, settings)
        except Exception:  # an edge: what is odd about one mail must not stop those behind it
            log.exception("a mail could not be understood")
    return rescued(fetched, mark, file, box)


def rescued(fetched: Fetched, mark: Fingerprint, file: str | None, box: Mailbox) -> Seen:
    """What a person gets to see of a mail at which something fails. Raises nothing."""
    mail = saved(fetched.raw)
    who, _ = participant(mail, ())
    return Seen(fetched, mark, file, box, mail, True, who, Verdict.NONE, person=UNREADABLE)


def _seen(
    fetched: Fetched,
    mark: Fingerprint,
    file: str | None,
    box: Mailbox,
    mail: Mail,
    settings: MailSettings,
) -> Seen:
    who, by_form = participant(mail, settings.forms)
    bounce = bounces.bounce(mail)
    automatic = "bounce" if bounce else None
    if normal(mail.sender.email) not in settings.forms:  # a form is a machine, for a person
        automatic = kinds.automatic(mail, settings.lists, settings.own) or automatic
    return Seen(
        fetched,
        mark,
        file,
        box,
        mail,
        False,
        who,
        # What a form says of its writer is not proven.
        Verdict.NONE if by_form else verdict(mail, fetched.raw, box),
        by_form,
        bounce,
        automatic,
        _person(mail, who, settings),
    )


def _person(mail: Mail, who: str, settings: MailSettings) -> str | None:
    if "several_from" in mail.defects:
        return SEVERAL_SENDERS
    if not who:
        return NO_SENDER
    if who in settings.own:
        return FROM_US
    return ENCRYPTED if mail.encrypted else None
