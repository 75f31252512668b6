"""Settings: what is wrong is found, and said so that one can mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from host.errors import Invalid
from host.settings import Settings, load


class Account(BaseModel):
    user: str = "shop"
    password: SecretStr | None = None


class Model(BaseModel):
    url: str
    token: SecretStr
    timeout: int = 3
    account: Account = Account()


def write(folder: Path, text: str) -> Path:
    file = folder / "schalter.toml"
    file.write_text(text, "utf-8")
    return file


def findings(file: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Invalid) as caught:
        load(file, environ or {})
    return [f"{p.where}: {p.what} — {p.fix}" for p in caught.value.problems]


def test_defaults_need_no_file() -> None:
    settings = load(None, {})
    assert (settings.bot.host, settings.bot.port) == ("127.0.0.1", 8080)
    assert (settings.bot.language, settings.bot.formality) == ("de", "Sie")
    assert settings.data == Path("data")


def test_the_data_folder_lies_beside_the_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, '[bot]\ndata = "kept"\n'), {})
    assert settings.data == tmp_path / "kept"
    assert settings.changed(data=Path("/elsewhere")).data == Path("/elsewhere")


def test_a_typo_names_file_line_key_and_what_was_meant(tmp_path: Path) -> None:
    file = write(tmp_path, '[bot]\nhost = "::1"\nprot = 9\n\n[dialog]\nslow_after = 2\n')
    assert findings(file) == [
        f"{file}:3 [bot] prot: unknown key — did you mean 'port'?",
        f"{file}:5 [dialog]: unknown key — did you mean 'dialogue'?",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[bot]\nport = 70000\n", ":2 [bot] port: should be less than or equal to 65535"),
        ("[bot]\nformality = 'Ihr'\n", ":2 [bot] formality: should be 'Sie' or 'du'"),
        ("[dialogue]\nslow_after = 0\n", ":2 [dialogue] slow_after: should be greater"),
        ("[bot\n", "is not TOML"),
        ("[bot]\n\nplugins = 'web'\n", ":3 [bot] plugins: should be a list"),
        ("[identity]\nproofs = {x = []}\n", ":2 [identity.proofs] x: is empty — Proofs by action"),
        ("[identity.proofs]\nx = ['sms']\n", ":2 [identity.proofs.x.0]: should be 'pair', "),
        ("[log]\njson = 3\n", ":2 [log] json: should be a valid boolean"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in findings(write(tmp_path, text))[0]


def test_a_missing_file_and_one_in_another_encoding(tmp_path: Path) -> None:
    assert "cannot be read" in findings(tmp_path / "none.toml")[0]
    file = tmp_path / "schalter.toml"
    file.write_bytes('[handoff]\ndesk = "Größe"'.encode("latin-1"))
    assert "is not UTF-8" in findings(file)[0]


def test_one_line_tells_the_first_finding_and_how_many_more(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        load(write(tmp_path, "[bot]\nprot = 9\nhots = 'x'\n"), {})
    assert str(caught.value).endswith("did you mean 'port'? (and 1 more: bot check)")


def plugin_findings(settings: Settings) -> list[str]:
    with pytest.raises(Invalid) as caught:
        settings.plugin("mail", Model)
    return [f"{p.where}: {p.what} — {p.fix}" for p in caught.value.problems]


def test_a_plugins_secret_comes_from_the_environment(tmp_path: Path) -> None:
    file = write(tmp_path, '[plugins.mail]\nurl = "x"\n')
    environ = {"SCHALTER_MAIL_TOKEN": "t0p", "SCHALTER_MAIL_ACCOUNT_PASSWORD": "s3cret"}
    made = load(file, environ).plugin("mail", Model)
    assert made.token.get_secret_value() == "t0p"
    assert made.account.password is not None
    assert made.account.password.get_secret_value() == "s3cret"
    assert made.account.user == "shop"


def test_dotenv_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = write(tmp_path, '[plugins.mail]\nurl = "x"\n')
    (tmp_path / ".env").write_text("# ours\nSCHALTER_MAIL_TOKEN='from file'\n")
    assert load(file, {}).plugin("mail", Model).token.get_secret_value() == "from file"
    won = load(file, {"SCHALTER_MAIL_TOKEN": "from outside"}).plugin("mail", Model)
    assert won.token.get_secret_value() == "from outside"


def test_a_broken_dotenv_is_named_without_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OK=1\nSCHALTER MAIL TOKEN hunter2\n")
    (said,) = findings(write(tmp_path, ""))
    assert f"{tmp_path / '.env'}:2: is not NAME=value" in said
    assert "hunter2" not in said


def test_a_secret_in_the_file_is_an_error_that_does_not_show_it(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[plugins.mail]\nurl = "x"\ntoken = "hunter2"\n\n[plugins.mail.account]\npassword = "no"\n',
    )
    said = plugin_findings(load(file, {}))
    assert said == [
        f"{file}:3 [plugins.mail] token: a secret must not be in this file — "
        "take it out and set SCHALTER_MAIL_TOKEN in the environment or in .env",
        f"{file}:6 [plugins.mail.account] password: a secret must not be in this file — "
        "take it out and set SCHALTER_MAIL_ACCOUNT_PASSWORD in the environment or in .env",
    ]


def test_a_missing_secret_names_its_variable(tmp_path: Path) -> None:
    said = plugin_findings(load(write(tmp_path, '[plugins.mail]\nurl = "x"\ntimout = 1\n'), {}))
    assert any(
        "is missing — set SCHALTER_MAIL_TOKEN in the environment or in .env" in s for s in said
    )
    assert any("timout: unknown key — did you mean 'timeout'?" in line for line in said)


def test_settings_never_show_secrets_in_their_repr(tmp_path: Path) -> None:
    settings = load(write(tmp_path, ""), {"SCHALTER_MAIL_TOKEN": "hunter2"})
    assert "hunter2" not in repr(settings)
