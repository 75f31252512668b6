"""A line that did not arrive: why, and what can be done. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import quote

from bot.desk import Case, HistoryLine, Template
from bot.messages import Author, State
from plugins.slack import blocks_modals, kit
from plugins.slack.blocks import Shown, customer_of
from plugins.slack.blocks_lines import about
from plugins.slack.kit import Raw, one_line
from plugins.slack.words import Words

VALUE = 800
"""Characters of a template's variable."""
_PREVIEW = 2900
_ADDRESS = 254  # characters; none is longer
_SAFE = "@+-._~"  # of an address in a link


def trouble(
    case: int, line: HistoryLine, words: Words, *, contact: str = "", templates: bool = False
) -> Shown:
    """A line that did not arrive, or perhaps not.

    ``contact`` is an e-mail address of the customer's; ``templates``: there are some to send.
    """
    unknown = line.state is State.UNKNOWN
    title = words("line_unknown" if unknown else "line_failed")
    why = words.reason(line.reason or ("unknown" if unknown else "failed_somehow"))
    blocks = about(f"{'❓' if unknown else '❌'} {title}", why, line)
    if contact:
        blocks += _by_mail(contact, words)
    offers = templates and is_for_template(line)
    blocks.append(kit.actions(*_choices(case, line, words, unknown=unknown, templates=offers)))
    return Shown(kit.escape(one_line(f"{title}: {why}")), blocks)


def is_for_template(line: HistoryLine) -> bool:
    """Whether an approved template could go out where the line could not."""
    return (line.author, line.state, line.reason) == (Author.AGENT, State.FAILED, "window_closed")


def template_sent(
    case: int, line: HistoryLine, words: Words, agent: str, *, brought: bool
) -> Shown:
    """A template went out; ``brought``: it says what the line says, which is settled then."""
    name = "sent_in_template" if brought else "sent_template"
    said = words(name, agent=one_line(agent))
    blocks = about(said, "", line)
    if not brought:
        blocks.append(kit.actions(*_choices(case, line, words, unknown=False, templates=False)))
    return Shown(kit.escape(said), blocks)


def pick_template(
    case: Case,
    line: str,
    found: Sequence[Template],
    words: Words,
    chosen: Template | None = None,
    *,
    changed: bool = False,
) -> Raw:
    """A template: chosen, read, its gaps filled, and then sent. ``line`` is the failed one."""
    title = words("modal_template")
    if not found:
        return blocks_modals.message(title, words("no_templates"), words)
    options = [kit.option(one.title, str(number)) for number, one in enumerate(found[:100])]
    number = None if chosen is None else str(found.index(chosen))
    menu = kit.select(
        "desk.template_pick", options, placeholder=words("template_pick"), chosen=number
    )
    blocks = [
        kit.section(words("template_changed" if changed else "template_explained")),
        kit.field("template", words("template_label"), menu, dispatch=True),
    ]
    carried: Raw = {"line": line}
    if chosen is not None:
        blocks += _filled(case, chosen, words)
        carried |= {"template": chosen.name, "seen": fingerprint(chosen)}
    submit = words("button_next" if chosen is None else "button_send")
    return kit.modal(
        "desk.template",
        title,
        blocks,
        keep=blocks_modals.keep(case.id, **carried),
        submit=submit,
        close=words("button_cancel"),
    )


def gap(template: Template, name: str) -> str:
    """The block of a variable. Slack keeps what was typed in a block of the same id."""
    return f"gap-{template.name}-{name}"[:255]


def fingerprint(template: Template) -> str:
    """What tells whether a template is still the one that an agent has seen."""
    return hashlib.sha256(repr(template).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _filled(case: Case, template: Template, words: Words) -> list[Raw]:
    shown = kit.quote(kit.words(kit.cut(template.text, _PREVIEW)))
    preview = kit.small(words("template_preview", customer=customer_of(case, words)))
    gaps = [
        kit.field(
            gap(template, one.name),
            one.title,
            kit.typed("value", long=True, most=VALUE),
            hint=words("template_hint"),
        )
        for one in template.fields
        if not one.value
    ]
    return [preview, kit.rich(shown), *gaps]


def _choices(
    case: int, line: HistoryLine, words: Words, *, unknown: bool, templates: bool
) -> list[Raw]:
    key = f"{case}:{line.id}"
    leave = kit.button(words("button_leave"), "desk.leave", key)
    if line.author is not Author.AGENT:
        # What the bot said is sent again by `bot dead replay`: an agent says it better anew.
        return [leave]
    sure = kit.confirm(
        words("again_title"), words("again_sure"), words("button_again"), words("button_cancel")
    )
    style = "" if templates else "primary"
    again = kit.button(
        words("button_again"), "desk.again", key, style=style, ask=sure if unknown else None
    )
    if not templates:
        return [again, leave]
    return [
        kit.button(words("button_template"), "desk.template", key, style="primary"),
        again,
        leave,
    ]


def _by_mail(contact: str, words: Words) -> list[Raw]:
    """The address, to copy or to open in one's own mail program: there is no mail channel."""
    address = kit.cut(one_line(contact), _ADDRESS)
    link = kit.words(address)
    if address == contact:
        link = {"type": "link", "url": f"mailto:{quote(address, safe=_SAFE)}", "text": address}
    said = kit.line(kit.words(f"✉️ {words('by_mail')} "), link)
    return [kit.rich(said), kit.small(words("by_mail_why"))]
