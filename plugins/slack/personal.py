"""What the plugin's tables hold of customers, and what the bot posted of them at the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.ports import Retry, Tx, UnknownOutcome
from bot.store.personal import DataTable, Person, Remains, among
from plugins.slack.errors import MEND_SECONDS, MENDABLE, SlackRefused
from plugins.slack.names import CHANNEL
from plugins.slack.wire import place_of

if TYPE_CHECKING:  # it imports Slack's SDK, which a bot without Slack does not wait for
    from plugins.slack.app import SlackApp

_GONE = frozenset(
    {"channel_not_found", "file_deleted", "file_not_found", "message_not_found", "thread_not_found"}
)
_PAGES = 50  # of 200 messages
_CARDS = (
    f"SELECT channel || '/' || ts AS place FROM slack_cases WHERE {among('case_id', 'cases')} "
    "UNION SELECT channel || '/' || thread FROM slack_posts, json_each(:cases) c "
    "WHERE slack_posts.key = 'before:' || c.value "
    "OR slack_posts.key LIKE 'before:' || c.value || ':%'"
)
_PLACES = "(SELECT substr(value, instr(value, '/') + 1) FROM json_each(:addresses))"
_HERE = "channel || CASE thread WHEN '' THEN '' ELSE '/' || thread END"
_IN_CHAT = f"{_HERE} IN {_PLACES} OR channel || '/' || ts IN {_PLACES}"
TABLES = (
    DataTable(
        "slack_events",
        "what was written, until it is handled",
        # The keys stay: what was handled must not be taken for new when Slack is asked again.
        whose=f"channel || '/' || thread IN ({_CARDS}) OR {_IN_CHAT}",
        erase="body = '', status = CASE status WHEN 'open' THEN 'done' ELSE status END",
    ),
    DataTable("slack_interactions", "what the team pressed, until it is handled, some seconds"),
    DataTable("slack_seen", "how far a place was heard", whose=f"{_HERE} IN {_PLACES}"),
    DataTable(
        "slack_sent", "what buttons meant that customers got", whose=among("address", "addresses")
    ),
    DataTable("slack_conversations", "where customers write", whose=f"{_HERE} IN {_PLACES}"),
    DataTable(
        "slack_people",
        "names of who writes",
        whose=f"name IN (SELECT name FROM conversations WHERE {among('id', 'conversations')})",
        old="at < :before_seconds",
        keeps="receipts",
    ),
    DataTable(
        "slack_marks",
        "reactions on lines",
        whose="channel || '/' || ts IN (SELECT channel || '/' || ts FROM slack_lines "
        f"WHERE {among('case_id', 'cases')})",
    ),
    DataTable("slack_lines", "which message a line is", whose=among("case_id", "cases")),
    DataTable(
        "slack_posts",
        "what the desk posted, and where",
        whose=f"channel || '/' || thread IN ({_CARDS}) "
        "OR key IN (SELECT 'case:' || value FROM json_each(:cases))",
    ),
    DataTable("slack_alarms", "which alarms were told"),
    DataTable("slack_cases", "which message is the card", whose=among("case_id", "cases")),
)


class Keeper:
    """``app`` is the connection, where there is one."""

    name = "slack"
    tables: Sequence[DataTable] = TABLES

    def __init__(self) -> None:
        self.app: SlackApp | None = None

    def plan(self, tx: Tx, person: Person) -> Mapping[str, Any] | None:
        """The threads of the cases: cards, transcripts, lines and files are in them."""
        if not tx.row("SELECT 1 FROM sqlite_master WHERE name = 'slack_cases'"):
            return None
        rows = tx.rows(f"SELECT * FROM ({_CARDS})", **person.values())
        threads = [row["place"].split("/", 1) for row in rows]
        return {"threads": threads} if threads else None

    def remains(self, tx: Tx, person: Person) -> Sequence[Remains]:  # noqa: ARG002
        """The messages in a customer's own Slack."""
        own = [place_of(one) for one in person.addresses if one.channel == CHANNEL]
        return [
            Remains("messenger", f"Slack {channel} {thread}".strip()) for channel, thread in own
        ]

    async def forget(self, plan: Mapping[str, Any]) -> Sequence[Remains]:
        """Delete all that the bot posted in these threads. Raises Retry."""
        left: list[Remains] = []
        for channel, thread in plan["threads"]:
            left += await self._thread(channel, thread)
        return left

    async def _thread(self, channel: str, thread: str) -> list[Remains]:
        me = await self._app().me()
        try:
            messages = [one async for one in self._messages(channel, thread)]
        except SlackRefused as refused:
            return self._refused(refused, channel, thread)
        ours = [one for one in messages if me.user == one.get("user") or _is(me.bot, one)]
        left: list[Remains] = []
        for message in reversed(ours):  # the card last: as long as it is there, so are the others
            for file in message.get("files") or ():
                left += await self._delete("files.delete", channel, {"file": file["id"]})
            place = {"channel": channel, "ts": message["ts"]}
            left += await self._delete("chat.delete", channel, place)
        others = sum(1 for one in messages if one not in ours and not one.get("subtype"))
        if others:
            left.append(Remains("colleagues", f"{others} in {channel}, thread {thread}"))
        return left

    async def _delete(
        self, method: str, channel: str, arguments: Mapping[str, Any]
    ) -> Sequence[Remains]:
        try:
            await self._app().call(method, **arguments)
        except SlackRefused as refused:
            return self._refused(refused, channel, str(arguments.get("file") or arguments["ts"]))
        except UnknownOutcome:
            raise Retry(None, "vendor_unreachable") from None
        return ()

    def _refused(self, refused: SlackRefused, channel: str, what: str) -> list[Remains]:
        if refused.error in _GONE:
            return []
        if refused.reason in MENDABLE:
            raise Retry(MEND_SECONDS, refused.reason) from refused
        return [Remains("refused", f"{channel} {what}: {refused.error}")]

    async def _messages(self, channel: str, thread: str) -> AsyncIterator[Mapping[str, Any]]:
        cursor: str | None = None
        for _ in range(_PAGES):
            answer = await self._app().call(
                "conversations.replies", channel=channel, ts=thread, limit=200, cursor=cursor
            )
            for message in answer.get("messages", ()):
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _app(self) -> SlackApp:
        if self.app is None:
            raise Retry(None, "closed")
        return self.app


def _is(bot: str, message: Mapping[str, Any]) -> bool:
    return bool(bot) and message.get("bot_id") == bot
