"""The web desk in the desk suite: each agent has a browser of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar

from bot.testing.desk_wire import DeskHarness, Known, Room, Sitting, ThreadLine, Told
from plugins.web.testing import DeskClient, Refusal
from plugins.web.testing_bot import TOKEN

_STATES = {"queued": "waiting", "sending": "waiting", "delivered": "sent", "read": "sent"}


class WebAgent:
    """A :class:`bot.testing.desk_wire.Sitting`."""

    def __init__(self, client: DeskClient) -> None:
        self._client = client
        self.name = client.agent

    async def takes_over(self, *, force: bool = False) -> None:
        """As in the protocol."""
        await self._does(self._client.take_over(await self._case(), force=force))

    async def says(self, text: str, *files: tuple[str, bytes]) -> None:
        """As in the protocol."""
        sent = [await self._client.upload(data, name) for name, data in files]
        await self._does(self._client.say(await self._case(), text, sent))

    async def notes(self, text: str) -> None:
        """As in the protocol."""
        await self._does(self._client.note(await self._case(), text))

    async def takes_back(self, text: str) -> None:
        """As in the protocol."""
        await self._does(self._client.stop(*await self._line(text)))

    async def edits(self, text: str, to: str) -> None:
        """As in the protocol."""
        await self._does(self._client.edit(*await self._line(text), to))

    async def deletes(self, text: str) -> None:
        """As in the protocol."""
        await self._does(self._client.unsend(*await self._line(text)))

    async def sends_again(self, text: str) -> None:
        """As in the protocol."""
        await self._does(self._client.send_again(*await self._line(text)))

    async def sends_draft(self, text: str) -> None:
        """As in the protocol."""
        await self.edits_draft(text, text)

    async def edits_draft(self, text: str, to: str) -> None:
        """As in the protocol."""
        draft = await self._draft(text)
        files = [file["file"] for file in draft["attachments"] if file["file"]]
        more = {"text": to, "attachments": files, "draft": draft["id"]}
        await self._does(self._client.command("line", await self._case(), **more))

    async def drops_draft(self, text: str) -> None:
        """As in the protocol."""
        draft = await self._draft(text)
        await self._does(self._client.unsend(await self._case(), draft["id"]))

    async def releases(self) -> None:
        """As in the protocol."""
        await self._does(self._client.command("release", await self._case()))

    async def assigns(self, to: Sitting) -> None:
        """As in the protocol."""
        await self._does(self._client.command("assign", await self._case(), to=to.name))

    async def hands_back(self, outcome: str = "") -> None:
        """As in the protocol."""
        await self._does(self._client.hand_back(await self._case(), outcome))

    async def closes(self, outcome: str = "") -> None:
        """As in the protocol."""
        await self._does(self._client.close_case(await self._case(), outcome=outcome))

    async def knows(self) -> Sequence[Known]:
        """As in the protocol."""
        case = await self._client.case(await self._case())
        return [Known(one["name"], one["proposed"]) for one in case["related"]]

    async def links(self, name: str) -> None:
        """As in the protocol."""
        await self._says_of("link", name)

    async def parts(self, name: str) -> None:
        """As in the protocol."""
        await self._says_of("unlink", name)

    async def _says_of(self, kind: str, name: str) -> None:
        case = await self._client.case(await self._case())
        other = next(one for one in case["related"] if one["name"] == name)
        await self._does(self._client.command(kind, case["id"], other=other["conversation"]))

    async def reads(self) -> Sequence[str]:
        """As in the protocol."""
        return [line["text"] for line in await self._client.history(await self._case())]

    async def thread(self) -> Sequence[ThreadLine]:
        """As in the protocol."""
        if not (await self._client.cases() or await self._client.cases(closed=True)):
            return ()
        lines = await self._client.history(await self._case())
        return [await self._shown(line) for line in lines if not line["channel"]]

    async def holder(self) -> str | None:
        """As in the protocol."""
        case = await self._client.case(await self._case())
        name: str | None = case["agent_name"]
        return name if case["state"] == "taken" else None

    async def cards(self) -> int:
        """As in the protocol."""
        return len(await self._client.cases())

    async def _case(self) -> int:
        cases = await self._client.cases() or await self._client.cases(closed=True)
        return int(cases[0]["id"])

    async def _line(self, text: str) -> tuple[int, str]:
        case = await self._case()
        lines = await self._client.history(case)
        # The first that has it: what was sent again stands below.
        line = next(one for one in lines if one["author"] == "agent" and one["text"] == text)
        return case, line["id"]

    async def _draft(self, text: str) -> Mapping[str, Any]:
        lines = await self._client.history(await self._case())
        return next(one for one in lines if one["author"] == "bot" and one["text"] == text)

    async def _shown(self, line: Mapping[str, Any]) -> ThreadLine:
        fetched = [file["file"] for file in line["attachments"] if file["file"]]
        files = [await self._client.download(file) for file in fetched]
        told = line["author"] == "agent" or line["state"] == "draft"
        state = _STATES.get(line["state"], line["state"]) if told else ""
        return ThreadLine(line["text"], line["author"], state or "", tuple(files))

    async def _does(self, doing: Awaitable[Any]) -> None:
        try:
            await doing
        except Refusal as refusal:
            raise Told(refusal.message) from refusal


class WebRoom:
    """A :class:`bot.testing.desk_wire.Room`."""

    def __init__(self, stack: AsyncExitStack, sits: type[WebAgent] = WebAgent) -> None:
        self._stack = stack
        self._sits = sits
        self._clients: list[DeskClient] = []
        self._url = ""

    def listens_at(self, url: str) -> None:
        """As in the protocol."""
        self._url = url
        for client in self._clients:
            client.base_url = url

    async def agent(self, name: str) -> WebAgent:
        """As in the protocol."""
        client = await self._stack.enter_async_context(DeskClient(self._url, TOKEN, name))
        self._clients.append(client)
        return self._sits(client)


class WebDeskHarness(DeskHarness):
    """The desk in the browser."""

    brings: ClassVar[frozenset[str]] = frozenset({"web"})
    sits: ClassVar[type[WebAgent]] = WebAgent

    @asynccontextmanager
    async def room(self) -> AsyncIterator[WebRoom]:
        """As in the base class."""
        async with AsyncExitStack() as stack:
            yield WebRoom(stack, self.sits)

    def plugins(self, room: Room, wire: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """As in the base class."""
        del room
        return {"knowledge": {}, "web": {"announce": False, "burst_seconds": 0.05, **wire}}

    def environment(self, room: Room) -> Mapping[str, str]:
        """As in the base class."""
        del room
        return {"SCHALTER_WEB_DESK_TOKEN": TOKEN}
