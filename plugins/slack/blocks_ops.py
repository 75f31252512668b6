"""What operators are told: what was given up, what is broken, and the day in figures. Pure.

No text of a customer's: that is only in the details, which one person asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bot.ports import Row
from bot.store.digest import Digest
from plugins.slack import kit
from plugins.slack.blocks import Shown
from plugins.slack.kit import Raw, cut, one_line
from plugins.slack.words import Words

_HIDDEN = frozenset({"buttons", "facts", "state_json"})
_PERSONAL = frozenset(
    {"address", "text", "name", "payload", "attachments", "entities", "history", "state", "secret"}
)
_VALUE = 1500
_MOST, _EXAMPLES = 8, 5


def dead_letter(row: Mapping[str, Any], words: Words) -> Shown:
    """Something that was given up, with what can be done."""
    title = _title(row, words)
    key = str(row["id"])
    buttons = [
        kit.button(words("button_retry"), "ops.retry", key, style="primary"),
        kit.button(words("button_details"), "ops.details", key),
    ]
    why = [kit.words(title, bold=True), kit.words(f"\n{_why(row, words)}")]
    blocks = [kit.rich(kit.line(*why)), kit.small(_facts(row, words)), kit.actions(*buttons)]
    return Shown(kit.escape(title), blocks)


def settled(row: Mapping[str, Any], words: Words, how: str) -> Shown:
    """The same, when it is over; ``how`` says what happened."""
    said = [kit.words("✅ "), kit.words(how)]
    return Shown(kit.escape(how), [kit.rich(kit.line(*said)), kit.small(_facts(row, words))])


def many(count: int, words: Words) -> Shown:
    """More than a channel should show one by one; none, when they are settled."""
    text = words("ops_many", count=count) if count else words("ops_settled")
    return Shown(kit.escape(text), [kit.rich(kit.line(kit.words(text)))])


def details(row: Mapping[str, Any], words: Words, *, hides: bool = False) -> Raw:
    """Everything that is kept of it, for who asked; ``hides``: but nothing of the customer."""
    hidden = _HIDDEN | _PERSONAL if hides else _HIDDEN
    parts: list[Raw] = []
    for name, value in row.items():
        if value in (None, "", "[]") or name in hidden:
            continue
        parts.append(
            kit.line(kit.words(f"{name}: ", bold=True), kit.words(cut(str(value), _VALUE)))
        )
    close = words("button_close")
    return kit.modal("desk.nothing", words("modal_details"), [kit.rich(*parts[:40])], close=close)


def alarm(row: Row, words: Words) -> Shown:
    """What operators must hear at once, and what to do; one without words shows its code."""
    kind, facts = str(row["kind"]), dict(row["facts"])
    known = words.texts.has(f"alarm_{kind}")
    told = words.alarm(kind, facts) if known else words("ops_alarm_other", kind=one_line(kind))
    title = f"🚨 {told}"
    parts = [kit.words(title, bold=True), kit.words(f"\n{words.alarm_advice(kind)}")]
    number = words("ops_alarm_facts", id=row["id"], kind=one_line(kind))
    return Shown(kit.escape(title), [kit.rich(kit.line(*parts)), kit.small(number)])


def broken(name: str, detail: str, words: Words) -> Shown:
    """A part that does not work."""
    title = f"🔴 {words('ops_broken', name=one_line(name))}"
    said = [kit.words(title, bold=True), kit.words(f"\n{cut(one_line(detail), 500)}")]
    return Shown(kit.escape(title), [kit.rich(kit.line(*said))])


def mended(name: str, since: str, until: str, words: Words) -> Shown:
    """It works again."""
    title = f"🟢 {words('ops_mended', name=one_line(name))}"
    when = f"{words('ops_since')} {since} {words('ops_until')} {until}"
    blocks = [kit.rich(kit.line(kit.words(title))), kit.small(when)]
    return Shown(kit.escape(title), blocks)


def digest(facts: Digest, words: Words, day: datetime, *, hides: bool = False) -> Shown:
    """The day in figures: what the bot solved, what it did not understand, and what failed.

    ``hides``: without examples, which may say who wrote them.
    """
    title = words("digest_title", day=words.day(day))
    blocks = [kit.header(f"📊 {title}"), kit.rich(kit.lines([*_turns(facts, words)]))]
    if facts.missed_examples and not hides:
        said = [[kit.words(cut(one_line(one), 120))] for one in facts.missed_examples[:_EXAMPLES]]
        blocks += [kit.small(words("digest_examples")), kit.rich(kit.bullets(said))]
    blocks.append(kit.rich(kit.lines([*_people(facts, words)])))
    return Shown(kit.escape(title), blocks)


def _turns(facts: Digest, words: Words) -> Iterator[list[Raw]]:
    yield _line(words("digest_talks"), f"{facts.conversations} · {facts.turns}")
    solved = sum(facts.solved.values())
    share = f" ({round(100 * solved / facts.turns)} %)" if facts.turns else ""
    most = sorted(facts.solved.items(), key=lambda pair: -pair[1])[:_MOST]
    named = ", ".join(f"{words.name_of('intent', name)} ({count})" for name, count in most if name)
    yield _line(words("digest_solved"), f"{solved}{share}{f': {named}' if named else ''}")
    for name in ("asked", "missed", "handed", "beside", "failed", "unfinished"):
        if count := getattr(facts, name):
            yield _line(words(f"digest_{name}"), str(count))


def _people(facts: Digest, words: Words) -> Iterator[list[Raw]]:
    opened = sum(facts.cases.values())
    yield _line(words("digest_cases"), str(opened))
    for (reason, became), count in sorted(facts.cases.items(), key=lambda pair: -pair[1])[:_MOST]:
        ended = words.name_of("became", became)
        yield [kit.words(f"    {words.reason(reason)}, {ended}: {count}")]
    for name in ("first_answer", "to_close"):
        if (time := getattr(facts, name)) is not None:
            yield _line(words(f"digest_{name}"), words.duration(time))
    sends = sum(facts.failed_sends.values())
    yield _line(words("digest_sends"), str(sends))
    for (channel, reason), count in facts.failed_sends.items():
        why = words.reason(reason) if reason else "–"
        yield [kit.words(f"    {words.name_of('channel', channel)}: {count} · {cut(why, 200)}")]
    yield _line(words("digest_dead"), str(facts.dead_letters))


def _line(name: str, value: str) -> list[Raw]:
    return [kit.words(f"{name}: ", bold=True), kit.words(value)]


def _title(row: Mapping[str, Any], words: Words) -> str:
    kind = str(row["kind"])
    known = words.texts.has(f"slack_ops_dead_{kind}")
    return words("ops_dead", kind=words.name_of("ops_dead", kind) if known else kind)


def _why(row: Mapping[str, Any], words: Words) -> str:
    """``failed: window_closed`` as a sentence; what is no code as it is."""
    reason = str(row.get("reason") or "")
    code = reason.partition(": ")[2] or reason
    if words.texts.has(f"reason_{code}"):
        return words.reason(code)
    return cut(one_line(reason), 300) or "–"


def _facts(row: Mapping[str, Any], words: Words) -> str:
    return words(
        "ops_facts",
        conversation=row.get("conversation") or "–",
        attempts=row.get("attempts") or 0,
        id=str(row["id"]),
    )
