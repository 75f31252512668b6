"""Approved templates that agents choose: what may be said also when free text may not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.clean import clean_text
from bot.desk import ActField, Case, CommandResult, SendTemplate, Template
from bot.messages import Author
from bot.ports import Row, Tx
from bot.store import conversations, lines, outbox
from bot.store.telling import post_line
from desk.handoff import CaseBook
from desk.macros import Macros

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
VALUE = 800
"""Characters of a variable; a vendor may take fewer, and refuses the line then."""
OfferTemplates = Callable[[str], Sequence[Template]]
"""The templates of a channel in a language."""


@dataclass(frozen=True, kw_only=True)
class Templates:
    """``offers`` are of the channels that have some. A line of an agent's leaves after ``undo``."""

    book: CaseBook
    macros: Macros
    offers: Mapping[str, OfferTemplates]
    undo: timedelta = timedelta()

    def of(self, case: Case, words: str = "") -> list[Template]:
        """What a case's channel offers in its language, filled; ``words`` are a failed line's."""
        facts = {**self.macros.facts(case)}
        for name, value in (("customer", case.customer), ("text", _one_line(words))):
            if value:
                facts[name] = value
        offered = self._offered(case.address.channel, case.language)
        return [self._filled(one, facts, case.language) for one in offered]

    def words_of(self, tx: Tx, case: int, line: str) -> str:
        """What an agent's line said; nothing where there is none of that name."""
        return " ".join(row["text"] for row in lines.rows_of(tx, case, line) if row["text"])

    def send(self, tx: Tx, command: SendTemplate, case: Row) -> CommandResult:
        """Queue a template, by the agent who has the case: a line that is not cut or edited."""
        refusal = self.book.not_theirs(tx, case, command.agent)
        if refusal is not None:
            return refusal
        conversation, now = conversations.get(tx, case["conversation"]), self.book.clock()
        offered = self._offered(conversation["channel"], conversation["language"])
        chosen = next((one for one in offered if one.name == command.template), None)
        if chosen is None:
            return CommandResult(False, "no_such_template")
        values = {one.name: _one_line(command.values.get(one.name, "")) for one in chosen.fields}
        if not all(values.values()):
            return CommandResult(False, "template_incomplete")
        if any(len(value) > VALUE for value in values.values()):
            return CommandResult(False, "template_long")
        text = _preview(chosen.text, values)
        row = outbox.insert_send(
            tx,
            conversation=conversation,
            author=Author.AGENT,
            name=command.agent,
            text=text,
            template=chosen.name,
            facts=values,
            case=case["id"],
            not_before=now + self.undo,
            replaces=self._brought(tx, command, text),
            command=command.id,
            now=now,
        )
        post_line(tx, conversation["id"], f"out:{row}", now)
        return CommandResult(True, line=f"out:{row}")

    def _offered(self, channel: str, language: str) -> Sequence[Template]:
        offer = self.offers.get(channel)
        return () if offer is None else offer(language)

    def _filled(self, template: Template, facts: Mapping[str, Any], language: str) -> Template:
        fields = tuple(self._field(one, facts, language) for one in template.fields)
        shown = {one.name: one.value or f"[{one.title}]" for one in fields}
        return replace(template, fields=fields, text=_preview(template.text, shown))

    def _field(self, field: ActField, facts: Mapping[str, Any], language: str) -> ActField:
        texts, words = self.macros.words.texts, self.macros.words
        lacking = texts.lacks(field.value, facts)
        if lacking:
            title = ", ".join(words.title("field", name) for name in lacking)
            return replace(field, title=title, value="")
        return replace(field, value=_one_line(texts.fill(field.value, facts, language=language)))

    def _brought(self, tx: Tx, command: SendTemplate, text: str) -> str | None:
        """The failed row whose words the template brings: to send it again would double them."""
        rows = lines.rows_of(tx, command.case, command.line) if command.line else []
        if any(row["attachments"] != "[]" for row in rows):
            return None  # a template brings no files
        words = _one_line(" ".join(row["text"] for row in rows if row["text"]))
        return rows[0]["id"] if words and words in text else None


def _preview(text: str, values: Mapping[str, str]) -> str:
    # In one pass: a value that looks like a variable is none.
    return _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], text)


def _one_line(text: str) -> str:
    # Vendors take no line breaks and no runs of blanks in a variable.
    return " ".join(clean_text(text).split())
