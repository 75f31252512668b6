"""Tokens: got, kept, renewed in time, and their end told before it comes."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.store import SQLiteStore
from bot.store.audit import alarms_after
from bot.store.migrate import Migrations
from host.texts import TextsBook
from plugins.mail import oauth
from plugins.mail.oauth import TokenRefused, Tokens, TokenUnavailable
from plugins.mail.settings import Mailbox
from plugins.mail.testing_oauth import CLIENT, REFRESH, SECRET, TokenServer, token_server
from plugins.mail.testing_servers import mail_servers
from tests.plugins.mail.inbox import box, health, imported, mail_bot, raw_mail, watched

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
SCOPE = "https://outlook.office365.com/IMAP.AccessAsUser.All offline_access"


@pytest.fixture
async def server() -> AsyncIterator[TokenServer]:
    async with token_server() as made:
        yield made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    folders = [
        Migrations("core", importlib.resources.files("bot.store") / "migrations"),
        Migrations("mail", importlib.resources.files("plugins.mail") / "migrations"),
    ]
    async with SQLiteStore(tmp_path / "bot.db", migrations=folders) as made:
        yield made


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


def mailbox(server: TokenServer, refresh: str = REFRESH, **more: Any) -> Mailbox:
    host = {"host": "mail.shop.test"}
    how = {"provider": "other", "client_id": CLIENT, "token_url": f"{server.url}/token"}
    table = {"name": "support", "address": "support@shop.test", "imap": host, "smtp": host}
    secrets = {"client_secret": SECRET, "refresh_token": refresh}
    return Mailbox.model_validate({**table, **secrets, "oauth": {**how, "scope": SCOPE, **more}})


async def alarms(store: SQLiteStore) -> list[str]:
    rows = await store.read(lambda tx: alarms_after(tx, 0))
    return [row["kind"] for row in rows]


def hours_pass(monkeypatch: pytest.MonkeyPatch, tokens: Tokens, seconds: float) -> None:
    """As if the token had been got that much earlier."""
    token = tokens._token
    assert token is not None
    earlier = oauth._Token(token.value, token.renew_at - seconds, token.dead_at - seconds)
    monkeypatch.setattr(tokens, "_token", earlier)


async def test_a_token_is_kept_until_it_ends(
    server: TokenServer,
    store: SQLiteStore,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = Tokens(mailbox(server), session, store, lambda: NOW)
    first = await tokens.access()
    assert await tokens.access() == first
    assert len(server.asked) == 1
    hours_pass(monkeypatch, tokens, 3550)
    assert await tokens.access() != first


async def test_one_that_a_server_refused_is_replaced_once(
    server: TokenServer, store: SQLiteStore, session: aiohttp.ClientSession
) -> None:
    tokens = Tokens(mailbox(server), session, store, lambda: NOW)
    first = await tokens.access()
    second = await tokens.access(refused=first)
    assert second != first
    assert await tokens.access(refused=first) == second


async def test_the_new_refresh_token_is_used_also_after_a_restart(
    server: TokenServer, store: SQLiteStore, session: aiohttp.ClientSession
) -> None:
    """Microsoft's first one dies after 90 days; the one in the environment must not be needed."""
    await Tokens(mailbox(server), session, store, lambda: NOW).access()
    server.refresh_tokens.discard(REFRESH)
    await Tokens(mailbox(server), session, store, lambda: NOW).access()
    assert server.asked[-1]["refresh_token"] != REFRESH
    # Another one in the environment is an operator's new consent: the kept one is forgotten.
    server.refresh_tokens = {"second-consent"}
    await Tokens(mailbox(server, "second-consent"), session, store, lambda: NOW).access()


async def test_a_refused_renewal_is_told_while_the_last_token_still_works(
    server: TokenServer,
    store: SQLiteStore,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = Tokens(mailbox(server), session, store, lambda: NOW)
    first = await tokens.access()
    server.refresh_tokens.clear()
    hours_pass(monkeypatch, tokens, 2500)  # of 3599
    with pytest.raises(TokenRefused):
        await tokens._look()
    assert await tokens.access() == first
    assert "invalid_grant" in (tokens.trouble() or "")
    assert await alarms(store) == ["mail_login_token_refused"]
    asked = len(server.asked)
    await tokens._look()  # every half minute: one that refuses is asked every five
    assert len(server.asked) == asked
    monkeypatch.setattr(tokens, "_refused_until", 0.0)
    with pytest.raises(TokenRefused):
        await tokens._look()
    assert len(server.asked) > asked
    assert len(await alarms(store)) == 1  # a day is quiet after it


async def test_a_consent_for_a_time_is_told_before_it_ends(
    store: SQLiteStore, session: aiohttp.ClientSession
) -> None:
    """Google's for an app in "Testing" dies after a week, and no one had entered a day."""
    async with token_server("google") as server:
        tokens = Tokens(mailbox(server), session, store, lambda: NOW)
        server.consent = 100 * 24 * 3600
        await tokens.access()
        await tokens._look()
        assert (tokens.trouble(), await alarms(store)) == (None, [])
        server.consent = 604_799
        await tokens.access(refused=tokens._token.value if tokens._token else "")
        await tokens._look()
        assert "the consent ends in 6 days" in (tokens.trouble() or "")
        assert await alarms(store) == ["mail_login_consent_expires"]
        at = NOW + timedelta(days=9)
        late = Tokens(mailbox(server), session, store, lambda: at)
        await late.access()
        at += timedelta(days=9)
        assert "the consent ends in 0 days" in (late.trouble() or "")
        server.consent = None  # given anew, and for good
        await late.access(refused=late._token.value if late._token else "")
        assert late.trouble() is None


@pytest.mark.parametrize("told", [None, "", "soon", [], 0, -1, float("nan"), float("inf"), 1e300])
def test_a_time_that_makes_no_sense_is_none(told: object) -> None:
    """A refresh token that lives for ten thousand years would be past the end of all dates."""
    assert oauth._seconds(told) is None
    assert oauth._life({"expires_in": told}) == oauth._LIFE


def test_a_time_may_come_in_words_and_a_token_lives_no_month() -> None:
    assert oauth._seconds("604799") == 604_799
    assert oauth._life({"expires_in": "1800"}) == 1800
    assert oauth._life({"expires_in": 31 * 24 * 3600}) == oauth._LIFE


async def test_each_mailbox_has_alarms_of_its_own(
    server: TokenServer, store: SQLiteStore, session: aiohttp.ClientSession
) -> None:
    """That one mailbox was about to die kept that of the next one quiet for a day."""
    server.refresh_tokens.clear()
    for name in ("support", "info", "info"):
        one = mailbox(server).model_copy(update={"name": name})
        with pytest.raises(TokenRefused):
            await Tokens(one, session, store, lambda: NOW).access()
    rows = await store.read(lambda tx: alarms_after(tx, 0))
    assert [row["facts"]["mailbox"] for row in rows] == ["support", "info"]


async def test_secrets_go_to_no_address_that_the_provider_names(
    server: TokenServer, store: SQLiteStore, session: aiohttp.ClientSession
) -> None:
    got: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        got.append(await request.text())
        return web.json_response({"access_token": "x"})

    async def moved(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/elsewhere"}, text="{}")

    app = web.Application()
    app.router.add_post("/token", moved)
    app.router.add_post("/elsewhere", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        with pytest.raises(TokenRefused):
            await Tokens(mailbox(server), session, store, lambda: NOW).access()
    finally:
        await runner.cleanup()
    assert got == []


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_alarm_has_words(language: str) -> None:
    folder = Path(__file__).parents[3] / "plugins" / "mail"
    kinds = set(
        re.findall(r'_alarm\("(mail_\w+)"', (folder / "receiving" / "mailbox.py").read_text())
    )
    kinds |= {
        f"{oauth.ALARM}_{what}"
        for what in re.findall(r'_alarm\("(\w+)"', (folder / "oauth.py").read_text())
    }
    assert len(kinds) == 5
    facts = {"mailbox": "support", "code": "x", "days": 3, "folder": "INBOX", "uid": 7}
    texts = TextsBook([Path("nlu/domain")])
    for kind in kinds:
        assert "support" in texts.render(f"alarm_{kind}", facts, language=language).text
        assert texts.render(f"alarm_advice_{kind}", {}, language=language).text


async def test_a_client_secret_that_ends_is_told_two_weeks_before(
    server: TokenServer, store: SQLiteStore, session: aiohttp.ClientSession
) -> None:
    day = (NOW + timedelta(days=16)).date()
    clock = [NOW]
    tokens = Tokens(mailbox(server, secret_expires=day), session, store, lambda: clock[0])
    await tokens._look()
    assert (tokens.trouble(), await alarms(store)) == (None, [])
    clock[0] += timedelta(days=2)
    await tokens._look()
    assert "ends in" in (tokens.trouble() or "")
    assert await alarms(store) == ["mail_login_secret_expires"]


@pytest.mark.parametrize(
    "fault",
    [(500, "{}"), (503, "down"), (429, '{"error": "slow_down"}'), (200, "<html>"), (200, "[]")],
)
async def test_a_provider_that_is_down_is_no_refusal(
    server: TokenServer,
    store: SQLiteStore,
    session: aiohttp.ClientSession,
    fault: tuple[int, str],
) -> None:
    server.fault = fault
    tokens = Tokens(mailbox(server), session, store, lambda: NOW)
    with pytest.raises(TokenUnavailable):
        await tokens.access()
    assert await alarms(store) == []
    server.fault = None
    assert await tokens.access()
    assert tokens.trouble() is None


@pytest.mark.parametrize(
    ("change", "code"),
    [("client", "unauthorized_client"), ("secret", "invalid_client")],
)
async def test_a_wrong_app_is_a_refusal(
    server: TokenServer,
    store: SQLiteStore,
    session: aiohttp.ClientSession,
    change: str,
    code: str,
) -> None:
    setattr(server, change, "another")
    with pytest.raises(TokenRefused, match=code):
        await Tokens(mailbox(server), session, store, lambda: NOW).access()


async def test_an_app_without_a_person(store: SQLiteStore, session: aiohttp.ClientSession) -> None:
    async with token_server() as server:
        scope = "https://outlook.office365.com/.default"
        one = mailbox(server, grant="client_credentials", scope=scope)
        assert await Tokens(one, session, store, lambda: NOW).access()
        assert "refresh_token" not in server.asked[0]


async def test_google_gives_no_new_refresh_token(
    store: SQLiteStore, session: aiohttp.ClientSession
) -> None:
    async with token_server("google") as server:
        await Tokens(mailbox(server), session, store, lambda: NOW).access()
        assert await store.read(lambda tx: tx.rows("SELECT * FROM mail_tokens")) == []


async def test_a_mailbox_is_read_with_a_token_and_with_the_next_one(
    server: TokenServer, tmp_path: Path
) -> None:
    """Dovecot asks the provider about each token. One that was revoked is replaced by another."""
    with mail_servers(introspection_url=server.introspection_url) as own:
        how = {"provider": "other", "client_id": CLIENT, "token_url": f"{server.url}/token"}
        one = box(own, oauth={**how, "scope": SCOPE})
        secrets = {
            "SCHALTER_MAIL_SUPPORT_CLIENT_SECRET": SECRET,
            "SCHALTER_MAIL_SUPPORT_REFRESH_TOKEN": REFRESH,
        }
        async with mail_bot(tmp_path, one, secrets=secrets) as bot:
            await watched(bot)
            own.put("support@shop.test", raw_mail())
            await imported(bot, 1)
            server.valid.clear()
            own.stop_imap()
            own.start_imap()
            own.put("support@shop.test", raw_mail("zwei", message_id="<2@x>"))
            await imported(bot, 2, 40)
            line = await health(bot)
            assert "refuses" not in line["detail"]  # Exim takes no tokens, and says so
