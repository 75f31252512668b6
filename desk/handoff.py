"""How the turns of the core reach people: cases, the owner, and what a person must see.

Everything here is one transaction and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.desk import CommandResult
from bot.messages import Answer, Attachment, Author, Features, Outcome, Owner, Say, State
from bot.ports import Row, Tx
from bot.rendering import Renderer
from bot.store import (
    agents,
    automatic,
    cases,
    conversations,
    drafts,
    effects,
    outbox,
    turns,
    waiting,
)
from bot.store.codec import Clock, answer_from_dict, decode, utc_now
from bot.store.telling import BOUNCED, UNKNOWN, is_stale, post_line
from desk.certainty import UNCERTAIN, is_certain
from desk.expecting import Expecting
from desk.routing import Concern, Routing
from desk.words import Words

SYSTEM = ""
"""The agent of what no agent wrote or commanded."""
RECEIPT = "utter_receipt"
"""What tells a customer that the message has arrived, and that a person will read it."""
# Cases that open without a word to the customer.
_SILENT = frozenset({UNCERTAIN, BOUNCED, UNKNOWN, automatic.TOO_MANY})
_NO_ANSWER = frozenset({"utter_waiting_noted"})  # nothing that an agent would send


@dataclass(eq=False, kw_only=True)
class CaseBook:
    """Opens cases, and tells the desk what happens in them. A :class:`bot.counter.Handoff`.

    ``routing`` says which desk gets a case, ``expecting`` when a person answers it.
    """

    renderer: Renderer
    routing: Routing
    expecting: Expecting
    words: Words
    features: Mapping[str, Features] = field(default_factory=dict)
    clock: Clock = utc_now

    def open_case(
        self, tx: Tx, conversation: Row, reason: str, *, asked_at: datetime | None = None
    ) -> int:
        """Open a case (or return the open one); a bot's conversation waits for a person now."""
        now = self.clock()
        concern = self._concern(tx, conversation, reason)
        existing = cases.open_case(tx, conversation["id"])
        if existing is not None:
            if concern.priority == "high" and existing["priority"] != "high":
                cases.raise_priority(tx, existing["id"], reason, concern.priority)
            self.show(tx, existing["id"], now)
            return int(existing["id"])
        route = self.routing.route(concern, now)
        case = cases.insert(
            tx,
            conversation["id"],
            desk=route.desk,
            place=route.place,
            reason=reason,
            priority=route.priority,
            asked_at=asked_at or waiting.asked_at(tx, conversation["id"]),
            now=now,
        )
        if conversation["owner"] == Owner.BOT:
            conversations.change_owner(tx, conversation["id"], Owner.WAITING)
        self.show(tx, case, now)
        unfetched = {f"in:{row['id']}" for row in turns.unfetched(tx, conversation["id"])}
        for line in cases.history(tx, conversation["id"], limit=20):
            if line.id not in unfetched:  # shown when its files are there
                post_line(tx, conversation["id"], line.id, now)
        tx.notify("owner", conversation["id"])
        return case

    def back_to_bot(self, tx: Tx, conversation: Row) -> bool:
        """The waiting customer wants the bot again; False when nobody waited."""
        case = cases.open_case(tx, conversation["id"])
        if case is None or conversation["owner"] != Owner.WAITING:
            return False
        now = self.clock()
        cases.close(tx, case["id"], cases.CUSTOMER_BACK, now)
        conversations.change_owner(tx, conversation["id"], Owner.BOT)
        self.show(tx, case["id"], now)
        tx.notify("owner", conversation["id"])
        return True

    def say_answer(
        self, tx: Tx, conversation: Row, turn: Row, answer: Answer, *, tag: str | None = None
    ) -> bool:
        """Queue what a turn says; True when it goes out.

        It is a draft where a person spoke since, where it is not certain, and where too much was
        said by itself already: the latter two call a person.
        """
        stale = is_stale(conversation, turn["owner_version"])
        least = self._features(conversation).certainty
        certain = stale or is_certain(tx, conversation, turn, answer, least)
        case = cases.open_case(tx, conversation["id"])
        says = self._with_expected(tx, conversation, answer, turn["language"])
        if not certain:
            says = [say for say in says if say.response not in _NO_ANSWER]
        ids = self.renderer.queue(
            tx,
            conversation,
            says,
            now=self.clock(),
            turn=turn["key"],
            language=turn["language"],
            state=State.QUEUED if certain and not stale else State.DRAFT,
            effect=answer.effect,
            case=case["id"] if case else None,
            owner_version=turn["owner_version"],
            tag=tag,
        )
        for line in ids:
            post_line(tx, conversation["id"], f"out:{line}", self.clock())
        if not certain:
            opened = self._needs_person(tx, conversation, turn, ids, UNCERTAIN)
            self._receipt(tx, conversation, turn, opened)
        elif automatic.held_back(tx, ids):
            asked = answer.outcome is Outcome.HANDOFF
            reason = answer.reason or "asked" if asked else automatic.TOO_MANY
            self._needs_person(tx, conversation, turn, ids, reason)
        else:
            return not stale
        return False

    def _needs_person(
        self, tx: Tx, conversation: Row, turn: Row, ids: Sequence[str], reason: str
    ) -> int:
        """What the bot would say waits for a person: open a case, or return the open one.

        The customer has not read it: no yes can be about it, and no form has asked anything.
        """
        case = self.open_case(tx, conversation, reason)
        drafts.file(tx, ids, case, reason)
        effects.lapse_unread(tx, turn["key"])
        conversations.new_session(tx, conversation["id"], resumed=True)
        turns.note_handed(tx, turn["key"])
        return case

    def _receipt(self, tx: Tx, conversation: Row, turn: Row, case: int) -> None:
        """Tell the customer, once for a case, that the message is here and a person reads it."""
        row = cases.get_row(tx, case)
        assert row is not None  # noqa: S101 - just opened
        if row["reason"] not in _SILENT or drafts.has_receipt(tx, case, RECEIPT):
            return
        now, limit = self.clock(), self._features(conversation).automatic_per_day
        if limit is not None and automatic.count(tx, conversation["id"], now) >= limit:
            return
        facts = self._expected(tx, conversation, UNCERTAIN, turn["language"])
        ids = self.renderer.queue(
            tx,
            conversation,
            [Say(RECEIPT, facts)],
            now=now,
            author=Author.SYSTEM,
            language=turn["language"],
            case=case,
        )
        for line in ids:
            post_line(tx, conversation["id"], f"out:{line}", now)

    def _features(self, conversation: Row) -> Features:
        return self.features.get(conversation["channel"], Features())

    def expected(self, tx: Tx, conversation: Row, reason: str) -> Mapping[str, Any]:
        """``{person_when}`` for texts that call a person: when one answers."""
        return self._expected(tx, conversation, reason, conversation["language"])

    def _expected(self, tx: Tx, conversation: Row, reason: str, language: str) -> dict[str, Any]:
        now, case = self.clock(), cases.open_case(tx, conversation["id"])
        channel = conversation["channel"]
        if case is None:
            route = self.routing.route(self._concern(tx, conversation, reason), now)
            return self.expecting.facts(now, route.priority, language, channel=channel)
        since = waiting.waits_since(tx, case)
        return self.expecting.facts(now, case["priority"], language, since=since, channel=channel)

    def _with_expected(self, tx: Tx, conversation: Row, answer: Answer, language: str) -> list[Say]:
        """What is said; the texts that tell when a person answers get to know it."""

        def knows(say: Say) -> Say:
            if say.response is None or not texts.has(say.response):
                return say
            if "person_when" not in texts.needs(say.response, language=language):
                return say
            reason = answer.reason or "asked"
            facts = self._expected(tx, conversation, reason, language)
            return replace(say, facts={**facts, **say.facts})

        texts = self.renderer.texts
        return [knows(say) for say in answer.says]

    def _concern(self, tx: Tx, conversation: Row, reason: str) -> Concern:
        intent = waiting.latest_intent(tx, conversation["id"])
        return Concern(reason, intent, conversation["language"])

    def tell_effects(self, tx: Tx, turn: Row) -> None:
        """Say what a turn did that a person has now: as a draft, marked, once an agent owns it.

        The rows are named by turn and call, so that telling them again adds none.
        """
        for record in effects.finished(tx, turn["key"]):
            answer = answer_from_dict(decode(record["result"]))
            conversation = conversations.get(tx, turn["conversation"])
            if answer.reason == "outcome_unknown":
                self.open_case(tx, conversation, answer.reason)
                conversation = conversations.get(tx, turn["conversation"])
            self.say_answer(tx, conversation, turn, answer, tag=f"effect{record['number']}")

    def tell_act(self, tx: Tx, turn: str) -> None:
        """Say what an agent's order action did: to the team, and to the customer if it shall.

        Only what was done is told to the customer: what failed, or may have, is the agent's to say.
        """
        now = self.clock()
        for record in effects.finished(tx, turn):
            case = record["case_id"] and cases.get_row(tx, record["case_id"])
            if not case:
                continue  # not an agent's
            answer = answer_from_dict(decode(record["result"]))
            title = self.words.title("action", record["name"])
            facts = {"what": f"{title} {record['subject']}".strip()}
            name = {"done": "done", "handoff": "unknown"}.get(record["outcome"], "refused")
            if name != "unknown":  # what is said then gives the customer to the team
                facts["result"] = self.words.all(answer.says)
            self.keep_note(tx, case, record["actor"], self.words.say(f"note_act_{name}", facts))
            if record["tell"] and answer.effect:
                self.notice(tx, case["conversation"], answer.says, case["id"], now, effect=turn)
            self.show(tx, case["id"], now)

    def keep_note(
        self,
        tx: Tx,
        case: Row,
        agent: str,
        text: str,
        attachments: tuple[Attachment, ...] = (),
    ) -> str:
        """Keep a line that stays inside, and show it; return its id."""
        now = self.clock()
        line = cases.insert_note(
            tx,
            case=case["id"],
            conversation=case["conversation"],
            agent=agent,
            text=text,
            attachments=attachments,
            now=now,
        )
        post_line(tx, case["conversation"], line, now, case=case)
        return line

    def notice(
        self,
        tx: Tx,
        conversation: int,
        says: Sequence[Say],
        case: int,
        now: datetime,
        *,
        effect: str | None = None,
    ) -> None:
        """Tell the customer what the system has to say, under any owner.

        ``effect`` names what was done, if that is what is told: telling it again adds no row.
        """
        row = conversations.get(tx, conversation)
        ids = self.renderer.queue(
            tx,
            row,
            says,
            now=now,
            author=Author.SYSTEM,
            case=case,
            turn=effect,
            effect=effect is not None,
        )
        for line in ids:
            post_line(tx, conversation, f"out:{line}", now)

    def show(self, tx: Tx, case: int, now: datetime) -> None:
        """Have the card of a case made or updated."""
        row = cases.get_row(tx, case)
        assert row is not None  # noqa: S101 - foreign key
        outbox.tell_desk(tx, "show", row, str(case), now)
        cases.touch(tx, case)

    def system_note(
        self, tx: Tx, case: Row, response: str, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Tell the team in the thread, in its language, what happened with a case."""
        self.keep_note(tx, case, SYSTEM, self.words.say(response, facts))

    def first_name(self, tx: Tx, agent: str) -> str:
        """What customers learn of an agent's name."""
        name = agents.name_of(tx, agent)
        first, *_ = name.split() or [name]
        return first

    def not_theirs(self, tx: Tx, case: Row, agent: str) -> CommandResult | None:
        """Why an agent may not speak in a case; ``None``: it is theirs."""
        return None if case["agent"] == agent else self.taken(tx, case)

    def taken(self, tx: Tx, case: Row) -> CommandResult:
        """The refusal that names who has a case."""
        if case["agent"] is None:
            return CommandResult(False, "not_taken")
        return CommandResult(False, f"taken_by:{agents.name_of(tx, case['agent'])}")
