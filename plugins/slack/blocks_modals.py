"""The desk's modals. Pure; what is entered comes back as ``kit.entered(view, block)``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.clean import clean_text
from bot.desk import Acted, Case, HistoryLine, Macro, OrderAction, Preview
from plugins.slack import kit
from plugins.slack.blocks import customer_of, holder_of
from plugins.slack.blocks_customers import told
from plugins.slack.kit import Raw, cut, one_line
from plugins.slack.words import Words

OWN = "own"
"""The value of a choice that says: what I write myself."""
OUTCOMES = ("answered", "address", "return", "cancelled", "refund", "replaced")
SNOOZES = ("hour", "hours", "workday", "week")
TOOLS = (*("macro", "order", "note", "assign", "language", "release", "link", "unlink", "history"),)
LANGUAGES = ("de", "en")
_PIECE, _PIECES = 2900, 20  # characters of a block, and blocks of a page of quoted text
_ARGUMENT = 250  # characters; all of a form's come back in one field of 3,000


def keep(case: int, **more: Any) -> str:
    """What a modal brings back."""
    return json.dumps({"case": case, **more}, separators=(",", ":"))


def kept(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """What it brought."""
    found = json.loads(view.get("private_metadata") or "{}")
    return found if isinstance(found, dict) else {}


def of_case(
    name: str, words: Words, case: int, blocks: Sequence[Raw], *, submit: str = "", **more: Any
) -> Raw:
    """A modal about a case; ``more`` comes back with what is submitted."""
    return kit.modal(
        f"desk.{name}",
        words(f"modal_{name}"),
        blocks,
        keep=keep(case, **more),
        submit=words(f"button_{submit}") if submit else "",
        close=words("button_cancel" if submit else "button_close"),
    )


def message(title: str, text: str, words: Words) -> Raw:
    """A modal that says something."""
    close = words("button_close")
    return kit.modal("desk.nothing", title, [kit.section(text)], close=close)


def take(case: Case, words: Words) -> Raw:
    """A colleague has the case: sure?"""
    text = words("take_sure", agent=holder_of(case), customer=customer_of(case, words))
    return of_case("take", words, case.id, [kit.section(text)], submit="take", holder=case.agent)


def hand_back(case: Case, words: Words) -> Raw:
    """With an outcome that the customer reads, in the customer's language."""
    said = [words.said(f"said_{name}", case.language) for name in OUTCOMES]
    options = [kit.option(text, name) for name, text in zip(OUTCOMES, said, strict=True)]
    options.append(kit.option(words("outcome_none"), "none"))
    hint = words("outcome_hint", language=words.name_of("language", case.language))
    blocks = [
        kit.section(words("back_explained", customer=customer_of(case, words))),
        kit.field("pick", words("outcome_pick"), kit.select("pick", options), optional=True),
        kit.field(
            "own",
            words("outcome_own"),
            kit.typed("own", long=True, most=1000),
            hint=hint,
            optional=True,
        ),
        _note_field(words),
    ]
    return of_case("back", words, case.id, blocks, submit="back", language=case.language)


def outcome_of(view: Mapping[str, Any], words: Words) -> str:
    """The sentence for the customer: the written one, or else the picked one."""
    if own := kit.entered(view, "own").strip():
        return own
    name = kit.entered(view, "pick")
    language = str(kept(view).get("language", words.language))
    return words.said(f"said_{name}", language) if name in OUTCOMES else ""


def done(case: Case, words: Words) -> Raw:
    """The end, with an outcome that stays inside."""
    blocks = [
        kit.section(words("done_explained", customer=customer_of(case, words))),
        kit.field("outcome", words("done_outcome"), kit.typed("outcome", most=300), optional=True),
        _note_field(words),
    ]
    return of_case("done", words, case.id, blocks, submit="done")


def snooze(case: Case, words: Words, times: Mapping[str, datetime], now: datetime) -> Raw:
    """Until when; ``times`` are the moments of the choices."""
    options = [
        kit.option(words(f"snooze_{name}", at=words.clock(times[name], now)), name)
        for name in SNOOZES
        if name in times
    ]
    options.append(kit.option(words("snooze_own"), OWN))
    soon: Raw = {"type": "datetimepicker", "action_id": "at"}
    soon |= {"initial_date_time": int((now + timedelta(hours=2)).timestamp())}
    blocks = [
        kit.section(words("snooze_explained")),
        kit.field("until", words("snooze_until"), kit.radio("until", options, chosen="hour")),
        kit.field("at", words("snooze_at"), soon, optional=True),
    ]
    more = {name: at.isoformat() for name, at in times.items()}
    return of_case("snooze", words, case.id, blocks, submit="snooze", times=more)


def more(case: Case, words: Words, agent: str) -> Raw:
    """Everything that is not on the card. ``agent`` is who opened it."""
    key = str(case.id)
    mine = case.agent == agent
    hidden = set() if mine else {"macro", "release"}
    if case.agent is not None and not mine:
        hidden |= {"assign", "language"}
    if all(one.proposed for one in case.related):
        hidden.add("unlink")
    tools = [name for name in TOOLS if name not in hidden]
    blocks = [
        kit.section(
            words(f"tool_{name}"),
            kit.button(words(f"button_{name}"), f"desk.tool.{name}", key),
            block=f"tool-{name}",
        )
        for name in tools
    ]
    if case.agent is not None and not mine:
        over = kit.button(words("button_take"), "desk.tool.take", key)
        blocks.insert(0, kit.section(words("tool_take", agent=holder_of(case)), over))
    return of_case("more", words, case.id, blocks)


def note(case: Case, words: Words) -> Raw:
    """A line that stays inside."""
    field = kit.field("note", words("note_label"), kit.typed("note", long=True))
    return of_case("note", words, case.id, [field], submit="save")


def draft(case: Case, line: HistoryLine, words: Words) -> Raw:
    """What the bot would have said, to be changed and sent."""
    if kit.width(line.text) > kit.INPUT:
        return message(words("modal_draft"), words("draft_long"), words)
    label = words("draft_label", customer=customer_of(case, words))
    field = kit.field("draft", label, kit.typed("draft", value=line.text, long=True))
    return of_case("draft", words, case.id, [field], submit="send", line=line.id)


def folded(case: int, line: HistoryLine, words: Words, at: int) -> Raw:
    """What a message quotes; ``at`` is the page."""
    text = clean_text(line.folded)
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    first = min(at * _PIECES, max(0, len(pieces) - 1))
    blocks = [kit.rich(kit.line(kit.words(piece))) for piece in pieces[first : first + _PIECES]]
    turn = [
        kit.button(words(f"button_{name}"), f"desk.folded.{name}", f"{case}:{page}:{line.id}")
        for name, page, there in (
            ("folded_back", at - 1, at > 0),
            ("folded_on", at + 1, first + _PIECES < len(pieces)),
        )
        if there
    ]
    return of_case("folded", words, case, [*blocks, *([kit.actions(*turn)] if turn else [])])


def assign(case: Case, words: Words) -> Raw:
    """To a colleague."""
    users = {"type": "users_select", "action_id": "to"}
    field = kit.field("to", words("assign_label"), users, hint=words("assign_hint"))
    return of_case("assign", words, case.id, [field], submit="assign")


def language(case: Case, words: Words) -> Raw:
    """In which the bot and the macros go on."""
    options = [kit.option(words.name_of("language", one), one) for one in LANGUAGES]
    chosen = kit.select("language", options, chosen=case.language)
    field = kit.field("language", words("language_label"), chosen)
    return of_case("language", words, case.id, [field], submit="save")


def unlink(case: Case, words: Words) -> Raw:
    """Which conversation is somebody else's."""
    linked = [one for one in case.related if not one.proposed]
    if not linked:
        return message(words("modal_unlink"), words("nothing_linked"), words)
    options = [
        kit.option(told(one, words), str(one.conversation), words.name_of("link", one.reason))
        for one in linked
    ]
    if len(linked) > 1:  # of two it is the same which one leaves
        options.append(kit.option(words("unlink_this"), str(case.conversation)))
    first = options[0]["value"]
    menu = kit.select("other", options, chosen=first)
    blocks = [
        kit.section(words("unlink_explained")),
        kit.field("other", words("unlink_label"), menu),
    ]
    return of_case("unlink", words, case.id, blocks, submit="unlink")


def link(case: Case, words: Words) -> Raw:
    """With which case."""
    blocks = [
        kit.section(words("link_explained")),
        kit.field("case", words("link_label"), kit.typed("case", most=12)),
    ]
    return of_case("link", words, case.id, blocks, submit="link")


def revealed(case: Case, shown: Case, words: Words) -> Raw:
    """Who a customer is, for who asked alone; ``shown`` is the case with the pseudonym."""
    channel = words.name_of("channel", case.address.channel)
    where = case.sender.address if case.sender else case.address.id
    facts = [(words("reveal_name"), customer_of(case, words)), (channel, where)]
    if case.contact:
        facts.append((words("contact"), case.contact))
    for one in case.related:
        told_as = f"{words.name_of('channel', one.address.channel)}: {one.address.id}"
        mark = "👥" if one.proposed else "🔗"
        facts.append((f"{mark} {one.name or words('nobody_known')}", told_as))
    lines = [
        [kit.words(f"{cut(one_line(name), 60)}: ", bold=True), kit.words(cut(one_line(value), 200))]
        for name, value in facts
    ]
    blocks = [
        kit.section(customer_of(shown, words)),
        kit.rich(kit.lines(lines)),
        kit.small(words("reveal_logged")),
    ]
    return of_case("reveal", words, case.id, blocks)


def macros(case: Case, found: Sequence[Macro], words: Words, chosen: Macro | None = None) -> Raw:
    """A prepared text: chosen, read, changed, and then sent."""
    if not found:
        return message(words("modal_macro"), words("no_macros"), words)
    options = [kit.option(one.title, one.name) for one in found[:100]]
    menu = kit.select("desk.macro", options, placeholder=words("macro_pick"))
    if chosen is not None:
        menu |= kit.select("desk.macro", options, chosen=chosen.name)
    blocks = [kit.field("macro", words("macro_label"), menu, dispatch=True)]
    if chosen is None:
        return of_case("macro", words, case.id, blocks, submit="next")
    # Slack keeps what was typed in a field of the same id: another macro needs another one.
    text = kit.typed("text", value=chosen.text, long=True)
    hint = words("macro_hint", customer=customer_of(case, words))
    blocks.append(kit.field(macro_field(chosen.name), words("macro_text"), text, hint=hint))
    return of_case("macro", words, case.id, blocks, submit="send", macro=chosen.name)


def macro_field(name: str) -> str:
    """The block that a macro's text is in."""
    return f"text-{name}"[:255]


def order_actions(case: Case, found: Sequence[OrderAction], words: Words) -> Raw:
    """Which action."""
    if not found:
        return message(words("modal_order"), words("no_order_actions"), words)
    blocks = [
        kit.section(
            one.title, kit.button(words("button_pick"), f"desk.act.{one.name}", str(case.id))
        )
        for one in found[:50]
    ]
    return of_case("order", words, case.id, blocks)


def order_form(case: int, action: OrderAction, words: Words) -> Raw:
    """Its arguments, as far as the case tells them."""
    blocks = [
        kit.field(
            f"field-{one.name}"[:255],
            one.title,
            kit.typed("value", value=one.value, most=_ARGUMENT),
            optional=not one.required,
        )
        for one in action.fields[:50]
    ]
    blocks.insert(0, kit.section(words("act_explained", action=action.title)))
    submit = "run" if action.read_only else "preview"
    carried = {"action": action.name, "reads": action.read_only}
    return of_case("act", words, case, blocks, submit=submit, **carried)


def arguments_of(view: Mapping[str, Any]) -> dict[str, str]:
    """What was entered in the form."""
    values = view.get("state", {}).get("values", {})
    blocks = [name for name in values if name.startswith("field-")]
    entered = {name.removeprefix("field-"): kit.entered(view, name).strip() for name in blocks}
    return {name: value for name, value in entered.items() if value}


def order_preview(case: int, action: str, made: Preview, words: Words, act: str) -> Raw:
    """What would happen; nothing did yet. ``act`` is the id under which it will run once."""
    if not made.possible:
        return message(words("modal_act"), made.text or words("act_impossible"), words)
    tell = kit.checkbox("tell", words("act_tell"), on=True)
    blocks = [
        kit.section(made.text),
        kit.field("tell", words("act_tell_label"), tell, optional=True),
        kit.small(words("act_audited")),
    ]
    carried: Raw = {"action": action, "act": act, "version": made.version}
    carried |= {"arguments": dict(made.arguments)}
    return of_case("confirm", words, case, blocks, submit="run", **carried)


def order_running(words: Words) -> Raw:
    """While the shop works."""
    return message(words("modal_act"), words("act_running"), words)


def order_result(made: Acted, words: Words) -> Raw:
    """What became of it."""
    text = made.text or (words("act_done") if made.done else "")
    if not made.done:
        why = words.reason(made.reason) if made.reason else ""
        text = "\n\n".join(part for part in (why, text) if part) or words("act_impossible")
    return message(words("modal_act"), f"{'✅' if made.done else '⚠️'} {text}", words)


def history(
    case: int, blocks: Sequence[Raw], words: Words, *, at: int, before: bool, after: bool
) -> Raw:
    """A page of what was said; ``at`` is the number of pages from the end."""
    turn: list[Raw] = []
    if before:
        turn.append(kit.button(words("button_earlier"), "desk.page.earlier", f"{case}:{at + 1}"))
    if after:
        turn.append(kit.button(words("button_later"), "desk.page.later", f"{case}:{at - 1}"))
    shown = [*blocks[:98], *([kit.actions(*turn)] if turn else [])]
    return of_case("history", words, case, shown)


def errors(**complaints: str) -> Raw:
    """The answer to a submission that cannot be taken: under which field stands what."""
    told = {block: kit.cut(text, 2000) for block, text in complaints.items()}
    return {"response_action": "errors", "errors": told}


def replaced(view: Raw) -> Raw:
    """The answer to a submission that shows another modal in its place."""
    return {"response_action": "update", "view": view}


def named(found: Iterable[Any], name: str) -> Any:
    """The macro or action of a name; ``None`` when it is gone."""
    return next((one for one in found if one.name == name), None)


def _note_field(words: Words) -> Raw:
    note = kit.typed("note", long=True, most=2000)
    return kit.field("note", words("note_optional"), note, optional=True)
