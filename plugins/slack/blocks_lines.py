"""What stands in the thread of a case: lines, what was said before, and what went wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from bot.clean import clean_text
from bot.desk import Case, HistoryLine
from bot.messages import Attachment, Author, Kind, State
from plugins.slack import kit
from plugins.slack.blocks import Shown, customer_of
from plugins.slack.kit import Raw, cut, fit, one_line, weight
from plugins.slack.words import Words

TEXT = 8000
"""Of one line; the rest of a longer one comes as a file. Slack takes 13,200 for all blocks."""
_PIECE = 2900
_QUOTE, _SAID, _NOTIFIED = 200, 500, 150
_TRANSCRIPT = 10_500
_MARKUP = 60  # around each piece of text
MEGA = 1024 * 1024


def is_long(line: HistoryLine) -> bool:
    """Whether the thread can only show the beginning."""
    return weight(line.text) > TEXT


def line_message(case: Case, line: HistoryLine, words: Words) -> Shown:
    """A line, as a message in the thread."""
    who = _who(case, line, words)
    blocks = [kit.small(" · ".join([who, *_remarks(line, words)])), kit.rich(*_body(line, words))]
    if is_long(line):
        blocks.append(kit.small(words("whole_as_file")))
    if line.state is State.DRAFT:
        blocks.append(_draft_buttons(f"{case.id}:{line.id}", words))
    blocks += _folded(case, line, words)
    said = line.text or ", ".join(one.name for one in line.attachments)
    return Shown(kit.escape(cut(one_line(f"{who}: {said}"), _NOTIFIED)), blocks)


def transcript(case: Case, lines: Sequence[HistoryLine], words: Words) -> Shown:
    """What was said before the case opened, in one message: the latest that fits."""
    shown: list[list[Raw]] = []
    room = _TRANSCRIPT
    for line in reversed(lines):
        said = [*_said(case, line, words)]
        room -= sum(weight(part["text"]) + _MARKUP for part in said)
        if room < 0 and shown:
            break
        shown.insert(0, said)
    blocks = [kit.small(words("said_before")), kit.rich(*(kit.line(*said) for said in shown))]
    more = kit.button(words("button_history"), "desk.history", str(case.id))
    return Shown(kit.escape(words("said_before")), [*blocks, kit.actions(more)])


def page(case: Case, lines: Iterable[HistoryLine], words: Words, now: datetime) -> list[Raw]:
    """Lines of the history, for a modal."""
    blocks: list[Raw] = []
    for line in lines:
        who = [_who(case, line, words), words.clock(line.at, now), *_remarks(line, words)]
        blocks += [kit.small(" · ".join(who)), kit.rich(*_body(line, words, most=1500))]
        if line.state is State.DRAFT:
            blocks.append(_draft_buttons(f"{case.id}:{line.id}", words))
        blocks += _folded(case, line, words)
    return blocks or [kit.rich(kit.line(kit.words(words("history_empty"), italic=True)))]


def settled(line: HistoryLine, words: Words, name: str, agent: str) -> Shown:
    """What became of such a line; ``name`` is that of its words."""
    told = words(name, agent=one_line(agent))
    return Shown(kit.escape(told), about(told, "", line))


def _draft_buttons(key: str, words: Words) -> Raw:
    names = ("send_draft", "edit_draft", "drop_draft")
    return kit.actions(
        *(kit.button(words(f"button_{name}"), f"desk.{name}", key) for name in names)
    )


def _folded(case: Case, line: HistoryLine, words: Words) -> list[Raw]:
    """What shows the quoted text, where there is some."""
    if not line.folded:
        return []
    key = f"{case.id}:0:{line.id}"
    return [kit.actions(kit.button(words("button_folded"), "desk.folded", key))]


def unchanged(line: HistoryLine, words: Words) -> Shown:
    """A change of a line that did not reach the customer, who still has the line."""
    why = words.reason(line.reason or "")
    return Shown(kit.escape(why), about(f"⚠️ {why}", "", line))


def undo(case: int, command: str, customer: str, words: Words) -> Shown:
    """To the agent alone: the line can still be stopped."""
    text = words("undo", customer=customer)
    stop = kit.button(words("button_stop"), "desk.stop", f"{case}:{command}", style="danger")
    return Shown(kit.escape(text), [kit.small(text), kit.actions(stop)])


def file_missing(attachment: Attachment, words: Words) -> Shown:
    """A file that Slack does not take: the line only names it."""
    text = words("file_missing", name=cut(one_line(attachment.name), 100) or "–")
    return Shown(kit.escape(text), [kit.rich(kit.line(kit.words(f"⚠️ {text}")))])


def called(user: str, text: str) -> Shown:
    """A message that notifies somebody. ``user`` is Slack's id."""
    told = [kit.person(user), kit.words(f" {text}")]
    return Shown(f"<@{user}> {kit.escape(text)}", [kit.rich(kit.line(*told))])


def about(title: str, why: str, line: HistoryLine) -> list[Raw]:
    """What a line said, and beneath it what is to know of it."""
    said = cut(one_line(line.text) or ", ".join(a.name for a in line.attachments), _QUOTE)
    parts = [kit.line(kit.words(title, bold=bool(why)), kit.words(f"\n{why}" if why else ""))]
    return [kit.rich(kit.quote(kit.words(said)), *parts)]


def _who(case: Case, line: HistoryLine, words: Words) -> str:
    name = cut(one_line(line.name or ""), 60)
    match line.author:
        case Author.CUSTOMER:
            return f"👤 {customer_of(case, words)}"
        case Author.BOT:
            return f"🤖 {words('bot')}"
        case Author.SYSTEM:
            return f"⚙️ {words('system')}"
        case Author.AGENT:
            return f"💬 {words('agent_to_customer', agent=name or '–')}"
        case _:
            return f"🔒 {words('note_of', agent=name or words('system'))}"


def _remarks(line: HistoryLine, words: Words) -> Iterator[str]:
    """What is special about a line."""
    if line.channel:
        yield words.name_of("channel", line.channel)
    if line.kind is Kind.EDIT or line.edited:
        yield words("edited")
    elif line.kind is Kind.DELETE:
        yield words("deleted")
    elif line.kind is Kind.BUTTON:
        yield words("pressed")
    elif line.kind is Kind.AUTOMATIC:
        yield words("automatic")
    if line.state is State.DRAFT:
        yield f"⚠️ {words('draft_effect')}" if line.effect else f"✏️ {words('draft')}"
        if line.reason:
            yield words.reason(line.reason)
    elif line.state in (State.FAILED, State.UNKNOWN, State.CANCELLED):
        yield words.name_of("state", line.state.value)


def _body(line: HistoryLine, words: Words, *, most: int = TEXT) -> Iterator[Raw]:
    if line.quote:
        yield kit.quote(kit.words(cut(one_line(line.quote), _QUOTE), italic=True))
    gone = line.kind is Kind.DELETE or line.state is State.CANCELLED
    text = fit(clean_text(line.text), most)
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    yield kit.line(*(kit.words(piece, strike=gone) for piece in pieces))
    if line.attachments:
        yield kit.lines([[*_file(one, words)] for one in line.attachments])


def _file(attachment: Attachment, words: Words) -> Iterator[Raw]:
    name = cut(one_line(attachment.name), 100) or "–"
    size = f" ({_size(attachment.size)})" if attachment.size else ""
    yield kit.words(f"📎 {name}{size}")
    if attachment.error:
        yield kit.words(f" · ⚠️ {words.reason(attachment.error)}")
    elif attachment.file is None:
        yield kit.words(f" · {words('file_coming')}", italic=True)


def _size(count: int) -> str:
    return f"{count / MEGA:.1f} MB" if count >= MEGA else f"{max(1, round(count / 1024))} KB"


def _said(case: Case, line: HistoryLine, words: Words) -> Iterator[Raw]:
    """One line of the transcript."""
    yield kit.words(_who(case, line, words), bold=True)
    if remarks := [*_remarks(line, words)]:
        yield kit.words(f" ({', '.join(remarks)})", italic=True)
    yield kit.words(f"\n{cut(clean_text(line.text), _SAID)}" if line.text else "")
    for attachment in line.attachments:
        yield kit.words("\n")
        yield from _file(attachment, words)
    yield kit.words("\n")
