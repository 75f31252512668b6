"""What `bot check` says about the channel, with and without asking Twilio."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from host.cli import main
from plugins.whatsapp.offline import offline_problems
from plugins.whatsapp.online import online_problems
from plugins.whatsapp.settings import WhatsAppSettings
from plugins.whatsapp.testing import TwilioSimulator

TABLE = f'[plugins.whatsapp]\naccount_sid = "AC{"0" * 32}"\nsender = "+4930901820"\n'


def check(folder: Path, settings: str, *more: str) -> str:
    file = folder / "schalter.toml"
    file.write_text(settings, "utf-8")
    (folder / ".env").write_text("\n".join(more), "utf-8")
    options = ["--config", str(file), "check", "--data", str(folder / "data")]
    return CliRunner().invoke(main, options).output


def test_without_a_table_nothing_is_asked_for(tmp_path: Path) -> None:
    assert "whatsapp" not in check(tmp_path, "")


def test_a_missing_token_is_named(tmp_path: Path) -> None:
    assert "set SCHALTER_WHATSAPP_AUTH_TOKEN in the environment" in check(tmp_path, TABLE)


def test_a_token_in_the_file_is_refused(tmp_path: Path) -> None:
    found = check(tmp_path, f'{TABLE}auth_token = "hunter2secret"\n')
    assert "a secret must not be in this file" in found
    assert "hunter2secret" not in found


def test_what_is_missing_is_said_with_a_remedy(tmp_path: Path) -> None:
    found = check(tmp_path, TABLE, "SCHALTER_WHATSAPP_AUTH_TOKEN=x")
    assert "set [bot] public_url" in found


def test_what_has_the_wrong_form_is_said_without_a_pattern(tmp_path: Path) -> None:
    table = TABLE.replace("+4930", "0049 30").replace("AC0", "SK0")
    wrong = check(tmp_path, table, "SCHALTER_WHATSAPP_AUTH_TOKEN=x")
    assert "[plugins.whatsapp] sender: does not have the right form" in wrong
    assert "without blanks: +4930901820" in wrong
    assert "The account at Twilio: AC and 32 digits" in wrong
    assert "{32}" not in wrong


@pytest.mark.parametrize(
    "url", ["bot.shop.example", "https://", "https://x.example/?a=1", "https://x.example/#a"]
)
def test_an_address_that_cannot_be_one_is_refused(tmp_path: Path, url: str) -> None:
    found = check(tmp_path, f'[bot]\npublic_url = "{url}"\n')
    assert "[bot] public_url: does not have the right form" in found
    assert "https://bot.shop.example" in found


TEMPLATE = """[[plugins.whatsapp.templates]]
content_sid = "HX00000000000000000000000000000000"
language = "de"
"""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('response = "utter_tracck"', "it stands for 'utter_tracck', and there is no such text"),
        ('variables = {1 = "{txt}"}', "variable 1: no fact is called 'txt' here"),
        ('variables = {1 = "{{text}}"}', "variable 1: a brace is left over in '{{text}}'"),
        ('variables = {who = "{agent:dat}"}', "variable who: unknown spec in {agent:dat}"),
        (
            'response = "utter_track_order_shipped"\nvariables = {1 = "{ordr}"}',
            "no fact is called 'ordr' here",
        ),
        ("variables = {1 = 2}", "[plugins.whatsapp.templates.0.variables.1]: should be a valid"),
        ('variabls = {1 = "{text}"}', "unknown key — did you mean 'variables'?"),
        ('response = ""', "it stands for no text, and has no title for agents to choose it by"),
        ('title = "Neues"', "it has a title, so it needs its text"),
        (
            'title = "Neues"\ntext = "Hallo {{1}}"\nvariables = {2 = "{text}"}',
            "its text and its variables do not name the same: 1, 2",
        ),
        (
            'title = "Neues"\nresponse = ""\ntext = "Am {{1}}"\nvariables = {1 = "{day:dat}"}',
            "variable 1: unknown spec in {day:dat}",
        ),
    ],
)
def test_a_template_that_cannot_be_filled_is_named(tmp_path: Path, lines: str, said: str) -> None:
    found = check(tmp_path, f"{TABLE}{TEMPLATE}{lines}\n", "SCHALTER_WHATSAPP_AUTH_TOKEN=x")
    assert said in found


@pytest.mark.parametrize(
    "lines",
    [
        'variables = {name = "{agent}", text = "{text}", shop = "{shop_name}"}',
        'response = "utter_track_order_shipped"\nvariables = {1 = "{order}", 2 = "{text}"}',
        'response = ""\ntitle = "Neues"\ntext = "Zu {{1}}"\nvariables = {1 = "{what}"}',
    ],
)
def test_a_template_that_can_be_filled_is_fine(tmp_path: Path, lines: str) -> None:
    found = check(tmp_path, f"{TABLE}{TEMPLATE}{lines}\n", "SCHALTER_WHATSAPP_AUTH_TOKEN=x")
    assert "template" not in found


def test_what_is_no_accounts_token_is_noted(tmp_path: Path) -> None:
    note = "does not look like an account's auth token"
    assert note in check(tmp_path, TABLE, "SCHALTER_WHATSAPP_AUTH_TOKEN=x")
    assert note not in check(tmp_path, TABLE, f"SCHALTER_WHATSAPP_AUTH_TOKEN={'0a' * 16}")


def settings_of(twilio: TwilioSimulator, **more: object) -> WhatsAppSettings:
    return WhatsAppSettings(**{**twilio.settings(), **more})


def template(sid: str) -> dict[str, object]:
    return {"content_sid": sid, "language": "de", "variables": {"1": "{text}"}}


@pytest.fixture
async def twilio() -> object:
    async with TwilioSimulator() as simulator:
        yield simulator


async def test_good_credentials_and_templates_are_fine(twilio: TwilioSimulator) -> None:
    approved = template(twilio.api.approve("Hallo {{1}}"))
    settings = settings_of(twilio, templates=[approved])
    assert await online_problems(settings) == []
    assert list(offline_problems(settings, "https://bot.shop.example")) == []


async def test_wrong_credentials_are_named(twilio: TwilioSimulator) -> None:
    (problem,) = await online_problems(settings_of(twilio, auth_token="wrong"))
    assert (problem.what, problem.fatal) == ("Twilio refuses the credentials", True)
    assert "SCHALTER_WHATSAPP_AUTH_TOKEN" in problem.fix


async def test_a_suspended_account_is_named(twilio: TwilioSimulator) -> None:
    twilio.api.account_status = "suspended"
    (problem,) = await online_problems(settings_of(twilio))
    assert problem.what == "the account is suspended"


async def test_templates_that_cannot_be_used_are_named(twilio: TwilioSimulator) -> None:
    rejected = twilio.api.approve("Kauf!", status="rejected")
    missing = "HX" + "0" * 32
    settings = settings_of(twilio, templates=[template(rejected), template(missing)])
    found = [problem.what for problem in await online_problems(settings)]
    assert found == [f"the template {rejected} is rejected", f"there is no template {missing}"]
    doubled = [p.what for p in offline_problems(settings, "https://bot.shop.example")]
    assert doubled == ["two templates stand for 'agent_line' in 'de'; the first is used"]


async def test_a_template_that_is_another_than_its_settings_say_is_named(
    twilio: TwilioSimulator,
) -> None:
    made = twilio.api.approve("Hello {{1}}, {{who}} and {{when}}", "en")
    settings = settings_of(twilio, templates=[template(made)])
    assert [problem.what for problem in await online_problems(settings)] == [
        f"nothing fills when, who of the template {made}",
        f"the template {made} is in 'en', not in 'de'",
    ]


async def test_a_template_that_agents_are_shown_otherwise_is_named(
    twilio: TwilioSimulator,
) -> None:
    made = twilio.api.approve("Hallo {{1}}, bitte melden.")
    shown = {**template(made), "response": "", "title": "Melden"}
    right = settings_of(twilio, templates=[{**shown, "text": "Hallo {{1}},\nbitte melden."}])
    assert await online_problems(right) == []
    wrong = settings_of(twilio, templates=[{**shown, "text": "Hallo {{1}}, es gibt Geld."}])
    (problem,) = await online_problems(wrong)
    assert problem.what.startswith(f"the template {made} says something else than its settings")


async def test_a_template_with_two_titles_is_named(twilio: TwilioSimulator) -> None:
    made = {**template(twilio.api.approve("Hallo {{1}}")), "text": "Hallo {{1}}", "response": ""}
    settings = settings_of(twilio, templates=[{**made, "title": "A"}, {**made, "title": "B"}])
    (problem,) = offline_problems(settings, "https://bot.shop.example")
    assert problem.what.endswith("has a title more than once")


async def test_no_network_is_named() -> None:
    settings = WhatsAppSettings(
        account_sid="AC" + "0" * 32,
        auth_token="x",
        sender="+4930901820",
        api_url="http://127.0.0.1:9",
    )
    (problem,) = await online_problems(settings)
    assert problem.what == "http://127.0.0.1:9 cannot be reached"


@pytest.mark.parametrize(
    ("url", "fatal"), [("", [True]), ("http://bot.shop.example", [False]), ("https://x", [])]
)
async def test_the_address_from_outside_is_looked_at(
    twilio: TwilioSimulator, url: str, fatal: list[bool]
) -> None:
    settings = settings_of(twilio, templates=[template("HX" + "0" * 32)])
    assert [problem.fatal for problem in offline_problems(settings, url)] == fatal
