"""A mail as the rest of the plugin sees it, whatever the world sent: plain, decoded, complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

OWN_HEADER = "X-Schalter-Message"
"""In every mail that the bot sends, with the left part of its Message-ID."""


@dataclass(frozen=True, slots=True)
class Person:
    """An address of a header, as it was written; ``email`` without brackets, maybe empty."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a mail. ``index`` finds it again in the same original: :func:`parse.content`."""

    index: int
    name: str
    content_type: str
    size: int  # bytes, decoded
    inline: bool = False  # shown in the HTML text: a signature's logo, or a pasted photograph


@dataclass(frozen=True, slots=True)
class Mail:
    """What :func:`parse.parse` made of an original. Nothing in it is ``None`` but what is absent.

    Header names are as written, values unfolded, in their order: no line break is in any of them.
    Only headers that are texts (Subject, Comments ...) have their encoded words decoded; in all
    others these would forge what nobody wrote: an address, a result of an authentication.
    Message-IDs are without brackets. ``sender`` may come from another header than From, or from one
    of several: then ``no_from`` or ``several_from`` is among the defects, and nothing proves it.
    """

    message_id: str
    sender: Person
    subject: str
    text: str  # what a person reads: the plain part, or the HTML as text
    headers: tuple[tuple[str, str], ...] = ()
    reply_to: tuple[Person, ...] = ()
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    date: datetime | None = None  # aware; only as good as the sender's clock
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  # oldest first
    html: bool = False  # the text was made from HTML
    parts: tuple[Part, ...] = ()
    encrypted: bool = False  # somebody's key is needed to read it; ``text`` is empty then
    report: tuple[Mapping[str, str], ...] = ()  # of the message, then of each recipient; lower case
    returned: Mapping[str, str] | None = None  # first values of the mail that came back; lower case
    calendar: str = ""  # METHOD of a calendar part: REQUEST, REPLY, CANCEL ...
    defects: tuple[str, ...] = ()  # short codes of what was wrong with it

    def header(self, name: str) -> str:
        """The first value of a header, or the empty text."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """All values of a header, in order."""
        low = name.lower()
        return [value for key, value in self.headers if key.lower() == low]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text with what it quotes taken apart: joined in order, nothing of it is lost.

    ``reply`` is what the sender wrote, ``quoted`` the rest (quotes, signature, legal notes).
    ``inline``: the sender answered between quoted lines; ``reply`` then holds these lines too.
    ``forwarded``: they wrote nothing, and ``reply`` is what somebody else did.
    """

    reply: str
    quoted: str = ""
    inline: bool = False
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report that a mail of ours was not delivered (``final``), or only late."""

    message_ids: tuple[str, ...]  # that it may be about, surest first
    recipient: str = ""
    status: str = ""  # RFC 3463: 5.1.1
    final: bool = True
    reason: str = ""  # a short code: mailbox_unknown, mailbox_full, too_big, refused ...
