"""Odd mails of our own, and what must be made of them: ``corpus/NAME.eml`` and ``.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugins.mail.parsing.kinds import automatic
from plugins.mail.parsing.parse import content, parse

CORPUS = Path(__file__).parent / "corpus"


def _got(raw: bytes) -> dict[str, Any]:
    mail = parse(raw)
    for part in mail.parts:
        assert len(content(raw, part.index)) == part.size
    return {
        "sender": [mail.sender.email, mail.sender.name],
        "to": [person.email for person in mail.to],
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "encrypted": mail.encrypted,
        "calendar": mail.calendar,
        "automatic": automatic(mail),
        "parts": [
            [part.name, part.size, True] if part.inline else [part.name, part.size]
            for part in mail.parts
        ],
        "header": {name.lower(): value for name, value in mail.headers},
        "defects": list(mail.defects),
    }


@pytest.mark.parametrize("name", sorted(path.stem for path in CORPUS.glob("*.eml")))
def test_it_is_read_as_a_person_would(name: str) -> None:
    got = _got((CORPUS / f"{name}.eml").read_bytes())
    expected = json.loads((CORPUS / f"{name}.json").read_text("utf-8"))
    assert expected
    for key, value in expected.items():
        if key == "defects":
            assert set(value) <= set(got[key])
        elif key == "header":
            assert value.items() <= got[key].items()
        else:
            assert got[key] == value, key


def test_every_expectation_has_its_mail() -> None:
    assert {path.stem for path in CORPUS.glob("*.json")} == {
        path.stem for path in CORPUS.glob("*.eml")
    }
