"""The actions `privacy_request`, which hands out a copy, and `erase_personal_data` behind it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from bot.messages import ActionCall, Answer, Outcome, Policy, Proposal, Say
from bot.ports import Tx
from bot.store import audit, personal
from bot.store.codec import Clock, utc_now
from host.keepers import gather
from host.ports import Services
from plugins.privacy import people, wishes
from plugins.privacy.erasing import CUSTOMER, Eraser
from plugins.privacy.export import everything, said
from plugins.privacy.wishes import Wish

WISH = "privacy_wish"
ERASING = "erase_personal_data"
_STRONG = frozenset({"channel", "code"})  # what reaches the other conversations of a customer


class Nothing(BaseModel):
    """It takes no arguments."""


class PrivacyRequest:
    """Answers what is asked about data protection; hands out a copy; begins an erasure."""

    name = "privacy_request"
    policy = Policy(read_only=True)
    Arguments: type[BaseModel] = Nothing

    def __init__(self, services: Services, *, clock: Clock = utc_now) -> None:
        self._services = services
        self._clock = clock

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """Never called: it changes nothing."""
        return await self.run(call)

    async def run(self, call: ActionCall) -> Answer:
        """Do what the message, or the button, wishes."""
        wish = _chosen(call) or wishes.read(call.text)
        if wish is Wish.ERASE:
            answer = await self._services.actions.call(ERASING, call, 1)
            return replace(answer, events=_ends_form(call))
        if wish is Wish.EXPORT:
            return await self._copy(call)
        return await self._services.actions.call("knowledge", call, 1)

    async def _copy(self, call: ActionCall) -> Answer:
        texts, files = self._services.texts, self._services.files
        about = texts.render("privacy_export_about", {}, language=call.language).text
        name = texts.render("privacy_export_file", {}, language=call.language).text
        made = await self._services.store.write(lambda tx: self._export(tx, call, about))
        data = json.dumps(made, ensure_ascii=False, indent=2).encode()
        owner = f"conversation:{call.conversation}"
        stored = await files.put_bytes(data, name=name, owner=owner)
        conversations: Sequence[Any] = made["conversations"]
        messages = sum(len(one["messages"]) for one in conversations)
        linked = len(conversations) > 1
        response = "utter_privacy_export_linked" if linked else "utter_privacy_export"
        facts = {"messages": messages, "conversations": len(conversations)}
        says = [Say(response, facts, files=(stored.file,) if stored.file else ())]
        if not linked and await self._services.store.read(lambda tx: falls_short(tx, call)):
            says.append(Say("utter_privacy_reach"))
        return Answer(tuple(says))

    def _export(self, tx: Tx, call: ActionCall, about: str) -> dict[str, Any]:
        now = self._clock()
        ids = reach(tx, call)
        for conversation in ids:
            audit.note(tx, "export", ok=True, now=now, conversation=conversation)
        keepers = self._services.keepers
        person = gather(tx, keepers, ids)
        return everything(tx, keepers, person, now, internal=False, about=about)


class ErasePersonalData:
    """Has a customer's data erased after a yes, as soon as the goodbye has arrived."""

    name = ERASING
    policy = Policy(read_only=False)
    own_conversation = True  # what it changes is what is written in: that needs no proof
    Arguments: type[BaseModel] = Nothing

    def __init__(self, services: Services, eraser: Eraser) -> None:
        self._services = services
        self._eraser = eraser

    async def propose(self, call: ActionCall) -> Proposal | Answer:
        """Read back what would go, and what the law keeps."""
        ids, held, messages, short = await self._services.store.read(
            lambda tx: self._look(tx, call)
        )
        if held:
            return Answer((Say("utter_privacy_erase_held"),), Outcome.REFUSED, "open_case")
        linked = len(ids) > 1
        name = "utter_privacy_erase_propose_linked" if linked else "utter_privacy_erase_propose"
        facts = {"messages": messages, "conversations": len(ids)}
        before = (Say("utter_privacy_reach"),) if short and not linked else ()
        return Proposal(says=(*before, Say(name, facts)), arguments={}, version=json.dumps(ids))

    def _look(self, tx: Tx, call: ActionCall) -> tuple[list[int], bool, int, bool]:
        ids = reach(tx, call)
        number = sum(len(said(tx, conversation)) for conversation in ids)
        return ids, bool(personal.open_cases(tx, ids)), number, falls_short(tx, call)

    async def run(self, call: ActionCall) -> Answer:
        """Ask for it; asked twice it is one. What was read back is what goes."""
        named = {int(one) for one in json.loads(call.version)}

        def ask(tx: Tx) -> None:
            still = set(people.linked(tx, call.conversation))  # one may have been unlinked since
            self._eraser.ask(tx, sorted(named & still), CUSTOMER)

        await self._services.store.write(ask)
        minutes = max(math.ceil(self._eraser.rest.total_seconds() / 60), 1) + 1
        return Answer((Say("utter_privacy_erase_done", {"minutes": minutes}),))

    async def outcome(self, call: ActionCall) -> Answer | None:
        """Asked again after a crash it is the same erasure."""
        return await self.run(call)


def reach(tx: Tx, call: ActionCall) -> list[int]:
    """What a customer may have at hand: this conversation, and those that a proof reaches."""
    return people.reached(tx, call.conversation) if _is_proven(call) else [call.conversation]


def falls_short(tx: Tx, call: ActionCall) -> bool:
    """Whether there may be more of the customer than what the proof reaches."""
    return not _is_proven(call) or reach(tx, call) != people.linked(tx, call.conversation)


def _is_proven(call: ActionCall) -> bool:
    return any(proof.kind in _STRONG for proof in call.proofs)


def _chosen(call: ActionCall) -> Wish | None:
    named = [one.value for one in call.understanding.entities if one.entity == WISH]
    return Wish(named[0]) if named and named[0] in set(Wish) else None


def _ends_form(call: ActionCall) -> tuple[dict[str, Any], ...]:
    """A form that is open ends: asked again, it would take the yes for an answer to itself."""
    if not (call.raw.get("tracker") or {}).get("active_loop", {}).get("name"):
        return ()
    return (
        {"event": "active_loop", "name": None},
        {"event": "slot", "name": "requested_slot", "value": None},
        {"event": "followup", "name": "action_listen"},
    )
