"""Fetches what messages refer to, before their turn is frozen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from bot.messages import Attachment
from bot.pacing import backoff
from bot.ports import Channel, Files, MediaChannel, Refused, Retry, Row, Store, Tx
from bot.store import StoreError, codec, turns
from bot.store.codec import Clock, utc_now
from bot.store.telling import post_line

log = logging.getLogger(__name__)

_ATTEMPTS = 3
_LONGEST = 60.0  # seconds that all files of a turn may take: a lease is longer


@dataclass(eq=False, kw_only=True)
class MediaFetcher:
    """Streams attachments into ``Files``; a failed fetch is noted, and said to the customer."""

    store: Store
    files: Files
    channels: Mapping[str, Channel]
    clock: Clock = utc_now

    async def fetch(self, conversation: int) -> None:
        """Fetch the attachments of all messages of a conversation that still lack them."""
        owner = f"conversation:{conversation}"
        until = asyncio.get_running_loop().time() + _LONGEST
        for row in await self.store.read(lambda tx: turns.unfetched(tx, conversation)):
            attachments = codec.attachments_from_json(row["attachments"])
            fetched = [await self._one(row["channel"], one, owner, until) for one in attachments]
            await self.store.write(partial(self._note, row, tuple(fetched)))

    def _note(self, row: Row, fetched: tuple[Attachment, ...], tx: Tx) -> None:
        if turns.set_attachments(tx, row, fetched):
            post_line(tx, row["conversation"], f"in:{row['id']}", self.clock())

    async def _one(self, name: str, attachment: Attachment, owner: str, until: float) -> Attachment:
        channel = self.channels.get(name)
        if attachment.file or attachment.error:
            return attachment
        if not isinstance(channel, MediaChannel):
            return replace(attachment, error="not_fetchable")
        for attempt in range(1, _ATTEMPTS + 1):
            wait = backoff(attempt, base=0.5).total_seconds()
            try:
                async with asyncio.timeout_at(until):
                    return await self.files.put(
                        channel.fetch(attachment),
                        name=attachment.name,
                        owner=owner,
                        limit=channel.features.attachment_limit,
                        content_type=attachment.content_type,
                    )
            except Refused as refused:
                return replace(attachment, error=refused.reason)
            except Retry as retry:
                wait = wait if retry.after is None else min(retry.after, 10)
            except StoreError:
                raise
            except Exception:  # an edge: a channel's own fault must not hold up the conversation
                log.exception("fetching failed", extra={"channel": name})
            if asyncio.get_running_loop().time() + wait > until:
                break
            await asyncio.sleep(wait if attempt < _ATTEMPTS else 0)
        log.warning("media not fetched", extra={"channel": name})
        return replace(attachment, error="fetch_failed")
