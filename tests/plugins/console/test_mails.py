"""Mail that a line causes is shown at the terminal, with its code, and goes to nobody."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel

from bot.messages import Address, Answer, Say, Turn
from bot.ports import ReachesEmail, Store, Tx
from bot.store import timers
from bot.store.codec import stamp, utc_now
from bot.testing import FakeChannel
from host.cli import main
from host.ports import Registrar, Services
from identity.codes import DELAY, LIFE, TIMER
from plugins import mailbox
from plugins.console import bot_register
from tests.core.shell import Bot, OneLanguage, QuietDesk, entry

EMAIL = "anna@example.org"


class AsksForACode:
    """A dialogue whose turns make codes, as a step of a form does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ask(self, turn: Turn) -> Answer:
        if "code" in turn.text:
            for number in range(turn.text.count("code")):
                await self._store.write(lambda tx, n=number: self._make(tx, turn, n))
        return Answer((Say(text=f"echo {turn.text}"),))

    def _make(self, tx: Tx, turn: Turn, number: int) -> None:
        now, code = utc_now(), f"{turn.key}-{number}"
        tx.run(
            "INSERT INTO codes (id, conversation, subject, action, hash, matched, mailed, email, "
            "language, turn, created_at, expires_at) VALUES (:id, :conversation, 'B-1', "
            "'change_address', 'x', 1, 1, :email, 'de', :turn, :now, :expires) "
            "ON CONFLICT (id) DO NOTHING",
            id=code,
            conversation=turn.conversation,
            email=None if "decoy" in turn.text else EMAIL,
            turn=turn.key,
            now=stamp(now),
            expires=stamp(now + LIFE),
        )
        timers.schedule(tx, TIMER, code, now + DELAY)


class RealMail:
    """Stands for the plugin that sends mail: whatever reaches it went out."""

    class Settings(BaseModel):
        host: str

    def __init__(self) -> None:
        self.channel = FakeChannel(name="mail")

    def register(self, registrar: Registrar) -> None:
        if not registrar.configured:
            return
        registrar.settings(self.Settings)
        registrar.add_channel(self.channel)
        registrar.provide(ReachesEmail, self)

    def address_for(self, tx: Tx, email: str, near: Address | None = None) -> Address:
        return Address("mail", email)


@pytest.fixture
def real_mail() -> RealMail:
    return RealMail()


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_mail: RealMail) -> Iterator[Bot]:
    made = Bot(tmp_path / "data")

    def register(registrar: Registrar) -> None:
        def dialogue(services: Services) -> AsksForACode:
            return AsksForACode(services.store)

        registrar.add_dialogue(dialogue)
        registrar.add_desk(QuietDesk())

    points = [
        entry("asks", register),
        entry("console", bot_register),
        entry("mailbox", mailbox.bot_register),
        entry("mail", real_mail.register),
    ]
    monkeypatch.setattr("host.plugins.entry_points", lambda group: points)
    monkeypatch.setattr("host.app.LanguageDetector", OneLanguage)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield made
    root.handlers[:], root.level = handlers, level


def run(bot: Bot, *args: str, given: str) -> Result:
    result = CliRunner().invoke(main, ["chat", "--data", str(bot.data), *args], input=given)
    assert result.exit_code == 0, result.output
    return result


def chat(bot: Bot, *lines: dict[str, str]) -> list[dict[str, Any]]:
    given = "".join(json.dumps(line) + "\n" for line in lines)
    return [json.loads(line) for line in run(bot, "--json", given=given).stdout.splitlines()]


def test_a_line_tells_the_mails_that_it_caused(bot: Bot) -> None:
    plain, code = chat(
        bot, {"sender": "c1", "text": "hi"}, {"sender": "c1", "text": "a code", "id": "x"}
    )
    assert "mails" not in plain
    (mail,) = code["mails"]
    assert mail["to"] == EMAIL
    assert mail["subject"] == "Ihr Code für die Bestellung B-1"
    assert re.search(r"\b\d{6}\b", mail["text"]), "the code itself, not what stands for it"
    assert code["replies"][0]["text"] == "echo a code"
    (again,) = chat(bot, {"sender": "c1", "text": "a code", "id": "x"})
    assert again == code, "the same line after a restart"


def test_mails_are_of_the_line_that_caused_them(bot: Bot) -> None:
    """Lines of several senders are under way at once, and one may cause two mails."""
    senders = {f"c{number}": "a code and a code" if number % 2 else "hi" for number in range(6)}
    answers = chat(bot, *({"sender": who, "text": text} for who, text in senders.items()))
    assert [len(answer.get("mails", [])) for answer in answers] == [0, 2, 0, 2, 0, 2]
    codes = [re.findall(r"\b\d{6}\b", mail["text"]) for a in answers for mail in a.get("mails", [])]
    assert len({code for (code,) in codes}) > 1


def test_a_code_that_goes_to_nobody_is_waited_for_and_shows_no_mail(bot: Bot) -> None:
    (answer,) = chat(bot, {"sender": "c1", "text": "decoy code"})
    assert "mails" not in answer
    assert answer["replies"][0]["text"] == "echo decoy code"


def test_the_prompt_shows_the_mail_in_a_box(bot: Bot) -> None:
    said = run(bot, given="a code\n").stdout
    assert f"Mail to {EMAIL}, shown here and sent to nobody" in said
    assert "Ihr Code für die Bestellung B-1" in said
    assert re.search(r"\b\d{6}\b", said)
    assert said.index("echo a code") < said.index("Mail to")


def test_mail_that_is_set_up_is_not_used(bot: Bot, real_mail: RealMail, tmp_path: Path) -> None:
    """`bot chat` on the folder of a shop must not write to its customers."""
    (tmp_path / "schalter.toml").write_text('[plugins.mail]\nhost = "mail.example"\n')
    (answer,) = chat(bot, {"sender": "c1", "text": "a code"})
    assert [mail["to"] for mail in answer["mails"]] == [EMAIL]
    assert real_mail.channel.sent == []


def test_without_the_mailbox_there_are_no_mails_and_nothing_waits(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "schalter.toml").write_text('[bot]\nwithout = ["mailbox"]\n')
    (answer,) = chat(bot, {"sender": "c1", "text": "a code"})
    assert "mails" not in answer
