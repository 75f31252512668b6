"""The manifest has exactly what is used, and the checks name what is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from host.texts import TextsBook
from host.wiring import OUR_DIALOGUE
from plugins.slack import scopes
from plugins.slack.commands import slack_commands
from plugins.slack.manifest import manifest
from plugins.slack.offline import offline_problems
from plugins.slack.online import online_problems
from plugins.slack.settings import SlackSettings
from plugins.slack.testing import Person, Room, SlackSimulator
from plugins.slack.testing_call import METHOD_SCOPES
from plugins.slack.testing_installed import install_for
from plugins.slack.wanted import Wanted

PLUGIN = Path(scopes.__file__).parent
TABLES = {"errors.py", "pace.py", "scopes.py"}  # they name methods, and call none
METHOD = re.compile(
    r'"((?:auth|chat|conversations|files|pins|reactions|team|users|views)\.[a-zA-Z.]+)"'
)
CUSTOMERS = {"channel.py"}
DESK = re.compile(r"desk|blocks|office|kit|marks|words")
CHECKS = {"online.py"}


def called_in(*, desk: bool = False, customers: bool = False, checks: bool = False) -> set[str]:
    """The methods that the code of a part calls, as its source names them."""
    found: set[str] = set()
    for path in PLUGIN.glob("*.py"):
        name = path.name
        if name in TABLES or name.startswith("testing"):
            continue
        if name in CUSTOMERS:
            mine = customers
        elif name in CHECKS:
            mine = checks
        else:
            mine = desk if DESK.match(name) else desk or customers
        if mine:
            found |= set(METHOD.findall(path.read_text("utf-8")))
    return found


def test_each_part_lists_exactly_the_methods_that_its_code_calls() -> None:
    checked = called_in(checks=True)
    assert called_in(desk=True) | checked == set(scopes.DESK.methods)
    ours = scopes.DIRECT_MESSAGES.methods | scopes.ALLOWED_CHANNELS.methods
    assert called_in(customers=True) | checked == set(ours)


def test_each_method_has_the_scope_that_slack_documents_for_it() -> None:
    for method, scope in scopes.SCOPE_OF_METHOD.items():
        if method in METHOD_SCOPES:
            assert METHOD_SCOPES[method] == scope, method
        else:
            assert scope == "" or scope.startswith("*:"), method


def test_the_manifest_has_only_what_is_switched_on() -> None:
    texts = TextsBook([OUR_DIALOGUE / "domain"])
    desk = manifest(Wanted(direct=False, channels=False), texts)
    assert "im:history" not in desk["oauth_config"]["scopes"]["bot"]
    assert "app_home" not in desk["features"]
    direct = manifest(Wanted(desk=False, channels=False), texts)
    assert direct["oauth_config"]["scopes"]["bot"] == [
        "chat:write",
        "files:read",
        "files:write",
        "im:history",
        "im:read",
        "users:read",
    ]
    assert direct["settings"]["event_subscriptions"]["bot_events"] == [
        "app_uninstalled",
        "message.im",
        "tokens_revoked",
    ]
    assert "slash_commands" not in direct["features"]
    called = manifest(Wanted(url="https://bot.shop.example"), texts)
    assert not called["settings"]["socket_mode_enabled"]
    url = called["settings"]["event_subscriptions"]["request_url"]
    assert url == "https://bot.shop.example/slack/events"


def test_slack_takes_the_words_of_the_manifest() -> None:
    """https://docs.slack.dev/reference/app-manifest says how long each may be."""
    texts = TextsBook([OUR_DIALOGUE / "domain"])
    for language in ("de", "en"):
        made = manifest(Wanted(language=language), texts)
        assert len(made["display_information"]["description"]) <= 140
        for shortcut in made["features"]["shortcuts"]:
            assert len(shortcut["name"]) <= 24
            assert len(shortcut["description"]) <= 150


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("url", ["", "https://bot.shop.example"])
@pytest.mark.parametrize("parts", range(1, 8))
def test_slack_takes_the_manifest_for_whatever_it_is_wanted(
    language: str, url: str, parts: int
) -> None:
    slack = SlackSimulator()
    desk, direct, channels = (bool(parts & bit) for bit in (1, 2, 4))
    install_for(
        slack, Wanted(desk=desk, direct=direct, channels=channels, url=url, language=language)
    )
    assert slack.world.features.messages is direct
    assert slack.world.features.socket_mode is not bool(url)
    assert ("message.im" in slack.subscriptions) is direct
    assert ("reactions:write" in slack.scopes) is desk


async def test_the_app_as_the_manifest_installs_it_passes_its_own_check(
    slack: SlackSimulator, support: Room, jonas: Person
) -> None:
    private = slack.channel("kunde", jonas, kind="private")
    install_for(slack, Wanted())
    tables = {"desk": {"channel": support.id}, "customers": {"allowed_channels": [private.id]}}
    assert await online_problems(settings_of(slack, **tables)) == []


def test_the_command_prints_yaml_and_json() -> None:
    group = slack_commands([], "https://bot.shop.example")
    run = CliRunner()
    printed = run.invoke(group, ["manifest"])
    assert printed.exit_code == 0, printed.output
    as_json = run.invoke(group, ["manifest", "--json"])
    assert yaml.safe_load(printed.output) == json.loads(as_json.output)
    assert run.invoke(slack_commands([], ""), ["manifest", "--http"]).exit_code == 2


def settings_of(slack: SlackSimulator, **more: Any) -> SlackSettings:
    return SlackSettings.model_validate(slack.settings(**more))


def test_the_settings_refuse_what_cannot_work(slack: SlackSimulator) -> None:
    with pytest.raises(ValueError, match="the channel C0123ABCD is the agents'"):
        settings_of(
            slack,
            desk={"channel": "C0123ABCD"},
            customers={"allowed_channels": ["C0123ABCD"]},
        )
    with pytest.raises(ValueError, match="SCHALTER_SLACK_APP_TOKEN"):
        settings_of(slack, app_token=None)
    with pytest.raises(ValueError, match="SCHALTER_SLACK_SIGNING_SECRET"):
        settings_of(slack, mode="http", signing_secret=None)
    for empty in ("", " ", "${SLACK_SECRET}"):
        with pytest.raises(ValueError, match="not a signing secret"):
            settings_of(slack, mode="http", signing_secret=empty)
    with pytest.raises(ValueError, match="not a bot token"):
        settings_of(slack, bot_token="xoxp-1234567890")
    nothing = list(offline_problems(settings_of(slack), ""))
    assert "neither agents nor customers" in nothing[0].what
    plain = settings_of(slack, mode="http", customers={})
    assert "https" in next(offline_problems(plain, "http://bot")).what
    assert list(offline_problems(settings_of(slack, customers={}), "")) == []


async def test_the_check_posts_and_removes_a_message(
    slack: SlackSimulator, support: Room, tmp_path: Path
) -> None:
    settings = settings_of(slack, desk={"channel": support.id}, customers={})
    assert await online_problems(settings) == []
    done = [method for method, _ in slack.api.done]
    assert done[-2:] == ["chat.postMessage", "chat.delete"]
    assert support.messages == []


async def test_the_check_names_what_is_missing_and_how_to_mend_it(
    slack: SlackSimulator, jonas: Person, support: Room
) -> None:
    outside = slack.channel("outside", jonas, bot=False)
    settings = settings_of(
        slack,
        desk={"channel": support.id, "ops_channel": outside.id},
        customers={"allowed_channels": ["C0NOWHERE1"]},
    )
    slack.scopes.discard("reactions:write")
    await jonas.archives(support)
    found = {problem.where: problem for problem in await online_problems(settings)}
    assert "reactions:write" in found["slack"].what
    assert "manifest" in found["slack"].fix
    assert "archived" in found[f"slack, channel {support.id}"].what
    assert "/invite" in found[f"slack, channel {outside.id}"].fix
    assert "is not there" in found["slack, channel C0NOWHERE1"].what


async def test_the_check_says_each_thing_once_and_the_log_says_nothing(
    slack: SlackSimulator, jonas: Person, support: Room, caplog: pytest.LogCaptureFixture
) -> None:
    ops = slack.channel("ops", jonas, bot=False)
    settings = settings_of(slack, desk={"channel": support.id, "ops_channel": ops.id})
    (outside,) = await online_problems(settings)
    assert outside.fix == "write /invite @schalter there"
    await jonas.invites(ops)
    slack.scopes.discard("chat:write")
    (scope,) = await online_problems(settings)
    assert "chat:write" in scope.what
    slack.faults.too_many["conversations.info"] = 1
    scope, busy = await online_problems(settings)  # what was found before is told all the same
    assert "chat:write" in scope.what
    assert busy.fix == "try again in 1 s"
    slack.scopes.add("chat:write")
    slack.faults.errors["chat.delete"].append("cant_delete_message")
    (stands,) = await online_problems(settings)
    assert (stands.fix, stands.fatal) == ("delete it", False)
    assert [one.text for room in (ops, support) for one in room.messages if one.by_bot] == [
        "bot check --online"
    ]
    assert caplog.records == []


async def test_the_check_names_tokens_that_slack_refuses(slack: SlackSimulator) -> None:
    settings = settings_of(slack, customers={}, app_token="xapp-1-wrong-token")
    (problem,) = await online_problems(settings)
    assert "app token" in problem.what
    slack.revokes_token()
    (problem,) = await online_problems(settings)
    assert "bot token" in problem.what
