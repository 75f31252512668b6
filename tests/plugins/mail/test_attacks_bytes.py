"""Mails made to hold the bot up, to fill its memory, or to be opened by an agent."""

from __future__ import annotations

import base64
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bot.ports import Row
from plugins.mail.parsing import rtf
from plugins.mail.parsing.bounces import bounce
from plugins.mail.parsing.kinds import automatic
from plugins.mail.parsing.names import safe
from plugins.mail.parsing.parse import parse
from plugins.mail.quoting.frame import unframed
from plugins.mail.quoting.quotes import fold
from plugins.mail.receiving.auth_results import sole_sender, verdict
from plugins.mail.receiving.ledger import fingerprint
from plugins.mail.receiving.poison import saved
from plugins.mail.receiving.wire import inbound
from plugins.mail.sending.compose import base_subject
from plugins.mail.sending.page import page
from plugins.mail.threads import Place
from tests.plugins.mail.cpu import seconds
from tests.plugins.mail.inbox import raw_mail
from tests.plugins.mail.test_attacks import Desk, desk, mailbox

__all__ = ["desk"]  # a fixture

_SIZE = 60_000
_PIECES = (
    *("-", "--", "- ", "=", "_", "*", ".", ">", "> ", "\n>", "|", "<", "&lt;", "<a ", "a@", "@"),
    *("a@b.de ", "1.1.", "1.1.2026 ", "10:00 ", "(", ")", '"', "\\", "[", ":", ": ", ";", "\t"),
    *("\u00a0", "\r", "\n", " \n", "\n\n", "--\n", "Am ", "Am 1.1.2026 schrieb ", "schrieb:\n"),
    *("On Mon, ", "wrote:\n", "Von: a\n", "From: ", "Gesendet: ", "Re: ", "Re", "AW:", "RE[1]"),
    *("Received: from ", "Return-Path:", "Message-ID: <", "could not ", "copy of ", "copy  "),
    *("zustellung ", "delivery ", "empfänger ", "postfach ", "mailbox ", "5.1.1 ", "550 "),
    *("ich bin ", "im urlaub ", "out of ", "automatische ", "diese e-mail wurde ", "=?utf-8?q?"),
    *("http://", "https://a.b/", "gesendet von ", "sent from my ", "mfg ", "Original ", "Urspr"),
    *('\\"', '"\\"', "mfg\n", "regards\n", "Hallo\n", "wrote: ", "{\\rtf1 "),
)
_HEADS = (
    "Hallo",
    "Vielen Dank, ",
    "mfg",
    "cannot",
    "Von: a",
    "Am 1.1.2026 ",
    "Re: ",
    "=?utf-8?q?",
    '"',
)
Work = Callable[[str], object]
_WORK: dict[str, Work] = {
    "text": lambda said: parse(_with(text=said)),
    "headers": lambda said: parse(_with(From=said, References=said, Subject=said, To=said)),
    "quotes": fold,
    "frame": unframed,
    "letter": lambda said: _letter(said),
    "report": lambda said: bounce(parse(_with(text=said, From="mailer-daemon@x.test"))),
    "report's subject": lambda said: bounce(parse(_with(From="postmaster@x.test", Subject=said))),
    "machine": lambda said: automatic(parse(_with(text=said, Subject="Urlaub"))),
    "machine's subject": lambda said: automatic(parse(_with(Subject=said))),
    "sender": lambda said: sole_sender(_with(From=said)),
    "sender beside a type": lambda said: sole_sender(_with(**{"Content-Type": said * 3})),
    "what is saved": lambda said: saved(_with(From=said)),
    "results": lambda said: _judged(f"mx.shop.test; {said}"),
    "received": lambda said: _judged("mx.shop.test; none", f"from {said}"),
    "identity": lambda said: fingerprint(_with(text=said, Subject=said)),
    "our subject": base_subject,
    "our page": lambda said: page(said, said, "de", ("shop.test",)),
    "file name": lambda said: safe(said, "application/pdf"),
}


def _with(text: str = "Hallo", **headers: str) -> bytes:
    named = {"From": "anna@example.net", "Message-ID": "<1@example.net>", **headers}
    lines = [f"{name}: {' '.join(value.split())}" for name, value in named.items()]
    return "\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text]).encode()


def _letter(said: str) -> object:
    mail = parse(_with(text=said))
    new = Place("key", True)
    return inbound(
        mail, new, file="f", wire_id="w", whole=True, email=None, automatic=None, person=None
    )


def _judged(results: str, received: str = "from a (a [192.0.2.1]) by b") -> object:
    raw = _with(**{"Authentication-Results": results, "Received": received})
    return verdict(parse(raw), raw, mailbox())


@pytest.mark.parametrize("name", _WORK)
def test_no_text_takes_more_time_than_its_length(name: str) -> None:
    """A pattern that tries again at every place takes minutes for such a text, and stops all."""
    work = _WORK[name]
    for piece in _PIECES:
        said = piece * (_SIZE // len(piece)) + "\0!"
        assert seconds(partial(work, said), 2) < 2, piece


@pytest.mark.parametrize("name", ["frame", "letter", "quotes", "report", "headers", "our subject"])
@pytest.mark.parametrize("head", _HEADS)
def test_nor_does_a_word_with_a_flood_behind_it(name: str, head: str) -> None:
    """A pattern that begins with a word is tried once, and may then try each length of a gap."""
    for piece in (
        " ",
        "\t",
        "\u00a0",
        "A",
        " a",
        " A",
        "\n",
        " \n",
        "-",
        ".",
        "> ",
        "(",
        "1",
        '\\"',
    ):
        said = head + piece * (100_000 // len(piece)) + "\0!"
        assert seconds(partial(_WORK[name], said), 2) < 2, piece


# --- bombs


def _lzfu(pairs: int) -> bytes:
    """Rich text that says how large it is, and grows by seventeen bytes with every two."""
    body = b"".join(b"\xff" + b"\x00\x0f" * 8 for _ in range(pairs))
    return struct.pack("<IIII", len(body) + 12, 0xFFFFFFF0, 0x75465A4C, 0) + body


def test_rich_text_that_grows_is_bounded() -> None:
    data = _lzfu(400_000)
    tracemalloc.start()
    made = rtf.decompressed(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(made) <= rtf.LARGEST
    assert most < 4 * rtf.LARGEST
    assert seconds(lambda: rtf.decompressed(data), 20) < 20


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gross.txt", b"\0" * 50_000_000)
    return packed.getvalue()


def _attached(data: bytes, name: str, kind: str) -> bytes:
    head = raw_mail().partition(b"MIME-Version")[0]
    body = (
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nAnbei.\r\n"
        f'--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + body.encode() + base64.encodebytes(data) + b"\r\n--b--\r\n"


async def _fetched(desk: Desk, raw: bytes) -> Row:
    row = await desk.takes(raw)
    sql = 'SELECT * FROM inbox WHERE id = :id AND (attachments LIKE \'%"file":"%\' OR attachments '
    (found,) = await desk.bot.until(sql + 'LIKE \'%"error":"%\')', id=row["id"])
    return found


async def test_a_packed_file_stays_packed(desk: Desk) -> None:
    """Nobody asked the bot to open it: fifty million bytes are as small as they came."""
    raw = _attached(_zip(), "rechnung.zip", "application/zip")
    tracemalloc.start()
    row = await _fetched(desk, raw)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert '"error":"file_type"' in row["attachments"] or '"file":"' in row["attachments"]
    assert most < 30_000_000


# --- files that claim to be others


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"MZ\x90\0" + bytes(200), "rechnung.pdf", "application/pdf"),
        (b"\x7fELF" + bytes(200), "foto.jpg", "image/jpeg"),
        (b"<html><script>alert(1)</script></html>", "foto.png", "image/png"),
        (b'<svg xmlns="x" onload="alert(1)"/>', "bild.svg", "image/svg+xml"),
        (b"#!/bin/sh\nrm -rf /\n", "liesmich.txt", "text/plain"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "brief.pdf", "application/pdf"),
    ],
)
async def test_what_a_file_is_counts_and_not_what_it_calls_itself(
    desk: Desk, data: bytes, name: str, kind: str
) -> None:
    row = await _fetched(desk, _attached(data, name, kind))
    assert '"error":"file_type"' in row["attachments"]
    assert not await desk.bot.rows("SELECT 1 FROM files WHERE name = :name", name=name)


# --- poisoned names


@pytest.mark.parametrize(
    ("poisoned", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\calc.pdf", "calc.pdf"),
        ("/etc/cron.d/x.pdf", "x.pdf"),
        ("C:\\Users\\a\\foto.jpg", "foto.jpg"),
        ("rechnung\u202efdp.exe", "rechnungfdp.exe"),
        ("rechnung.pdf\u202e\u2066\u200f.exe", "rechnung.pdf.exe"),
        ("rechnung.pdf" + " " * 300 + ".exe", "rechnung.pdf .exe"),
        ("rechnung.pdf\0.exe", "rechnung.pdf.exe"),
        ("rechnung.pdf\r\nContent-Type: text/html", "rechnung.pdf Content-Type: text_html"),
        ("CON.pdf", "_CON.pdf"),
        (".htaccess", "htaccess"),
        ("...", "document.pdf"),
        ("", "document.pdf"),
        ("a.pdf:stream.exe", "a.pdf_stream.exe"),
        ('<img src=x onerror="alert(1)">.pdf', "_img src=x onerror=_alert(1)__.pdf"),
    ],
)
def test_a_poisoned_file_name_is_made_harmless(poisoned: str, shown: str) -> None:
    found = safe(poisoned, "application/pdf")
    assert found == shown


def test_ten_thousand_characters_keep_the_end_that_tells_the_type() -> None:
    found = safe("rechnung.pdf" + "a" * 10_000 + ".exe")
    assert len(found.encode()) <= 255
    assert not found.endswith(".pdf")
    assert safe("ä" * 10_000 + ".pdf").isprintable()


async def test_a_poisoned_name_is_stored_shown_and_sent_harmless(desk: Desk) -> None:
    name = "=?utf-8?q?=2E=2E/=2E=2E/rechnung=E2=80=AEfdp=2Ecsv?="
    row = await _fetched(desk, _attached(b"a;b\n1;2\n", name, "text/csv"))
    (file,) = await desk.bot.rows("SELECT file, name FROM files WHERE name <> 'mail.eml'")
    assert file["name"] == "rechnungfdp.csv"
    assert '"name":"rechnungfdp.csv"' in row["attachments"]
    folder = Path(str(desk.bot.files.path(file["file"]))).parent
    assert {one.name for one in folder.iterdir()} <= {
        found["file"] for found in await desk.bot.rows("SELECT file FROM files")
    }
