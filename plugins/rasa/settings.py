"""``[plugins.rasa]``: where the dialogue runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class RasaSettings(BaseModel):
    """Without ``url`` the bot trains and runs Rasa itself, as a child process on loopback."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+.*$",
        description="A Rasa server that runs elsewhere; nothing is trained or started then",
    )
    token: SecretStr | None = Field(
        default=None, description="What that server's channel expects as bearer token"
    )
    actions_token: SecretStr | None = Field(
        default=None, description="What that server sends when it calls actions back"
    )
    project: Path = Field(
        default=Path(__file__).parents[2] / "nlu", description="The folder of the Rasa project"
    )
    models: Path | None = Field(
        default=None, description="Where trained models are kept; default: models/ in the project"
    )

    @model_validator(mode="after")
    def _tokens_for_a_url(self) -> RasaSettings:
        if self.url is not None and (self.token is None or self.actions_token is None):
            raise ValueError(
                "url needs both tokens: set SCHALTER_RASA_TOKEN and SCHALTER_RASA_ACTIONS_TOKEN"
            )
        return self
