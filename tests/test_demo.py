"""`bot demo` as a newcomer starts it: an address, a chat, a desk, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plugins.web.testing import ChatClient, DeskClient
from tests.live.process import BOT, START_SECONDS
from tests.live.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.rasa, pytest.mark.timeout(900)]

STOP_SECONDS = 30.0
WARM_SECONDS = 40.0
"""A start that installs and trains nothing: most of it is Rasa's own import."""
_URL = re.compile(r"http://127\.0\.0\.1:\d+")
_TOKEN = re.compile(r"/desk#token=([\w-]+)")


@dataclass
class Demo:
    """A started `bot demo`."""

    process: subprocess.Popen[bytes]
    output: Path
    seconds: float = 0.0
    url: str = ""
    token: str = ""
    family: set[int] = field(default_factory=set)

    def text(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def look(self) -> None:
        """Note what was printed, and which processes belong to it."""
        if (url := _URL.search(self.text())) and (token := _TOKEN.search(self.text())):
            self.url, self.token = url[0], token[1]
        self.family |= {self.process.pid, *_descendants(self.process.pid)}

    def living(self) -> set[int]:
        """Those of its processes that are still there."""
        return {pid for pid in self.family if _lives(pid)}


@pytest.fixture
def starts() -> Iterator[list[Demo]]:
    """The demos of a test: whatever is left of them at its end is ended."""
    demos: list[Demo] = []
    yield demos
    for demo in demos:
        demo.look()
        for pid in demo.living():
            os.kill(pid, signal.SIGKILL)
        demo.process.wait()


async def start(folder: Path, starts: list[Demo]) -> Demo:
    """Start one and wait until it prints its address."""
    demo = _started(folder, folder / f"demo{len(starts)}.log")
    starts.append(demo)
    began = time.monotonic()

    def printed() -> bool:
        demo.look()
        assert demo.process.poll() is None, demo.text()
        return bool(demo.url)

    await eventually(printed, START_SECONDS, look=0.1)
    demo.seconds = time.monotonic() - began
    return demo


def _started(folder: Path, output: Path) -> Demo:
    with output.open("wb") as log:
        process = subprocess.Popen(
            [str(BOT), "demo", "--port", "0", "--data", str(folder / "data")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "COLUMNS": "200"},
        )
    return Demo(process, output)


async def gone(demo: Demo) -> None:
    """All its processes have ended."""

    def ended() -> bool:
        demo.process.poll()
        return not demo.living()

    try:
        await eventually(ended, STOP_SECONDS, look=0.05)
    except TimeoutError:
        raise AssertionError(f"left behind: {demo.living()}\n{demo.text()}") from None


async def test_start_talk_stop_and_start_again(tmp_path: Path, starts: list[Demo]) -> None:
    first = await start(tmp_path, starts)
    assert len(first.family) >= 2, "Rasa is a process of its own"
    await _visit(first)
    os.killpg(first.process.pid, signal.SIGINT)  # Ctrl-C reaches the whole foreground group
    await gone(first)
    assert first.process.returncode == 0, first.text()

    second = await start(tmp_path, starts)
    print(f"first start {first.seconds:.1f} s, second {second.seconds:.1f} s")
    assert "Training the model" not in second.text()
    assert "Installing the environment" not in second.text()
    assert second.seconds < WARM_SECONDS
    assert second.token == first.token

    os.kill(second.process.pid, signal.SIGKILL)
    await gone(second)


async def _visit(demo: Demo) -> None:
    """As a customer, and as the agent."""
    async with (
        ChatClient(demo.url) as chat,
        DeskClient(demo.url, demo.token, "Nora Weber") as agent,
        chat.session.get(demo.url) as page,
    ):
        assert page.status == 200
        assert "text/html" in page.headers["Content-Type"]
        answer = await chat.ask("Wo ist mein Paket B-100234? PLZ 50674")
        assert "DEMO100234000017" in answer.text
        await chat.ask("Ich möchte bitte mit einem Menschen sprechen")
        case = await agent.wait_case()
        await agent.take_over(case["id"])
        await agent.say(case["id"], "Guten Tag, hier ist Nora.")
        await chat.wait(lambda message: message.text == "Guten Tag, hier ist Nora.")
        await agent.hand_back(case["id"], outcome="Alles geklärt.")
        await chat.wait(lambda message: "Alles geklärt." in message.text)
    async with ChatClient(demo.url) as newcomer:
        await _change_an_address(demo, newcomer)


async def _change_an_address(demo: Demo, chat: ChatClient) -> None:
    """As a newcomer does it who has no mail server: the code is on the page that was printed."""
    mailbox = f"{demo.url}/mailbox"
    assert mailbox in demo.text()
    await chat.post("Ich möchte die Lieferadresse von B-100235 ändern, PLZ 20095")
    mails: list[dict[str, str]] = []

    async def arrived() -> bool:
        async with chat.session.get(f"{mailbox}/mails") as answer:
            mails[:] = (await answer.json())["mails"]
        return bool(mails)

    async with asyncio.timeout(20):
        while not await arrived():  # noqa: ASYNC110 - another process's page has no event
            await asyncio.sleep(0.2)
    assert mails[0]["to"] == "joerg.mueller@example.org"
    (code,) = re.findall(r"(?<![\w-])\d{6}(?!\w)", mails[0]["text"])
    await chat.ask(code)
    await chat.post("Lindenweg 4, 50674 Köln")
    await chat.wait(lambda message: message.direction == "out" and "Lindenweg 4" in message.text)
    answer = await chat.ask("Ja")
    assert "Lindenweg 4, 50674 Köln" in answer.text


def _descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = {int(child) for child in children.read_text().split()}
        except OSError:
            continue
        for child in direct:
            found |= {child, *_descendants(child)}
    return found


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
