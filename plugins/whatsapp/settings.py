"""`[plugins.whatsapp]`: the account at Twilio, the sender, and the approved templates."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from bot.messages import AGENT_LINE

Number = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]
VARIABLE = re.compile(r"\{\{(\w+)\}\}")
"""A variable of a template, as Twilio's console shows it."""
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+$")]


class Template(BaseModel):
    """A template that WhatsApp has approved, and what it stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content_sid: str = Field(
        pattern=r"^HX[0-9a-fA-F]{32}$",
        description="The approved template: HX and 32 digits or letters a to f",
    )
    language: Literal["de", "en"] = Field(description="The template's language: de or en")
    response: str = Field(
        AGENT_LINE,
        description="The text it stands for; agent_line: what an agent writes; '': none of them",
    )
    title: str = Field(
        "", max_length=60, description="With it, agents may choose the template: its name for them"
    )
    text: str = Field(
        "",
        max_length=1024,
        description="What it says, with {{1}} for its variables, as agents see it before they send",
    )
    variables: dict[str, str] = Field(
        default_factory=dict,
        description="Its variables, and what fills them: {'1' = '{order}', 'name' = '{agent}'}",
    )

    @model_validator(mode="after")
    def _can_be_offered(self) -> Template:
        if not self.title and not self.response:
            raise ValueError("it stands for no text, and has no title for agents to choose it by")
        if not self.title:
            return self
        if not self.text:
            raise ValueError("it has a title, so it needs its text: agents see it before they send")
        named = set(VARIABLE.findall(self.text))
        if named != self.variables.keys():
            odd = ", ".join(sorted(named ^ self.variables.keys()))
            raise ValueError(f"its text and its variables do not name the same: {odd}")
        return self


class WhatsAppSettings(BaseModel):
    """What the channel goes by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_sid: str = Field(
        pattern=r"^AC[0-9a-fA-F]{32}$",
        description="The account at Twilio: AC and 32 digits or letters a to f",
    )
    auth_token: SecretStr = Field(description="The account's auth token; it also signs webhooks")
    sender: Number = Field(description="The shop's number on WhatsApp, without blanks: +4930901820")
    templates: tuple[Template, ...] = Field(
        (), description="Approved templates, for what is said after 24 hours"
    )
    link_minutes: int = Field(
        60, ge=5, le=24 * 60, description="Minutes that a link to a file of ours opens it"
    )
    media_mb: int = Field(16, ge=1, le=16, description="Megabytes of one file, both ways")
    per_second: float = Field(
        80.0, gt=0, le=1000, description="Messages a second that the sender may send"
    )
    timeout: float = Field(15.0, gt=0, le=50, description="Seconds for a request to Twilio")
    burst_seconds: float = Field(1.5, ge=0, le=10, description="Messages within it are one turn")
    api_url: Url = Field("https://api.twilio.com", description="Twilio's API, without a path")
    content_url: Url = Field(
        "https://content.twilio.com", description="Twilio's Content API, without a path"
    )
