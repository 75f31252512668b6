"""An order action that is cut off after any of its commits, before or after the shop has acted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.testing import FakeChannel, RecoverableAction, World, world

from .test_acting import ACT, TEXTS, opened, parts


async def killed_after_each_commit(folder: Path, images: Path) -> int:
    """What lies on the disk after each commit of an act, from none to the last; return the last."""
    async with world(folder, texts=TEXTS, actions=[RecoverableAction()], parts=parts()) as w:
        await opened(w)
        count = 0

        def keep() -> None:
            image = images / str(count)
            image.mkdir(parents=True)
            for file in folder.glob("bot.db*"):
                shutil.copy(file, image / file.name)

        keep()
        write = w.store.write

        async def watched(work: Any) -> Any:
            nonlocal count
            result = await write(work)
            count += 1
            keep()
            return result

        w.store.write = watched  # type: ignore[method-assign]
        await w.core.desk_inbox.act(ACT)
        await w.settled()
        w.store.write = write  # type: ignore[method-assign]
        return count


async def status_of(w: World) -> str | None:
    rows = await w.rows("SELECT status FROM calls")
    return rows[0]["status"] if rows else None


async def test_a_kill_after_any_commit_makes_and_tells_it_once(tmp_path: Path) -> None:
    images = tmp_path / "images"
    first = tmp_path / "first"
    first.mkdir()
    last = await killed_after_each_commit(first, images)
    assert last > 3
    seen = set()
    for number in range(last + 1):
        for acted in (False, True):
            folder = tmp_path / f"{number}-{acted}"
            shutil.copytree(images / str(number), folder)
            seen.add(await started_again(folder, acted))
    assert seen == {"made", "read back", "unknown"}


async def started_again(folder: Path, acted: bool) -> str:
    """Start on an image and let the agent try again; ``acted``: the shop did it before the kill."""
    key = f"agent:{ACT.id}"
    ledger: dict[str, Mapping[str, Any]] = {key: dict(ACT.arguments)} if acted else {}
    cancel, channel = RecoverableAction(ledger=ledger), FakeChannel()
    async with world(folder, texts=TEXTS, actions=[cancel], parts=parts(), channel=channel) as w:
        before = await status_of(w)
        for _ in range(2):
            await w.core.desk_inbox.act(ACT)
            await w.settled()
        told = await w.rows("SELECT text FROM outbox WHERE op = 'send' AND effect = 1")
        notes = await w.rows("SELECT text FROM notes")
        status = await status_of(w)
    assert len(cancel.runs) == (0 if before else 1)
    assert len(notes) == 1
    assert len(told) == (1 if status == "done" else 0)
    assert status == ("unknown" if before and not told else "done")
    if status == "unknown":
        assert not ledger
        return "unknown"
    return "read back" if before else "made"
