"""Settings of mailboxes: what is unsafe or unclear is an error that names key and cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from host.errors import Invalid
from host.settings import load
from plugins.mail.addresses import is_address, normal
from plugins.mail.settings import MailSettings

TWO = """
[plugins.mail]
max_bytes = 1000000
[[plugins.mail.mailboxes]]
name = "support"
address = "Support@Shop.example"
imap = {host = "imap.shop.example"}
smtp = {host = "smtp.shop.example", tls = "starttls"}
[[plugins.mail.mailboxes]]
name = "info"
address = "info@shop.example"
imap = {host = "localhost", tls = "none"}
smtp = {host = "127.0.0.1", tls = "none", port = 2525}
"""
SECRETS = {"SCHALTER_MAIL_SUPPORT_PASSWORD": "one", "SCHALTER_MAIL_INFO_PASSWORD": "two"}


def loaded(tmp_path: Path, text: str = TWO, secrets: dict[str, str] | None = None) -> MailSettings:
    file = tmp_path / "schalter.toml"
    file.write_text(text)
    environment = SECRETS if secrets is None else secrets
    return load(file, environment).plugin("mail", MailSettings)


def found(tmp_path: Path, text: str, secrets: dict[str, str] | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        loaded(tmp_path, text, secrets)
    return "\n".join(f"{one.where}: {one.what} ({one.fix})" for one in caught.value.problems)


def test_each_mailbox_has_secrets_of_its_own(tmp_path: Path) -> None:
    support, info = loaded(tmp_path).mailboxes
    assert support.password is not None
    assert info.password is not None
    assert support.password.get_secret_value() == "one"
    assert info.password.get_secret_value() == "two"
    assert (support.address, support.imap.at, support.smtp.at) == ("support@shop.example", 993, 587)
    assert (info.imap.at, info.smtp.at) == (143, 2525)


def test_a_missing_secret_names_its_variable(tmp_path: Path) -> None:
    told = found(tmp_path, TWO, {"SCHALTER_MAIL_SUPPORT_PASSWORD": "one"})
    assert "SCHALTER_MAIL_INFO_PASSWORD" in told


def test_a_fault_is_named_alone_and_with_its_line(tmp_path: Path) -> None:
    # It was followed by "should have at least 1 item after validation, not 0", and had no line.
    text = TWO.replace('name = "info"', 'name = "info"\naliases = "x@shop.example"')
    line = text.splitlines().index('aliases = "x@shop.example"') + 1
    told = found(tmp_path, text).splitlines()
    assert len(told) == 1
    assert f":{line} [plugins.mail.mailboxes.1] aliases: should be a list, in [ ]" in told[0]


def test_a_secret_in_the_file_is_an_error_and_is_not_shown(tmp_path: Path) -> None:
    told = found(tmp_path, TWO.replace('name = "info"', 'name = "info"\npassword = "hunter2"'))
    assert "SCHALTER_MAIL_INFO_PASSWORD" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('host = "localhost", tls = "none"', 'host = "imap.x", tls = "none"', "on this machine"),
        ('name = "info"', 'name = "support"', "two mailboxes have the name"),
        ("info@shop.example", "SUPPORT@shop.example", "two mailboxes have the address"),
        ("info@shop.example", "info@shop.example>", "is not an e-mail address"),
        ('name = "info"', 'name = "info"\nfolder = "INBOX"', "unknown key"),
        ('name = "info"', 'name = "info_a"', "does not have the right form"),
        ('name = "info"', 'name = "info"\narchive = "INBOX"', "archive is one of the folders"),
        ("max_bytes = 1000000", 'forms = ["support@shop.example"]', "cannot be one of forms"),
        ("max_bytes = 1000000", "max_bytes = 1", "greater than or equal to 100000"),
        ("port = 2525", "port = 0", "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TWO
    assert told in found(tmp_path, TWO.replace(old, new))


OAUTH = TWO + '[plugins.mail.mailboxes.oauth]\nprovider = "microsoft"\nclient_id = "c"\n'
TENANT = OAUTH + 'tenant = "shop.example"\n'
SUPPORT = {"SCHALTER_MAIL_SUPPORT_PASSWORD": "one"}
REFRESH = {**SUPPORT, "SCHALTER_MAIL_INFO_REFRESH_TOKEN": "r"}


@pytest.mark.parametrize(
    ("text", "secrets", "told"),
    [
        (OAUTH, REFRESH, "needs tenant"),
        (TENANT, SUPPORT, "SCHALTER_MAIL_INFO_REFRESH_TOKEN"),
        (TENANT, SECRETS | REFRESH, "a password and a table oauth"),
        (TENANT + 'grant = "client_credentials"', SUPPORT, "SCHALTER_MAIL_INFO_CLIENT_SECRET"),
        (
            OAUTH.replace("microsoft", "google") + 'grant = "client_credentials"',
            REFRESH,
            "has no client_credentials for mail",
        ),
        (OAUTH.replace("microsoft", "other"), REFRESH, "needs token_url and scope"),
        (
            OAUTH.replace("microsoft", "other") + 'token_url = "http://x.example/t"\nscope = "s"',
            REFRESH,
            "must be https",
        ),
        (TWO, SECRETS | {"SCHALTER_MAIL_INFO_CLIENT_SECRET": "s"}, "belong to a table oauth"),
    ],
)
def test_a_login_by_tokens_is_complete_and_alone(
    tmp_path: Path, text: str, secrets: dict[str, str], told: str
) -> None:
    assert told in found(tmp_path, text, secrets)


def test_a_login_by_tokens(tmp_path: Path) -> None:
    how = loaded(tmp_path, TENANT, REFRESH).mailboxes[1].oauth
    assert how is not None
    assert how.url == "https://login.microsoftonline.com/shop.example/oauth2/v2.0/token"
    assert "offline_access" in how.scopes


def test_a_variable_of_no_mailbox_is_found(tmp_path: Path) -> None:
    from host.plugins import load as load_plugins

    file = tmp_path / "schalter.toml"
    file.write_text(TWO)
    settings = load(file, {**SECRETS, "SCHALTER_MAIL_INFP_PASSWORD": "x"})
    told = [one.where + one.fix for one in load_plugins(settings, tmp_path).problems]
    assert any("INFP" in one and "SCHALTER_MAIL_INFO_PASSWORD" in one for one in told)


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (" Anna.Muster@Example.NET ", "anna.muster@example.net"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@example.net.", "a@example.net"),
        ("anna+shop@example.net", "anna+shop@example.net"),
    ],
)
def test_two_spellings_of_one_mailbox(value: str, same: str) -> None:
    assert normal(value) == same


@pytest.mark.parametrize(
    "value",
    [
        "",
        "anna",
        "@example.net",
        "anna@",
        "a b@example.net",
        "anna@example.net\r\nBcc: eve@evil.example",
        "anna@example.net>",
        "<anna@example.net>",
        "a@example.net,b@example.net",
        "a@[192.0.2.1]",
        "a@-example.net",
        "a@exam..ple.net",
        "a" * 250 + "@example.net",
    ],
)
def test_what_no_mail_can_be_sent_to(value: str) -> None:
    assert not is_address(value)


def test_what_a_mail_can_be_sent_to() -> None:
    many: list[Any] = ["anna@example.net", "o'neil+x@sub.example.co.uk", "a@bücher.example"]
    assert all(map(is_address, many))
