"""`[plugins.web]`: the chat page and the built-in desk."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

TOKEN_CHARACTERS = 16
"""The least that a desk token must have; a generated one has 43."""


class WebSettings(BaseModel):
    """What the page and the desk go by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    desk_token: SecretStr | None = Field(
        None, description="Opens the desk; generated once and kept in the data folder when unset"
    )
    announce: bool = Field(True, description="Print the desk's address with its token at start")
    demo: bool = Field(False, description="Serve the fictional shop's page at /")
    frame_ancestors: tuple[str, ...] = Field(
        (), description="Other sites that may show the chat in a frame: https://www.example.com"
    )
    text_limit: int = Field(10_000, ge=500, le=15_000, description="Characters of one message")
    upload_mb: int = Field(10, ge=1, le=100, description="Megabytes of one file")
    uploads_per_hour: int = Field(30, ge=1, description="Files one customer may send in an hour")
    burst_seconds: float = Field(1.2, ge=0, le=10, description="Messages within it are one turn")

    @field_validator("desk_token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value()) < TOKEN_CHARACTERS:
            raise ValueError(f"needs at least {TOKEN_CHARACTERS} characters")
        return token

    @field_validator("frame_ancestors")
    @classmethod
    def _sources(cls, sites: tuple[str, ...]) -> tuple[str, ...]:
        for site in sites:
            if not site.startswith(("http://", "https://")) or any(c in site for c in " ;,'\""):
                raise ValueError(f"{site!r} is not an origin such as https://www.example.com")
        return sites

    @property
    def upload_limit(self) -> int:
        """Bytes of one file."""
        return self.upload_mb * 1024 * 1024
