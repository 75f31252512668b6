"""What `bot check --online` finds out about the app in its workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bot.ports import Problem, Reject, Retry, UnknownOutcome
from plugins.slack import errors
from plugins.slack.api import Api, opened
from plugins.slack.line import Line
from plugins.slack.offline import WHERE
from plugins.slack.pace import Pace
from plugins.slack.scopes import parts_in, scopes_of
from plugins.slack.settings import SlackSettings

_TEST = "bot check --online"
"""The text of the test message: it stands there for a moment, and operators know it."""
_INSTALL = "update the app with `bot slack manifest` and install it anew"
_SAID = {
    errors.ARCHIVED: ("is archived", "unarchive it, or name another channel"),
    errors.NOT_IN_CHANNEL: ("does not have the bot as a member", "write /invite @bot there"),
    errors.CHANNEL_GONE: (
        "is not there, or is private and the bot is no member",
        "copy the channel's id from its details, and write /invite @bot there",
    ),
    errors.SCOPE: ("may not be written to: a scope is missing", _INSTALL),
    "slack_restricted": ("does not let the bot write", "change who may post there"),
}


async def online_problems(settings: SlackSettings) -> Sequence[Problem]:
    """Try tokens, scopes, a connection, and each channel with a message that is deleted again."""
    async with opened(settings) as session:
        line = Line(settings.quiet_seconds, listens=False)
        api = Api(settings, session, Pace(0.0), line)
        try:
            return [problem async for problem in _problems(api, settings)]
        except Retry as retry:
            if retry.reason == errors.CREDENTIALS:
                fix = "check SCHALTER_SLACK_BOT_TOKEN, or install the app anew"
                return [Problem(WHERE, "Slack refuses the bot token", fix)]
            what = f"{settings.api_url} cannot be reached ({retry.reason})"
            return [Problem(WHERE, what, "look at the network")]
        except (Reject, UnknownOutcome) as error:
            what = f"Slack refuses ({getattr(error, 'error', 'no answer')})"
            return [Problem(WHERE, what, _INSTALL)]


async def _problems(api: Api, settings: SlackSettings) -> AsyncIterator[Problem]:
    _, headers = await api.answer("auth.test", {})
    granted = _scopes(headers)
    missing = [scope for scope in scopes_of(parts_in(settings)) if scope not in granted]
    if granted and missing:
        yield Problem(WHERE, f"the app lacks the scopes {', '.join(missing)}", _INSTALL)
    if settings.mode == "socket":
        problem = await _connection(api)
        if problem is not None:
            yield problem
    customers = settings.customers
    allowed = customers.allowed_channels if customers else ()
    for channel in sorted({*settings.desk_channels, *allowed}):
        problem = await _channel(api, channel)
        if problem is not None:
            yield problem


async def _connection(api: Api) -> Problem | None:
    try:
        await api.connection_url()
    except Reject as refused:
        error = getattr(refused, "error", "")
        if error in errors.SOCKET_MODE_OFF:
            return Problem(WHERE, "Socket Mode is switched off", "switch it on in the app")
        fix = "make one with connections:write under 'Basic Information'"
        return Problem(WHERE, f"Slack refuses the app token ({error})", fix)
    except Retry as retry:
        if retry.reason != errors.CREDENTIALS:
            raise
        fix = "check SCHALTER_SLACK_APP_TOKEN: xapp-... with connections:write"
        return Problem(WHERE, "Slack refuses the app token", fix)
    return None


async def _channel(api: Api, channel: str) -> Problem | None:
    """Found, open, the bot inside, and a message goes in and out again."""
    where = f"{WHERE}, channel {channel}"
    try:
        known = (await api.call("conversations.info", {"channel": channel}))["channel"]
        reason = _state(known)
        if not reason:
            sent = await api.call("chat.postMessage", {"channel": channel, "text": _TEST})
            await api.call("chat.delete", {"channel": channel, "ts": sent["ts"]})
    except Reject as refused:
        reason = refused.reason
    except UnknownOutcome:
        return Problem(where, "the test message may stand there", "delete it", fatal=False)
    if not reason:
        return None
    what, fix = _SAID.get(reason, (f"is refused ({reason})", "see the app's settings"))
    return Problem(where, what, fix)


def _state(known: Mapping[str, Any]) -> str:
    if known.get("is_archived"):
        return errors.ARCHIVED
    return "" if known.get("is_member") else errors.NOT_IN_CHANNEL


def _scopes(headers: Mapping[str, str]) -> set[str]:
    """What the token may do: each answer says it."""
    given = {name.lower(): value for name, value in headers.items()}.get("x-oauth-scopes", "")
    return {scope.strip() for scope in given.split(",") if scope.strip()}
