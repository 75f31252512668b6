"""What `bot check --online` finds out about the account."""

from __future__ import annotations

from collections.abc import Sequence

from twilio.rest import Client

from bot.ports import Problem, Retry, UnknownOutcome
from plugins.whatsapp.offline import WHERE
from plugins.whatsapp.settings import Template, WhatsAppSettings
from plugins.whatsapp.twilio_api import API_ERRORS, opened


async def online_problems(settings: WhatsAppSettings) -> Sequence[Problem]:
    """Try the credentials and look at the templates; changes nothing."""
    async with opened(settings) as (client, _):
        try:
            account = await client.api.accounts(settings.account_sid).fetch_async()
            if account.status != "active":
                return [Problem(WHERE, f"the account is {account.status}", "see Twilio's console")]
            found = [await _template(client, one) for one in settings.templates]
        except API_ERRORS as error:
            if error.status in (401, 403):
                fix = "check account_sid and SCHALTER_WHATSAPP_AUTH_TOKEN"
                return [Problem(WHERE, "Twilio refuses the credentials", fix)]
            what = f"Twilio answers {error.status} (code {error.code})"
            return [Problem(WHERE, what, "see https://www.twilio.com/docs/api/errors")]
        except (Retry, UnknownOutcome):
            what = f"{settings.api_url} cannot be reached"
            return [Problem(WHERE, what, "look at the network")]
    return [problem for problems in found for problem in problems]


async def _template(client: Client, template: Template) -> list[Problem]:
    sid = template.content_sid
    asked = client.content.v1.contents(sid)
    try:
        approval = await asked.approval_fetch().fetch_async()
        content = await asked.fetch_async()
    except API_ERRORS as error:
        if error.status != 404:
            raise
        return [Problem(WHERE, f"there is no template {sid}", "copy its SID from the console")]
    found = []
    status = (approval.whatsapp or {}).get("status")
    if status != "approved":
        what = f"the template {sid} is {status or 'not submitted'}"
        fix = "wait for its approval, or submit it in Twilio's console"
        found.append(Problem(WHERE, what, fix))
    empty = sorted(set(content.variables or {}) - set(template.variables))
    if empty:
        what = f"nothing fills {', '.join(empty)} of the template {sid}"
        found.append(Problem(WHERE, what, "name each in its variables"))
    if not str(content.language).startswith(template.language):
        what = f"the template {sid} is in '{content.language}', not in '{template.language}'"
        found.append(Problem(WHERE, what, "set its language to the template's own"))
    bodies = {str(type.get("body")) for type in (content.types or {}).values()}
    if template.title and _plain(template.text) not in map(_plain, bodies):
        what = f"the template {sid} says something else than its settings: agents are shown those"
        found.append(Problem(WHERE, what, "copy its body from the console into text"))
    return found


def _plain(text: str) -> str:
    return " ".join(text.split())
