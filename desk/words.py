"""What agents read: texts in the team's language, and titles for what has only a name in code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages import Say
from bot.ports import Texts


@dataclass(frozen=True, kw_only=True)
class Words:
    """``language`` is the one that the team reads."""

    texts: Texts
    language: str = "de"

    def say(self, response: str, facts: Mapping[str, Any] | None = None) -> str:
        """A text of the domain folders. Raises LookupError."""
        return self.texts.render(response, facts or {}, language=self.language).text

    def all(
        self, says: Sequence[Say], *, language: str | None = None, channel: str | None = None
    ) -> str:
        """What is said to a customer, as one text; by default in the team's language."""
        language = language or self.language
        parts = [
            say.text or ""
            if say.response is None
            else self.texts.render(say.response, say.facts, language=language, channel=channel).text
            for say in says
        ]
        return "\n\n".join(part for part in parts if part)

    def title(self, kind: str, name: str) -> str:
        """The title of an intent, action, argument or state; where it has none, its name."""
        response = f"title_{kind}_{name}"
        return self.say(response) if self.texts.has(response) else name.replace("_", " ")
