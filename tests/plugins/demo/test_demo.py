"""`bot demo` depends on nobody's settings, and tries orders that exist."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from host.app import App
from host.plugins import load
from host.settings import Settings
from plugins.demo.commands import PORT, _free, demo_settings
from plugins.demo.orders import ORDERS
from plugins.shop.demo import DemoShop
from plugins.web.api import MailDoor
from tests.core.shell import OneLanguage


def test_secrets_and_settings_of_an_installation_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHALTER_RASA_TOKEN", "of production")
    (tmp_path / "schalter.toml").write_text('[bot]\nhost = "0.0.0.0"\n')
    settings = demo_settings(None, 0)
    assert settings.bot.host == "127.0.0.1"
    assert "SCHALTER_RASA_TOKEN" not in settings.environment
    assert settings.plugins["web"] == {"demo": True, "announce": False}


def test_a_named_config_counts(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[bot]\nformality = "du"\n[plugins.web]\nupload_mb = 3\n')
    settings = demo_settings(file, 7)
    assert (settings.bot.formality, settings.bot.port) == ("du", 7)
    assert settings.plugins["web"]["upload_mb"] == 3
    assert settings.plugins["web"]["demo"] is True


def test_mail_is_shown_and_not_sent_unless_mail_is_set_up(tmp_path: Path) -> None:
    assert demo_settings(None, 0).plugins["mailbox"] == {}
    file = tmp_path / "mine.toml"
    file.write_text("[plugins.mailbox]\nkeep = 5\n")
    assert demo_settings(file, 0).plugins["mailbox"] == {"keep": 5}
    file.write_text("[plugins.mail]\n")
    assert "mailbox" not in demo_settings(file, 0).plugins


def test_a_taken_port_gives_way_to_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert _free(other.getsockname()[1]) == 0
    assert _free(0) == 0
    assert PORT > 1024


async def test_the_orders_to_try_exist_with_their_postcodes(tmp_path: Path) -> None:
    shop = DemoShop(tmp_path / "shop.db")
    for one in ORDERS:
        assert await shop.check_pair(one.number, one.postal_code), one


def test_the_installed_plugins_are_in_order() -> None:
    plugins = load(Settings(), Path("data"))
    assert plugins.findings() == []
    assert {"console", "dead_letters", "demo", "rasa", "shop", "web"} <= {
        p.name for p in plugins.active()
    }


async def test_the_bot_of_the_demo_opens_and_closes_without_rasa(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.app.LanguageDetector", OneLanguage)
    monkeypatch.setenv("SCHALTER_RASA_TOKEN", "t")
    file = tmp_path / "mine.toml"
    file.write_text('[plugins.rasa]\nurl = "http://127.0.0.1:9"\n')
    settings = demo_settings(file, 0)
    settings = type(settings)(
        **{
            **vars(settings),
            "environment": {"SCHALTER_RASA_TOKEN": "t", "SCHALTER_RASA_ACTIONS_TOKEN": "a"},
        }
    )
    data = tmp_path / "data"
    async with App(settings, load(settings, data), data) as app:
        assert "track_order" in app.core.actions.names()
        assert app.plugins.get(MailDoor).url(app.url) == f"{app.url}/mailbox"
