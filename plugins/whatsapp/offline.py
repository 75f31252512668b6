"""What `bot check` finds out without a look at Twilio."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.messages import AGENT_LINE
from bot.ports import Problem
from host.texts import TextsBook
from plugins.whatsapp.settings import Template, WhatsAppSettings

_FACT = re.compile(r"\{(\w+)")
_TOKEN = re.compile(r"[0-9a-f]{32}")
WHERE = "channel whatsapp"
TEMPLATE_FACTS = frozenset({"agent", "text"})
"""What a template may be filled with beside the facts of the text that it stands for."""


def offline_problems(settings: WhatsAppSettings, public_url: str) -> Iterator[Problem]:
    """What cannot work with these settings."""
    if not public_url:
        what = "Twilio cannot call the bot: its address from outside is not known"
        yield Problem(WHERE, what, "set [bot] public_url = 'https://...'")
    elif not public_url.startswith("https://"):
        what = "Twilio calls the bot without encryption"
        yield Problem(WHERE, what, "set [bot] public_url to an https address", fatal=False)
    if _TOKEN.fullmatch(settings.auth_token.get_secret_value()) is None:
        what = "SCHALTER_WHATSAPP_AUTH_TOKEN does not look like an account's auth token"
        fix = "copy it from Twilio's console: 32 digits or letters a to f, no API key's secret"
        yield Problem(WHERE, what, fix, fatal=False)
    named = [(one.response, one.language) for one in settings.templates if one.response]
    for response, language in sorted(set(named)):
        if named.count((response, language)) > 1:
            what = f"two templates stand for '{response}' in '{language}'; the first is used"
            yield Problem(WHERE, what, "remove one", fatal=False)
    chosen = [(one.content_sid, one.language) for one in settings.templates if one.title]
    for sid in sorted(
        {sid for sid, _ in chosen if len([1 for one, _ in chosen if one == sid]) > 1}
    ):
        what = f"the template {sid} has a title more than once"
        yield Problem(WHERE, what, "agents choose it by one: remove the others")
    if not settings.templates:
        what = (
            "there is no template: nothing can be said 24 hours after the customer's last message"
        )
        yield Problem(WHERE, what, "see docs/how-to/whatsapp.md", fatal=False)


def template_problems(templates: Sequence[Template], texts: TextsBook) -> Iterator[Problem]:
    """Templates that stand for no text, or are filled with what the text does not tell."""
    for template in templates:
        where = f"{WHERE}, template {template.content_sid}"
        if template.response not in ("", AGENT_LINE) and not texts.has(template.response):
            what = f"it stands for '{template.response}', and there is no such text"
            yield Problem(where, what, f"name one of nlu/domain/, or '{AGENT_LINE}'")
            continue
        facts = TEMPLATE_FACTS | texts.facts_of(template.response)
        for name, pattern in template.variables.items():
            if not template.response:  # what an agent must enter is found by looking at the case
                facts = facts | set(_FACT.findall(pattern))
            yield from texts.pattern_problems(f"{where}, variable {name}", pattern, facts)
