"""A mail at which the connection breaks each time must not stop the ones behind it."""

from __future__ import annotations

import pytest

from plugins.mail.receiving import hard
from plugins.mail.receiving.hard import Hard
from plugins.mail.receiving.ledger import Source


def at(uid: int, validity: int = 7) -> Source:
    return Source("support", "INBOX", validity, uid)


def test_what_failed_comes_last_then_rests_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(hard.time, "monotonic", lambda: now[0])
    mails = Hard()
    mails.begin(at(1))
    assert mails.order([1, 2, 3], "INBOX", 7) == [2, 3, 1]
    assert mails.order([1, 2, 3], "INBOX", 8) == [1, 2, 3]  # another UID 1
    assert mails.order([1, 2, 3], "Other", 7) == [1, 2, 3]
    for _ in range(3):
        assert not mails.given_up(at(1))
        mails.begin(at(1))
    assert mails.given_up(at(1))
    assert mails.order([1, 2, 3], "INBOX", 7) == [2, 3]
    now[0] += 3601
    assert mails.order([1, 2, 3], "INBOX", 7) == [2, 3, 1]
    mails.over(at(1))
    assert mails.order([1, 2, 3], "INBOX", 7) == [1, 2, 3]
    assert not mails.any("INBOX")


def test_what_is_gone_is_forgotten() -> None:
    mails = Hard()
    for source in (at(1), at(2), at(3, validity=6)):
        mails.begin(source)
    assert mails.forget_all_but([2, 3], "Other", 7) == []
    assert mails.forget_all_but([2, 3], "INBOX", 7) == [at(1), at(3, validity=6)]
    assert mails.any("INBOX")
