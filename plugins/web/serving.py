"""What the chat page and the desk have in common on the wire: headers, errors, bodies, files."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, unquote, urlsplit

from aiohttp import web

from bot.messages import Attachment
from bot.ports import Refused, Route, Texts, Unavailable
from bot.store import StoreError
from plugins.web.wire import BODY_LIMIT, Fault

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Explain = Callable[[web.Request, Fault], str]

FILE_CSP = "default-src 'none'; sandbox; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
REFUSALS = {"file_too_big": 413, "file_type": 415, "file_empty": 400, "storage_full": 503}


def language_of(request: web.Request) -> str:
    """The page's language; the page names it first in Accept-Language."""
    wanted: str = request.query.get("lang", "") or request.headers.get("Accept-Language", "")
    for part in wanted.lower().split(","):
        code = part.strip()[:2]
        if code in {"de", "en"}:
            return code
    return "en" if wanted.strip() else "de"


def explainer(texts: Texts, upload_mb: int = 0) -> Explain:
    """Gives the sentence for a failure, in the page's language."""

    def explain(request: web.Request, fault: Fault) -> str:
        facts = {"limit": upload_mb, **fault.facts}
        for response in (f"utter_web_{fault.code}", f"reason_{fault.code}"):
            if texts.has(response):
                rendered = texts.render(
                    response, facts, language=language_of(request), channel="web"
                )
                return rendered.text
        return fault.code.replace("_", " ")

    return explain


def json_response(data: object, status: int = 200, headers: Mapping[str, str] = {}) -> web.Response:
    """Answer JSON that nobody keeps a copy of."""
    return web.json_response(
        data, status=status, headers={**HEADERS, "Cache-Control": "no-store", **headers}
    )


def guarded(handler: Handler, explain: Explain) -> Handler:
    """Answer every failure with ``{"error": code, "message": sentence}``, never with a trace."""

    async def guard(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Fault as fault:
            return _failure(request, fault, explain)
        except Refused as refused:
            status = REFUSALS.get(refused.reason, 400)
            return _failure(request, Fault(status, refused.reason), explain)
        except (web.HTTPException, ConnectionError):
            raise
        except (StoreError, Unavailable):
            log.exception("web request failed", extra={"path": request.path})
            return _failure(request, Fault(503, "not_ready"), explain)
        except Exception:  # the edge: the customer gets a sentence, the log the trace
            log.exception("web request failed", extra={"path": request.path})
            return _failure(request, Fault(500, "internal"), explain)

    return guard


def _failure(request: web.Request, fault: Fault, explain: Explain) -> web.Response:
    body = {"error": fault.code, "message": explain(request, fault)}
    headers = {"Connection": "close"} if fault.status == 413 else {}
    return json_response(body, fault.status, headers)


def route(method: str, path: str, handler: Handler, explain: Explain) -> list[Route]:
    """A route that answers any other method with 405."""

    async def wrong_method(_: web.Request) -> NoReturn:
        raise Fault(405, "wrong_method")

    async def refuse(request: web.Request) -> web.StreamResponse:
        answer = await guarded(wrong_method, explain)(request)
        answer.headers["Allow"] = method
        return answer

    return [web.route(method, path, guarded(handler, explain)), web.route("*", path, refuse)]


def check_origin(request: web.Request, public_url: str) -> None:
    """Take a change only from our own pages. A program sends no Origin and no cookie of others."""
    origin = request.headers.get("Origin")
    if origin is None:
        allowed = request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
    else:
        allowed = urlsplit(origin).netloc == request.host or bool(
            public_url and origin == public_url
        )
    if not allowed:
        raise Fault(403, "foreign_origin")


async def read_json(request: web.Request) -> bytes:
    """Read a body that says that it is JSON, up to the limit. Raises :class:`Fault`."""
    if request.content_type != "application/json":
        raise Fault(415, "not_json")
    if (request.content_length or 0) > BODY_LIMIT:
        raise Fault(413, "too_big")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Fault(413, "too_big")
    return bytes(body)


def upload_name(request: web.Request) -> str:
    """The file's name, percent-encoded in a header, without folders and control characters."""
    raw = unquote(request.headers.get("X-File-Name", ""), errors="replace")
    name = "".join(c for c in raw.replace("\\", "/").split("/")[-1] if c.isprintable())
    return name.strip(". ")[:120] or "file"


async def upload_chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes."""
    async for chunk in request.content.iter_chunked(64 * 1024):
        yield chunk


def check_size(request: web.Request, limit: int) -> None:
    """Refuse at once what says that it is too big."""
    if (request.content_length or 0) > limit:
        raise Fault(413, "file_too_big", limit=limit // (1024 * 1024))


def file_response(path: Path | None, attachment: Attachment) -> web.StreamResponse:
    """Serve a stored file so that a browser never runs it. Raises :class:`Fault`."""
    if path is None or not path.is_file():
        raise Fault(404, "not_found")
    headers = {
        **HEADERS,
        "Content-Security-Policy": FILE_CSP,
        "Content-Type": attachment.content_type,
        "Content-Disposition": _disposition(attachment),
        "Cache-Control": "private, max-age=3600",
    }
    return web.FileResponse(path, headers=headers)


def _disposition(attachment: Attachment) -> str:
    way = "inline" if attachment.content_type in SHOWN_INLINE else "attachment"
    plain = re.sub(r'[^ -~]|["\\;%]', "_", attachment.name)
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(attachment.name)}"
