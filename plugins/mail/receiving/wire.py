"""A placed mail as an Inbound: what is asked, what is folded, who gets the answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bot.messages import Address, Attachment, Inbound, Kind
from plugins.mail.addresses import domain_of, is_address, normal
from plugins.mail.model import Folded, Mail, Part
from plugins.mail.names import CHANNEL, UNREADABLE
from plugins.mail.quoting.frame import unframed
from plugins.mail.quoting.quotes import fold
from plugins.mail.receiving.originals import WHOLE_TEXT, reference
from plugins.mail.threads import Place, base_subject, is_forward

_MOST_FILES = 20
_NO_SUBJECT = frozenset({"", "no subject", "kein betreff", "ohne betreff", "none"})
"""What some programs write where nobody wrote a subject."""
_READ = 100_000  # characters of a text that are taken apart: the worst of it takes a second
_SHOWN = 80  # characters of name and address together: what the inbox keeps
_DECORATION = 5000  # bytes; an inline picture below is a logo, not what somebody sends
_UNSURE = frozenset({"no_from", "several_from"})  # defects: it is not known who wrote


def participant(mail: Mail, forms: Collection[str]) -> tuple[str, bool]:
    """Who is answered, and whether a contact form of the shop's named them; empty: nobody can be.

    It is ``From``, where that names one address. ``Reply-To`` counts for the senders in ``forms``
    alone: with it, whoever forges a sender would get the answers.
    """
    if not _UNSURE.isdisjoint(mail.defects):
        return "", False
    sender = normal(mail.sender.email)
    if sender in forms:
        named = {normal(one.email) for one in mail.reply_to if is_address(one.email)}
        return (named.pop(), True) if len(named) == 1 else ("", True)
    return (sender if is_address(sender) else "", False)


def inbound(
    mail: Mail,
    spot: Place,
    *,
    file: str | None,
    wire_id: str,
    whole: bool,
    email: str | None,
    automatic: str | None,
    person: str | None,
) -> Inbound:
    """The message. ``email``: the sender's, proven; it is dropped where Reply-To names another.

    ``person``: why no machine shall answer it, and a person must see it.
    """
    text = mail.text[:_READ]
    folded = Folded(text) if person == UNREADABLE else _folded(mail, text)
    said = _said(mail, folded, spot)
    kind = Kind.AUTOMATIC if automatic else Kind.TEXT
    return Inbound(
        address=Address(CHANNEL, spot.key),
        wire_id=wire_id,
        kind=kind,
        text=said,
        attachments=_attachments(mail, file, whole),
        sender_name=_shown(mail),
        quotes=next(iter(mail.in_reply_to), None),
        email=email if email and _answers_go_to(mail, email) else None,
        folded=folded.quoted if folded.reply.strip() or not _is_first(mail, spot) else "",
        person=None if automatic else person,
    )


def _folded(mail: Mail, text: str) -> Folded:
    """What is asked, and everything else: quotes, salutation, the closing and what is below it."""
    folded = fold(text)
    if folded.forwarded and mail.in_reply_to and not is_forward(mail.subject):
        # An answer without a word, which some programs write as if it forwarded ours.
        return Folded("", text)
    asked, frame = unframed(folded.reply)
    rest = "\n\n".join(part for part in (frame, folded.quoted) if part)
    return replace(folded, reply=asked, quoted=rest) if frame else folded


def _said(mail: Mail, folded: Folded, spot: Place) -> str:
    """What is asked. A subject stands in front where it says what the text does not."""
    text = folded.reply.strip()
    if not text and _is_first(mail, spot):
        text = folded.quoted.strip()
    subject = base_subject(mail.subject)
    if spot.repeats or subject.lower().strip("<>()") in _NO_SUBJECT:
        return text
    if subject.lower() in text.lower():
        return text
    return f"{subject}\n\n{text}" if text else subject


def _is_first(mail: Mail, spot: Place) -> bool:
    """Whether what a mail quotes is news: that of an answer was known, or is our own."""
    return spot.new and not mail.in_reply_to


def _shown(mail: Mail) -> str | None:
    """Name and address: a name alone may say anything.

    The address is never cut off by a long name, nor hidden behind a name that looks like one; its
    domain is as in the DNS, so that no letter of another script passes for one of ours.
    """
    name, email = " ".join(mail.sender.name.split()), mail.sender.email.strip()
    local, at, _ = email.rpartition("@")
    address = f"{local}{at}{domain_of(email)}" if at else email
    if len(address) > _SHOWN:  # its end is the domain's owner
        return f"…{address[1 - _SHOWN :]}"
    room = _SHOWN - len(address) - len(" <>")
    if not name or not address or "@" in name or room < 2:
        return address or name or None
    short = name if len(name) <= room else f"{name[: room - 1].rstrip()}…"
    return f"{short} <{address}>"


def _answers_go_to(mail: Mail, email: str) -> bool:
    return all(normal(one.email) == email for one in mail.reply_to)


def _attachments(mail: Mail, file: str | None, whole: bool) -> tuple[Attachment, ...]:
    if file is None:
        return ()
    parts = [part for part in mail.parts if not _is_decoration(part)]
    made = [
        Attachment(part.name, part.content_type, part.size, ref=reference(file, part.index))
        for part in parts[:_MOST_FILES]
    ]
    if not whole:
        # The end was not fetched: the last part seen is cut off, and others may follow it.
        name = made.pop().name if made else "mail.eml"
        made.append(Attachment(name, "application/octet-stream", error="file_too_big"))
    elif len(parts) > _MOST_FILES:
        made.append(Attachment("mail.eml", "message/rfc822", error="file_too_many"))
    if len(mail.text) > _READ:
        made.append(Attachment("mail.txt", "text/plain", ref=reference(file, WHOLE_TEXT)))
    return tuple(made)


def _is_decoration(part: Part) -> bool:
    return part.inline and part.content_type.startswith("image/") and part.size < _DECORATION
