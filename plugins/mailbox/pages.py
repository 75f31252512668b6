"""The mailbox's page and what it asks for. All of it is for browsers on this machine.

There is no token: the page holds codes that change orders, its only reader sits before this
machine, and an address with a token in it is pasted into chats and screenshots.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from bot.ports import Inbox, Route, Row
from plugins.mailbox import ledger
from plugins.mailbox.api import NAME
from plugins.web.api import (
    ALIVE,
    HEARTBEAT,
    Fault,
    Handler,
    Listener,
    Listeners,
    Pages,
    event,
    explainer,
    is_local,
    json_response,
    route,
    start_events,
)

STATIC = Path(__file__).with_name("static")


def mailbox_routes(inbox: Inbox, listeners: Listeners) -> list[Route]:
    """The routes of the mailbox."""
    pages = Pages(STATIC)
    explain = explainer(inbox.texts)
    reader = _Reader(inbox, listeners)
    return [
        *route("GET", "/mailbox", _here(pages.page("mailbox.html", ancestors="'none'")), explain),
        *route("GET", "/mailbox/mails", _here(reader.mails), explain),
        *route("GET", "/mailbox/events", _here(reader.events), explain),
        *route("GET", "/mailbox/{name:.+}", _here(pages.asset), explain),
    ]


def _here(handler: Handler) -> Handler:
    """Answer browsers on this machine alone."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if not is_local(request):
            raise Fault(403, "only_here")
        return await handler(request)

    return serve


class _Reader:
    """Tells the page what there is, and when there is more."""

    def __init__(self, inbox: Inbox, listeners: Listeners) -> None:
        self._store = inbox.store
        self._listeners = listeners

    async def mails(self, _request: web.Request) -> web.Response:
        """All mails, newest first."""
        rows = await self._store.read(ledger.newest)
        return json_response({"mails": [_shown(row) for row in rows]})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Tell the number of the newest mail: at once, and whenever there is a newer one."""
        response = await start_events(request)
        try:
            with self._listeners.listen(NAME) as listener:
                await self._stream(response, listener)
        except ConnectionError:
            pass  # the browser went away, as browsers do
        return response

    async def _stream(self, response: web.StreamResponse, listener: Listener) -> None:
        seen = -1
        while not self._listeners.closed:
            listener.take()
            rows = await self._store.read(ledger.newest)
            number = rows[0]["id"] if rows else 0
            await response.write(ALIVE if number == seen else event("mails", {"newest": number}))
            seen = number
            await listener.wait(HEARTBEAT)


def _shown(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "to": row["recipient"],
        "subject": row["subject"],
        "text": row["text"],
        "at": row["at"],
    }
