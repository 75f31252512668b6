"""Pure parsing and rendering for the desk: commands in, cases and their history out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.desk import (
    Again,
    Assign,
    Case,
    Close,
    Command,
    Edit,
    HandBack,
    HistoryLine,
    Line,
    Link,
    Prioritise,
    Release,
    SendTemplate,
    SetLanguage,
    Snooze,
    Stop,
    TakeOver,
    Template,
    Unlink,
    Unsend,
)
from bot.messages import Attachment, Author, State
from bot.store.customers import Related
from plugins.web.wire import CLIENT_ID, Fault, clean, files_of, shown_attachment, text_of, visible

AGENT_LIMIT = 60
_NUMBERS = 2**53  # what a page can count to
LINE_LIMIT = 8000
"""Characters of an agent's line; a channel that takes fewer gets it in parts."""


def parse_agent(found: Mapping[str, Any]) -> str:
    """The agent's name on one line. Raises :class:`Fault`."""
    agent = " ".join(clean(text_of(found, "agent")).split())
    if not visible(agent) or len(agent) > AGENT_LIMIT:
        raise Fault(400, "no_agent")
    return agent


def parse_command(found: Mapping[str, Any], attachments: tuple[Attachment, ...]) -> Command:
    """Read a command of the desk's page. Raises :class:`Fault`."""
    name = text_of(found, "id")
    case = found.get("case")
    agent = parse_agent(found)
    if not CLIENT_ID.fullmatch(name) or not isinstance(case, int) or isinstance(case, bool):
        raise Fault(400, "not_valid")
    match found.get("kind"):
        case "line" | "note" | "stop" | "edit" | "unsend" | "again" as kind:
            return _line_command(kind, found, name, case, agent, attachments)
        case "template":
            values = parse_values(found)
            line = text_of(found, "line")
            return SendTemplate(name, case, agent, text_of(found, "template"), values, line)
        case "prioritise" | "snooze" | "language" as kind:
            return _triage_command(kind, found, name, case, agent)
        case "link" | "unlink" as kind:
            other = found.get("other")
            if not isinstance(other, int) or isinstance(other, bool) or not 0 < other < _NUMBERS:
                raise Fault(400, "not_valid")
            return (Link if kind == "link" else Unlink)(name, case, agent, other)
        case kind:
            return _case_command(kind, found, name, case, agent)


def _line_command(
    kind: str,
    found: Mapping[str, Any],
    name: str,
    case: int,
    agent: str,
    attachments: tuple[Attachment, ...],
) -> Command:
    text, line = _words(found, "text"), text_of(found, "line")
    match kind:
        case "stop":
            return Stop(name, case, agent, line)
        case "unsend":
            return Unsend(name, case, agent, line)
        case "again":
            return Again(name, case, agent, line)
    if not (visible(text) or (attachments and kind != "edit")):
        raise Fault(400, "empty")
    if kind == "edit":
        return Edit(name, case, agent, line, text)
    draft = text_of(found, "draft")
    return Line(name, case, agent, text, attachments, internal=kind == "note", draft=draft)


def _triage_command(
    kind: str, found: Mapping[str, Any], name: str, case: int, agent: str
) -> Command:
    match kind:
        case "prioritise":
            priority: Any = text_of(found, "priority")  # what there is none of is refused
            return Prioritise(name, case, agent, priority)
        case "snooze":
            return Snooze(name, case, agent, _moment(found, "until"))
        case _:
            return SetLanguage(name, case, agent, text_of(found, "language"))


def _case_command(
    kind: object, found: Mapping[str, Any], name: str, case: int, agent: str
) -> Command:
    text, note = _words(found, "text"), _words(found, "note")
    match kind:
        case "take_over":
            return TakeOver(name, case, agent, force=found.get("force") is True)
        case "assign":
            return Assign(name, case, agent, parse_agent({"agent": found.get("to")}))
        case "release":
            return Release(name, case, agent)
        case "hand_back":
            return HandBack(name, case, agent, outcome=text, note=note)
        case "close":
            return Close(name, case, agent, note=note, outcome=text)
        case _:
            raise Fault(400, "not_valid")


def parse_values(found: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a template. Raises :class:`Fault`."""
    values = found.get("values", {})
    if not isinstance(values, dict) or not all(isinstance(one, str) for one in values.values()):
        raise Fault(400, "not_valid")
    if sum(map(len, values.values())) > LINE_LIMIT:
        raise Fault(413, "too_long", limit=LINE_LIMIT)
    return {name: clean(value) for name, value in values.items()}


def parse_moment(text: str) -> datetime:
    """A time with its zone. Raises :class:`Fault`."""
    moment = _moment({"at": text}, "at")
    if moment is None:
        raise Fault(400, "not_valid")
    return moment


def _moment(found: Mapping[str, Any], key: str) -> datetime | None:
    text = text_of(found, key)
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Fault(400, "not_valid") from error
    if moment is not None and moment.tzinfo is None:
        raise Fault(400, "not_valid")
    return moment


def command_files(found: Mapping[str, Any]) -> tuple[str, ...]:
    """The files that a command names. Raises :class:`Fault`."""
    return files_of(found)


def _words(found: Mapping[str, Any], key: str) -> str:
    text = clean(text_of(found, key))
    if len(text) > LINE_LIMIT:
        raise Fault(413, "too_long", limit=LINE_LIMIT)
    return text


def shown_case(case: Case, explain: Callable[[str], str]) -> dict[str, Any]:
    """Render a case; ``explain`` gives the sentence of a reason code."""
    return {
        "id": case.id,
        "channel": case.address.channel,
        "reason": case.reason,
        "reason_text": explain(case.reason),
        "priority": case.priority,
        "state": case.state,
        "owner": case.owner,
        "language": case.language,
        "customer": case.customer,
        "agent": case.agent,
        "agent_name": case.agent_name,
        "opened_at": _time(case.opened_at),
        "taken_at": _time(case.taken_at),
        "closed_at": _time(case.closed_at),
        "outcome": case.outcome,
        "intents": list(case.intents),
        "tried": list(case.tried),
        "orders": [_flat(order) for order in case.orders],
        "updated": case.updated,
        "reply_until": _time(case.reply_until),
        "snoozed_until": _time(case.snoozed_until),
        "summary": case.summary,
        "contact": case.contact,
        "waits_since": _time(case.waits_since),
        "due_at": _time(case.due_at),
        "conversation": case.conversation,
        "related": [shown_related(one) for one in case.related],
        "sender": None if case.sender is None else asdict(case.sender),
    }


def shown_related(other: Related) -> dict[str, Any]:
    """Render another conversation of the customer's, or one that may be."""
    return {
        "conversation": other.conversation,
        "channel": other.address.channel,
        "name": other.name,
        "reason": other.reason,
        "proposed": other.proposed,
        "last_in_at": _time(other.last_in_at),
        "case": other.case,
        "agent_name": other.agent_name,
    }


def shown_template(template: Template) -> dict[str, Any]:
    """Render a template that an agent may send."""
    fields = [{"name": one.name, "title": one.title, "value": one.value} for one in template.fields]
    return {
        "name": template.name,
        "title": template.title,
        "text": template.text,
        "fields": fields,
    }


def awaits_template(line: HistoryLine) -> bool:
    """Whether an agent's line failed where only an approved template may go out."""
    return line.author is Author.AGENT and (line.state, line.reason) == (
        State.FAILED,
        "window_closed",
    )


def shown_line(
    line: HistoryLine, explain: Callable[[str], str | None], *, templates: bool = False
) -> dict[str, Any]:
    """Render a line of the history; ``explain`` gives a reason's sentence, where there is one.

    ``templates``: there are some that could be sent in its place.
    """
    return {
        "id": line.id,
        "author": line.author,
        "name": line.name,
        "text": line.text,
        "at": _time(line.at),
        "state": line.state,
        "reason": line.reason,
        "reason_text": explain(line.reason) if line.reason else None,
        "attachments": [shown_attachment(a) for a in line.attachments],
        "kind": line.kind,
        "effect": line.effect,
        "quote": line.quote,
        "folded": line.folded,
        "command": line.command,
        "edited": line.edited,
        "templates": templates and awaits_template(line),
        "repeated": line.repeated,
        "channel": line.channel,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _flat(facts: Mapping[str, Any]) -> dict[str, str | int | float | bool | None]:
    return {key: _plain(value) for key, value in facts.items()}


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(item) for item in value)
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)
