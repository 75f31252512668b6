"""The pages themselves: their headers, what they load, and their words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import pytest

from bot.testing import ScriptedDialogue
from plugins.web.pages import STATIC
from plugins.web.testing_bot import WebBot, web_bot

SCRIPTS = sorted(STATIC.glob("*.js"))
PAGES = sorted(STATIC.glob("*.html"))
FILES = sorted(file for file in STATIC.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("path", "ancestors"), [("/chat", "'self'"), ("/desk", "'none'"), ("/web/chat.js", "'self'")]
)
async def test_pages_are_held_in(bot: WebBot, path: str, ancestors: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(bot.url + path) as answer:
            headers, status = answer.headers, answer.status
        tag = {"If-None-Match": headers["ETag"]}
        async with session.get(bot.url + path, headers=tag) as answer:
            again = answer.status
    policy = headers["Content-Security-Policy"]
    assert (status, again) == (200, 304)
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert f"frame-ancestors {ancestors}" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


async def test_other_sites_may_frame_the_chat_only_when_named(
    tmp_path: Path, script: ScriptedDialogue
) -> None:
    site = "https://www.kranich-kontor.example"
    async with (
        web_bot(tmp_path, script, web={"frame_ancestors": [site]}) as bot,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"{bot.url}/chat") as answer:
            chat = answer.headers["Content-Security-Policy"]
        async with session.get(f"{bot.url}/desk") as answer:
            desk = answer.headers["Content-Security-Policy"]
    assert chat.endswith(f"frame-ancestors 'self' {site}")
    assert desk.endswith("frame-ancestors 'none'")


@pytest.mark.parametrize(
    "path", ["/web/none.js", "/web/../settings.py", "/web/%2e%2e/settings.py", "/web//etc/passwd"]
)
async def test_only_the_pages_files_are_served(bot: WebBot, path: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(bot.url + path) as answer:
        assert answer.status == 404
        assert set(await answer.json()) == {"error", "message"}


async def test_the_demo_leads_to_the_desk_with_its_token_only_on_this_machine(
    tmp_path: Path, script: ScriptedDialogue
) -> None:
    async with web_bot(tmp_path, script, web={"demo": True}) as bot:
        places = {}
        for name, headers in {
            "here": {},
            "rebound name": {"Host": "shop.evil.example"},
            "through a proxy": {"X-Forwarded-For": "203.0.113.7"},
        }.items():
            async with aiohttp.ClientSession(headers=headers) as session:
                url = f"{bot.url}/demo/desk"
                async with session.get(url, allow_redirects=False) as answer:
                    places[name] = answer.headers["Location"]
        async with aiohttp.ClientSession() as session, session.get(bot.url) as answer:
            assert "Kranich Kontor" in await answer.text()
    assert places == {
        "here": bot.desk_url,
        "rebound name": "/desk",
        "through a proxy": "/desk",
    }


async def test_there_is_no_shop_outside_the_demo(bot: WebBot) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/demo/desk"):
            async with session.get(bot.url + path) as answer:
                assert answer.status == 404


@pytest.mark.parametrize("page", ["chat", "desk", "shop"])
def test_both_languages_have_the_same_words(page: str) -> None:
    words = {
        language: json.loads((STATIC / "words" / f"{page}.{language}.json").read_text("utf-8"))
        for language in ("de", "en")
    }
    assert words["de"].keys() == words["en"].keys()
    for key, text in words["de"].items():
        assert text.strip(), key
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", words["en"][key]))


@pytest.mark.parametrize("page", ["chat", "desk", "shop"])
def test_every_word_that_a_page_asks_for_is_there(page: str) -> None:
    used = {
        "chat": ["chat", "log", "queue", "uploads", "dom"],
        "desk": [
            "desk",
            "desk_list",
            "desk_thread",
            "desk_card",
            "desk_composer",
            "desk_api",
            "uploads",
            "dom",
        ],
        "shop": ["shop"],
    }[page]
    scripts = "".join((STATIC / f"{name}.js").read_text("utf-8") for name in used)
    html = (STATIC / f"{page}.html").read_text("utf-8")
    asked = set(re.findall(r'\bt\("(\w+)"', scripts))
    asked |= set(re.findall(r'data-t(?:-\w+)?="(\w+)"', html))
    words = json.loads((STATIC / "words" / f"{page}.de.json").read_text("utf-8"))
    assert asked - words.keys() == set()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_turns_text_into_markup(script: Path) -> None:
    code = script.read_text("utf-8")
    for unsafe in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "DOMParser",
    ):
        assert unsafe not in code


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    found = set(re.findall(r"https?://[\w.-]+", file.read_text("utf-8")))
    assert found <= {"http://www.w3.org", "https://support.example.com"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages_hold_no_inline_script_or_style(page: Path) -> None:
    html = page.read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


def test_every_icon_that_is_asked_for_is_drawn() -> None:
    drawn = set(re.findall(r'id="(\w+)"', (STATIC / "icons.svg").read_text("utf-8")))
    asked = set()
    for file in (*SCRIPTS, *PAGES):
        text = file.read_text("utf-8")
        asked |= set(re.findall(r'\bicon\("(\w+)"', text)) | set(
            re.findall(r"icons\.svg#(\w+)", text)
        )
    assert asked - drawn == set()
