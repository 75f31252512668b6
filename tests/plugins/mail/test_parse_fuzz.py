"""The parser against thousands of mails: nothing raised, nothing lost, nothing slow."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.mail.model import Mail
from plugins.mail.parsing.bounces import bounce
from plugins.mail.parsing.kinds import automatic
from plugins.mail.parsing.parse import content, parse
from plugins.mail.testing_mails import Made, made, mutated
from tests.plugins.mail.cpu import seconds

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
SOME = settings(max_examples=150, deadline=None, suppress_health_check=CHECKS)
MANY = settings(max_examples=3000, deadline=None, suppress_health_check=CHECKS)


def _everything(raw: bytes, depth: int = 0) -> tuple[str, list[bytes]]:
    """All texts of a mail and of the mails in it, and all of its files."""
    mail = parse(raw)
    files = [content(raw, part.index) for part in mail.parts]
    texts = [mail.text, *(data.decode("latin-1") for data in files)]
    for part, data in zip(mail.parts, list(files), strict=True):
        if part.content_type == "message/rfc822" and depth < 12:
            text, more = _everything(data, depth + 1)
            texts.append(text)
            files += more
    return "\n".join(texts), files


def _sound(mail: Mail, raw: bytes) -> None:
    """What holds for any mail at all."""
    for name, value in mail.headers:
        assert not set("\r\n\0") & set(name + value)
    for person in (mail.sender, *mail.to, *mail.cc, *mail.reply_to):
        assert not set("\r\n\0") & set(person.email + person.name)
    for identity in (mail.message_id, *mail.references, *mail.in_reply_to):
        assert not set(" \r\n") & set(identity)
    assert not set("\r\n") & set(mail.subject)
    assert "\r" not in mail.text
    mail.text.encode()  # no half characters
    for at, part in enumerate(mail.parts):
        assert part.index == at
        assert part.name
        assert len(part.name) <= 130
        assert not set('/\\<>"|?*\r\n\0\u202e') & set(part.name)
    if mail.parts:
        part = mail.parts[len(raw) % len(mail.parts)]
        assert len(content(raw, part.index)) == part.size
    automatic(mail)
    bounce(mail)


def _found_again(mail: Made) -> None:
    text, files = _everything(mail.raw)
    for marker in mail.markers:
        assert marker in text
    for data in mail.files:
        assert data in files
    _sound(parse(mail.raw), mail.raw)


def _survives(raw: bytes) -> None:
    limit = 1 + len(raw) * 20e-6
    mails: list[Mail] = []
    assert seconds(lambda: mails.append(parse(raw)), limit) < limit
    _sound(mails[-1], raw)


@SOME
@given(made())
def test_every_text_and_every_file_is_found_again(mail: Made) -> None:
    _found_again(mail)


@SOME
@given(mutated())
def test_a_damaged_mail_raises_nothing(raw: bytes) -> None:
    _survives(raw)


@pytest.mark.slow
@MANY
@given(made())
def test_nothing_of_thousands_is_lost(mail: Made) -> None:
    _found_again(mail)


@pytest.mark.slow
@MANY
@given(mutated())
def test_thousands_of_damaged_ones_raise_nothing(raw: bytes) -> None:
    _survives(raw)


@pytest.mark.slow
@settings(MANY, max_examples=2000)
@given(st.binary(max_size=600))
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    _survives(raw)


_PIECES = (
    b"--b\n",
    b"--b--\n",
    b"--c\n",
    b"\n",
    b"Content-Type: multipart/mixed; boundary=b\n",
    b"Content-Type: multipart/alternative; boundary=c\n",
    b"Content-Type: multipart/mixed\n",
    b"Content-Type: message/rfc822\n",
    b"Content-Type: text/html\n",
    b"Content-Transfer-Encoding: base64\n",
    b"begin 644 x\n",
    b"=?utf-8?q?",
    b"wort\n",
    b"<b>",
)


@settings(SOME, max_examples=500)
@given(st.lists(st.sampled_from(_PIECES), max_size=60))
def test_boundaries_in_any_order_are_a_mail(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    _survives(raw)
