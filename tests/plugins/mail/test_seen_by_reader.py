"""The conformance suite's reader takes the frame off a mail, and nothing of what is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plugins.mail.sending.compose import Automatic, Letter, compose
from plugins.mail.testing_conformance import seen_in
from plugins.mail.testing_smtp import Taken


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Guten Tag!\n\necho: Hallo", "echo: Hallo"),
        ("Guten Tag!\n\nTeil 1\n\nTeil 2", "Teil 1\n\nTeil 2"),
        ("Guten Tag!\n\nGuten Tag!\n\nauch Ihnen", "Guten Tag!\n\nauch Ihnen"),
        (
            "Guten Tag, Frau Arndt!\n\nEs kommt morgen.",
            "Guten Tag, Frau Arndt!\n\nEs kommt morgen.",
        ),
        ("Es kommt.\n\nGuten Tag!\n\nnoch etwas", "Es kommt.\n\nGuten Tag!\n\nnoch etwas"),
    ],
)
def test_of_an_automatic_mail_the_greeting_is_taken_off_once(text: str, seen: str) -> None:
    assert seen_in(_sent(text, "auto-replied")).text == seen


def test_the_greeting_is_that_of_the_language() -> None:
    assert seen_in(_sent("Hello,\n\necho: Hi", "auto-replied", "en")).text == "echo: Hi"
    assert seen_in(_sent("Hello,\n\necho: Hi", "auto-replied")).text == "Hello,\n\necho: Hi"


def test_what_an_agent_wrote_is_left_as_it_is() -> None:
    assert seen_in(_sent("Guten Tag!\n\nes kommt.", None)).text == "Guten Tag!\n\nes kommt."


def _sent(text: str, automatic: Automatic | None, language: str = "de") -> Taken:
    letter = Letter(
        message_id="1@shop.test",
        at=datetime(2026, 11, 27, tzinfo=UTC),
        sender="support@shop.test",
        sender_name="Lindenhof",
        recipient="anna@example.net",
        subject="Kanne",
        text=text,
        footer="Vom Bot von Lindenhof.",
        language=language,
        automatic=automatic,
    )
    return Taken("support@shop.test", ("anna@example.net",), compose(letter).as_bytes())
