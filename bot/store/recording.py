"""Calls that are made once: each is recorded under (turn, action, number), and repeats read it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from bot.messages import ActionCall, Address
from bot.ports import Row, Store, Tx
from bot.store import StoreError, codec, conversations, effects, turns
from bot.store.codec import Clock, utc_now

T = TypeVar("T")
Key = tuple[str, str, int]  # turn, action, number
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recorded(Generic[T]):
    """How a result is written and read, and which one stands for a fault."""

    to_dict: Callable[[T], dict[str, Any]]
    from_dict: Callable[[Mapping[str, Any]], T]
    failed: Callable[[], T]


@dataclass(eq=False, kw_only=True)
class Recorder:
    """Makes calls and writes what they gave.

    ``about`` tells the plugin's action (or ``""``) and the subject of a call. ``on_effect`` runs in
    the transaction that records a finished side effect.
    """

    store: Store
    about: Callable[[str, ActionCall], tuple[str, str]]
    on_effect: Callable[[Tx, ActionCall], None]
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Any]] = {}

    async def close(self) -> None:
        """Wait for what has started: a side effect is never cut off by us."""
        while self._running:
            await asyncio.wait(set(self._running.values()))

    async def once(
        self,
        action: str,
        call: ActionCall,
        number: int,
        run: Callable[[ActionCall, int], Awaitable[T]],
        way: Recorded[T],
    ) -> T:
        """Make a call, or return what it gave before. Never raises what ``run`` raises."""
        key = (call.turn, action, number)
        # Rasa may ask again (it was restarted, or the turn is retried) while the call still runs:
        # both then wait for the same one. Nobody who stops waiting cuts it off.
        task = self._running.get(key) or self.begin(key, self._work(key, call, run, way))
        result: T = await asyncio.shield(task)
        return result

    def begin(self, key: Key, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """Start what must not be cut off."""
        task = asyncio.create_task(work, name=f"action {key[1]}")
        self._running[key] = task
        task.add_done_callback(lambda _task: self._running.pop(key, None))
        return task

    async def _work(
        self,
        key: Key,
        call: ActionCall,
        run: Callable[[ActionCall, int], Awaitable[T]],
        way: Recorded[T],
    ) -> T:
        ids = {"action": key[1], "turn": key[0]}
        try:
            record, over, address = await self.store.read(lambda tx: _before(tx, key, call))
            if record is not None and record["result"] is not None:
                return way.from_dict(codec.decode(record["result"]))
            if record is None and over:
                # The dialogue goes on with a turn that a person has meanwhile: nobody hears it.
                log.warning("call of an ended turn", extra=ids)
                return way.failed()
            result = await run(replace(call, address=address), key[2])
            packed = way.to_dict(result)
        except StoreError:  # what was started is read back when the turn is asked again
            log.exception("action cannot use the store", extra=ids)
            return way.failed()
        except Exception:  # an edge: an action's fault is a typed failure, for the desk
            log.exception("action failed", extra=ids)
            result = way.failed()
            packed = way.to_dict(result)
        try:
            await self.store.write(lambda tx: self.record(tx, key, call, packed))
        except StoreError:
            log.exception("result not recorded", extra=ids)
        return result

    def record(self, tx: Tx, key: Key, call: ActionCall, result: Mapping[str, Any]) -> None:
        """Write what a call gave, once."""
        turn, action, number = key
        record = effects.call(tx, *key)
        if record is None:
            self.start(tx, key, call, *self.about(action, call), effect_key=None)
        elif record["result"] is not None:
            return
        effects.end_call(
            tx,
            turn=turn,
            action=action,
            number=number,
            status="unknown" if result.get("reason") == "outcome_unknown" else "done",
            outcome=result.get("outcome"),
            result=result,
            now=self.clock(),
        )
        tx.notify("call", call.conversation)
        if record is not None and record["effect"]:
            self.on_effect(tx, call)

    def start(
        self, tx: Tx, key: Key, call: ActionCall, name: str, subject: str, effect_key: str | None
    ) -> None:
        """Write that a call is about to be made; ``effect_key``: of the side effect it has."""
        turn, action, number = key
        effects.start_call(
            tx,
            turn=turn,
            action=action,
            number=number,
            conversation=call.conversation,
            name=name,
            subject=subject,
            key=effect_key or turn,
            actor=call.actor,
            effect=effect_key is not None,
            now=self.clock(),
        )


def is_over(tx: Tx, turn: str) -> bool:
    """Whether a turn has ended: what is done for it now, nobody hears."""
    row = turns.get(tx, turn)
    return row is not None and row["status"] != "frozen"


def is_open(tx: Tx, turn: str) -> bool:
    """Whether a turn is still being answered; what an agent does is no turn."""
    row = turns.get(tx, turn)
    return row is not None and row["status"] == "frozen"


def _before(tx: Tx, key: Key, call: ActionCall) -> tuple[Row | None, bool, Address]:
    """The record of a call, whether its turn is over, and the customer's address."""
    conversation = conversations.get(tx, call.conversation)
    address = Address(conversation["channel"], conversation["address"])
    return effects.call(tx, *key), is_over(tx, call.turn), address
