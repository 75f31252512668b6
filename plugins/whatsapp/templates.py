"""The approved templates of the settings: what one stands for, and what agents may choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.desk import ActField
from bot.desk import Template as Offered
from bot.messages import Outbound
from bot.ports import Reject, Texts
from plugins.whatsapp import wire
from plugins.whatsapp.settings import Template


@dataclass(frozen=True)
class Templates:
    """Finds a message's template by what it says, or by the choice of an agent."""

    all: Sequence[Template]

    def standing_for(self, out: Outbound) -> Template | None:
        """The one that says what ``out`` says, in its language."""
        if out.attachments or not out.response:
            return None  # a template would say that a file is there, and leave it out
        for one in self.all:
            if (one.response, one.language) == (out.response, out.language):
                return one
        return None

    def offered(self, language: str) -> list[Offered]:
        """Those that agents may choose."""
        return [
            Offered(
                one.content_sid,
                one.title,
                one.text,
                tuple(ActField(name, "", pattern) for name, pattern in one.variables.items()),
            )
            for one in self.all
            if one.title and one.language == language
        ]

    def filled(self, out: Outbound, texts: Texts) -> tuple[str, Mapping[str, str]]:
        """The content to send for ``out.template``, and its variables. Raises Reject."""
        if not out.response:
            if not any(one.name == out.template for one in self.offered(out.language)):
                raise Reject("whatsapp_template")  # the settings do not name it any more
            chosen = {name: str(value) for name, value in out.facts.items()}
            return str(out.template), _within(chosen)
        template = self.standing_for(out)
        if template is None:
            raise Reject("whatsapp_template")
        facts = {"agent": out.name or "", **out.facts, "text": out.text}
        return template.content_sid, _within(
            {
                name: wire.one_line(texts.fill(pattern, facts, language=out.language))
                for name, pattern in template.variables.items()
            }
        )


def _within(variables: Mapping[str, str]) -> Mapping[str, str]:
    if sum(map(len, variables.values())) > wire.TEMPLATE_LIMIT:
        raise Reject("whatsapp_template_long")
    return variables
