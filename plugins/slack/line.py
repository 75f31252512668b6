"""Whether Slack can be heard and talked to: what `/health` says of it."""

from __future__ import annotations

import asyncio
import logging

from host.ports import Health
from plugins.slack import errors
from plugins.slack.errors import SlackRefused
from plugins.slack.names import CHANNEL

log = logging.getLogger(__name__)

_CREDENTIALS = (
    "Slack refuses the bot token: check SCHALTER_SLACK_BOT_TOKEN, or install the app anew"
)
APP_TOKEN = "Slack refuses the app token: check SCHALTER_SLACK_APP_TOKEN"  # noqa: S105 - a sentence
LINK_DISABLED = "Socket Mode is switched off in the app's settings: switch it on"
_SAID = {
    errors.SCOPE: "the scope {detail} is missing: install the app anew with `bot slack manifest`",
    errors.ARCHIVED: "channel {channel} is archived: unarchive it, or take it out of the settings",
    errors.NOT_IN_CHANNEL: "the bot is not in channel {channel}: /invite it there",
    errors.CHANNEL_GONE: "channel {channel} is not there, or the bot cannot see it",
}
_WRITES = ("chat.", "files.completeUploadExternal")
_READS = ("conversations.history", "conversations.replies")
"""What a call that is taken proves: an archived channel can still be read, a public one be seen."""
_OF_CHANNELS = (errors.ARCHIVED, errors.NOT_IN_CHANNEL, errors.CHANNEL_GONE)


class Line:
    """The line to Slack. Trouble that an operator must mend turns it red at once, and is told once.

    ``connected`` says how many connections work; of mode http, whether Slack can call is not known.
    """

    def __init__(self, quiet_seconds: float, *, listens: bool) -> None:
        self._quiet = quiet_seconds
        self._listens = listens
        self._open = False
        self._last_at = 0.0
        self._why = ""
        self._connected = 0
        self._troubles: dict[str, str] = {}

    def opened(self) -> None:
        """The app starts: the time without a connection begins."""
        self._open, self._last_at = True, self._now()

    def closed(self) -> None:
        """The app stops."""
        self._open, self._connected = False, 0
        self._troubles.clear()

    def connection(self, change: int) -> None:
        """A connection works (``1``), or does no more (``-1``)."""
        self._connected += change
        self._last_at = self._now()

    @property
    def is_connected(self) -> bool:
        """Whether Slack can tell us something; of mode http it is assumed."""
        return self._connected > 0 or not self._listens

    def unconnected(self, why: str) -> None:
        """No connection could be made."""
        self._why = why

    def trouble(self, key: str, what: str) -> None:
        """An operator must mend something; said once in the log until it is well again."""
        if what not in self._troubles.values():
            log.error("slack: %s", what)
        self._troubles[key] = what

    def well(self, key: str) -> None:
        """It is mended."""
        if self._troubles.pop(key, None) is not None:
            log.warning("slack: works again (%s)", key)

    def refused(self, method: str, channel: str, refusal: SlackRefused, detail: str) -> None:
        """A call was refused: trouble, when an operator can mend it."""
        if refusal.reason not in _SAID or (channel.startswith("D") and not detail):
            return
        said = _SAID[refusal.reason].format(channel=channel, detail=detail or "for " + method)
        self.trouble(self._key(method, channel, refusal.reason), said)

    def credentials(self) -> None:
        """Slack refused the bot token."""
        self.trouble(errors.CREDENTIALS, _CREDENTIALS)

    def worked(self, method: str, channel: str) -> None:
        """A call was taken: what was wrong with it is mended."""
        if not self._troubles:
            return
        self.well(errors.CREDENTIALS)
        self.well(self._key(method, channel, errors.SCOPE))
        if method.startswith(_WRITES):
            self.well(self._key(method, channel, errors.ARCHIVED))
        if method.startswith((*_WRITES, *_READS)):
            self.well(self._key(method, channel, errors.NOT_IN_CHANNEL))
            self.well(self._key(method, channel, errors.CHANNEL_GONE))

    def channels(self) -> list[str]:
        """Those that an operator must mend."""
        parts = [key.partition("/") for key in self._troubles]
        return sorted({channel for reason, _, channel in parts if reason in _OF_CHANNELS})

    def mended(self, channel: str) -> None:
        """The bot is in it, and it is open."""
        for reason in _OF_CHANNELS:
            self.well(f"{reason}/{channel}")

    def health(self) -> Health:
        """As ``/health`` shows it."""
        if not self._open:
            return Health(CHANNEL, False, "not open")
        if self._troubles:
            return Health(CHANNEL, False, "; ".join(self._troubles.values()))
        silent = self._now() - self._last_at
        if self._listens and not self._connected and silent > self._quiet:
            why = self._why or "no answer"
            return Health(CHANNEL, False, f"no connection to Slack for {silent:.0f} s: {why}")
        return Health(CHANNEL, True, "" if self._connected or not self._listens else "connecting")

    async def watch(self) -> None:
        """Log once when there was no connection for too long, and once when there is one again."""
        told = False
        while True:
            health = self.health()
            silent = not health.ok and not self._troubles
            if silent and not told:
                log.error("slack: %s", health.detail)
                told = True
            elif told and health.ok:
                log.warning("slack: connected again")
                told = False
            await asyncio.sleep(min(1.0, self._quiet / 4))

    @staticmethod
    def _key(method: str, channel: str, reason: str) -> str:
        return f"{reason}/{method if reason == errors.SCOPE else channel}"

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
