"""What Twilio calls: messages, states of messages, and files of ours."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from bot.ports import Inbox, Route
from plugins.whatsapp import ledger
from plugins.whatsapp.links import PATH, Links
from plugins.whatsapp.wire import Malformed, parse_message, parse_status

log = logging.getLogger(__name__)

MESSAGES, STATUS = "/whatsapp/messages", "/whatsapp/status"
_FORM = "application/x-www-form-urlencoded"
_LONGEST = 256 * 1024  # bytes; a message of WhatsApp's has at most 4,096 characters


class Webhooks:
    """The routes. ``base`` is the address that Twilio calls: what a proxy says is not asked."""

    def __init__(self, auth_token: str, base: str, inbox: Inbox, links: Links) -> None:
        self._validator = RequestValidator(auth_token)
        self._base = base
        self._inbox = inbox
        self._links = links

    def routes(self) -> Sequence[Route]:
        """As :class:`bot.ports.WebhookChannel` gives them."""
        return [
            web.post(MESSAGES, self.message),
            web.post(STATUS, self.status),
            web.get(PATH + "/{token}/{name}", self.file),
        ]

    async def message(self, request: web.Request) -> web.Response:
        """Take a message; 200 after it is committed."""
        form = await self._signed(request)
        try:
            message, pressed = parse_message(form)
        except Malformed as error:
            raise _malformed(error) from None
        if pressed is not None:
            payload = await self._inbox.store.read(
                lambda tx: ledger.payload(
                    tx, message.address.id, pressed.place, message.text, pressed.under
                )
            )
            message = replace(message, payload=payload)
        await self._inbox.accept(message)
        return _taken()

    async def status(self, request: web.Request) -> web.Response:
        """Take a state; early, late, double and in any order."""
        form = await self._signed(request)
        try:
            receipt = parse_status(form)
        except Malformed as error:
            raise _malformed(error) from None
        row = request.query.get("row")
        if row and receipt is not None:
            sid = receipt.vendor_id
            await self._inbox.store.write(lambda tx: ledger.note_sid(tx, row, sid))
        if receipt is not None:
            await self._inbox.receipt(replace(receipt, row=row))
        return _taken()

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file of ours, for whoever has its link."""
        return await self._links.serve(request, self._inbox.files)

    async def _signed(self, request: web.Request) -> dict[str, str]:
        """The form, when Twilio signed it for our address; else 403. JSON is no message: 415."""
        body = await _body(request)
        is_form = request.content_type == _FORM
        if not is_form and "bodySHA256" not in request.query:  # nothing vouches for the body
            raise web.HTTPUnsupportedMediaType(text="A form is expected.")
        given = _form(body) if is_form else body.decode(errors="replace")
        signature = request.headers.get("X-Twilio-Signature", "")
        url = self._base + request.raw_path
        if not self._base or not signature or not self._validator.validate(url, given, signature):
            log.warning("signature refused", extra={"route": request.path})
            raise web.HTTPForbidden(text="The signature does not fit.")
        if isinstance(given, str):
            raise web.HTTPUnsupportedMediaType(text="A form is expected.")
        return {key: str(value) for key, value in given.items()}


def _taken() -> web.Response:
    """200 with no words: a body of text would go to the customer as a reply.

    https://www.twilio.com/docs/messaging/twiml#twilios-request-to-your-application
    """
    return web.Response(text="<Response/>", content_type="text/xml")


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _LONGEST:
            raise web.HTTPRequestEntityTooLarge(_LONGEST, len(body))
    return bytes(body)


def _form(body: bytes) -> MultiDict[str]:
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=500, errors="strict"
        )
    except ValueError as error:
        raise _malformed(error) from None
    return MultiDict(fields)


def _malformed(error: Exception) -> web.HTTPBadRequest:
    log.warning("malformed webhook", extra={"why": type(error).__name__})
    return web.HTTPBadRequest(text="This is neither a message nor a status.")
