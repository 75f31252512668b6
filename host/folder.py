"""The data folder: one bot at a time, and a door for commands beside a running one."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from host.errors import Fatal

_LOCK, _DOOR = "lock", "admin.json"
_SECONDS = 30


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the data folder, which is made when it is missing. Raises Fatal."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Fatal(
            f"the data folder {data} cannot be used ({error.strerror})",
            "check its owner and the space on its disk, or use another: --data",
        ) from error
    try:
        try:
            # The system lets go of it when the process ends, however it ends.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            raise Fatal(
                f"another bot runs on {data} (pid {pid})", "stop it, or use another folder: --data"
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def is_locked(data: Path) -> bool:
    """Whether a bot runs on the folder."""
    if not (data / _LOCK).exists():
        return False
    try:
        with locked(data):
            return False
    except Fatal:
        return True


@contextmanager
def door(data: Path, url: str, token: str) -> Iterator[None]:
    """Tell commands beside this bot how to reach it, while it runs. Only the owner can read it."""
    path, new = data / _DOOR, data / f"{_DOOR}.new"
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"url": url, "token": token, "pid": os.getpid()}, stream)
    new.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _read(data: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((data / _DOOR).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def opens(request: web.Request, data: Path) -> bool:
    """Whether a request comes from somebody who can read the data folder."""
    token, given = _read(data).get("token"), request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


async def ask(data: Path, method: str, path: str, **query: str) -> tuple[int, Any]:
    """Call the running bot's own HTTP app; return status and JSON. Raises Fatal."""
    found = _read(data)
    timeout = aiohttp.ClientTimeout(_SECONDS)
    headers = {"Authorization": f"Bearer {found.get('token')}"}
    try:
        async with (
            aiohttp.ClientSession(found.get("url"), headers=headers, timeout=timeout) as session,
            session.request(method, path, params=query) as answer,
        ):
            return answer.status, await answer.json()
    except (aiohttp.ClientError, ValueError, TimeoutError) as error:
        pid = found.get("pid", "unknown")
        raise Fatal(
            f"the bot on {data} (pid {pid}) does not answer ({type(error).__name__})",
            "wait until it has started, or stop it",
        ) from error
