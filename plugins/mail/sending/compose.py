"""From what is to be said to a mail. Pure: no store, no network, no clock.

Not quoted below: what the customer wrote. Their reader shows it by the thread, and a mail of ours
then carries nobody's data a second time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Literal

import idna

from bot.ports import Reject
from plugins.mail.model import OWN_HEADER
from plugins.mail.sending import header_text
from plugins.mail.sending.page import page

Automatic = Literal["auto-replied", "auto-generated"]
"""What no person wrote (RFC 3834): an answer to a mail, or something that was sent unasked."""

_SUBJECT = 200  # characters
_NAME = 80
# Re, AW ... of German and English readers and of their neighbours; also Re[2]: and Re^2:
_REPLY = re.compile(
    r"\s*(?:re|aw|antw|antwort|sv|vs|rv|ref|ris|rif|odp|ynt)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*",
    re.IGNORECASE,
)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])+"')
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_LONGEST_LOCAL = 64  # bytes, RFC 5321
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_STAY = ("\n", "\t")


@dataclass(frozen=True, slots=True)
class File:
    """An attachment with its content."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything a mail is made of, as plain text. Whatever stands in it, the mail is sound.

    ``message_id``, ``in_reply_to`` and ``references`` are without brackets. ``own`` are the hosts
    whose links may be clicked. ``utf8``: the server takes addresses beyond ASCII.
    """

    message_id: str
    at: datetime
    sender: str
    sender_name: str
    recipient: str
    subject: str
    text: str
    footer: str = ""
    language: str = "de"
    automatic: Automatic | None = None
    in_reply_to: str = ""
    references: Sequence[str] = ()
    files: Sequence[File] = ()
    own: Sequence[str] = ()
    utf8: bool = False


def compose(letter: Letter) -> EmailMessage:
    """The mail. Raises :class:`Reject` for an address that cannot be written to."""
    made = EmailMessage(policy=SMTPUTF8 if letter.utf8 else SMTP)
    for name, value in _headers(letter):
        made.set_raw(name, value)
    text, footer = _sane(letter.text), _sane(letter.footer)
    below = f"\n\n-- \n{footer}" if footer else ""
    made.set_content(f"{text}{below}\n", cte="quoted-printable")
    html = page(text, footer, letter.language, letter.own)
    made.add_alternative(html, subtype="html", cte="quoted-printable")
    for file in letter.files:
        main, sub = _content_type(file.content_type)
        made.add_attachment(file.content, main, sub, filename=_file_name(file.name))
    # Last: while parts are added, such a header moves into the first of them.
    made["Content-Language"] = letter.language
    return made


def _headers(letter: Letter) -> list[tuple[str, str]]:
    subject = header_text.plain(letter.subject, _SUBJECT)
    named = [
        (
            "From",
            header_text.mailbox(
                header_text.plain(letter.sender_name, _NAME), address(letter.sender)
            ),
        ),
        ("To", address(letter.recipient, utf8=letter.utf8)),
        ("Subject", header_text.unstructured(subject, "Subject")),
        ("Date", format_datetime(letter.at.astimezone(UTC))),
        ("Message-ID", f"<{letter.message_id}>"),
        (OWN_HEADER, letter.message_id.split("@")[0]),
    ]
    if header_text.is_id(letter.in_reply_to):
        named.append(("In-Reply-To", f"<{letter.in_reply_to}>"))
    if references := header_text.chain(letter.references):
        named.append(("References", references))
    if letter.automatic is not None:
        named.append(("Auto-Submitted", letter.automatic))
        named.append(("X-Auto-Response-Suppress", "All"))
    return named


def reply_subject(subject: str) -> str:
    """``Re:`` once, however often the other side put it, or its own word for it, before."""
    return f"Re: {base_subject(subject)}"


def base_subject(subject: str) -> str:
    """A subject without the words for an answer before it; maybe empty."""
    rest = header_text.plain(subject, _SUBJECT)
    while match := _REPLY.match(rest):
        rest = rest[match.end() :]
    return rest


def address(email: str, *, utf8: bool = False) -> str:
    """An address as it goes over the wire: the domain in ASCII (IDNA 2008).

    Raises Reject: ``mail_address`` for one that is none, ``mail_address_utf8`` for a local part
    beyond ASCII where the server does not take it.
    """
    local, _, domain = email.strip().rpartition("@")
    if not local or len(local.encode("utf-8", "replace")) > _LONGEST_LOCAL:
        raise Reject("mail_address")
    return f"{_local(local, utf8)}@{_domain(domain)}"


def _local(local: str, utf8: bool) -> str:
    if local.isascii():
        if _LOCAL.fullmatch(local) or _QUOTED.fullmatch(local):
            return local
        if not local.isprintable():
            raise Reject("mail_address")
        return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", local))
    if header_text.plain(local, _LONGEST_LOCAL) != local or not _LOCAL.fullmatch(
        _ascii_like(local)
    ):
        raise Reject("mail_address")
    if not utf8:
        raise Reject("mail_address_utf8")
    return local


def _domain(domain: str) -> str:
    if _DOMAIN.fullmatch(domain):
        return domain.lower()
    try:
        # As of 2008: the older rules, Python's own, make another domain of one with an "ß".
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise Reject("mail_address") from None


def needs_utf8(email: str) -> bool:
    """Whether only a server with SMTPUTF8 takes the address."""
    return not email.rpartition("@")[0].isascii()


def _ascii_like(local: str) -> str:
    return "".join(one if one.isascii() else "x" for one in local)


def _file_name(name: str) -> str:
    # Of quotes inside a quoted name, readers make different names.
    return header_text.plain(re.sub(r'["\\/]', "_", name), 120).strip(" .") or "file"


def _content_type(content_type: str) -> tuple[str, str]:
    main, _, sub = content_type.partition("/")
    # A mail or a multipart inside would be opened by readers as if we had written it.
    if not _TYPE.fullmatch(content_type) or main in ("message", "multipart"):
        return "application", "octet-stream"
    return main, sub


def _sane(text: str) -> str:
    """Line breaks of one kind, and nothing that does not belong in a text."""
    whole = re.sub(r"\r\n?|\N{LINE SEPARATOR}|\N{PARAGRAPH SEPARATOR}|\x85|\x0b|\x0c", "\n", text)
    kept = "".join(
        one
        for one in whole
        if one in _STAY or not (ord(one) < 32 or 0x7F <= ord(one) < 0xA0 or _is_surrogate(one))
    )
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip("\n")


def _is_surrogate(one: str) -> bool:
    return 0xD800 <= ord(one) <= 0xDFFF
