"""The card of a case: one message that reads at a glance. Pure: a case in, blocks out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.clean import clean_text
from bot.desk import UNPROVEN, Case
from plugins.slack import kit
from plugins.slack.blocks_customers import related, written_by
from plugins.slack.kit import Raw, cut, one_line
from plugins.slack.words import Words

SHORT, URGENT = timedelta(hours=4), timedelta(hours=1)
"""How much of the reply window is left when the card mentions it, and when it warns."""
_ORDERS, _VALUE, _SUMMARY, _OUTCOME = 3, 160, 700, 400
_STEPS = 6  # of what the bot understood and tried, the latest
PRIORITIES = ("high", "normal", "low")
_TODAY = "{date_short_pretty} {time}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A message: its blocks, and the text of a notification."""

    text: str
    blocks: list[Raw]


def card(case: Case, words: Words, now: datetime, *, reveals: bool = False) -> Shown:
    """The card of a case as it stands ``now``; ``reveals``: who it is can be looked up."""
    blocks = [kit.header(_headline(case, words, now)), kit.small(_facts(case, words))]
    blocks += written_by(case, words)
    blocks.append(kit.rich(kit.lines([*_status(case, words, now)])))
    over = case.state == "closed"  # a short card leaves room for those that are not
    if (orders := [*_orders(case, words)]) and not over:
        blocks.append(kit.rich(kit.bullets(orders)))
    if (done := [*_understood(case, words)]) and not over:
        blocks.append(kit.rich(kit.lines(done)))
    if case.summary:
        blocks.append(kit.rich(kit.quote(kit.words(cut(clean_text(case.summary), _SUMMARY)))))
    blocks += related(case, words)
    if row := _buttons(case, words, now, reveals=reveals):
        # Another id at each change: a menu would keep showing what was chosen, and refused.
        blocks.append(kit.actions(*row, block=f"case-{case.id}-{case.updated}"))
    return Shown(_notification(case, words), blocks)


def changes_at(case: Case, now: datetime) -> datetime | None:
    """When the card looks different by itself: a time limit gets near or passes."""
    if case.state == "closed":
        return None
    moments = [case.due_at, case.snoozed_until]
    if case.reply_until is not None:
        until = case.reply_until
        moments += [until - SHORT, until - URGENT, until]
    return min((at for at in moments if at is not None and at > now), default=None)


def customer_of(case: Case, words: Words) -> str:
    """The customer's name, or that there is none."""
    return cut(one_line(case.customer or ""), 60) or words("nobody_known")


def holder_of(case: Case) -> str:
    """The name of who has the case."""
    return cut(one_line(case.agent_name or case.agent or ""), 60)


def snoozed(case: Case, now: datetime) -> bool:
    """Whether it is put off."""
    return case.snoozed_until is not None and case.snoozed_until > now


def _headline(case: Case, words: Words, now: datetime) -> str:
    icon = _icon(case, now)
    return f"{icon} {customer_of(case, words)} · {words.reason(case.reason)}"


def _icon(case: Case, now: datetime) -> str:
    if case.state == "closed":
        return "✅"
    if snoozed(case, now):
        return "💤"
    if case.state == "taken":
        return "🟢"
    return {"high": "🔴", "low": "⚪"}.get(case.priority, "🟡")


def _facts(case: Case, words: Words) -> str:
    parts = (
        words("case", case=case.id),
        words.name_of("channel", case.address.channel),
        words.name_of("language", case.language),
        words.name_of("priority", case.priority),
    )
    return " · ".join(parts)


def _status(case: Case, words: Words, now: datetime) -> Iterator[list[Raw]]:
    """Who has it, and what the clock says; one line each."""
    if case.state == "closed":
        yield from _closed(case, words, now)
        return
    if snoozed(case, now) and case.snoozed_until:
        yield [kit.words("💤 "), *_timed("snoozed_until", case.snoozed_until, words, now)]
    if case.waits_since is not None:
        yield _waiting(case, case.waits_since, words, now)
    if case.agent is None:
        yield [kit.words(words("nobody_has_it"), italic=True)]
    else:
        yield _label(words("has_it"), holder_of(case))
    if window := _window(case, words, now):
        yield window
    if case.contact:
        yield _label(words("contact"), cut(one_line(case.contact), _VALUE))


def _closed(case: Case, words: Words, now: datetime) -> Iterator[list[Raw]]:
    if case.closed_at:
        yield _timed("closed_at", case.closed_at, words, now)
    if case.agent:
        yield _label(words("had_it"), holder_of(case))
    if case.outcome:
        known = words.texts.has(f"slack_outcome_{case.outcome}")
        said = words.name_of("outcome", case.outcome) if known else one_line(case.outcome)
        yield _label(words("outcome"), cut(said, _OUTCOME))


def _waiting(case: Case, since: datetime, words: Words, now: datetime) -> list[Raw]:
    ago = kit.moment(since, "{time} ({ago})", words.clock(since, now))
    shown = [kit.words(words("waits_since") + " ", bold=True), ago]
    if case.due_at is None or snoozed(case, now):
        return shown
    late = case.due_at <= now
    name = "overdue" if late else "due"
    mark = [kit.words("  ·  ⚠️ " if late else "  ·  ")]
    return [*shown, *mark, *_timed(name, case.due_at, words, now)]


def _window(case: Case, words: Words, now: datetime) -> list[Raw]:
    if case.reply_until is None or (left := case.reply_until - now) > SHORT:
        return []
    if left <= timedelta():
        return [kit.words(f"⛔ {words('window_closed')}", bold=True)]
    if left <= URGENT:
        return [kit.words("🚨 "), *_timed("window_urgent", case.reply_until, words, now)]
    return [kit.words("⏱️ "), *_timed("window_short", case.reply_until, words, now)]


def _orders(case: Case, words: Words) -> Iterator[list[Raw]]:
    for facts in case.orders[:_ORDERS]:
        yield [*_order(facts, words)]
    if (more := len(case.orders) - _ORDERS) > 0:
        yield [kit.words(words("more_orders", count=more), italic=True)]


def _order(facts: Mapping[str, Any], words: Words) -> Iterator[Raw]:
    yield kit.words(words("order", number=one_line(str(facts.get("number", "–")))), bold=True)
    if proof := facts.get("proof"):
        yield kit.words("  " + words.name_of("proof", str(proof)), bold=proof == UNPROVEN)
    if state := facts.get("state"):
        yield kit.words(" · " + words.name_of("order", str(state)))
    for name in ("total", "payment"):
        if value := _value(facts, name):
            yield kit.words(" · " + _money(name, value, words))
    for name in ("lines", "parcels", "returns"):
        if value := _value(facts, name):
            yield kit.words(f"\n{words(f'order_{name}')}: {_stated(name, value, words)}")


def _value(facts: Mapping[str, Any], name: str) -> str:
    return cut(one_line(str(facts.get(name) or "")), _VALUE)


def _money(name: str, value: str, words: Words) -> str:
    """``84.90 EUR`` and ``invoice, paid`` as people write them."""
    if name == "total":
        return words.money(value)
    return ", ".join(words.name_of("payment", part) for part in _parts(value, ", "))


def _stated(name: str, value: str, words: Words) -> str:
    """A parcel or return ends with its state, as a code."""
    if name == "lines":
        return value
    kind = name.removesuffix("s")
    shown = []
    for part in _parts(value, "; "):
        before, _, state = part.rpartition(" ")
        shown.append(f"{before} {words.name_of(kind, state)}".strip())
    return "; ".join(shown)


def _parts(value: str, between: str) -> list[str]:
    return [part for part in value.split(between) if part]


def _understood(case: Case, words: Words) -> Iterator[list[Raw]]:
    if intents := [words.name_of("intent", name) for name in case.intents[-_STEPS:]]:
        yield _label(words("understood"), cut(" → ".join(intents), 2 * _VALUE))
    if tried := [_attempt(step, words) for step in case.tried[-_STEPS:]]:
        yield _label(words("tried"), cut(" · ".join(tried), 2 * _VALUE))


def _attempt(step: str, words: Words) -> str:
    action, _, outcome = step.partition(": ")
    return f"{words.name_of('action', action)} {words.name_of('result', outcome)}"


def _buttons(case: Case, words: Words, now: datetime, *, reveals: bool) -> list[Raw]:
    """Only what can be done now."""
    key = str(case.id)

    def press(name: str, style: str = "") -> Raw:
        return kit.button(words(f"button_{name}"), f"desk.{name}", key, style=style)

    look = [press("reveal")] if reveals else []
    if case.state == "closed":
        return [press("history"), *look]
    taken = case.state == "taken"
    first = press("back", "primary") if taken else press("take", "primary")
    options = [kit.option(words.name_of("priority", one), f"{key}:{one}") for one in PRIORITIES]
    menu = kit.select("desk.priority", options, chosen=f"{key}:{case.priority}")
    later = press("wake" if snoozed(case, now) else "snooze")
    return [first, press("done"), later, menu, press("more"), *look]


def _label(name: str, value: str) -> list[Raw]:
    return [kit.words(f"{name} ", bold=True), kit.words(value or "–")]


def _timed(name: str, at: datetime, words: Words, now: datetime) -> list[Raw]:
    """Words before a time."""
    when = kit.moment(at, _TODAY, words.clock(at, now))
    return [kit.words(f"{words(name)} ", bold=True), when]


def _notification(case: Case, words: Words) -> str:
    channel = words.name_of("channel", case.address.channel)
    told = words(
        f"told_{case.state}",
        customer=customer_of(case, words),
        channel=channel,
        reason=words.reason(case.reason),
        agent=holder_of(case) or "–",
        case=case.id,
    )
    return kit.escape(cut(one_line(told), 300))
