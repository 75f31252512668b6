"""What `bot check` and `bot check --online` find out about the account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twilio.rest import Client

from bot.ports import Problem, Retry, UnknownOutcome
from plugins.whatsapp.settings import WhatsAppSettings
from plugins.whatsapp.twilio_api import API_ERRORS, opened

_WHERE = "channel whatsapp"


def offline_problems(settings: WhatsAppSettings, public_url: str) -> Iterator[Problem]:
    """What cannot work with these settings."""
    if not public_url:
        what = "Twilio cannot call the bot: its address from outside is not known"
        yield Problem(_WHERE, what, "set [bot] public_url = 'https://...'")
    elif not public_url.startswith("https://"):
        what = "Twilio calls the bot without encryption"
        yield Problem(_WHERE, what, "set [bot] public_url to an https address", fatal=False)
    named = [(one.response, one.language) for one in settings.templates]
    for response, language in sorted(set(named)):
        if named.count((response, language)) > 1:
            what = f"two templates stand for '{response}' in '{language}'; the first is used"
            yield Problem(_WHERE, what, "remove one", fatal=False)
    if not settings.templates:
        what = (
            "there is no template: nothing can be said 24 hours after the customer's last message"
        )
        yield Problem(_WHERE, what, "see docs/how-to/whatsapp.md", fatal=False)


async def online_problems(settings: WhatsAppSettings) -> Sequence[Problem]:
    """Try the credentials and look at the templates; changes nothing."""
    async with opened(settings) as (client, _):
        try:
            account = await client.api.accounts(settings.account_sid).fetch_async()
            if account.status != "active":
                return [Problem(_WHERE, f"the account is {account.status}", "see Twilio's console")]
            found = [await _template(client, one.content_sid) for one in settings.templates]
        except API_ERRORS as error:
            if error.status in (401, 403):
                fix = "check account_sid and SCHALTER_WHATSAPP_AUTH_TOKEN"
                return [Problem(_WHERE, "Twilio refuses the credentials", fix)]
            what = f"Twilio answers {error.status} (code {error.code})"
            return [Problem(_WHERE, what, "see https://www.twilio.com/docs/api/errors")]
        except (Retry, UnknownOutcome):
            what = f"{settings.api_url} cannot be reached"
            return [Problem(_WHERE, what, "look at the network")]
    return [problem for problem in found if problem is not None]


async def _template(client: Client, sid: str) -> Problem | None:
    try:
        approval = await client.content.v1.contents(sid).approval_fetch().fetch_async()
    except API_ERRORS as error:
        if error.status != 404:
            raise
        return Problem(_WHERE, f"there is no template {sid}", "copy its SID from the console")
    status = (approval.whatsapp or {}).get("status")
    if status == "approved":
        return None
    what = f"the template {sid} is {status or 'not submitted'}"
    return Problem(_WHERE, what, "wait for its approval, or submit it in Twilio's console")
