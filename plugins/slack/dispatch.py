"""Interactions: read, committed once, and given to whoever registered for them, at once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.ports import Retry, Store
from plugins.slack import ledger
from plugins.slack.events import Malformed
from plugins.slack.interactions import (
    Answer,
    Interaction,
    InteractionHandler,
    InteractionKind,
    Raw,
)

log = logging.getLogger(__name__)

_IN_TIME = 2.5
"""Seconds for an immediate answer; Slack waits three."""
_ANSWERED = frozenset({InteractionKind.VIEW, InteractionKind.COMMAND})
_ATTEMPTS = 6
_STALE = 900.0
"""Seconds after which an interaction that a restart cut off is not made up for."""
_KINDS = {
    "block_actions": InteractionKind.ACTION,
    "view_submission": InteractionKind.VIEW,
    "view_closed": InteractionKind.CLOSED,
    "shortcut": InteractionKind.SHORTCUT,
    "message_action": InteractionKind.SHORTCUT,
}

Late = Callable[[Interaction, Mapping[str, Any]], Awaitable[None]]


class Dispatch:
    """Hands out interactions. ``late`` tells an answer that was not there in time."""

    def __init__(self, late: Late) -> None:
        self._late = late
        self._handlers: dict[InteractionKind, dict[str, InteractionHandler]] = {}
        self._running: dict[str, asyncio.Task[Answer]] = {}
        self._store: Store | None = None

    def on(self, kind: InteractionKind, prefix: str, handle: InteractionHandler) -> None:
        """Give what begins with ``prefix`` to ``handle``. Raises ValueError for a second one."""
        handlers = self._handlers.setdefault(kind, {})
        if prefix in handlers:
            raise ValueError(f"{kind} {prefix} is registered twice")
        handlers[prefix] = handle

    def names(self, kind: InteractionKind) -> list[str]:
        """What is registered."""
        return sorted(self._handlers.get(kind, {}))

    async def open(self, store: Store) -> None:
        """Begin; what was acknowledged and not handled by the last process is made up for."""
        self._store = store
        for interaction, taken_at in await store.read(ledger.open_interactions):
            answered = interaction.kind in _ANSWERED and interaction.kind != InteractionKind.COMMAND
            if answered or time.time() - taken_at > _STALE or self._find(interaction) is None:
                await self._settle(interaction, "failed")
            else:
                self._start(interaction)

    async def close(self) -> None:
        """End what runs; it is made up for at the next start."""
        for task in set(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._store = None

    async def take(self, payload: Raw) -> Answer:
        """Commit what a payload says and begin it; what to answer. Raises Malformed.

        Any other exception means that it was not taken: do not acknowledge.
        """
        answer: Answer = None
        for interaction in parse_interaction(payload):
            answer = await self._take(interaction)
        return answer

    async def _take(self, interaction: Interaction) -> Answer:
        if self._find(interaction) is None:
            log.info("nobody handles an interaction", extra={"name": interaction.name})
            return None
        task = self._running.get(interaction.id)
        if task is None:
            if not await self._kept(interaction):
                return None  # a repeat of what is handled
            task = self._start(interaction)
        if interaction.kind not in _ANSWERED:
            return None
        done, _ = await asyncio.wait({task}, timeout=_IN_TIME)
        if done:
            return task.result()
        log.warning("no immediate answer in time", extra={"name": interaction.name})
        task.add_done_callback(lambda ended: self._too_late(interaction, ended))
        return None

    async def _kept(self, interaction: Interaction) -> bool:
        if self._store is None:
            raise Retry(None, "closed")
        return await self._store.write(
            lambda tx: ledger.take_interaction(tx, interaction, time.time())
        )

    def _start(self, interaction: Interaction) -> asyncio.Task[Answer]:
        task = asyncio.create_task(self._handle(interaction), name=f"slack {interaction.name}")
        self._running[interaction.id] = task
        task.add_done_callback(lambda ended: self._ended(interaction.id, ended))
        return task

    def _ended(self, id: str, task: asyncio.Task[Answer]) -> None:
        self._running.pop(id, None)
        if not task.cancelled():
            task.exception()  # logged where it was raised

    def _too_late(self, interaction: Interaction, task: asyncio.Task[Answer]) -> None:
        if task.cancelled() or task.exception() is not None:
            return
        answer = task.result()
        if answer and interaction.kind is InteractionKind.COMMAND and interaction.response_url:
            late = asyncio.ensure_future(self._tell(interaction, answer))
            self._running[f"{interaction.id}/late"] = late
            late.add_done_callback(lambda ended: self._ended(f"{interaction.id}/late", ended))

    async def _tell(self, interaction: Interaction, answer: Mapping[str, Any]) -> Answer:
        await self._late(interaction, answer)
        return None

    async def _handle(self, interaction: Interaction) -> Answer:
        handle = self._find(interaction)
        assert handle is not None  # noqa: S101 - it was looked up before the commit
        try:
            answer = await self._attempts(handle, interaction)
        except Exception:
            # An edge: the person sees Slack's own notice, as nothing is acknowledged.
            log.exception("slack interaction not handled", extra={"name": interaction.name})
            await self._settle(interaction, "failed")
            raise
        await self._settle(interaction, "done")
        return answer

    async def _attempts(self, handle: InteractionHandler, interaction: Interaction) -> Answer:
        """Where no answer is waited for, it may take several."""
        attempt = 1
        while True:
            try:
                return await handle(interaction)
            except Retry as retry:
                if interaction.kind in _ANSWERED or attempt >= _ATTEMPTS:
                    raise
                await asyncio.sleep(2**attempt / 4 if retry.after is None else retry.after)
                attempt += 1

    async def _settle(self, interaction: Interaction, status: str) -> None:
        store = self._store
        if store is None:
            return
        try:
            await store.write(lambda tx: ledger.settle_interaction(tx, interaction.id, status))
        except Exception:  # an edge: it is made up for at the next start, under the same id
            log.exception("slack interactions cannot use the store")

    def _find(self, interaction: Interaction) -> InteractionHandler | None:
        handlers = self._handlers.get(interaction.kind, {})
        if interaction.kind in (InteractionKind.SHORTCUT, InteractionKind.COMMAND):
            return handlers.get(interaction.name)
        fitting = [prefix for prefix in handlers if interaction.name.startswith(prefix)]
        return handlers[max(fitting, key=len)] if fitting else None


def parse_interaction(payload: Raw) -> list[Interaction]:
    """What somebody did; usually one thing. Raises Malformed.

    https://docs.slack.dev/reference/interaction-payloads and, for a slash command,
    https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling.
    """
    if "command" in payload and "type" not in payload:
        return [_command(payload)]
    kind = _KINDS.get(str(payload.get("type")))
    if kind is None:
        raise Malformed("an unknown kind of interaction")
    if kind is InteractionKind.ACTION:
        actions = payload.get("actions")
        if not isinstance(actions, list) or not all(isinstance(one, Mapping) for one in actions):
            raise Malformed("no actions")
        return [
            _interaction(payload, kind, _str(action.get("action_id")), _value(action), place)
            for place, action in enumerate(actions)
        ]
    view = _part(payload, "view")
    name = _str(payload.get("callback_id") or view.get("callback_id"))
    return [_interaction(payload, kind, name, "", 0)]


def _interaction(
    payload: Raw, kind: InteractionKind, name: str, value: str, place: int
) -> Interaction:
    container, message = _part(payload, "container"), _part(payload, "message")
    channel = _str(_part(payload, "channel").get("id") or container.get("channel_id"))
    user = _str(_part(payload, "user").get("id"))
    if not name or not user:
        raise Malformed("no name or no user")
    ts = _str(message.get("ts") or payload.get("message_ts") or container.get("message_ts"))
    thread = _str(message.get("thread_ts") or container.get("thread_ts"))
    return Interaction(
        id=_id(payload, kind, name, place),
        kind=kind,
        name=name,
        user=user,
        trigger_id=_str(payload.get("trigger_id")),
        channel=channel,
        message_ts=ts,
        thread_ts="" if thread == ts else thread,
        value=value,
        response_url=_str(payload.get("response_url")),
        view=_part(payload, "view"),
        message=message,
        raw=payload,
    )


def _command(payload: Raw) -> Interaction:
    name, user = _str(payload.get("command")), _str(payload.get("user_id"))
    if not name or not user:
        raise Malformed("no command or no user")
    return Interaction(
        id=_id(payload, InteractionKind.COMMAND, name, 0),
        kind=InteractionKind.COMMAND,
        name=name,
        user=user,
        trigger_id=_str(payload.get("trigger_id")),
        channel=_str(payload.get("channel_id")),
        text=_str(payload.get("text")),
        response_url=_str(payload.get("response_url")),
        raw=payload,
    )


def _id(payload: Raw, kind: InteractionKind, name: str, place: int) -> str:
    """The same for a repeat. A trigger's id is new with everything that somebody does."""
    trigger = payload.get("trigger_id")
    what = trigger if trigger else json.dumps(payload, sort_keys=True)
    made = f"{kind}\n{name}\n{place}\n{what}"
    return hashlib.blake2b(made.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _value(action: Raw) -> str:
    for name in (
        "value",
        "selected_user",
        "selected_channel",
        "selected_conversation",
        "selected_date",
        "selected_time",
        "selected_date_time",
    ):
        if action.get(name) is not None:
            return str(action[name])
    return _str(_part(action, "selected_option").get("value"))


def _part(raw: Raw, name: str) -> Raw:
    part = raw.get(name)
    return part if isinstance(part, Mapping) else {}


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""
