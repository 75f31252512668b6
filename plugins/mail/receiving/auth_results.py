"""Whether a sender is who it says: DMARC, as our own receiving server found out (RFC 8601).

Anybody can write an ``Authentication-Results`` header into a mail. The one that counts is the
topmost under a configured id, and it must stand above the line by which the mail came in from
outside. So what a sender wrote is never read, also where the server forgot to write its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesHeaderParser
from enum import StrEnum
from ipaddress import ip_address

from plugins.mail.addresses import domain_of, normal
from plugins.mail.model import Mail
from plugins.mail.settings import Mailbox

_HEADERS = re.compile(rb"\r?\n\r?\n")
_MOST = 200_000  # bytes of headers that are looked at
_LONGEST_FROM = 1000  # characters; one person's name and address are shorter
_BY = re.compile(r"\sby\s", re.IGNORECASE)
_COMMENT = re.compile(r"\(([^()]*)\)")
_GREETING = re.compile(r"\b(?:helo|ehlo)[= ]\S*", re.IGNORECASE)  # qmail, Exim
_IP = re.compile(r"\[?(?:IPv6:)?([0-9a-fA-F:.]*[:.][0-9a-fA-F:.]+)\]?")
# What a server writes between its Received line and its results (Google does).
_TRACE = {"received-spf", "return-path", "delivered-to", "authentication-results"}


class Verdict(StrEnum):
    """What is known about the sender's address."""

    PASS = "pass"  # noqa: S105 - DMARC's word
    FAIL = "fail"
    NONE = "none"  # nothing that could be believed


@dataclass(slots=True)
class _Result:
    method: str
    result: str
    properties: dict[str, list[str]] = field(default_factory=dict)


def verdict(mail: Mail, raw: bytes, box: Mailbox) -> Verdict:
    """What the mailbox's receiving server says about the one address in ``From``."""
    value = _trusted(mail.headers, box)
    if value is None:
        return Verdict.NONE
    results = _parsed(value)
    found = [one for one in results[1] if one.method == "dmarc"] if results else []
    if any(one.result == "fail" for one in found):
        return Verdict.FAIL
    domain = domain_of(mail.sender.email)
    if not found or not domain or sole_sender(raw) != normal(mail.sender.email):
        return Verdict.NONE
    passed = all(one.result == "pass" and _about(one, domain) for one in found)
    return Verdict.PASS if passed else Verdict.NONE


def sole_sender(raw: bytes) -> str | None:
    """The address in ``From``: of one such header, well-formed, with one address and no group."""
    head = _HEADERS.split(raw[:_MOST], maxsplit=1)[0]
    try:
        # Reading a long one, or a long type, takes that library time by the square of its length.
        headers = BytesHeaderParser(policy=policy.compat32).parsebytes(head)
        written = [value for name, value in headers.raw_items() if name.lower() == "from"]
        if len(written) != 1 or len(written[0]) > _LONGEST_FROM:
            return None
        found = policy.default.header_fetch_parse("From", written[0])
        groups = [one for one in found.groups if one.display_name is not None]
        if found.defects or groups or len(found.addresses) != 1:
            return None
        address = found.addresses[0].addr_spec
    except Exception:  # the standard library's parser raises what it likes on what is odd
        return None
    if address.count("@") != 1 or not _stands_alone(address, written[0]):
        return None
    return normal(address)


def _stands_alone(address: str, written: str) -> bool:
    """Whether nothing is joined to an address that another reader would take for a part of it."""
    return re.search(rf"(?:^|[\s<]){re.escape(address)}(?:$|[\s>])", written) is not None


def _about(result: _Result, domain: str) -> bool:
    named = result.properties.get("header.from", [])
    return bool(named) and all(
        normal(f"x@{one.rpartition('@')[2]}") == f"x@{domain}" for one in named
    )


def _trusted(headers: Sequence[tuple[str, str]], box: Mailbox) -> str | None:
    """The results that the receiving server wrote; ``None``: there are none to be believed."""
    outside = False  # whether the line by which the mail came in stands above
    for name, value in headers:
        low = name.lower()
        if low == "authentication-results":
            if _is_ours(value, box):
                return value
        elif low == "received":
            if outside:
                return None
            outside = not _came_from_inside(value, box)
            if outside and box.receiver != "google":
                return None
        elif outside and low not in _TRACE and not low.startswith(("x-", "arc-")):
            return None  # what follows is the sender's
        elif low in ("from", "subject", "to", "date", "message-id"):
            return None
    return None


def _is_ours(value: str, box: Mailbox) -> bool:
    parsed = _parsed(value)
    if parsed is None:
        return False
    if box.receiver == "microsoft365" and parsed[0] is None:
        return bool(box.authserv_ids)  # it writes no id; that it counts must have been set
    return parsed[0] is not None and parsed[0].lower() in box.authserv_ids


def _came_from_inside(value: str, box: Mailbox) -> bool:
    """Whether a Received line tells of a step between our own servers."""
    word, _, rest = value.strip().partition(" ")
    if word.lower() != "from":
        return word.lower() == "by"  # handed in on the server itself
    source = _BY.split(rest, maxsplit=1)[0]
    said = _COMMENT.findall(source)  # Postfix writes of TLS in the later ones
    comments, first = " ".join(said), said[0] if said else ""
    helo = source.split(maxsplit=1)[0] if source.split() else ""
    addresses = [one for one in (_ip(word) for word in f"{comments} {helo}".split()) if one]
    if addresses and all(ip_address(one).is_loopback for one in addresses):
        return True
    # The name that the other side gave itself proves nothing; one that stands behind it was looked
    # up by its address. Microsoft's own servers have no such name, and Dovecot's LMTP no address.
    words = _GREETING.sub(" ", first).split()
    names = [word for word in words if "." in word and _ip(word) is None]
    if not names and (not addresses or box.receiver == "microsoft365"):
        names = [helo]
    unknown = "unknown" in words
    return bool(names) and not unknown and all(_is_own(name.strip("[]"), box) for name in names)


def _ip(word: str) -> str | None:
    match = _IP.fullmatch(word.strip(",;"))
    if match is None:
        return None
    try:
        return str(ip_address(match[1]))
    except ValueError:
        return None


def _is_own(host: str, box: Mailbox) -> bool:
    low = host.lower().rstrip(".")
    own = {*box.received_by, *box.authserv_ids}
    if box.receiver == "microsoft365":
        own.add(".outlook.com")
    return any(low == one or (one.startswith(".") and low.endswith(one)) for one in own)


def _parsed(value: str) -> tuple[str | None, list[_Result]] | None:
    """The server's id (Microsoft writes none) and its results; ``None``: not well-formed."""
    segments = _segments(value)
    if segments is None or not segments:
        return None
    first = segments[0]
    server = first[0] if first and "=" not in first[1:2] else None
    if server is not None and len(first) > 2:  # an id, and a version at most
        return None
    results = segments if server is None else segments[1:]
    return server, [made for made in map(_result, results) if made is not None]


def _result(tokens: list[str]) -> _Result | None:
    if len(tokens) < 3 or tokens[1] != "=":
        return None
    made = _Result(tokens[0].partition("/")[0].lower(), tokens[2].lower())
    for place in range(4, len(tokens) - 1):
        if tokens[place] == "=":
            made.properties.setdefault(tokens[place - 1].lower(), []).append(tokens[place + 1])
    return made


def _segments(value: str) -> list[list[str]] | None:
    """Words, quoted ones whole and marked as no ``=``, by ``;``; without comments."""
    made: list[list[str]] = [[]]
    for token in _tokens(value):
        if token is None:
            return None
        if token == ";":  # noqa: S105 - of a grammar
            made.append([])
        else:
            made[-1].append(token)
    return [one for place, one in enumerate(made) if one or place == 0]


def _tokens(value: str) -> Iterator[str | None]:
    """``None`` where a quote or a comment does not end."""
    place, end = 0, len(value)
    while place < end:
        char = value[place]
        if char.isspace():
            place += 1
        elif char in ";=":
            yield char
            place += 1
        elif char in '("':
            text, place = _enclosed(value, place)
            if text is None:
                yield None
                return
            if char == '"':
                yield f"{text} " if text in (";", "=") else text
        else:
            match = re.compile(r'[^\s;=("]+').match(value, place)
            assert match is not None  # noqa: S101 - every other character was seen above
            yield match[0]
            place = match.end()


def _enclosed(value: str, place: int) -> tuple[str | None, int]:
    """A quoted text, or a comment with those inside it, and where it ends."""
    quoted, depth, text = value[place] == '"', 0, ""
    while place < len(value):
        char = value[place]
        if char == "\\":
            place += 1
            text += value[place : place + 1]
        elif quoted and char == '"':
            if depth:
                return text, place + 1
            depth = 1
        elif not quoted and char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return text, place + 1
        else:
            text += char
        place += 1
    return None, place
