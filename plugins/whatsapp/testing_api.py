"""The simulated Twilio's HTTP side: Messages, Media, Accounts and the Content API.

What it refuses, and with which code, is what https://www.twilio.com/docs/api/errors says.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

if TYPE_CHECKING:
    from plugins.whatsapp.testing import Sent, TwilioSimulator

_ADDRESS = re.compile(r"whatsapp:\+[1-9]\d{6,14}")
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_UNFIT = re.compile(r"[\n\r\t]| {5}")  # what WhatsApp takes in no variable
_QUERY = frozenset({"To", "From", "DateSent", "PageSize", "Page", "PageToken"})
_PARAMETERS = frozenset(
    {"To", "From", "Body", "MediaUrl", "ContentSid", "ContentVariables", "StatusCallback"}
)
_WINDOW = timedelta(hours=24)
_LIMITS = {"twilio/quick-reply": (3, 20, "title"), "twilio/list-picker": (10, 24, "item")}


class ApiError(Exception):
    """What the API answers instead: status and code."""

    def __init__(self, status: int, code: int, message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class TwilioApi:
    """The routes and the books."""

    def __init__(self, twilio: TwilioSimulator) -> None:
        self._twilio = twilio
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []
        """Method, path and form of everything that was asked."""
        self.messages: list[Sent] = []
        self.inbound: set[str] = set()
        self.contents: dict[str, dict[str, Any]] = {}
        self.approved: dict[str, str] = {}
        self.largest_page = 1000
        """Messages on a page of the list, whatever is asked for."""
        self._media: dict[str, tuple[bytes, str]] = {}
        self.media_faults: list[int] = []
        self.account_status = "active"

    def app(self) -> web.Application:
        """The HTTP app."""
        app = web.Application(middlewares=[self._errors])
        account = f"/2010-04-01/Accounts/{self._twilio.account_sid}"
        app.add_routes(
            [
                web.get(f"{account}.json", self._account),
                web.post(f"{account}/Messages.json", self._create),
                web.get(f"{account}/Messages.json", self._list),
                web.get(f"{account}/Messages/{{message}}/Media/{{media}}", self._get_media),
                web.post("/v1/Content", self._create_content),
                web.get("/v1/Content/{content}", self._get_content),
                web.get("/v1/Content/{content}/ApprovalRequests", self._approval),
            ]
        )
        return app

    def approve(self, body: str, language: str = "de", status: str = "approved") -> str:
        """A template that WhatsApp has approved (or not); its SID."""
        samples = dict.fromkeys(_VARIABLE.findall(body), "sample")
        types = {"twilio/text": {"body": body}}
        made = self._content({"language": language, "types": types, "variables": samples})
        self.approved[made] = status
        return made

    def keep_media(self, message: str, data: bytes, content_type: str) -> str:
        """A file of a customer's; its link."""
        media = "ME" + secrets.token_hex(16)
        self._media[media] = (data, content_type)
        account = self._twilio.account_sid
        return f"{self._twilio.url}/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media}"

    @web.middleware
    async def _errors(self, request: web.Request, handler: Any) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.requests.append((request.method, request.path, form))
        try:
            self._authorise(request)
            response: web.StreamResponse = await _found(handler, request)
        except ApiError as error:
            info = f"https://www.twilio.com/docs/errors/{error.code}"
            body = {"code": error.code, "message": error.message, "more_info": info}
            headers = (
                {"Retry-After": self._twilio.faults.retry_after} if error.status == 429 else {}
            )
            answer = {**body, "status": error.status}
            return web.json_response(answer, status=error.status, headers=headers)
        return response

    def _authorise(self, request: web.Request) -> None:
        pair = f"{self._twilio.account_sid}:{self._twilio.auth_token}"
        wanted = "Basic " + base64.b64encode(pair.encode()).decode()
        if request.headers.get("Authorization") != wanted:
            raise ApiError(401, 20003, "Authenticate")

    async def _account(self, _request: web.Request) -> web.Response:
        sid = self._twilio.account_sid
        return web.json_response(
            {
                "sid": sid,
                "friendly_name": "A shop",
                "status": self.account_status,
                "type": "Full",
                "owner_account_sid": sid,
                "auth_token": None,
                "date_created": _rfc(self._twilio.now()),
                "date_updated": _rfc(self._twilio.now()),
                "subresource_uris": {},
                "uri": f"/2010-04-01/Accounts/{sid}.json",
            }
        )

    async def _create(self, request: web.Request) -> web.Response:
        faults = self._twilio.faults
        await asyncio.sleep(faults.slow)
        if faults.cut_before > 0:
            faults.cut_before -= 1
            _cut(request)
        if faults.too_many > 0:
            faults.too_many -= 1
            raise ApiError(429, 20429, "Too Many Requests")
        if faults.broken > 0:
            faults.broken -= 1
            raise ApiError(500, 20500, "Internal Server Error")
        form = await request.post()
        if set(form) - _PARAMETERS:
            raise ApiError(400, 20001, f"Unknown parameters: {set(form) - _PARAMETERS}")
        message, shown = self._take({key: form.getall(key) for key in form})  # type: ignore[misc]
        self.messages.append(message)
        if message.error is None and not await self._twilio.fetches(shown.media):
            message.error = 63019
        customer = self._twilio.customer(message.to.removeprefix("whatsapp:"))
        if message.error is None:
            await customer.shown(shown)
        self._twilio.later(self._twilio.report(message))
        if faults.cut_after > 0:
            faults.cut_after -= 1
            _cut(request)
        return web.json_response(self._shown(message), status=201)

    def _take(self, form: Mapping[str, list[str]]) -> tuple[Sent, Any]:
        from plugins.whatsapp.testing import Sent, Shown, sid

        to, sender = _one(form, "To"), _one(form, "From")
        if _ADDRESS.fullmatch(to) is None:
            raise ApiError(400, 21211, "The 'To' number is not a valid phone number")
        if sender != f"whatsapp:{self._twilio.sender}":
            raise ApiError(400, 63007, "Twilio could not find a Channel with the specified From")
        if self._twilio.faults.codes:
            raise ApiError(400, self._twilio.faults.codes.popleft(), "as asked for")
        body, media = _one(form, "Body"), form.get("MediaUrl", [])
        content = _one(form, "ContentSid")
        buttons: tuple[str, ...] = ()
        ids: tuple[str, ...] = ()
        if content:
            body, buttons, ids = self._fill(content, _one(form, "ContentVariables"))
        if not (body.strip() or media):
            raise ApiError(400, 21619, "A text message body or media urls must be specified")
        if len(body) > 1600:
            raise ApiError(400, 21617, "The message body exceeds the 1600 character limit")
        if len(media) > 1 or not all(map(_is_address, media)):
            raise ApiError(400, 21620, "Invalid media URL, or more than one for WhatsApp")
        kept = sid("MM" if media else "SM")
        callback = _one(form, "StatusCallback") or None
        if callback is not None and not _is_address(callback):
            raise ApiError(400, 21609, "The StatusCallback URL is not a valid URL")
        message = Sent(kept, to, sender, body, len(media), callback, self._twilio.now())
        message.error = self._fails(to, content)
        template = content if content in self.approved else None
        return message, Shown(kept, body, buttons, tuple(media), template, ids)

    def _fails(self, to: str, content: str) -> int | None:
        if self._twilio.faults.fails_later:
            return self._twilio.faults.fails_later.popleft()
        wrote = self._twilio.customer(to.removeprefix("whatsapp:")).wrote_at
        inside = wrote is not None and self._twilio.now() - wrote < _WINDOW
        return None if inside or self.approved.get(content) == "approved" else 63016

    def _fill(self, content: str, variables: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        known = self.contents.get(content)
        if known is None:
            raise ApiError(400, 21655, "The ContentSid Parameter is invalid")
        try:
            given = json.loads(variables) if variables else {}
        except ValueError:
            raise ApiError(400, 21656, "The ContentVariables Parameter is invalid") from None
        (kind, data), *_ = known["types"].items()
        wanted = set(_VARIABLE.findall(data["body"]))
        values = {key: value for key, value in given.items() if isinstance(value, str) and value}
        if wanted - set(values) or any(map(_UNFIT.search, values.values())):
            raise ApiError(400, 21656, "The ContentVariables Parameter is invalid")
        body = _VARIABLE.sub(lambda match: values[match[1]], data["body"])
        if kind == "twilio/text":
            return body, (), ()
        if len(body) > 1024:
            raise ApiError(400, 63021, "Channel invalid content error")
        items = data.get("actions") or data.get("items")
        _, _, name = _LIMITS[kind]
        return body, tuple(item[name] for item in items), tuple(item["id"] for item in items)

    async def _list(self, request: web.Request) -> web.Response:
        faults, query = self._twilio.faults, request.query
        found = [
            message
            for message in reversed(self.messages)
            if query.get("To") in (None, message.to) and query.get("From") in (None, message.sender)
        ]
        if faults.hidden > 0:
            faults.hidden -= 1
            found = found[1:]
        page, size = _page(query)
        size = min(size, self.largest_page)
        start, end = page * size, min((page + 1) * size, len(found))
        return web.json_response(
            {
                "messages": [self._shown(message) for message in found[start:end]],
                "page": page,
                "page_size": size,
                "start": start,
                "end": max(end - 1, 0),
                "first_page_uri": self._twilio.url + _page_uri(request, size, 0),
                "next_page_uri": _page_uri(request, size, page + 1) if end < len(found) else None,
                "previous_page_uri": _page_uri(request, size, page - 1) if page else None,
                "uri": self._twilio.url + _page_uri(request, size, page),
            }
        )

    def _shown(self, message: Sent) -> dict[str, Any]:
        account = self._twilio.account_sid
        uri = f"/2010-04-01/Accounts/{account}/Messages/{message.sid}"
        return {
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": message.body,
            "date_created": _rfc(message.at),
            "date_sent": None,
            "date_updated": _rfc(message.at),
            "direction": "outbound-api",
            "error_code": message.error if message.status == "failed" else None,
            "error_message": None,
            "from": message.sender,
            "messaging_service_sid": None,
            "num_media": str(message.media),
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "sid": message.sid,
            "status": message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
        }

    async def _get_media(self, request: web.Request) -> web.Response:
        if self.media_faults:
            raise ApiError(self.media_faults.pop(0), 20404, "not now")
        if request.match_info["media"] not in self._media:
            raise ApiError(404, 20404, "not found")
        data, content_type = self._media[request.match_info["media"]]
        return web.Response(body=data, content_type=content_type)

    async def _create_content(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise ApiError(415, 20415, "Unsupported Media Type")
        try:
            body = await request.json()
            self._check_content(body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ApiError(400, 20001, f"not a content: {error}") from None
        made = self._content(body)
        return web.json_response(self._shown_content(made), status=201)

    async def _get_content(self, request: web.Request) -> web.Response:
        made = request.match_info["content"]
        if made not in self.contents:
            raise ApiError(404, 20404, "not found")
        return web.json_response(self._shown_content(made))

    def _check_content(self, body: Mapping[str, Any]) -> None:
        if body["language"] not in ("de", "en") or len(body["types"]) != 1:
            raise ApiError(400, 20001, "language or types")
        ((kind, data),) = body["types"].items()
        most, longest, name = _LIMITS[kind]
        items = data.get("actions") or data["items"]
        if not 1 <= len(items) <= most or not data["body"]:
            raise ApiError(400, 20001, "too many items, or no body")
        if any(not 1 <= len(item[name]) <= longest or len(item["id"]) > 200 for item in items):
            raise ApiError(400, 20001, "a title or an id is too long")
        if any(len({item[key] for item in items}) < len(items) for key in (name, "id")):
            raise ApiError(400, 20001, "a title or an id stands twice")
        if kind == "twilio/list-picker" and not 1 <= len(data["button"]) <= 20:
            raise ApiError(400, 20001, "the button is too long")

    def _content(self, body: Mapping[str, Any]) -> str:
        made = "HX" + secrets.token_hex(16)
        self.contents[made] = dict(body)
        return made

    def _shown_content(self, made: str) -> dict[str, Any]:
        now = self._twilio.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        known = self.contents[made]
        return {
            "sid": made,
            "account_sid": self._twilio.account_sid,
            "friendly_name": known.get("friendly_name", ""),
            "language": known["language"],
            "variables": known.get("variables", {}),
            "types": known["types"],
            "date_created": now,
            "date_updated": now,
            "url": f"https://content.twilio.com/v1/Content/{made}",
            "links": {},
        }

    async def _approval(self, request: web.Request) -> web.Response:
        made = request.match_info["content"]
        if made not in self.contents:
            raise ApiError(404, 20404, "not found")
        return web.json_response(
            {
                "sid": made,
                "account_sid": self._twilio.account_sid,
                "whatsapp": {"status": self.approved.get(made, "unsubmitted")},
                "url": f"https://content.twilio.com/v1/Content/{made}/ApprovalRequests",
            }
        )


def _one(form: Mapping[str, list[str]], key: str) -> str:
    return form.get(key, [""])[0]


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    """Page and page size. A later page is asked for by the token that the page before it gave."""
    if set(query) - _QUERY:
        raise ApiError(400, 20001, f"Unknown parameters: {set(query) - _QUERY}")
    page, size = query.get("Page", "0"), query.get("PageSize", "50")
    if not (page.isdigit() and size.isdigit() and 1 <= int(size) <= 1000):
        raise ApiError(400, 20001, "Page or PageSize")
    if int(page) and query.get("PageToken") != f"PASM{page}":
        raise ApiError(400, 20006, "Page is out of range without its PageToken")
    return int(page), int(size)


def _page_uri(request: web.Request, size: int, page: int) -> str:
    """The address of a page below Twilio's own.

    The contract asks for whole addresses and shows short ones; the SDK goes on with the short.
    """
    kept = {key: one for key, one in request.query.items() if not key.startswith("Page")}
    token = {"PageToken": f"PASM{page}"} if page else {}
    return f"{request.path}?{urlencode({**kept, 'PageSize': size, 'Page': page, **token})}"


async def _found(handler: Any, request: web.Request) -> web.StreamResponse:
    """The answer; an address that does not exist is told like every error."""
    try:
        response: web.StreamResponse = await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        raise ApiError(error.status, 20404, "The requested resource was not found") from None
    return response


def _rfc(moment: datetime) -> str:
    return format_datetime(moment)


def _cut(request: web.Request) -> None:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.close()
    raise web.HTTPInternalServerError
