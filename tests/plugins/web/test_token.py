"""What opens the desk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from plugins.web.desk import WebDesk
from plugins.web.desk_token import COOKIE_SECONDS, FILE, DeskToken
from plugins.web.settings import WebSettings


def test_a_token_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    made = DeskToken(tmp_path / "data", None).value
    assert len(made) >= 43
    assert DeskToken(tmp_path / "data", None).value == made
    assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600


def test_a_file_left_empty_by_a_crash_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    assert len(DeskToken(tmp_path, None).value) >= 43


def test_a_configured_token_leaves_no_file(tmp_path: Path) -> None:
    token = DeskToken(tmp_path, "configured-by-me-0")
    assert token.matches("configured-by-me-0")
    assert not token.matches("configured-by-me-1")
    assert not token.matches("")
    assert not token.matches("\udcff")
    assert list(tmp_path.iterdir()) == []


def test_cookies_end_with_time_and_with_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = DeskToken(tmp_path, "a-first-token-0000")
    cookie = token.cookie()
    assert token.opens(cookie)
    assert "a-first-token-0000" not in cookie
    assert not DeskToken(tmp_path, "another-token-0000").opens(cookie)
    begun, _, signature = cookie.partition(".")
    monkeypatch.setattr("time.time", lambda: int(begun) + COOKIE_SECONDS + 100)
    assert not token.opens(cookie)
    assert not token.opens(f"{int(begun) + COOKIE_SECONDS}.{signature}")


@pytest.mark.parametrize("cookie", ["", ".", "1", "1.", "x.y", "٣.x", "9" * 30 + ".x", "-1.x"])
def test_cookies_that_are_none(tmp_path: Path, cookie: str) -> None:
    assert not DeskToken(tmp_path, "a-first-token-0000").opens(cookie)


def test_the_address_has_the_token_where_no_server_sees_it(tmp_path: Path) -> None:
    desk = WebDesk(WebSettings(), DeskToken(tmp_path, "a-first-token-0000"))
    assert (
        desk.url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080/desk#token=a-first-token-0000"
    )


def test_settings_refuse_what_would_be_unsafe() -> None:
    with pytest.raises(ValidationError):
        WebSettings.model_validate({"desk_token": "short"})
    with pytest.raises(ValidationError):
        WebSettings(frame_ancestors=("https://a.example; script-src *",))
    with pytest.raises(ValidationError):
        WebSettings(frame_ancestors=("*",))
