"""The simulated ``files.*``: the upload in three steps, and private files.

https://docs.slack.dev/messaging/working-with-files.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping

from aiohttp import web

from plugins.slack.testing_call import Call, Handler, Rights
from plugins.slack.testing_errors import ApiError
from plugins.slack.testing_events import Events
from plugins.slack.testing_faults import Faults
from plugins.slack.testing_posting import Posting
from plugins.slack.testing_text import escape
from plugins.slack.testing_wire import file_of
from plugins.slack.testing_world import Channel, File, Raw, User, World

LOGIN = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in</body></html>"
"""What comes instead of a private file, with status 200, when the token is missing or wrong."""
MOST_BYTES = 1024**3
"""https://slack.com/help/articles/201330736: 1 GB."""


class FileMethods:
    """Files, up and down."""

    def __init__(
        self, world: World, rights: Rights, posting: Posting, events: Events, faults: Faults
    ) -> None:
        self._world, self._rights, self._faults = world, rights, faults
        self._posting, self._events = posting, events
        self.url = ""
        self.asked: list[str] = []
        """Places of the files that were fetched, or were tried to be."""
        self.share_seconds = 0.02
        """After which a completed upload shows in its channel: not yet when it is answered."""

    def methods(self) -> Mapping[str, Handler]:
        """By name."""
        return {
            "files.completeUploadExternal": self.complete,
            "files.delete": self.delete,
            "files.getUploadURLExternal": self.ticket,
            "files.info": self.info,
            "files.upload": self.old_upload,
        }

    async def old_upload(self, _call: Call) -> Raw:
        """Gone since November 2025: .../changelog/2024-04-a-better-way-to-upload-files."""
        raise ApiError("method_deprecated")

    async def ticket(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/files.getUploadURLExternal."""
        name, length = call.text("filename"), call.text("length")
        if not name or not length.isdigit() or int(length) == 0:
            raise ApiError("missing_argument")
        if int(length) > MOST_BYTES:
            raise ApiError("file_upload_size_restricted")
        if len(call.text("alt_txt")) > 1000:
            raise ApiError("alt_txt_too_large")
        file = self._new(name, int(length), self._rights.me)
        file.ticket = secrets.token_urlsafe(24)
        return {"upload_url": f"{self.url}/upload/v1/{file.ticket}", "file_id": file.id}

    async def uploaded(self, request: web.Request) -> web.StreamResponse:
        """The file itself comes in: raw, or as the field of a form."""
        ticket = request.match_info["ticket"]
        file = next((f for f in self._world.files.values() if f.ticket == ticket), None)
        if file is None or file.complete:
            raise web.HTTPNotFound
        data = await _body(request)
        if len(data) != file.size:
            raise web.HTTPBadRequest(text=f"expected {file.size} bytes, got {len(data)}")
        file.data = data
        return web.Response(text=f"OK - {len(data)}")

    async def complete(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/files.completeUploadExternal."""
        wanted = call.structured("files", list, "invalid_arguments")
        if not wanted or not all(isinstance(one, dict) and "id" in one for one in wanted):
            raise ApiError("invalid_arguments")
        files = [self._ready(one) for one in wanted]
        channel = self._shared_to(call)
        thread = call.text("thread_ts")
        if channel is not None and thread and thread not in channel.messages:
            raise ApiError("thread_not_found")
        for file in files:
            file.complete = True
        told = [file_of(file, self._world, self.url) for file in files]
        if channel is not None:
            content = {"text": escape(call.text("initial_comment"))}
            self._events.later(self._share(channel, content, thread, files))
        return {"files": told}

    async def info(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/files.info."""
        file = self._file(call.required("file"))
        shares: Raw = {}
        for channel, where in file.shares.items():
            kind = "public" if self._world.channels[channel].kind == "public" else "private"
            shares.setdefault(kind, {})[channel] = where
        told = file_of(file, self._world, self.url) | {"shares": shares}
        return {"file": told, "comments": [], "response_metadata": {"next_cursor": ""}}

    async def delete(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/files.delete: only the app's own."""
        file = self._file(call.required("file"))
        if file.user != self._world.bot_user:
            raise ApiError("cant_delete_file")
        file.deleted = True
        return {}

    async def download(self, request: web.Request, authorized: bool) -> web.StreamResponse:
        """A private file, or the page to sign in. The fault ``cut_after`` ends it halfway."""
        place = request.match_info["place"]
        self.asked.append(place)
        file = self._world.files.get(place.partition("-")[2])
        if self._faults.moved:
            return web.Response(status=302, headers={"Location": self._faults.moved.popleft()})
        if not authorized or "files:read" not in self._world.scopes:
            return web.Response(text=LOGIN, content_type="text/html")
        if file is None or file.deleted or file.data is None or not self._sees(file):
            raise web.HTTPNotFound
        kind = file_of(file, self._world, self.url)["mimetype"]
        response = web.StreamResponse(headers={"Content-Type": kind})
        response.content_length = len(file.data)
        await response.prepare(request)
        if self._faults.strikes(self._faults.cut_after, "download"):
            await response.write(file.data[: len(file.data) // 2])
            if request.transport is not None:
                request.transport.close()
            return response
        await response.write(file.data)
        await response.write_eof()
        return response

    def add(self, name: str, data: bytes, user: User) -> File:
        """A file of a person's."""
        file = self._new(name, len(data), user)
        file.data, file.complete = data, True
        return file

    def _new(self, name: str, size: int, user: User) -> File:
        now = int(time.time())
        file = File(self._world.new_id("F"), name, size, user.id, created=now)
        self._world.files[file.id] = file
        return file

    def _ready(self, wanted: Raw) -> File:
        file = self._world.files.get(str(wanted["id"]))
        if file is None or file.data is None or file.complete:
            raise ApiError("file_not_found")
        file.title = str(wanted.get("title") or "")
        return file

    def _shared_to(self, call: Call) -> Channel | None:
        if call.text("channel_id"):
            name = "channel_id"
        elif call.text("channels"):
            name = "channels"
        else:
            return None
        if self._world.channels.get(call.text(name)) is None:
            raise ApiError("invalid_channel")
        channel = self._rights.inside(call, name)
        if channel.archived:
            raise ApiError("is_archived")
        return channel

    async def _share(self, channel: Channel, content: Raw, thread: str, files: list[File]) -> None:
        await asyncio.sleep(self.share_seconds)
        await self._posting.post(channel, self._rights.me, content, thread=thread, files=files)

    def _file(self, file_id: str) -> File:
        file = self._world.files.get(file_id)
        if file is None or not (file.complete and self._sees(file)):
            raise ApiError("file_not_found")
        if file.deleted:
            raise ApiError("file_deleted")
        return file

    def _sees(self, file: File) -> bool:
        """The app sees its own files, and those in conversations where it is."""
        if file.user == self._world.bot_user:
            return True
        places = (self._world.channels.get(one) for one in file.shares)
        return any(place and self._world.knows_bot(place) for place in places)


async def _body(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    form = await request.post()
    for field in form.values():
        if isinstance(field, web.FileField):
            return field.file.read()
    raise web.HTTPBadRequest
