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
    errors.NOT_IN_CHANNEL: ("does not have the bot as a member", "write /invite @{bot} there"),
    errors.CHANNEL_GONE: (
        "is not there, or is private and the bot is no member",
        "copy the channel's id from its details, and write /invite @{bot} there",
    ),
    errors.SCOPE: ("may not be written to: a scope is missing", _INSTALL),
    "slack_restricted": ("does not let the bot write", "change who may post there"),
}
_STANDS = "the test message stands there, or may do so"


class _Quiet(Line):
    """Tells no log what the problems say."""

    def trouble(self, key: str, what: str) -> None:
        """Nothing."""


async def online_problems(settings: SlackSettings) -> Sequence[Problem]:
    """Try tokens, scopes, a connection, and each channel with a message that is deleted again."""
    async with opened(settings) as session:
        api = Api(settings, session, Pace(0.0), _Quiet(settings.quiet_seconds, listens=False))
        found: list[Problem] = []
        try:
            async for problem in _problems(api, settings):
                found.append(problem)  # told, whatever comes then
        except (Retry, Reject, UnknownOutcome) as error:
            found.append(_cut_short(settings, error))
        return found


def _cut_short(settings: SlackSettings, error: Exception) -> Problem:
    """Why no more can be asked."""
    if not isinstance(error, Retry):
        what = f"Slack refuses ({getattr(error, 'error', 'no answer')})"
        return Problem(WHERE, what, _INSTALL)
    if error.reason == errors.CREDENTIALS:
        fix = "check SCHALTER_SLACK_BOT_TOKEN, or install the app anew"
        return Problem(WHERE, "Slack refuses the bot token", fix)
    if error.reason == errors.RATE:
        fix = f"try again in {error.after or 1.0:.0f} s"
        return Problem(WHERE, "Slack is asked too much at the moment", fix)
    what = f"{settings.api_url} cannot be reached ({error.reason})"
    return Problem(WHERE, what, "look at the network")


async def _problems(api: Api, settings: SlackSettings) -> AsyncIterator[Problem]:
    me, headers = await api.answer("auth.test", {})
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
        reason = await _trouble(api, channel)
        if reason and not (reason == errors.SCOPE and granted and missing):  # that is said already
            yield _problem(f"{WHERE}, channel {channel}", reason, str(me.get("user", "bot")))


async def _connection(api: Api) -> Problem | None:
    try:
        await api.connection_url()
    except Reject as refused:
        error = getattr(refused, "error", "")
        if error in errors.SOCKET_MODE_OFF:
            fix = "switch it on in the app's settings, 'Socket Mode'"
            return Problem(WHERE, "Socket Mode is switched off", fix)
        fix = "make one with connections:write under 'Basic Information'"
        return Problem(WHERE, f"Slack refuses the app token ({error})", fix)
    except Retry as retry:
        if retry.reason != errors.CREDENTIALS:
            raise
        fix = "check SCHALTER_SLACK_APP_TOKEN: xapp-... with connections:write"
        return Problem(WHERE, "Slack refuses the app token", fix)
    return None


async def _trouble(api: Api, channel: str) -> str:
    """Why it cannot be used; "" where a message goes in and out again. Raises Retry."""
    try:
        known = (await api.call("conversations.info", {"channel": channel}))["channel"]
        if reason := _state(known):
            return reason
        sent = await api.call("chat.postMessage", {"channel": channel, "text": _TEST})
    except Reject as refused:
        return refused.reason
    except UnknownOutcome:
        return _STANDS
    try:
        await api.call("chat.delete", {"channel": channel, "ts": sent["ts"]})
    except (Reject, Retry):
        return _STANDS
    return ""


def _problem(where: str, reason: str, bot: str) -> Problem:
    if reason == _STANDS:
        return Problem(where, reason, "delete it", fatal=False)
    what, fix = _SAID.get(reason, (f"is refused ({reason})", "see the app's settings"))
    return Problem(where, what, fix.format(bot=bot))


def _state(known: Mapping[str, Any]) -> str:
    if known.get("is_archived"):
        return errors.ARCHIVED
    return "" if known.get("is_member") else errors.NOT_IN_CHANNEL


def _scopes(headers: Mapping[str, str]) -> set[str]:
    """What the token may do: each answer says it."""
    given = {name.lower(): value for name, value in headers.items()}.get("x-oauth-scopes", "")
    return {scope.strip() for scope in given.split(",") if scope.strip()}
