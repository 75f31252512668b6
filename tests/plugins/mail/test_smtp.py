"""Handing in: what each answer of a server means, and that nothing leaves twice or in the clear."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.ports import Reject, Retry, UnknownOutcome
from plugins.mail.oauth import TokenRefused, Tokens
from plugins.mail.sending.smtp import Login, Relay
from plugins.mail.settings import SmtpServer
from plugins.mail.testing_smtp import DROP, At, FaultySmtp, faulty_smtp

CONTENT = b"From: service@shop.example\r\nSubject: x\r\n\r\n.Punkt\r\n.\r\n..zwei\r\n"
LOGIN = Login("service@shop.example", "geheim-und-lang")


def relay(faulty: FaultySmtp, login: Login = LOGIN, **server: Any) -> Relay:
    return Relay(
        SmtpServer(**{"host": "localhost", "port": faulty.port, "tls": "none", **server}), login
    )


async def hand_over(one: Relay, recipient: str = "erika@kundin.example") -> None:
    async with one.session() as session:
        await session.hand_over("service@shop.example", recipient, CONTENT, key="abc")


@asynccontextmanager
async def both(**options: Any) -> AsyncIterator[tuple[FaultySmtp, Relay]]:
    async with faulty_smtp(**options) as faulty:
        yield faulty, relay(faulty)


async def test_a_mail_is_taken_as_it_is() -> None:
    """A line that is a dot would end the mail at the server: it is sent as two."""
    async with both() as (faulty, one):
        await hand_over(one)
        (taken,) = faulty.taken
        assert taken.content == CONTENT
        assert taken.sender == "service@shop.example"
        assert taken.recipients == ("erika@kundin.example",)


@pytest.mark.parametrize(
    ("at", "reply", "reason"),
    [
        ("greeting", "421 4.3.2 Overloaded", "mail_unreachable"),
        ("greeting", "554 5.7.1 No service for you", "mail_unreachable"),
        ("greeting", DROP, "mail_unreachable"),
        ("mail", "421 4.3.0 Bye", "mail_later"),
        ("mail", "452 4.3.1 Disk full", "mail_full_now"),
        ("mail", "530 5.7.0 Authentication required", "mail_credentials"),
        ("mail", DROP, "mail_unreachable"),
        ("rcpt", "450 4.2.0 Greylisted", "mail_later"),
        ("rcpt", "451 4.7.1 Slow down", "mail_later"),
        ("rcpt", "452 4.2.2 Mailbox full", "mail_full_now"),
        ("rcpt", "450 Try again", "mail_later"),
        ("rcpt", DROP, "mail_unreachable"),
        ("data", "421 4.4.2 Bye", "mail_later"),
        ("data", DROP, "mail_unreachable"),
        ("dot", "450 4.7.0 Later", "mail_later"),
        ("dot", "421 4.3.0 Going down", "mail_later"),
        ("dot", "452 4.3.1 Out of space", "mail_full_now"),
    ],
)
async def test_what_is_over_soon_is_tried_again(at: At, reply: str, reason: str) -> None:
    async with both() as (faulty, one):
        faulty.fail(at, reply)
        with pytest.raises(Retry) as told:
            await hand_over(one)
        assert told.value.reason == reason
        assert not faulty.taken
        await hand_over(one)
        assert len(faulty.taken) == 1
        assert one.trouble is None


@pytest.mark.parametrize(
    ("at", "reply", "reason"),
    [
        ("mail", "553 5.7.1 Sender address rejected: not owned by user", "mail_sender"),
        ("mail", "550 5.1.8 Sender unknown", "mail_sender"),
        ("mail", "550 Not your address", "mail_sender"),
        ("mail", "552 5.3.4 Too big", "too_big"),
        ("rcpt", "550 5.1.1 User unknown", "mailbox_unknown"),
        ("rcpt", "550 5.1.10 Null MX", "domain_unknown"),
        ("rcpt", "550 5.2.1 Disabled", "mailbox_disabled"),
        ("rcpt", "552 5.2.2 Mailbox full", "mailbox_full"),
        ("rcpt", "552 Full", "mailbox_full"),
        ("rcpt", "550 5.7.1 Blocked", "refused"),
        ("rcpt", "554 5.7.1 Relay access denied", "refused"),
        ("rcpt", "554 Spam", "refused"),
        ("rcpt", "550 No such user", "mailbox_unknown"),
        ("rcpt", "553 5.1.3 Bad address", "mail_address"),
        ("rcpt", "501 Syntax", "mail_address"),
        ("rcpt", "553 5.6.7 No UTF-8 here", "mail_address_utf8"),
        ("data", "554 5.5.1 No", "refused"),
        ("dot", "550 5.7.1 Spam", "refused"),
        ("dot", "552 5.3.4 Too big", "too_big"),
        ("dot", "552 Exceeded", "too_big"),
        ("dot", "554 5.6.0 Malformed", "refused"),
    ],
)
async def test_what_will_never_arrive_is_told_with_its_reason(
    at: At, reply: str, reason: str
) -> None:
    async with both() as (faulty, one):
        faulty.fail(at, reply)
        with pytest.raises(Reject) as told:
            await hand_over(one)
        assert told.value.reason == reason
        assert not faulty.taken


@pytest.mark.parametrize("at", ["content", "dot"])
async def test_a_lost_answer_to_the_content_is_an_unknown_outcome(at: At) -> None:
    async with both() as (faulty, one):
        faulty.fail(at, DROP)
        with pytest.raises(UnknownOutcome):
            await hand_over(one)
        assert len(faulty.taken) == (1 if at == "dot" else 0)


async def test_a_goodbye_that_fails_changes_nothing() -> None:
    """The mail was taken: an error after it would send it again."""
    async with both() as (faulty, one):
        async with one.session() as session:
            await session.hand_over("a@shop.example", "b@kundin.example", CONTENT, key="abc")
            assert session.client.transport is not None
            session.client.transport.close()
        assert len(faulty.taken) == 1


async def test_the_size_that_the_server_takes_is_known() -> None:
    async with both(data_size_limit=12345) as (_, one), one.session() as session:
        assert session.size == 12345
        assert session.utf8


async def test_an_address_beyond_ascii_goes_to_a_server_that_takes_it() -> None:
    async with both() as (faulty, one):
        async with one.session() as session:
            await session.hand_over(
                "service@shop.example", "jörg@kundin.example", CONTENT, key="abc", utf8=True
            )
        (taken,) = faulty.taken
        assert taken.recipients == ("jörg@kundin.example",)
        assert "SMTPUTF8" in taken.options
    async with both(enable_SMTPUTF8=False) as (_, other), other.session() as session:
        assert not session.utf8


async def test_no_password_goes_to_a_server_without_tls() -> None:
    """STARTTLS that was taken out of the offer on the way must not bring us to plain text."""
    async with faulty_smtp() as faulty:
        one = relay(faulty, tls="starttls")
        with pytest.raises(Retry) as told:
            await hand_over(one)
        assert told.value.reason == "mail_tls"
        assert one.trouble == "mail_tls"
        assert not faulty.taken


async def test_a_refused_login_is_the_operators_and_loses_no_mail() -> None:
    async with faulty_smtp() as faulty:
        wrong = relay(faulty, Login("service@shop.example", "falsch"))
        with pytest.raises(Retry) as told:
            await hand_over(wrong)
        assert told.value.reason == "mail_credentials"
        assert wrong.trouble == "mail_credentials"


class OneToken(Tokens):
    """Gives a token that was taken back, and then what is told."""

    def __init__(self, *tokens: str) -> None:
        self.given = list(tokens)

    async def access(self, *, refused: str | None = None) -> str:
        if not self.given:
            raise TokenRefused("invalid_grant")
        return self.given.pop(0)


def with_tokens(*tokens: str) -> Login:
    return Login("service@shop.example", tokens=OneToken(*tokens))


async def test_a_token_that_was_taken_back_is_got_anew_once() -> None:
    async with faulty_smtp() as faulty:
        await hand_over(relay(faulty, with_tokens("alt", "token")))
        assert len(faulty.taken) == 1
        with pytest.raises(Retry) as told:
            await hand_over(relay(faulty, with_tokens("alt", "älter")))
        assert told.value.reason == "mail_credentials"
        with pytest.raises(Retry) as told:
            await hand_over(relay(faulty, with_tokens()))
        assert told.value.reason == "mail_credentials"


async def test_nobody_listens() -> None:
    async with faulty_smtp() as faulty:
        one = relay(faulty)
    with pytest.raises(Retry) as told:
        await hand_over(one)
    assert told.value.reason == "mail_unreachable"


async def test_a_server_that_says_nothing_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All before the content has one patience: past the outbox's minute nobody would know more."""
    monkeypatch.setattr("plugins.mail.sending.smtp._BEFORE", 0.3)
    # Nothing accepts: the kernel makes the connections, and nobody ever says a word.
    with socket.create_server(("127.0.0.1", 0), backlog=16) as mute:
        port = mute.getsockname()[1]
        one = Relay(SmtpServer(host="127.0.0.1", port=port, tls="none"), LOGIN)
        begun = asyncio.get_running_loop().time()
        told = await asyncio.gather(*(hand_over(one) for _ in range(5)), return_exceptions=True)
        assert asyncio.get_running_loop().time() - begun < 10
    # Who waited for one of the three connections may get it as their own patience ends.
    reasons = {error.reason for error in told if isinstance(error, Retry)}
    assert len([error for error in told if isinstance(error, Retry)]) == 5
    assert "mail_unreachable" in reasons <= {"mail_busy", "mail_unreachable"}


async def test_no_more_connections_than_a_provider_allows() -> None:
    async with both() as (faulty, one):
        open_now, most = 0, 0

        async def send() -> None:
            nonlocal open_now, most
            async with one.session() as session:
                open_now += 1
                most = max(most, open_now)
                await session.hand_over("a@shop.example", "b@kundin.example", CONTENT, key="abc")
                open_now -= 1

        await asyncio.gather(*(send() for _ in range(10)))
        assert len(faulty.taken) == 10
        assert most == 3
