"""What `bot check --online` finds out at the servers: both logins, and the folders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import aiohttp

from bot.ports import Problem, Retry
from bot.store.codec import utc_now
from plugins.mail.oauth import TokenRefused, Tokens, TokenUnavailable
from plugins.mail.offline import where
from plugins.mail.receiving.imap import FAULTS, LoginRefused, NoFolder, Session
from plugins.mail.sending.sender import login_of
from plugins.mail.sending.smtp import Relay
from plugins.mail.settings import Mailbox, MailSettings


async def online_problems(settings: MailSettings) -> Sequence[Problem]:
    """Log in everywhere; changes nothing."""
    found: list[Problem] = []
    for box in settings.mailboxes:
        async with AsyncExitStack() as stack:
            tokens = None
            if box.oauth is not None:
                session = await stack.enter_async_context(aiohttp.ClientSession())
                tokens = Tokens(box, session, None, utc_now)
            found += await _problems(box, settings.timeout, tokens)
    return found


async def _problems(box: Mailbox, timeout: float, tokens: Tokens | None) -> list[Problem]:
    secret = box.password.get_secret_value() if box.password else ""
    if tokens is not None:
        try:
            secret = await tokens.access()
        except TokenRefused as refused:
            what = f"the provider gives no token ({refused.code})"
            return [Problem(where(box), what, "consent anew, and look at the client secret")]
        except TokenUnavailable as error:
            return [Problem(where(box), str(error), "look at the network and token_url")]
    found = await asyncio.to_thread(_imap, box, timeout, secret, tokens is not None)
    return found + await _smtp(box, tokens)


def _imap(box: Mailbox, timeout: float, secret: str, token: bool) -> list[Problem]:
    session = Session(box.imap, timeout)
    found = []
    try:
        session.open(box.login, secret, token=token)
        for name in box.folders:
            try:
                session.select(name, readonly=True)
            except NoFolder:
                what = f"there is no folder '{name}'"
                found.append(Problem(where(box), what, "name folders as the server lists them"))
        if box.idle and not session.can("IDLE"):
            what = "the server has no IDLE: it is asked every poll_seconds"
            found.append(Problem(where(box), what, fatal=False))
        if box.archive and not (session.can("MOVE") or session.can("UIDPLUS")):
            what = "the server cannot move mails into the archive"
            found.append(Problem(where(box), what, "take out archive"))
    except LoginRefused:
        fix = f"check user and SCHALTER_MAIL_{box.name.upper()}_PASSWORD, or the provider's rules"
        return [Problem(where(box), "the IMAP server refuses the login", fix)]
    except FAULTS as error:
        what = f"{box.imap.host}:{box.imap.at} cannot be read ({type(error).__name__}: {error})"
        return [Problem(where(box), what, "look at host, port, tls and the network")]
    finally:
        session.close()
    return found


async def _smtp(box: Mailbox, tokens: Tokens | None) -> list[Problem]:
    try:
        async with Relay(box.smtp, login_of(box, tokens)).session():
            return []
    except Retry as retry:
        what = f"{box.smtp.host}:{box.smtp.at} does not let us in ({retry.reason})"
        return [Problem(where(box), what, "look at host, port, tls and the login")]
