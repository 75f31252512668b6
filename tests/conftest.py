"""A test that leaks a task, a socket, a file or a child process fails."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import WorkStealingScheduling

from plugins.mail.testing_servers import MailServers, mail_servers, missing
from plugins.mail.testing_sound import unsound

# A busy machine is given time: what must be quick is measured by tests of its own.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

_FDS = Path("/proc/self/fd")
_MOST_WORKERS = 4
_GRACE = 40  # rounds of 5 ms in which what was closed may finish closing


def _open_things() -> set[str]:
    """Name open sockets and files, and child processes. Empty where there is no /proc."""
    found = set()
    for entry in _FDS.iterdir() if _FDS.is_dir() else ():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if not target.startswith(("/dev/", "anon_inode:", "pipe:", "/proc/")):
            found.add(f"fd {entry.name} {target}")
    for children in Path("/proc/self/task").glob("*/children"):
        try:
            found |= {f"child {pid}" for pid in children.read_text().split()}
        except OSError:
            continue
    return found


@pytest.fixture
async def _no_leaked_tasks() -> AsyncIterator[None]:
    before, things = asyncio.all_tasks(), _open_things()
    yield
    leaked: list[str] = []
    for _ in range(_GRACE):
        tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
        leaked = [str(task) for task in tasks] + sorted(_open_things() - things)
        if not leaked:
            return
        await asyncio.sleep(0.005)
    pytest.fail("leaked: " + "; ".join(leaked))


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    # Asked for first, so that it is torn down last: after every other fixture of the test.
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_no_leaked_tasks")
        yield
        return
    before = _open_things()
    yield
    leaked = _open_things() - before
    assert not leaked, f"leaked: {sorted(leaked)}"


def pytest_xdist_auto_num_workers() -> int:
    """One more than processors, as tests mostly wait; few, as each worker has a Rasa of its own."""
    return min((os.cpu_count() or 1) + 1, _MOST_WORKERS)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> WorkStealingScheduling:
    """Neighbours stay together, and with them what a session starts once."""
    return WorkStealingScheduling(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI nothing may be skipped: what a test needs is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("SKIP_NOTHING") and skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def servers() -> Iterator[MailServers]:
    """Dovecot and Exim, once for the run; each test uses addresses of its own.

    At the end every mail that a bot handed in must have been taken without complaint, and be read
    without a defect.
    """
    if lacking := missing():
        pytest.skip(f"install {', '.join(lacking)}")
    with mail_servers() as running:
        yield running
        wrong = unsound(running)
        assert not wrong, "\n".join(wrong[:5])
