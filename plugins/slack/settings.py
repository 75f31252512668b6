"""`[plugins.slack]`: the app in a workspace, what customers may do there, and where agents sit."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from plugins.slack.desk_settings import DeskSettings

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+/$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{6,20}$")]
_BOT_TOKEN = re.compile(r"xoxb-[A-Za-z0-9-]{8,200}")
_SIGNING_SECRET = re.compile(r"[A-Za-z0-9]{16,128}")
_APP_TOKEN = re.compile(r"xapp-[A-Za-z0-9-]{8,250}")


class CustomerSettings(BaseModel):
    """`[plugins.slack.customers]`: Slack as a customer channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    direct_messages: bool = Field(True, description="Whether members may write to the bot directly")
    allowed_channels: tuple[ChannelId, ...] = Field(
        (), description="Channels in which naming the bot begins a conversation (C0123ABCD)"
    )
    burst_seconds: float = Field(1.5, ge=0, le=10, description="Messages within it are one turn")
    file_mb: int = Field(20, ge=1, le=100, description="Megabytes of one file, both ways")
    watched_days: int = Field(
        14, ge=1, le=90, description="Days that a silent conversation is still read after an outage"
    )


class SlackSettings(BaseModel):
    """What the app goes by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bot_token: SecretStr = Field(description="Of the installed app: xoxb-...")
    app_token: SecretStr | None = Field(
        None, description="With connections:write, for mode socket: xapp-..."
    )
    signing_secret: SecretStr | None = Field(
        None, description="By which Slack signs its calls; needed for mode http"
    )
    mode: Literal["socket", "http"] = Field(
        "socket", description="socket connects to Slack; http lets Slack call"
    )
    customers: CustomerSettings | None = Field(
        None, description="A table makes Slack a customer channel too"
    )
    desk: DeskSettings | None = Field(None, description="A table makes Slack a desk for agents")
    connections: int = Field(2, ge=1, le=10, description="WebSockets at once, in mode socket")
    hold_seconds: float = Field(
        0.3, ge=0, le=5, description="Seconds that an event waits for an earlier one that is late"
    )
    heartbeat_seconds: float = Field(
        10.0, gt=0, le=60, description="Seconds between two pings; a pong must come in half of it"
    )
    quiet_seconds: float = Field(
        30.0, gt=0, description="Seconds without a working connection until /health is red"
    )
    sweep_minutes: float = Field(
        10.0,
        ge=0,
        description="Minutes between two looks for what was missed; 0: after outages only",
    )
    lookback_minutes: float = Field(
        60.0, ge=0, le=24 * 60, description="How far such a look goes back for edits and deletions"
    )
    keep_days: int = Field(7, ge=2, le=90, description="Days that keys of handled events are kept")
    per_channel_seconds: float = Field(
        1.0, ge=0, le=60, description="Seconds between two messages in the same channel"
    )
    timeout: float = Field(15.0, gt=0, le=50, description="Seconds for a request to Slack")
    api_url: Url = Field("https://slack.com/api/", description="Slack's Web API")

    @field_validator("bot_token")
    @classmethod
    def _is_a_bot_token(cls, value: SecretStr) -> SecretStr:
        if _BOT_TOKEN.fullmatch(value.get_secret_value()) is None:
            raise ValueError("is not a bot token: xoxb-... of 'OAuth & Permissions'")
        return value

    @field_validator("app_token")
    @classmethod
    def _is_an_app_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and _APP_TOKEN.fullmatch(value.get_secret_value()) is None:
            raise ValueError("is not an app-level token: xapp-... of 'Basic Information'")
        return value

    @field_validator("signing_secret")
    @classmethod
    def _is_a_signing_secret(cls, value: SecretStr | None) -> SecretStr | None:
        # An empty one would let everybody sign.
        if value is not None and _SIGNING_SECRET.fullmatch(value.get_secret_value()) is None:
            raise ValueError("is not a signing secret: see 'Basic Information', App Credentials")
        return value

    @model_validator(mode="after")
    def _mode_has_its_secret(self) -> SlackSettings:
        if self.mode == "socket" and self.app_token is None:
            raise ValueError("mode 'socket' needs SCHALTER_SLACK_APP_TOKEN in the environment")
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError("mode 'http' needs SCHALTER_SLACK_SIGNING_SECRET in the environment")
        return self

    @model_validator(mode="after")
    def _agents_are_no_customers(self) -> SlackSettings:
        allowed = self.customers.allowed_channels if self.customers else ()
        both = self.desk_channels.intersection(allowed)
        if both:
            raise ValueError(
                f"the channel {', '.join(sorted(both))} is the agents': it cannot be in "
                "customers.allowed_channels"
            )
        return self

    @property
    def desk_channels(self) -> frozenset[str]:
        """All channels in which agents work or are told something."""
        if self.desk is None:
            return frozenset()
        return frozenset(filter(None, (self.desk.channel, self.desk.ops_channel)))
