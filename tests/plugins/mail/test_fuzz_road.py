"""Thousands of odd mails on the whole road: none lost, none answered twice, no exception.

The mails are laid into real mailboxes while a bot that answers everything is stopped and started,
the line breaks and a folder gets another UIDVALIDITY; among them are copies, reports, lists,
machines, our own mails, and machines that answer whatever they get.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.mail.testing_servers import PASSWORD, MailServers, mail_servers
from plugins.mail.testing_smtp import Taken, faulty_smtp
from tests.plugins.mail.pile import Pile
from tests.plugins.mail.road import Road, errors_kept

SOME, MANY = 300, 10_000
_HANDED_IN = 1_000  # mails at most that the real server gets to judge: it takes long over each


@pytest.fixture
def own(servers: MailServers) -> Iterator[MailServers]:
    """Servers that a test may stop."""
    del servers  # it skips where nothing is installed
    with mail_servers() as made:
        yield made


async def _travels(servers: MailServers, folder: Path, count: int, lives: int) -> float:
    with errors_kept() as errors:
        async with faulty_smtp() as smtp:
            road = Road(servers, smtp, folder, Pile(count).mails, lives)
            async with road.travel() as done:
                _nothing(done.lost())
                _nothing(done.unseen())
                _nothing(done.unanswered())
                _nothing(done.answered_wrongly())
                _nothing(done.broken())
                _nothing(done.not_failed())
                assert done.answers() > count / 5
            _nothing(road.trouble)
            assert road.in_time
            assert done.uidvalidities() == {
                ("support", "INBOX"): 2,
                ("support", "Offen"): 1,
                ("info", "INBOX"): 1,
            }
        _nothing(errors.found)
    _hand_in(servers, smtp.taken)
    return len(road.laid) / road.seconds


def _nothing(wrong: list[str]) -> None:
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:5])


def _hand_in(servers: MailServers, mails: list[Taken]) -> None:
    """The real server takes what was sent, whomever it is to."""
    before = len(servers.complaints())
    each = {one.recipients: one for one in mails}
    with smtplib.SMTP_SSL("localhost", servers.smtps, context=servers.trust()) as client:
        client.login("support@shop.test", PASSWORD)
        for one in list(each.values())[:_HANDED_IN]:
            utf8 = [option for option in one.options if option == "SMTPUTF8"]
            client.sendmail(one.sender, list(one.recipients), one.content, utf8)
    assert servers.complaints()[before:] == []


async def test_some_hundred_mails(own: MailServers, tmp_path: Path) -> None:
    await _travels(own, tmp_path, SOME, lives=3)


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_ten_thousand_mails(own: MailServers, tmp_path: Path) -> None:
    rate = await _travels(own, tmp_path, MANY, lives=5)
    print(f"{rate:.1f} mails a second")
