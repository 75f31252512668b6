"""Mails made to hurt: time and memory stay in proportion to their bytes."""

from __future__ import annotations

import base64
import tracemalloc

import pytest

from plugins.mail.parsing.htmltext import text_of
from plugins.mail.parsing.parse import content, parse
from tests.plugins.mail.cpu import seconds

HEAD = b"From: a@example.org\nSubject: x\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
BASE64 = HEAD + b"Content-Transfer-Encoding: base64\n\n"
TEXT = b"Content-Type: text/plain\n\nNummer 10042\n"


def _nested(depth: int, kind: bytes = b"mixed") -> bytes:
    opened = b"".join(
        b"Content-Type: multipart/%s; boundary=b%d\n\n--b%d\n" % (kind, at, at)
        for at in range(depth)
    )
    return HEAD + opened + TEXT


def _forwards(depth: int) -> bytes:
    return HEAD + b"Content-Type: message/rfc822\n\n" * depth + TEXT


def _side_by_side(count: int) -> bytes:
    part = b"--b\nContent-Type: image/png; name=b.png\nContent-Transfer-Encoding: base64\n\nAAAA\n"
    return MIXED + part * count + b"--b\n" + TEXT


@pytest.mark.parametrize("kind", [b"mixed", b"alternative", b"related"])
def test_the_text_is_found_a_thousand_parts_deep(kind: bytes) -> None:
    """The standard library's parser ends in a RecursionError here."""
    assert parse(_nested(1000, kind)).text == "Nummer 10042"


def test_mails_in_mails_a_thousand_deep_are_files() -> None:
    raw = _forwards(1000)
    mail = parse(raw)
    assert len(mail.parts) == 1000
    assert b"Nummer 10042" in content(raw, 999)


def test_ten_thousand_parts_are_all_there() -> None:
    mail = parse(_side_by_side(10_000))
    assert len(mail.parts) == 10_000
    assert mail.text == "Nummer 10042"


def test_parts_beyond_the_bound_stay_in_the_last_one() -> None:
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\n\n"
        + b"--b\n\nx\n" * 30_000
        + b"--b\n\nEnde"
    )
    mail = parse(raw)
    assert "too_many_parts" in mail.defects
    assert mail.text.endswith("Ende")


HOSTILE = {
    "header of megabytes": HEAD + b"X-Lang: " + b"a" * 2_000_000 + b"\n\nx",
    "folded header": HEAD + b"X-Lang: a\n" + b" b\n" * 300_000 + b"\nx",
    "many headers": HEAD + b"X-A: b\n" * 100_000 + b"\nx",
    "many addresses": b"To: " + b"a@b.de, " * 50_000 + b"\n\nx",
    "open remarks": b"To: " + b"(" * 100_000 + b"\n\nx",
    "open quotes": b"From: " + b'"(<' * 50_000 + b"\n\nx",
    "escapes": b'From: "' + b"\\" * 100_001 + b"\n\nx",
    "open words": b"Subject: " + b"=?a?q?" * 50_000 + b"\n\nx",
    "words": b"Subject: " + b"=?utf-8?b?QQ==?= " * 20_000 + b"\n\nx",
    "raw headers": b"".join(b"X-%d: %s\n" % (n, b"\xfc" * 27) for n in range(3000)) + b"\nx",
    "references": b"References: " + b"<a@b> " * 50_000 + b"\n\nx",
    "parameters": b"Content-Type: a/b" + b'; a="\\"' * 40_000 + b"\n\nx",
    "continued names": b"Content-Type: a/b" + b"".join(b";n*%d=x" % n for n in range(9000)) + b"\n",
    "delimiters of nobody": MIXED + b"--c\n" * 200_000,
    "boundaries that nobody said": HEAD + b"Content-Type: multipart/mixed\n\n--b\n" * 9000,
    "open and closed": MIXED + b"--b--\n--b\n\nx\n" * 30_000,
    "no base64": BASE64 + b"= = =\n" * 100_000,
    "padding": BASE64 + b"QQ==" * 200_000,
    "begins": HEAD + b"\n" + b"begin 644 a\n" * 50_000,
    "uuencode without end": HEAD + b"\n" + b"begin 644 a\n#86)C\n" * 20_000,
    "flowed": HEAD + b"Content-Type: text/plain; format=flowed\n\n" + b"> a \n" * 100_000,
    "punycode": HEAD + b"Content-Type: text/plain; charset=punycode\n\n" + b"ab-" * 100_000,
    "utf-7": HEAD + b"Content-Type: text/plain; charset=utf-7\n\n" + b"+AAA" * 100_000,
    "armour": HEAD + b"\n" + b"-----BEGIN PGP SIGNED MESSAGE-----\n\n" * 10_000,
    "calendar": HEAD + b"Content-Type: text/calendar\n\n" + b'A;B=":' * 100_000,
    "report": HEAD + b"Content-Type: message/delivery-status\n\n" + b"A: b\n\n" * 50_000,
    "nested alternatives": _nested(500, b"alternative") + b"wort " * 50_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_in_proportion_to_the_bytes(name: str) -> None:
    raw = HOSTILE[name]
    limit = 1 + len(raw) * 10e-6
    assert seconds(lambda: parse(raw), limit) < limit


def test_a_text_that_only_calls_itself_html_is_read_as_one() -> None:
    """Each of its lines was made a tag, and read twice: a megabyte of them took nine seconds."""
    html = HEAD + b"Content-Type: text/html\n\n"
    made = parse(html + b"Grun &amp;  Blau\nan <anna@example.org>\n\n ENDE")
    assert made.text == "Grun & Blau\nan <anna@example.org>\n\nENDE"
    raw = html + b"\n" * 1_000_000
    assert seconds(lambda: parse(raw), 3) < 3


TAGS = (
    "<div>", "<b>", "<table><tr><td>", "<blockquote>", "<ul><li>", "<!--",
    "<a href=\"", "<a href='\"", "<a ",
    "<script>", "<style>", "<title>", "<p style='display:none'>", "<div hidden>",
    "<", "&#", "</div>", "<a>x",
    "<font size=1><p>", "<![CDATA[", "<x", "<pre>\n", "<td>x",
)  # fmt: skip


@pytest.mark.parametrize("tag", TAGS)
def test_html_that_is_never_closed_takes_linear_time(tag: str) -> None:
    """A tree of 100,000 open <div> takes a usual parser half a minute (decision 0017)."""
    html = tag * (200_000 // len(tag))
    assert seconds(lambda: text_of(html), 5) < 5


def test_memory_is_in_proportion_to_the_bytes() -> None:
    data = base64.encodebytes(b"\0" * 6_000_000)
    raw = HEAD + b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + data
    tracemalloc.start()
    mail = parse(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mail.parts[0].size == 6_000_000
    assert peak < 5 * len(raw)
