"""Mails for tests, made up by Hypothesis: whole ones, broken ones, and bytes that are hardly any.

:func:`made` gives mails that say what must be found in them; :func:`mutated` damages originals.
"""

from __future__ import annotations

import base64
import quopri
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.header import Header

from hypothesis import strategies as st

_SENTENCES = (
    "Guten Tag, wo bleibt meine Bestellung?",
    "Die Größe fällt zu klein aus, ich möchte umtauschen.",
    "Straße geändert: Müllerstraße 5, 10115 Berlin",
    "Where is my parcel? It should have arrived yesterday.",
    "Mit freundlichen Grüßen",
    "= das ist > kein < Tag & auch nichts anderes =",
    "",
)
_CHARSETS = ("utf-8", "iso-8859-1", "windows-1252", "iso-8859-15")
_SAID = (
    *_CHARSETS,
    "",
    "us-ascii",
    "unknown-8bit",
    "x-unknown",
    "utf-8",
    '"utf-8',
    "gb2312",
    "punycode",
)
_NAMES = (
    "Rechnung.pdf",
    "=?utf-8?B?UsO8Y2tzZW5kdW5nLnBkZg==?=",
    "../../etc/passwd",
    "C:\\\\Users\\\\x\\\\foto.jpg",
    "invoice.pdf.exe",
    "con.txt",
    "",
    "x" * 300 + ".png",
    "a;b.pdf",
)
_KINDS = (
    "application/pdf",
    "image/jpeg",
    "application/octet-stream",
    "text/csv",
    "foo",
    "image/png",
)


@dataclass(frozen=True, slots=True)
class Made:
    """An original, with the words and the files that must be found again in it."""

    raw: bytes
    markers: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Part:
    head: list[bytes]
    body: bytes
    markers: list[str] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)

    def bytes(self) -> bytes:
        return b"\n".join([*self.head, b"", self.body])


def _joined(parts: Sequence[_Part]) -> tuple[list[str], list[bytes]]:
    markers = [marker for part in parts for marker in part.markers]
    return markers, [file for part in parts for file in part.files]


@st.composite
def _marker(draw: st.DrawFn) -> str:
    return f"mk{draw(st.integers(0, 10**12)):012d}q"


@st.composite
def _text(draw: st.DrawFn) -> _Part:
    marker = draw(_marker())
    lines = [*draw(st.lists(st.sampled_from(_SENTENCES), max_size=5)), f"Nummer {marker} bitte"]
    html = draw(st.booleans())
    text = "\n".join(lines)
    if html:
        inside = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>\n")
        text = (
            draw(st.sampled_from(("<html><body><p>%s</p></body></html>", "<div>%s", "%s<br>")))
            % inside
        )
    data = text.encode(draw(st.sampled_from(_CHARSETS)), "replace")
    encoding = draw(st.sampled_from(("quoted-printable", "base64", "8bit", "", "7bit", "lie")))
    said = encoding
    if encoding == "quoted-printable":
        data = quopri.encodestring(data)
    elif encoding == "base64":
        data = base64.encodebytes(data)
    elif encoding == "lie":
        said = draw(st.sampled_from(("base64", "x-strange", "binary")))
    head = [b"Content-Type: text/" + (b"html" if html else b"plain")]
    if charset := draw(st.sampled_from(_SAID)):
        head[0] += f"; charset={charset}".encode()
    if said:
        head.append(f"Content-Transfer-Encoding: {said}".encode())
    return _Part(head, data, [marker])


@st.composite
def _file(draw: st.DrawFn) -> _Part:
    data = draw(st.binary(min_size=1, max_size=400))
    name = draw(st.sampled_from(_NAMES))
    kind = draw(st.sampled_from(_KINDS))
    encoded = base64.encodebytes(data)
    junk = draw(st.sampled_from(("", "blank", "star", "nobreaks", "unpadded")))
    if junk == "blank":
        encoded = encoded.replace(b"\n", b"\r\n\r\n")
    elif junk == "star" and len(encoded) > 40:
        encoded = encoded[:20] + b"*" + encoded[20:]
    elif junk == "nobreaks":
        encoded = encoded.replace(b"\n", b"")
    elif junk == "unpadded":
        encoded = encoded.rstrip(b"=\n")
    style = draw(st.sampled_from(("quoted", "bare", "extended", "none")))
    disposition = {
        "quoted": f'attachment; filename="{name}"',
        "bare": f"attachment; filename={name}",
        "extended": f"attachment; filename*0*=utf-8''{name[:3]}; filename*1={name[3:]}",
        "none": "attachment",
    }[style]
    head = [
        f"Content-Type: {kind}".encode(),
        f"Content-Disposition: {disposition}".encode(),
        b"Content-Transfer-Encoding: base64",
    ]
    return _Part(head, encoded, files=[data])


@st.composite
def _multipart(draw: st.DrawFn, inner: st.SearchStrategy[_Part]) -> _Part:
    kind = draw(st.sampled_from(("mixed", "related", "signed", "report", "parallel", "x-odd")))
    parts = draw(st.lists(inner, min_size=1, max_size=4))
    number = draw(st.integers(0, 2**32))
    boundary = draw(
        st.sampled_from((f"b{number}", f"=_{number}?=", f"--{number}", f"{number}'()+_,-./:="))
    )
    border = b"--" + boundary.encode()
    body = draw(st.sampled_from((b"", b"This is a multi-part message in MIME format.\n\n")))
    for part in parts:
        body += border + draw(st.sampled_from((b"\n", b" \n", b"\r\n"))) + part.bytes() + b"\n"
    body += draw(st.sampled_from((border + b"--\n", border + b"--\n", b"", border + b"--")))
    said = boundary if draw(st.integers(0, 9)) else "wrong"
    head = [f'Content-Type: multipart/{kind}; boundary="{said}"'.encode()]
    return _Part(head, body, *_joined(parts))


@st.composite
def _alternative(draw: st.DrawFn) -> _Part:
    """Plain and HTML, saying the same or not."""
    parts = draw(st.lists(_text(), min_size=2, max_size=3))
    border = f"alt{draw(st.integers(0, 2**32))}".encode()
    body = b"".join(b"--" + border + b"\n" + part.bytes() + b"\n" for part in parts)
    head = [b"Content-Type: multipart/alternative; boundary=" + border]
    return _Part(head, body + b"--" + border + b"--\n", *_joined(parts))


@st.composite
def _forwarded(draw: st.DrawFn, inner: st.SearchStrategy[_Part]) -> _Part:
    part = draw(inner)
    body = b"From: wer@example.org\nSubject: Weiter\n" + part.bytes()
    head = [b"Content-Type: message/rfc822", b"Content-Disposition: attachment"]
    return _Part(head, body, part.markers, part.files)


def _parts() -> st.SearchStrategy[_Part]:
    leaves = st.one_of(_text(), _text(), _file(), _alternative())
    return st.recursive(
        leaves, lambda inner: st.one_of(_multipart(inner), _forwarded(inner)), max_leaves=8
    )


def headers() -> st.SearchStrategy[bytes]:
    """Header blocks, from proper ones to strange ones; without a Content-Type."""
    people = st.sampled_from(
        (
            "Erika Mustermann <erika@example.org>",
            "erika@example.org (Erika)",
            '"Muster, Erika" <erika@example.org>, b@example.org',
            "=?utf-8?q?M=C3=BCller?= <m@example.org>",
            "undisclosed-recipients:;",
            "<>",
            "",
            "Nur Name",
            "a" * 500 + "@example.org",
        )
    )
    subject = st.one_of(
        st.text(max_size=60).map(lambda text: Header(text, "utf-8").encode()),
        st.sampled_from(("=?utf-8?B?w7w", "=?x?q?=FC?=", "Re: Bestellung", "", "=?utf-8?Q?a b?=")),
    )
    lines = st.one_of(
        people.map(lambda value: f"From: {value}"),
        people.map(lambda value: f"To: {value}"),
        people.map(lambda value: f"Reply-To: {value}"),
        subject.map(lambda value: f"Subject: {value}"),
        st.integers(0, 2**64).map(lambda number: f"Message-ID: <{number}@example.org>"),
        st.sampled_from(
            (
                "Date: Fri, 27 Nov 2026 10:00:00 +0100",
                "Date: gestern",
                "References: <a@b> <c@d>",
                "In-Reply-To: a@b",
                "X-Odd : 1",
                "MIME-Version: 1.0",
            )
        ),
    )
    return st.lists(lines, max_size=8).map(
        lambda found: "\n".join(found).encode("utf-8", "replace")
    )


@st.composite
def made(draw: st.DrawFn) -> Made:
    """A mail as the world sends it, and what must not be lost of it."""
    part = draw(_parts())
    head = draw(headers())
    raw = (head + b"\n" if head else b"") + part.bytes()
    ends = draw(st.sampled_from((b"\n", b"\n", b"\r\n")))
    if ends != b"\n":
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", ends)
    return Made(raw, tuple(part.markers), tuple(part.files))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An original with bytes cut out, put in, doubled and turned."""
    raw = bytearray(draw(made()).raw)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        until = min(len(raw), at + draw(st.integers(0, 80)))
        what = draw(st.sampled_from(("cut", "double", "insert", "turn", "end", "blank")))
        if what == "cut":
            del raw[at:until]
        elif what == "double":
            raw[at:at] = raw[at:until]
        elif what == "insert":
            raw[at:at] = draw(st.binary(max_size=20))
        elif what == "turn" and at < len(raw):
            raw[at] ^= draw(st.integers(1, 255))
        elif what == "end":
            del raw[at:]
        else:
            raw[at:at] = draw(st.sampled_from((b"\n\n", b"\r", b"\0", b"--", b"=?", b"<", b'"')))
    return bytes(raw)
