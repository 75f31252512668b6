"""The built-in desk: the cases in a browser, and the commands of the agents who sit there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NoReturn

import click
from aiohttp import web

from bot.desk import Case, CaseLine
from bot.messages import Attachment, State
from bot.ports import DeskInbox, Route, Row
from bot.store import audit, codec
from bot.store.codec import unstamp, utc_now
from host.ports import Services
from plugins.web import desk_wire, events, serving, wire
from plugins.web.desk_token import COOKIE_SECONDS, DeskToken
from plugins.web.events import HEARTBEAT, Listeners
from plugins.web.serving import Handler, language_of
from plugins.web.settings import WebSettings
from plugins.web.wire import FILE_ID, Fault

COOKIE = "schalter_desk"
EVERYBODY = "desk"
LINE_PREFIX = "line/"
_FRESH = timedelta(days=1)  # how long an alarm stands on the page


class WebDesk:
    """The desk in the browser. A :class:`bot.ports.Desk`.

    The truth is what the core's inbox tells; what is shown, posted and marked here only wakes the
    connected browsers, which then read it.
    """

    name = "web"

    def __init__(self, settings: WebSettings, token: DeskToken, public_url: str = "") -> None:
        self._settings = settings
        self._public_url = public_url
        self._token = token
        self._listeners = Listeners()
        self._commands: DeskInbox | None = None
        self._base_url = ""

    @property
    def commands(self) -> DeskInbox:
        """Where commands go, while the desk is open."""
        if self._commands is None:
            raise Fault(503, "not_ready")
        return self._commands

    def url(self, base_url: str) -> str:
        """The address with the token in the fragment, which browsers never send."""
        return f"{base_url.rstrip('/')}/desk#token={self._token.value}"

    @asynccontextmanager
    async def open(self, commands: DeskInbox) -> AsyncIterator[None]:
        """Serve until closed; then every event stream ends."""
        self._commands = commands
        if self._settings.announce:
            click.echo(f"desk: {self.url(self._public_url or self._base_url)}", err=True)
        try:
            yield
        finally:
            self._listeners.close()
            self._commands = None

    async def show(self, case: Case) -> str:
        """Tell the browsers that a case changed."""
        self._listeners.ring(EVERYBODY, str(case.id))
        return str(case.id)

    async def post(self, line: CaseLine) -> str:
        """Tell the browsers that a case has a new line."""
        self._listeners.ring(EVERYBODY, str(line.case))
        return line.line.id

    async def mark(self, line: str, state: State, reason: str | None) -> None:  # noqa: ARG002
        """Tell the browsers that a line's state changed; they read state and reason."""
        self._listeners.ring(EVERYBODY, LINE_PREFIX + line)

    def routes(self, services: Services) -> Sequence[Route]:
        """The desk's API below ``/desk``."""
        self._base_url = services.base_url
        api = DeskApi(
            self._settings, self._token, self._listeners, self, services, self._public_url
        )
        explain = api.explain

        def inside(method: str, path: str, handler: Handler) -> list[Route]:
            return serving.route(method, f"/desk/api/{path}", api.protected(handler), explain)

        return [
            *serving.route("POST", "/desk/api/login", api.login, explain),
            *serving.route("POST", "/desk/api/logout", api.logout, explain),
            *inside("GET", "cases", api.cases),
            *inside("GET", "cases/{case}", api.case),
            *inside("GET", "cases/{case}/history", api.history),
            *inside("GET", "cases/{case}/templates", api.templates),
            *inside("GET", "opens", api.opens),
            *inside("GET", "alarm", api.alarm),
            *inside("POST", "commands", api.command),
            *inside("GET", "events", api.events),
            *inside("POST", "files", api.post_file),
            *inside("GET", "files/{file}", api.get_file),
        ]


class DeskApi:
    """What the desk's page calls."""

    def __init__(
        self,
        settings: WebSettings,
        token: DeskToken,
        listeners: Listeners,
        desk: WebDesk,
        services: Services,
        public_url: str,
    ) -> None:
        self._settings = settings
        self._public_url = public_url
        self._token = token
        self._listeners = listeners
        self._desk = desk
        self._texts = services.texts
        self.explain = serving.explainer(services.texts, settings.upload_mb)

    def protected(self, handler: Handler) -> Handler:
        """Let in only who has the token, or a cookie made from it."""

        async def check(request: web.Request) -> web.StreamResponse:
            if not self._allowed(request):
                raise Fault(401, "no_token")
            if request.method != "GET":
                serving.check_origin(request, self._public_url)
            return await handler(request)

        return check

    def _allowed(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._token.matches(token.strip())
        return self._token.opens(request.cookies.get(COOKIE, ""))

    async def login(self, request: web.Request) -> web.Response:
        """Trade the token for a cookie that scripts cannot read."""
        serving.check_origin(request, self._public_url)
        found = wire.parse_object(await serving.read_json(request))
        if not self._token.matches(wire.text_of(found, "token").strip()):
            raise Fault(401, "wrong_token")
        response = serving.json_response({"ok": True})
        response.set_cookie(
            COOKIE,
            self._token.cookie(),
            max_age=COOKIE_SECONDS,
            path="/desk",
            httponly=True,
            samesite="Strict",
            secure=request.secure or self._public_url.startswith("https:"),
        )
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """Forget the cookie."""
        serving.check_origin(request, self._public_url)
        response = serving.json_response({"ok": True})
        response.del_cookie(COOKIE, path="/desk")
        return response

    async def cases(self, request: web.Request) -> web.Response:
        """The open cases, most urgent first; the latest closed ones with ``?closed=1``."""
        closed = request.query.get("closed") == "1"
        cases = await self._desk.commands.cases(closed=closed, desk=self._desk.name)
        return serving.json_response({"cases": [self._case(request, case) for case in cases]})

    async def case(self, request: web.Request) -> web.Response:
        """One case."""
        return serving.json_response(self._case(request, await self._find(request)))

    async def history(self, request: web.Request) -> web.Response:
        """The whole conversation of a case."""
        case = await self._find(request)
        lines = await self._desk.commands.history(case.id)
        offers = any(map(desk_wire.awaits_template, lines))
        templates = offers and bool(await self._desk.commands.templates(case.id))
        shown = [
            desk_wire.shown_line(line, lambda r: self._sentence(request, r), templates=templates)
            for line in lines
        ]
        return serving.json_response({"case": case.id, "lines": shown})

    async def templates(self, request: web.Request) -> web.Response:
        """What may be sent at any time; with ``?line=`` in place of a line that failed."""
        case = await self._find(request)
        found = await self._desk.commands.templates(case.id, request.query.get("line", ""))
        return serving.json_response({"templates": list(map(desk_wire.shown_template, found))})

    async def opens(self, request: web.Request) -> web.Response:
        """When people are there, from ``?after=`` on."""
        after = desk_wire.parse_moment(request.query.get("after", ""))
        return serving.json_response({"at": self._desk.commands.opens(after).isoformat()})

    async def alarm(self, request: web.Request) -> web.Response:
        """The latest alarm of the last day, in words, with what to do; or nothing."""
        latest = await self._desk.commands.store.read(audit.latest_alarm)
        if latest is None or utc_now() - unstamp(latest["at"]) > _FRESH:
            return serving.json_response({"alarm": None})
        return serving.json_response({"alarm": self._alarm(request, latest)})

    def _alarm(self, request: web.Request, latest: Row) -> dict[str, Any]:
        kind, language = latest["kind"], language_of(request)
        own = f"alarm_advice_{kind}"
        facts = codec.unpack(codec.decode(latest["facts"]))

        def said(name: str) -> str:
            return self._texts.render(name, facts, language=language).text

        text = said(f"alarm_{kind}") if self._texts.has(f"alarm_{kind}") else kind
        advice = said(own if self._texts.has(own) else "alarm_advice")
        return {"at": latest["at"], "text": text, "advice": advice}

    async def command(self, request: web.Request) -> web.Response:
        """Apply a command; the same id again gives the same result and no second effect."""
        found = wire.parse_object(await serving.read_json(request))
        attachments = await self._attachments(desk_wire.command_files(found))
        command = desk_wire.parse_command(found, attachments)
        result = await self._desk.commands.accept(command)
        if not result.done:
            code, _, agent = (result.reason or "refused").partition(":")
            raise Fault(409, code, agent=agent)
        self._listeners.ring(EVERYBODY, str(command.case))
        how = None if result.reason is None else self._reason(request, result.reason)
        done = {"done": True, "line": result.line, "reason": result.reason, "message": how}
        return serving.json_response(done)

    async def _attachments(self, files: Sequence[str]) -> tuple[Attachment, ...]:
        found = [await self._desk.commands.files.describe(file) for file in files]
        if None in found:
            raise Fault(400, "file_unknown")
        return tuple(attachment for attachment in found if attachment is not None)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream which cases changed; the page then reads them."""
        response = await events.start_events(request)
        try:
            with self._listeners.listen(EVERYBODY) as listener:
                await response.write(events.event("hello", {}))
                while not self._listeners.closed:
                    news = listener.take()
                    sent = b"".join(events.event("changed", _change(item)) for item in news)
                    await response.write(sent or events.ALIVE)
                    await listener.wait(HEARTBEAT)
        except ConnectionError:
            pass  # the browser went away, as browsers do
        return response

    async def post_file(self, request: web.Request) -> web.Response:
        """Stream an agent's file in; answer its id, which a line can then name."""
        limit = self._settings.upload_limit
        serving.check_size(request, limit)
        attachment = await self._desk.commands.files.put(
            serving.upload_chunks(request),
            name=serving.upload_name(request),
            owner="desk:web",
            limit=limit,
        )
        return serving.json_response(wire.shown_attachment(attachment))

    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """Serve a stored file to an agent."""
        name = request.match_info["file"]
        files = self._desk.commands.files
        attachment = await files.describe(name) if FILE_ID.fullmatch(name) else None
        if attachment is None:
            raise Fault(404, "not_found")
        return serving.file_response(files.path(name), attachment)

    async def _find(self, request: web.Request) -> Case:
        number = request.match_info["case"]
        valid = number.isascii() and number.isdigit() and len(number) < 16
        case = await self._desk.commands.case(int(number)) if valid else None
        if case is None:
            _no_case()
        return case

    def _case(self, request: web.Request, case: Case) -> dict[str, Any]:
        return desk_wire.shown_case(case, lambda reason: self._reason(request, reason))

    def _reason(self, request: web.Request, reason: str) -> str:
        return self._sentence(request, reason) or reason.replace("_", " ")

    def _sentence(self, request: web.Request, reason: str) -> str | None:
        name = f"reason_{reason}"
        if not self._texts.has(name):
            return None
        return self._texts.render(name, {}, language=language_of(request)).text


def _no_case() -> NoReturn:
    raise Fault(404, "no_case")


def _change(news: str) -> dict[str, Any]:
    if news.startswith(LINE_PREFIX):
        return {"line": news.removeprefix(LINE_PREFIX)}
    return {"case": int(news)} if news else {}
