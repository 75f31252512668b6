"""A customer's other conversations, as the card names them. Pure."""

from __future__ import annotations

from bot.desk import Case
from bot.store.customers import Related
from plugins.slack import kit
from plugins.slack.kit import Raw, cut, one_line
from plugins.slack.words import Words

_ON_CARD = 3  # linked ones, and as many proposals
_NAME = 60
_SUBJECT = 160


def written_by(case: Case, words: Words) -> list[Raw]:
    """The subject, and whether the sender is who it seems to be, where anybody could be."""
    sender = case.sender
    if sender is None:
        return []
    lines: list[list[Raw]] = []
    if subject := cut(one_line(sender.subject), _SUBJECT):
        lines.append([kit.words(f"{words('subject')} ", bold=True), kit.words(subject)])
    if sender.proven is not None and case.state != "closed":
        who = cut(one_line(sender.address), _NAME)
        sign, name = ("✅", "sender_proven") if sender.proven else ("⚠️", "sender_unproven")
        lines.append([kit.words(f"{sign} {words(name)} ", bold=True), kit.words(who)])
        if not sender.proven:
            lines.append([kit.words(words("sender_unproven_why"), italic=True)])
    return [kit.rich(kit.lines(lines))] if lines else []


def related(case: Case, words: Words) -> list[Raw]:
    """What the card says of them: the linked ones in a line each, proposals with buttons."""
    linked = [one for one in case.related if not one.proposed]
    blocks: list[Raw] = []
    if linked:
        lines = [[kit.words(f"🔗 {told(one, words)}")] for one in linked[:_ON_CARD]]
        if (more := len(linked) - _ON_CARD) > 0:
            lines.append([kit.words(words("more_linked", count=more), italic=True)])
        blocks.append(kit.rich(kit.lines(lines)))
    if case.state != "closed":
        for one in [one for one in case.related if one.proposed][:_ON_CARD]:
            blocks += _proposal(case, one, words)
    return blocks


def _proposal(case: Case, other: Related, words: Words) -> list[Raw]:
    key = f"{case.id}:{other.conversation}"
    asked = [
        kit.words(f"👥 {words('proposed')} ", bold=True),
        kit.words(told(other, words)),
        kit.words(f"\n{words.name_of('proposed', other.reason)}", italic=True),
    ]
    buttons = [
        kit.button(words("button_link"), "desk.link", key),
        kit.button(words("button_apart"), "desk.apart", key),
    ]
    return [kit.rich(kit.line(*asked)), kit.actions(*buttons, block=f"link-{key}")]


def told(other: Related, words: Words) -> str:
    """The name, the channel, and whether a case is open there."""
    parts = [name_of(other, words), words.name_of("channel", other.address.channel)]
    if other.case is not None:
        agent = cut(one_line(other.agent_name or ""), _NAME)
        with_agent = words("other_case_with", case=other.case, agent=agent)
        parts.append(with_agent if agent else words("other_case", case=other.case))
    return " · ".join(parts)


def name_of(other: Related, words: Words) -> str:
    """Who writes in another conversation, as far as its channel tells."""
    return cut(one_line(other.name or ""), _NAME) or words("nobody_known")
