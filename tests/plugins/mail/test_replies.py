"""Replies in mails as many programs and customers write them, plain and HTML.

What is expected is what a reader would call the reply; the pairs were written before the rules
that find it were looked at.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugins.mail.parsing.parse import parse
from plugins.mail.quoting.quotes import fold

HERE = Path(__file__).parent
PLAIN = sorted((HERE / "replies_blind").glob("*.txt"))
RICH = sorted((HERE / "replies_html").glob("*.txt"))


def _pair(path: Path) -> tuple[str, str]:
    mail, reply = path.read_text("utf-8").split("\n=== reply ===\n")
    return mail, reply.strip()


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_a_reply_is_found_in_a_plain_mail(path: Path) -> None:
    mail, reply = _pair(path)
    assert fold(mail).reply.strip() == reply
    wired = fold(mail.replace("\n", "\r\n"))
    assert wired.reply.replace("\r\n", "\n").strip() == reply


@pytest.mark.parametrize("path", RICH, ids=lambda path: path.stem)
def test_a_reply_is_found_in_an_html_mail(path: Path) -> None:
    html, reply = _pair(path)
    head = "From: petra@holm.example\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
    folded = fold(parse((head + html).encode()).text)
    assert re.sub(r"\n{3,}", "\n\n", folded.reply.strip()) == reply


def test_there_are_enough_pairs() -> None:
    assert len(PLAIN) >= 300
    assert len(RICH) >= 25
