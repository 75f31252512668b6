"""Posts each thing once, also when the process ends in between, and changes it in place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.ports import Retry, Row, Store, UnknownOutcome
from bot.store.codec import Clock, unstamp, utc_now
from plugins.slack import desk_ledger as ledger
from plugins.slack.app import SlackApp
from plugins.slack.blocks import Shown
from plugins.slack.errors import SlackRefused

METADATA = "schalter_case"
"""The ``event_type`` of the metadata by which the desk finds its own posts again."""
_BEFORE = timedelta(minutes=2)  # clocks differ
_PAGES = 20


@dataclass(frozen=True)
class Posts:
    """Messages of the desk, each under a key of its own."""

    app: SlackApp
    store: Store
    clock: Clock = utc_now

    async def put(
        self, key: str, shown: Shown, channel: str, thread: str = "", *, renew: bool = False
    ) -> str:
        """Post it, or change what is there; its ``ts``. Raises Retry or SlackRefused.

        ``renew`` posts it again where somebody deleted it.
        """
        row = await self.store.read(lambda tx: ledger.post_of(tx, key))
        if row is not None and row["ts"]:
            if await self._change(row, shown) or not renew:
                return str(row["ts"])
            await self.store.write(lambda tx: ledger.forget(tx, key))
            row = None
        if row is not None:  # the process ended, or the answer was lost, while it was posted
            if (found := await self._search(row)) is not None:
                await self._note(key, found, "")
                await self._change({**row, "ts": found}, shown)
                return found
        else:
            now = self.clock()
            await self.store.write(lambda tx: ledger.attempt(tx, key, channel, thread, now))
        return await self._post(key, shown, channel, thread)

    async def once(self, key: str, shown: Shown, channel: str, thread: str = "") -> str:
        """Post it unless it is there, whatever it shows now; its ``ts``."""
        row = await self.store.read(lambda tx: ledger.post_of(tx, key))
        if row is not None and row["ts"]:
            return str(row["ts"])
        return await self.put(key, shown, channel, thread)

    async def known(self, key: str) -> str | None:
        """The ``ts`` of what was posted under a key."""
        row = await self.store.read(lambda tx: ledger.post_of(tx, key))
        return None if row is None else row["ts"]

    async def change(self, key: str, shown: Shown) -> bool:
        """Change what was posted under a key; False when nothing was."""
        row = await self.store.read(lambda tx: ledger.post_of(tx, key))
        if row is None or not row["ts"]:
            return False
        await self._change(row, shown)
        return True

    async def _post(self, key: str, shown: Shown, channel: str, thread: str) -> str:
        try:
            answer = await self.app.call(
                "chat.postMessage",
                channel=channel,
                thread_ts=thread or None,
                text=shown.text,
                blocks=shown.blocks,
                metadata={"event_type": METADATA, "event_payload": {"key": key}},
                unfurl_links=False,
                unfurl_media=False,
            )
        except UnknownOutcome as error:
            raise Retry(None, "vendor_unreachable") from error  # the next try looks for it first
        except (Retry, SlackRefused):
            await self.store.write(lambda tx: ledger.forget(tx, key))  # certainly not there
            raise
        return await self._note(key, str(answer["ts"]), digest(shown))

    async def _change(self, row: Row, shown: Shown) -> bool:
        """Change what is there; False when it is gone."""
        made, there = digest(shown), True
        if row["shown"] != made:
            try:
                await self.app.call(
                    "chat.update",
                    channel=row["channel"],
                    ts=row["ts"],
                    text=shown.text,
                    blocks=shown.blocks,
                )
            except SlackRefused as refused:
                if refused.reason != "slack_message_gone":
                    raise
                there = False
            await self._note(row["key"], row["ts"], made)
        return there

    async def _note(self, key: str, ts: str, shown: str) -> str:
        await self.store.write(lambda tx: ledger.posted(tx, key, ts, shown))
        return ts

    async def _search(self, row: Row) -> str | None:
        """Find a post by its metadata."""
        since = unstamp(row["at"]) - _BEFORE
        async for message in self.messages(row["channel"], row["thread"], since):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("key") == row["key"]:
                return str(message["ts"])
        return None

    async def messages(
        self, channel: str, thread: str, since: datetime
    ) -> AsyncIterator[Mapping[str, Any]]:
        """What was written in a channel or a thread since then."""
        method = "conversations.replies" if thread else "conversations.history"
        cursor: str | None = None
        for _ in range(_PAGES):
            answer = await self.app.call(
                method,
                channel=channel,
                ts=thread or None,
                oldest=f"{since.timestamp():.6f}",
                include_all_metadata=True,
                limit=200,
                cursor=cursor,
            )
            for message in answer.get("messages", ()):
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return


def digest(shown: Shown) -> str:
    """What tells two messages apart."""
    content = json.dumps([shown.text, shown.blocks], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]
