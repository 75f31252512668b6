"""A Rasa that cannot start is said to be so; one that ran before is started again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.ports import Unavailable
from plugins.rasa import sidecar
from plugins.rasa.sidecar import Sidecar
from plugins.rasa.training import Project


async def made(tmp_path: Path, session: aiohttp.ClientSession) -> Sidecar:
    return Sidecar(
        project=Project(tmp_path, tmp_path),
        session=session,
        actions_url="http://127.0.0.1:9/",
        actions_token="t",
        data=tmp_path,
        say=lambda _text: None,
    )


async def run_with(rasa: Sidecar, lives: list[bool], monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Run it with processes that live or die as told; return what is left of them."""

    async def prepare() -> Path:
        return Path("model")

    async def live(_model: Path) -> bool:
        if not lives:
            await asyncio.Event().wait()
        lived = lives.pop(0)
        if lived and not rasa._ready.done():
            rasa._ready.set_result(None)
        return lived

    monkeypatch.setattr(rasa, "_prepare", prepare)
    monkeypatch.setattr(rasa, "_live", live)
    monkeypatch.setattr(sidecar, "backoff", lambda *_a, **_k: timedelta(0))
    running: asyncio.Task[Any] = asyncio.create_task(rasa.run())
    await asyncio.wait([running], timeout=0.3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return lives


async def test_three_starts_in_vain_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aiohttp.ClientSession() as session:
        rasa = await made(tmp_path, session)
        left = await run_with(rasa, [False] * 5, monkeypatch)
        assert len(left) == 2
        with pytest.raises(Unavailable, match=r"rasa\.log"):
            await rasa.ready()


async def test_one_that_ran_is_started_again_however_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aiohttp.ClientSession() as session:
        rasa = await made(tmp_path, session)
        assert await run_with(rasa, [True, *[False] * 6, True], monkeypatch) == []
        await rasa.ready()
