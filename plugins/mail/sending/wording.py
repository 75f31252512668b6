"""The words around what is said: who it is from, what it is about, and what stands below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.messages import Author, Outbound
from bot.ports import Texts
from plugins.mail.sending.compose import base_subject, reply_subject
from plugins.mail.settings import Mailbox

GREETING = "mail_greeting"
"""The response above what no person wrote."""


@dataclass(frozen=True, slots=True)
class Wording:
    """For one message that goes out from one mailbox."""

    texts: Texts
    box: Mailbox
    out: Outbound

    def sender(self) -> str:
        """The name beside the address; of an agent the first name, as everywhere."""
        shop = self._shop()
        if self.out.author is not Author.AGENT or not self.out.name:
            return shop
        first = self.out.name.split()[0] if self.out.name.split() else self.out.name
        return self._said("mail_from_agent", agent=first, shop=shop)

    def subject(self, theirs: str, *, answers: bool) -> str:
        """The subject in a thread whose first one is ``theirs``."""
        own = f"mail_subject_{(self.out.response or '').removeprefix('utter_')}"
        if self.out.response and self.texts.has(own):
            # An answer in the thread as it may be, it is looked for by what it is about.
            return self._said(own, **self.out.facts)
        subject = theirs if base_subject(theirs) else self._said("mail_subject", shop=self._shop())
        return reply_subject(subject) if answers else subject

    def text(self) -> str:
        """What is said, with a greeting above it; an agent greets, or not, as they like."""
        said = self.out.text
        if self.out.author is Author.AGENT:
            return said
        greeting = self._said(GREETING)
        if said.lower().startswith(greeting.lower().rstrip(",!")):
            return said
        return f"{greeting}\n\n{said}"

    def footer(self, *, answers: bool) -> str:
        """That no person wrote it and how to reach one, and the mailbox's signature."""
        said = ""
        if self.out.author is not Author.AGENT:
            name = "mail_footer_answer" if answers else "mail_footer_notice"
            said = self._said(name, shop=self._shop())
        return "\n\n".join(part for part in (said, self.box.signature) if part)

    def _shop(self) -> str:
        return self.box.from_name or self._said("mail_from")

    def _said(self, response: str, **facts: Any) -> str:
        return self.texts.render(
            response, facts, language=self.out.language, channel=self.out.address.channel
        ).text
