"""An action server that checks what Rasa sends and answers as the test says.

Without further orders every form wants an order number and a proof, as the real ones do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ACTIONS_TOKEN = "what Rasa sends"
Call = Mapping[str, Any]
PROOFS = ("postal_code", "email")


def entity(call: Call, *kinds: str) -> str | None:
    """The first entity of the message that is of one of `kinds`."""
    found = call["tracker"]["latest_message"]["entities"]
    return next((e["value"] for e in found if e["entity"] in kinds), None)


def slot(name: str, value: Any) -> dict[str, Any]:
    """The event that sets a slot."""
    return {"event": "slot", "name": name, "value": value}


def order_and_proof(call: Call) -> list[dict[str, Any]]:
    """A form's step: take what the message has, ask for what is missing."""
    slots = dict(call["tracker"]["slots"])
    found = {"order_id": entity(call, "order_id"), "proof": entity(call, *PROOFS)}
    new = {name: value for name, value in found.items() if value is not None}
    slots |= new
    ask = next((name for name in ("order_id", "proof") if slots[name] is None), None)
    return [slot(name, value) for name, value in new.items()] + [slot("requested_slot", ask)]


@dataclass
class FakeActions:
    """`calls` is what Rasa called, in order; `run` and `fill` answer by name."""

    run: dict[str, Callable[[Call], Any]] = field(default_factory=dict)
    fill: Callable[[Call], list[dict[str, Any]]] = order_and_proof
    down: bool = False
    wait: float = 0.0  # seconds before an answer
    calls: list[Call] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The actions that were called, without the steps of forms."""
        return [n for c in self.calls if not (n := c["next_action"]).startswith("validate_")]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer Rasa's webhook."""
        if self.down:
            return web.Response(status=503)
        body = json.loads(await request.read())
        await asyncio.sleep(self.wait)
        self.faults += _faults(request, body)
        self.calls.append(body)
        name = body["next_action"]
        if name.startswith("validate_"):
            return web.json_response({"events": self.fill(body), "responses": []})
        answer = self.run.get(name, lambda _: {})(body)
        default = {"events": [], "responses": [{"custom": {"answer": name}}]}
        return web.json_response({**default, **answer})


def _faults(request: web.Request, body: Any) -> list[str]:
    """What is not as Rasa's action webhook has it, or not as the wire contract says."""
    faults = []
    if request.headers.get("Authorization") != f"Bearer {ACTIONS_TOKEN}":
        faults.append("the token is missing")
    missing = {"next_action", "sender_id", "tracker", "version"} - set(body)
    if missing:
        faults.append(f"missing: {missing}")
    message = body["tracker"]["latest_message"]
    if set(message["metadata"]) != {"turn", "language"}:
        faults.append(f"metadata: {message['metadata']}")
    if body["tracker"]["sender_id"] != body["sender_id"]:
        faults.append("two senders")
    return faults
