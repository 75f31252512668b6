"""`[plugins.telegram]`: the bot at Telegram, how its updates come, and what its links mean."""

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

_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{20,100}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")


Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+$")]
Payload = Annotated[str, StringConstraints(pattern=r"^/[a-z_]+$")]
StartName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class Start(BaseModel):
    """What a link ``https://t.me/<bot>?start=<name>`` or ``?start=<name>_<value>`` begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payload: Payload = Field(description="The intent that it stands for: /track_order")
    entity: str | None = Field(
        None, pattern=r"^[a-z_]+$", description="What the value is, for example order_id"
    )


class TelegramSettings(BaseModel):
    """What the channel goes by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr = Field(description="The bot's token, from @BotFather")
    mode: Literal["polling", "webhook"] = Field(
        "polling", description="polling asks Telegram for updates; webhook lets Telegram call"
    )
    webhook_secret: SecretStr | None = Field(
        None, description="What Telegram sends with each call; needed for mode webhook"
    )
    webhook_connections: int = Field(
        1, ge=1, le=100, description="Calls at once; with more than one the order is not certain"
    )
    start: dict[StartName, Start] = Field(
        default_factory=dict, description="What the bot's links with ?start=... begin"
    )
    share_number_at: tuple[str, ...] = Field(
        ("utter_ask_proof",),
        description="The texts under which customers may share their phone number by a button",
    )
    poll_seconds: int = Field(25, ge=1, le=50, description="Seconds that a poll waits for updates")
    quiet_seconds: float = Field(
        90.0, ge=1, description="Seconds without a successful poll until /health is red"
    )
    per_second: float = Field(30.0, gt=0, le=1000, description="Messages a second, over all chats")
    per_chat_seconds: float = Field(
        1.0, ge=0, le=60, description="Seconds between two messages to the same chat"
    )
    timeout: int = Field(20, ge=1, le=50, description="Seconds for a request to Telegram")
    burst_seconds: float = Field(1.5, ge=0, le=10, description="Messages within it are one turn")
    api_url: Url = Field("https://api.telegram.org", description="The Bot API")

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, value: SecretStr) -> SecretStr:
        if _TOKEN.fullmatch(value.get_secret_value()) is None:
            raise ValueError("is not a bot's token: 123456789:AA... as @BotFather gives it")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _is_a_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and _SECRET.fullmatch(value.get_secret_value()) is None:
            raise ValueError("must be 16 to 256 letters, digits, _ or -")
        return value

    @model_validator(mode="after")
    def _a_poll_is_no_silence(self) -> TelegramSettings:
        if self.quiet_seconds < 1.5 * self.poll_seconds:
            raise ValueError("quiet_seconds must be at least one and a half times poll_seconds")
        return self

    @model_validator(mode="after")
    def _webhook_has_its_secret(self) -> TelegramSettings:
        if self.mode == "webhook" and self.webhook_secret is None:
            raise ValueError(
                "mode 'webhook' needs a secret: set SCHALTER_TELEGRAM_WEBHOOK_SECRET in .env"
            )
        return self
