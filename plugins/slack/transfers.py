"""Files, both ways, in pieces: https://docs.slack.dev/messaging/working-with-files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from bot.ports import Refused, Reject, Retry, UnknownOutcome
from plugins.slack.errors import UNREACHABLE

_PIECE = 64 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=300.0, sock_connect=10.0, sock_read=30.0)
_MOVES = 3  # times that a file may be somewhere else
_LOOKS = (0.05, 0.2, 0.5, 1.0, 1.0, 2.0, 2.0)  # seconds before each look whether it is shared
_SLACK = ("slack.com", "slack-edge.com", "slack-files.com")

Call = Callable[..., Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send: ``path`` is read in pieces."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class FileHost:
    """Fetches and uploads. The token goes to Slack's hosts, or to that of a setting, alone."""

    session: aiohttp.ClientSession
    call: Call
    token: str
    api: URL

    async def download(self, file: Mapping[str, Any], limit: int) -> AsyncIterator[bytes]:
        """Stream a file's content. Raises Retry or Refused."""
        known = await self._known(file)
        if int(known.get("size") or 0) > limit:
            raise Refused("file_too_big")
        url = _url(known.get("url_private_download") or known.get("url_private"))
        if url is None or not self._is_slacks(url):
            raise Refused("fetch_failed")  # a link to another service's file, for instance
        left = limit
        try:
            async with self._get(url) as response:
                _check(response, known)
                async for piece in response.content.iter_chunked(_PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise Refused("file_too_big")
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry(None, UNREACHABLE) from error

    async def share(
        self, channel: str, thread_ts: str, stored: Sequence[tuple[str, str]], text: str
    ) -> None:
        """Share what is stored, by id and title; return when it can be seen, or soon is.

        Slack answers before it has shared a file, and what is sent next would stand above it.
        Raises as ``SlackApp.call``.
        """
        files = [{"id": file, "title": title} for file, title in stored]
        await self.call(
            "files.completeUploadExternal",
            files=files,
            channel_id=channel,
            thread_ts=thread_ts or None,
            initial_comment=text or None,
        )
        for file, _ in stored:
            await self._appears(channel, file)

    async def _appears(self, channel: str, file: str) -> None:
        for pause in _LOOKS:
            await asyncio.sleep(pause)
            with suppress(Retry, Reject, UnknownOutcome):
                known = (await self.call("files.info", file=file)).get("file")
                if isinstance(known, Mapping) and is_shared(known, channel):
                    return

    async def store(self, upload: Upload) -> str:
        """Put a file's content at Slack's, where nobody sees it yet; its id.

        Raises Retry or Reject: until it is shared nothing is lost by another try.
        """
        size = await asyncio.to_thread(_size, upload.path)
        if not size:
            raise Reject("file_gone")
        answer = await self.call("files.getUploadURLExternal", filename=upload.name, length=size)
        url = _url(answer.get("upload_url"))
        if url is None or not self._is_slacks(url):
            raise Retry(None, UNREACHABLE)
        try:
            with upload.path.open("rb") as content:
                async with self.session.post(
                    url, data=content, timeout=_TIMEOUT, allow_redirects=False
                ) as response:
                    if response.status != 200:
                        raise Retry(None, UNREACHABLE)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry(None, UNREACHABLE) from error
        return str(answer["file_id"])

    async def _known(self, file: Mapping[str, Any]) -> Mapping[str, Any]:
        """With its address: of a file in a shared channel Slack tells it only when asked.

        https://docs.slack.dev/apis/slack-connect/#working-with-files.
        """
        if file.get("url_private") and file.get("file_access") != "check_file_info":
            return file
        try:
            answer = await self.call("files.info", file=str(file.get("id", "")))
        except Reject:
            raise Refused("file_gone") from None
        except UnknownOutcome:
            raise Retry(None, UNREACHABLE) from None
        found = answer.get("file")
        return found if isinstance(found, Mapping) else {}

    @asynccontextmanager
    async def _get(self, url: URL) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, of one Slack's hosts after the other: some files lie at a second one.

        https://github.com/openclaw/openclaw/issues/63523: that wants the token too, and no other
        host may have it.
        """
        headers = {"Authorization": f"Bearer {self.token}"}
        for left in reversed(range(_MOVES + 1)):
            async with self.session.get(
                url, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            ) as response:
                moved = _moved(response)
                if moved is None or not left or not self._is_slacks(moved):
                    yield response
                    return
                url = moved

    def _is_slacks(self, url: URL) -> bool:
        if url.origin() == self.api.origin():
            return True
        host = url.host or ""
        return url.scheme == "https" and any(
            host == one or host.endswith(f".{one}") for one in _SLACK
        )


def is_shared(known: Mapping[str, Any], channel: str) -> bool:
    """Whether a file, as ``files.info`` tells of it, can be seen in a channel."""
    places = [*known.get("channels", ()), *known.get("groups", ()), *known.get("ims", ())]
    for shares in (known.get("shares") or {}).values():
        places += list(shares)
    return channel in places


def _check(response: aiohttp.ClientResponse, known: Mapping[str, Any]) -> None:
    """Whether it is the file. Raises Refused or Retry."""
    if response.status in (404, 410):
        raise Refused("file_gone")
    if response.status == 429 or response.status >= 500:
        after = response.headers.get("Retry-After", "")
        raise Retry(float(after) if after.isdecimal() else None, UNREACHABLE)
    if response.status != 200 or _is_login(response, known):
        raise Refused("fetch_failed")


def _is_login(response: aiohttp.ClientResponse, known: Mapping[str, Any]) -> bool:
    """Slack may answer 200 and the page to sign in, where the token does not do.

    https://github.com/chenhg5/cc-connect/pull/204.
    """
    if response.content_type != "text/html":
        return False
    length = response.content_length
    other = length is not None and length != known.get("size")
    return known.get("mimetype") != "text/html" or other


def _moved(response: aiohttp.ClientResponse) -> URL | None:
    """Where it is instead."""
    if response.status not in (301, 302, 303, 307, 308):
        return None
    try:
        return _url(str(response.url.join(URL(response.headers.get("Location", "")))))
    except ValueError:
        return None


def _url(value: Any) -> URL | None:
    try:
        url = URL(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return url if url is not None and url.host else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
