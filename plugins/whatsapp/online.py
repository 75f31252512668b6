"""What `bot check --online` finds out about the account."""

from __future__ import annotations

from collections.abc import Sequence

from twilio.rest import Client

from bot.ports import Problem, Retry, UnknownOutcome
from plugins.whatsapp.offline import WHERE
from plugins.whatsapp.settings import WhatsAppSettings
from plugins.whatsapp.twilio_api import API_ERRORS, opened


async def online_problems(settings: WhatsAppSettings) -> Sequence[Problem]:
    """Try the credentials and look at the templates; changes nothing."""
    async with opened(settings) as (client, _):
        try:
            account = await client.api.accounts(settings.account_sid).fetch_async()
            if account.status != "active":
                return [Problem(WHERE, f"the account is {account.status}", "see Twilio's console")]
            found = [await _template(client, one.content_sid) for one in settings.templates]
        except API_ERRORS as error:
            if error.status in (401, 403):
                fix = "check account_sid and SCHALTER_WHATSAPP_AUTH_TOKEN"
                return [Problem(WHERE, "Twilio refuses the credentials", fix)]
            what = f"Twilio answers {error.status} (code {error.code})"
            return [Problem(WHERE, what, "see https://www.twilio.com/docs/api/errors")]
        except (Retry, UnknownOutcome):
            what = f"{settings.api_url} cannot be reached"
            return [Problem(WHERE, what, "look at the network")]
    return [problem for problem in found if problem is not None]


async def _template(client: Client, sid: str) -> Problem | None:
    try:
        approval = await client.content.v1.contents(sid).approval_fetch().fetch_async()
    except API_ERRORS as error:
        if error.status != 404:
            raise
        return Problem(WHERE, f"there is no template {sid}", "copy its SID from the console")
    status = (approval.whatsapp or {}).get("status")
    if status == "approved":
        return None
    what = f"the template {sid} is {status or 'not submitted'}"
    return Problem(WHERE, what, "wait for its approval, or submit it in Twilio's console")
