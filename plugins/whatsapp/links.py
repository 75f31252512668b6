"""Signed links that expire, by which Twilio fetches a file of ours."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from bot.messages import Attachment
from bot.ports import Files

PATH = "/whatsapp/media"
_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


class Links:
    """Makes links and serves what they name. ``base`` is the address from outside."""

    def __init__(self, secret: str, base: str, seconds: float) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="schalter.whatsapp.media")
        self._base = base
        self._seconds = seconds

    def make(self, attachment: Attachment) -> str:
        """A link to a stored file; its name at the end is what the customer sees."""
        token = self._signer.dumps(attachment.file)
        return f"{self._base}{PATH}/{token}/{quote(attachment.name, safe='')}"

    async def serve(self, request: web.Request, files: Files) -> web.StreamResponse:
        """The file of a link: 404 for one that we did not sign, 410 for one that has expired."""
        try:
            file = self._signer.loads(request.match_info["token"], max_age=int(self._seconds))
        except SignatureExpired:
            raise web.HTTPGone(text="This link has expired.") from None
        except BadSignature:
            raise web.HTTPNotFound(text="There is nothing here.") from None
        path, known = files.path(str(file)), await files.describe(str(file))
        if path is None or known is None:
            raise web.HTTPGone(text="This file is no longer kept.")
        return web.FileResponse(path, headers={**_HEADERS, "Content-Type": known.content_type})
