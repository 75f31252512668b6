"""`[plugins.slack.desk]`: where agents sit, and how the desk behaves there."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{6,20}$")]
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such time zone; use a name such as Europe/Berlin")
    return name


class DeskSettings(BaseModel):
    """A table makes Slack a desk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: ChannelId = Field(description="Where cases open: the channel's id, C0123ABCD")
    ops_channel: ChannelId | None = Field(
        None, description="Where dead letters and broken channels are told, and the daily digest"
    )
    reply_mode: Literal["thread", "explicit"] = Field(
        "thread",
        description="thread: the holder's lines go to the customer; explicit: only by a button",
    )
    language: Literal["de", "en"] = Field("de", description="In which agents read")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "Europe/Berlin", description="Of the agents: for times on cards, snoozing and the digest"
    )
    digest_at: str = Field(
        "18:00", pattern=rf"^$|{_CLOCK}", description="When the digest of a day comes; '': never"
    )
    presence_minutes: float = Field(
        3, ge=0, description="Between two looks whether who has a case is there; 0: never looks"
    )
    pseudonyms: bool = Field(
        False,
        description="Whether cards and threads hide who a customer is, until somebody looks it up",
    )
    file_mb: int = Field(20, ge=1, le=100, description="Megabytes of one file of an agent's")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def file_limit(self) -> int:
        """Bytes of one file."""
        return self.file_mb * 1024 * 1024
