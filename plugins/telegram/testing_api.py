"""The simulated Bot API. What it refuses, and in which words, is what the real one says.

What a method may be given is read from aiogram's models, which are made from the documentation.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import re
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    DeleteWebhook,
    EditMessageText,
    GetFile,
    GetMe,
    GetUpdates,
    GetWebhookInfo,
    SendChatAction,
    SendDocument,
    SendMessage,
    SendPhoto,
    SetMyCommands,
    SetWebhook,
    TelegramMethod,
)
from aiohttp import web
from pydantic import ValidationError

from plugins.telegram.testing_shown import check_keyboard, check_photo, check_webhook, shown, units
from plugins.telegram.testing_updates import Conflict
from plugins.telegram.testing_wire import message_of

if TYPE_CHECKING:
    from plugins.telegram.testing import Customer, Group, TelegramSimulator

Raw = dict[str, Any]

_METHODS: dict[str, type[TelegramMethod[Any]]] = {
    method.__api_method__: method
    for method in (
        AnswerCallbackQuery,
        DeleteMessage,
        DeleteWebhook,
        EditMessageText,
        GetFile,
        GetMe,
        GetUpdates,
        GetWebhookInfo,
        SendChatAction,
        SendDocument,
        SendMessage,
        SendPhoto,
        SetMyCommands,
        SetWebhook,
    )
}
_WORDS = frozenset({"text", "caption", "url", "secret_token", "file_id", "callback_query_id"})
_DOWNLOAD_LIMIT, _UPLOAD_LIMIT = 20 * 1024 * 1024, 50 * 1024 * 1024
_DELETABLE_SECONDS = 48 * 3600
_PHOTO_LIMIT = 10 * 1024 * 1024
_ACTIONS = frozenset({"typing", "upload_photo", "upload_document"})


class ApiError(Exception):
    """What the API answers instead."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class BotApi:
    """The routes and the books."""

    def __init__(self, telegram: TelegramSimulator) -> None:
        self._telegram = telegram
        self._ids = itertools.count(1)
        self._files: dict[str, tuple[bytes, str]] = {}
        self._told_to_wait: dict[int, float] = {}
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        """Method and parameters of everything that was asked."""
        self.sends: list[tuple[float, int]] = []
        """When each message was taken (seconds), and to which chat."""
        self.too_early: list[int] = []
        """Chats that were written to before the pause that a 429 asked for was over."""
        self.queries: dict[str, bool] = {}
        """Callback queries, and whether they were answered."""
        self.commands: dict[str, list[Raw]] = {}
        """The menus, by language."""

    def app(self) -> web.Application:
        """The HTTP app."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/bot{token}/{method}", self._call),
                web.get("/file/bot{token}/{path:.+}", self._download),
            ]
        )
        return app

    def next_id(self) -> int:
        """The next message's number."""
        return next(self._ids)

    def counts_anew(self) -> None:
        """Begin with message 1 again."""
        self._ids = itertools.count(1)

    def keep(self, data: bytes, folder: str, name: str) -> str:
        """A file of a customer's; its id."""
        kept = f"AgAC{secrets.token_hex(12)}"
        self._files[kept] = (data, f"{folder}/file_{len(self._files)}{name}")
        return kept

    async def _call(self, request: web.Request) -> web.StreamResponse:
        try:
            given = await self._parameters(request)
            result = await getattr(self, f"_{_snake(request.match_info['method'])}")(request, given)
        except ApiError as error:
            body: Raw = {"ok": False, "error_code": error.code, "description": error.description}
            if error.parameters:
                body["parameters"] = error.parameters
            return web.json_response(body, status=error.code)
        return web.json_response({"ok": True, "result": result})

    async def _parameters(self, request: web.Request) -> Raw:
        if request.match_info["token"] != self._telegram.token:
            raise ApiError(401, "Unauthorized")
        method = _METHODS.get(request.match_info["method"])
        if method is None:
            raise ApiError(404, "Not Found")
        form = await request.post()
        files = {key: one for key, one in form.items() if isinstance(one, web.FileField)}
        given = {key: _value(key, str(one)) for key, one in form.items() if key not in files}
        if unknown := set(given) - set(method.model_fields):
            raise ApiError(400, f"Bad Request: unknown parameters {sorted(unknown)}")
        try:
            method.model_validate(given)
        except ValidationError as error:
            wrong = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise ApiError(400, f"Bad Request: parameter {wrong} is missing or wrong") from None
        self.requests.append((request.match_info["method"], given))
        return {**given, "files": files}

    async def _get_me(self, _request: web.Request, _given: Raw) -> Raw:
        abilities = {"can_join_groups": True, "can_read_all_group_messages": False}
        names = {"first_name": "Muster-Shop", "username": self._telegram.username}
        return {"id": self._telegram.bot_id, "is_bot": True, **names, **abilities}

    async def _get_updates(self, _request: web.Request, given: Raw) -> list[Raw]:
        if self._telegram.faults.poll:
            code, description = self._telegram.faults.poll.popleft()
            rest = re.search(r"retry after (\d+)", description)
            raise ApiError(code, description, **({"retry_after": int(rest[1])} if rest else {}))
        updates = self._telegram.updates
        updates.asks_for(given.get("allowed_updates"))
        if not 1 <= (limit := int(given.get("limit", 100))) <= 100:
            raise ApiError(400, "Bad Request: limit must be between 1 and 100")
        try:
            return await updates.poll(given.get("offset"), float(given.get("timeout", 0)), limit)
        except Conflict as conflict:
            raise ApiError(409, str(conflict)) from None

    async def _set_webhook(self, _request: web.Request, given: Raw) -> bool:
        if given["url"] and (problem := check_webhook(given["url"])):
            raise ApiError(400, f"Bad Request: bad webhook: {problem}")
        if re.fullmatch(r"[A-Za-z0-9_-]{1,256}", given.get("secret_token", "x")) is None:
            raise ApiError(400, "Bad Request: secret token contains unallowed characters")
        if not 1 <= given.get("max_connections", 40) <= 100:
            raise ApiError(400, "Bad Request: max_connections must be between 1 and 100")
        updates = self._telegram.updates
        updates.asks_for(given.get("allowed_updates"))
        await updates.hooked(given["url"], given.get("secret_token", ""))
        return True

    async def _delete_webhook(self, _request: web.Request, _given: Raw) -> bool:
        await self._telegram.updates.hooked("", "")
        return True

    async def _get_webhook_info(self, _request: web.Request, _given: Raw) -> Raw:
        if self._telegram.faults.infos:
            raise ApiError(*self._telegram.faults.infos.popleft())
        updates = self._telegram.updates
        info: Raw = {"url": updates.hook, "has_custom_certificate": False}
        info["pending_update_count"] = updates.waiting()
        if updates.last_error:
            info |= {"last_error_date": int(time.time()), "last_error_message": updates.last_error}
        return info

    async def _set_my_commands(self, _request: web.Request, given: Raw) -> bool:
        if len(given["commands"]) > 100:
            raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for one in given["commands"]:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", one["command"]):
                raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(one["description"]) <= 256:
                raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[given.get("language_code", "")] = given["commands"]
        return True

    async def _answer_callback_query(self, _request: web.Request, given: Raw) -> bool:
        faults = self._telegram.faults
        await asyncio.sleep(faults.slow_answers)
        if faults.answers:
            raise ApiError(*faults.answers.popleft())
        if self.queries.get(str(given["callback_query_id"]), True):
            late = "query is too old and response timeout expired or query ID is invalid"
            raise ApiError(400, f"Bad Request: {late}")
        self.queries[str(given["callback_query_id"])] = True
        return True

    async def _send_chat_action(self, _request: web.Request, given: Raw) -> bool:
        self._person(given)
        if given["action"] not in _ACTIONS:
            raise ApiError(400, "Bad Request: wrong parameter action in request")
        return True

    async def _send_message(self, request: web.Request, given: Raw) -> Raw:
        return await self._sent(request, given, {"text": given.get("text", "")})

    async def _send_photo(self, request: web.Request, given: Raw) -> Raw:
        return await self._sent(request, given, self._upload(given, "photo"))

    async def _send_document(self, request: web.Request, given: Raw) -> Raw:
        return await self._sent(request, given, self._upload(given, "document"))

    async def _edit_message_text(self, request: web.Request, given: Raw) -> Raw:
        self._refuse(int(given["chat_id"]))
        person = self._person(given)
        found = next((one for one in person.messages if one.id == given["message_id"]), None)
        if found is None:
            raise ApiError(400, "Bad Request: message to edit not found")
        if found.kind != "text":
            raise ApiError(400, "Bad Request: there is no text in the message to edit")
        if found.text == given["text"]:
            same = "specified new message content and reply markup are exactly the same"
            raise ApiError(400, f"Bad Request: message is not modified: {same}")
        made = self._taken(given, person, {"text": given["text"]})
        made["message_id"] = found.id
        await person.changes(found, shown(made, {}, given.get("reply_markup") or {}))
        self._cut_after(request)
        return made

    async def _delete_message(self, request: web.Request, given: Raw) -> bool:
        self._refuse(int(given["chat_id"]))
        person = self._person(given)
        found = next((one for one in person.messages if one.id == given["message_id"]), None)
        if found is None:
            raise ApiError(400, "Bad Request: message to delete not found")
        if time.time() - found.raw["date"] >= _DELETABLE_SECONDS:
            raise ApiError(400, "Bad Request: message can't be deleted for everyone")
        await person.changes(found, None)
        self._cut_after(request)
        return True

    def _cut_after(self, request: web.Request) -> None:
        if self._telegram.faults.cut_after > 0:
            self._telegram.faults.cut_after -= 1
            _cut(request)

    async def _sent(self, request: web.Request, given: Raw, content: Raw) -> Raw:
        faults = self._telegram.faults
        await asyncio.sleep(faults.slow)
        if faults.cut_before > 0:
            faults.cut_before -= 1
            _cut(request)
        self._refuse(int(given["chat_id"]))
        person = self._person(given)
        made = self._taken(given, person, content)
        self.sends.append((time.monotonic(), int(given["chat_id"])))
        await person.arrives(shown(made, content, given.get("reply_markup") or {}))
        if faults.gateway > 0:
            faults.gateway -= 1
            raise web.HTTPBadGateway(text="<html>502 Bad Gateway</html>")
        self._cut_after(request)
        return made

    def _refuse(self, chat: int) -> None:
        faults, now = self._telegram.faults, time.monotonic()
        if now < (until := self._told_to_wait.get(chat, 0.0)):
            self.too_early.append(chat)
            rest = math.ceil(until - now)
            raise ApiError(429, f"Too Many Requests: retry after {rest}", retry_after=rest)
        if faults.too_many > 0:
            faults.too_many -= 1
            self._told_to_wait[chat] = now + faults.retry_after
            said = f"Too Many Requests: retry after {faults.retry_after}"
            raise ApiError(429, said, retry_after=faults.retry_after)
        if faults.broken > 0:
            faults.broken -= 1
            raise ApiError(500, "Internal Server Error")
        if faults.refusals:
            raise ApiError(*faults.refusals.popleft())

    def _person(self, given: Raw) -> Customer | Group:
        person = self._telegram.people.get(int(given["chat_id"]))
        if person is None:
            raise ApiError(400, "Bad Request: chat not found")
        if not person.started:
            raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
        if person.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        return person

    def _taken(self, given: Raw, person: Customer | Group, content: Raw) -> Raw:
        if "text" in content:
            if not content["text"].strip():
                raise ApiError(400, "Bad Request: message text is empty")
            if units(content["text"]) > 4096:
                raise ApiError(400, "Bad Request: message is too long")
        if units(given.get("caption", "")) > 1024:
            raise ApiError(400, "Bad Request: message caption is too long")
        markup = given.get("reply_markup")
        if markup is not None and (problem := check_keyboard(markup, str(person.chat["type"]))):
            raise ApiError(400, f"Bad Request: {problem}")
        me = {"id": self._telegram.bot_id, "is_bot": True, "first_name": "Muster-Shop"}
        told = {key: value for key, value in content.items() if key != "_file"}
        if "caption" in given:
            told["caption"] = given["caption"]
        if markup is not None and "inline_keyboard" in markup:
            told["reply_markup"] = markup  # the other keyboards are not told back
        return message_of(self.next_id(), me, person.chat, told)

    def _upload(self, given: Raw, kind: str) -> Raw:
        key = str(given.get(kind, "")).removeprefix("attach://")
        field = given["files"].get(key)
        if field is None:
            raise ApiError(400, "Bad Request: wrong file identifier/HTTP URL specified")
        data = field.file.read()
        if len(data) > _UPLOAD_LIMIT:
            raise ApiError(413, "Request Entity Too Large")
        if not data:
            raise ApiError(400, "Bad Request: file must be non-empty")
        known = {"file_id": secrets.token_hex(8), "file_unique_id": "u", "file_size": len(data)}
        if kind == "photo":
            if len(data) > _PHOTO_LIMIT:
                raise ApiError(400, f"Bad Request: file of size {len(data)} is too big for a photo")
            if problem := check_photo(data):
                raise ApiError(400, f"Bad Request: {problem}")
            return {"photo": [{**known, "width": 300, "height": 300}], "_file": (data, "")}
        name = field.filename
        return {"document": {**known, "file_name": name}, "_file": (data, name)}

    async def _get_file(self, _request: web.Request, given: Raw) -> Raw:
        kept = self._files.get(str(given["file_id"]))
        if kept is None:
            raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(kept[0]) > _DOWNLOAD_LIMIT:
            raise ApiError(400, "Bad Request: file is too big")
        known = {"file_id": given["file_id"], "file_unique_id": "u", "file_size": len(kept[0])}
        return {**known, "file_path": kept[1]}

    async def _download(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self._telegram.token:
            raise web.HTTPUnauthorized
        for data, path in self._files.values():
            if path == request.match_info["path"]:
                return web.Response(body=data, content_type="application/octet-stream")
        raise web.HTTPNotFound


def _value(key: str, text: str) -> Any:
    """A parameter: objects, lists, numbers and truths come as JSON."""
    if key in _WORDS:
        return text
    if text[:1] in "[{" or text in ("true", "false") or re.fullmatch(r"-?\d{1,18}", text):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _cut(request: web.Request) -> None:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.close()
    raise web.HTTPInternalServerError
