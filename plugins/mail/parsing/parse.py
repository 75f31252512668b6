"""Any bytes as a mail. Nothing is raised, no text and no file is lost, time is linear.

Bounded are parts, addresses, headers and originals within originals (see the constants of the
modules). What is beyond a bound stays in the part before it, and in the original, which is kept.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from plugins.mail.model import Mail, Part, Person
from plugins.mail.parsing.addresses import addresses
from plugins.mail.parsing.charsets import Charsets
from plugins.mail.parsing.headers import Fields, decoded, line
from plugins.mail.parsing.parts import Assembly, Found

REFERENCES = 200  # ids of one header: the last ones

_ID = re.compile(r"<([^<>]{1,2000})>")
_TEXTS = frozenset(
    ("subject", "comments", "keywords", "thread-topic", "content-description", "organization")
)
_RAW = 65_536  # bytes of a header that is handed on


def parse(raw: bytes) -> Mail:
    """What an original says, whatever is wrong with it (:attr:`Mail.defects`)."""
    charsets = Charsets()
    assembly = Assembly(_normal(raw), charsets)
    found, fields = assembly.found, assembly.root.fields
    defects = set(assembly.defects)
    sender = _sender(fields, charsets, defects)
    headers = tuple(
        (name.decode("latin-1"), _value(name, value, charsets)) for name, value in fields
    )
    return Mail(
        message_id=next(iter(_ids(fields, b"message-id", charsets)), ""),
        sender=sender,
        subject=" ".join(assembly.subject.split()),
        text="" if found.encrypted and not found.blocks else _text(found),
        headers=headers,
        reply_to=_people(fields, b"reply-to", charsets),
        to=_people(fields, b"to", charsets),
        cc=_people(fields, b"cc", charsets),
        date=_date(fields, charsets),
        in_reply_to=_ids(fields, b"in-reply-to", charsets),
        references=_ids(fields, b"references", charsets),
        html=any(block.html for block in found.blocks),
        parts=tuple(
            Part(index, file.name, file.kind, len(file.load()), file.inline)
            for index, file in enumerate(found.files)
        ),
        encrypted=found.encrypted,
        report=tuple(found.reports),
        returned=found.returned,
        calendar=found.calendar,
        defects=tuple(sorted(defects | _doubled(fields))),
    )


def content(raw: bytes, index: int) -> bytes:
    """The bytes of one part of an original, by :attr:`Part.index`; none if it has no such part."""
    files = Assembly(_normal(raw), Charsets()).found.files
    return files[index].load() if 0 <= index < len(files) else b""


def _normal(raw: bytes) -> bytes:
    """Without what mail programs and old computers put around and between the lines."""
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    return raw.lstrip(b"\r\n") if re.match(rb"[\r\n]+[!-9;-~]+:", raw) else raw


def _value(name: bytes, value: bytes, charsets: Charsets) -> str:
    if name.decode("latin-1").lower() in _TEXTS:
        return decoded(value, charsets)
    return line(charsets.header(value[:_RAW]))


def _text(found: Found) -> str:
    texts = [text for block in found.blocks if (text := block.text.strip("\n")).strip()]
    texts += [event for event in found.events if not any(event in text for text in texts)]
    lines = "\n\n".join(texts).split("\n")
    return "\n".join(text.rstrip() if text != "-- " else text for text in lines).strip("\n")


def _people(fields: Fields, name: bytes, charsets: Charsets) -> tuple[Person, ...]:
    return tuple(
        person
        for key, value in fields
        if key.lower() == name
        for person in addresses(value, charsets)
    )


def _sender(fields: Fields, charsets: Charsets, defects: set[str]) -> Person:
    """Who it is from: the first real address; if there is none, who is to be answered."""
    written = _people(fields, b"from", charsets)
    known = [person for person in written if "@" in person.email]
    if len({person.email.lower() for person in known}) > 1 or len(_named(fields, b"from")) > 1:
        defects.add("several_from")
    if known:
        return known[0]
    defects.add("no_from")
    name = next((person for person in written if person.email), None)
    if name is not None:
        return name
    for other in (b"reply-to", b"return-path", b"sender"):
        for person in _people(fields, other, charsets):
            if "@" in person.email:
                return person
    return written[0] if written else Person("")


def _named(fields: Fields, name: bytes) -> list[bytes]:
    return [value for key, value in fields if key.lower() == name]


def _doubled(fields: Fields) -> set[str]:
    """Headers that may be there once, and what is missing."""
    found: set[str] = set()
    for name in (b"subject", b"message-id", b"date"):
        count = len(_named(fields, name))
        if count > 1:
            found.add(f"several_{name.decode().replace('-', '_')}")
        if not count and name != b"subject":
            found.add(f"no_{name.decode().replace('-', '_')}")
    return found


def _ids(fields: Fields, name: bytes, charsets: Charsets) -> tuple[str, ...]:
    """Message-IDs of a header, without brackets and blanks; also of those who write none."""
    found: list[str] = []
    for value in _named(fields, name):
        text = line(charsets.header(value[-_RAW:]))
        inside = _ID.findall(text) or [word for word in text.split() if "@" in word]
        if name == b"message-id":
            inside = inside[:1] or [text]
        found += ["".join(each.split()) for each in inside]
    return tuple(dict.fromkeys(filter(None, found)))[-REFERENCES:]


def _date(fields: Fields, charsets: Charsets) -> datetime | None:
    for value in _named(fields, b"date"):
        try:
            date = parsedate_to_datetime(line(charsets.header(value[:200])))
            date = date if date.tzinfo else date.replace(tzinfo=UTC)
            date.astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
            continue
        return date
    return None
