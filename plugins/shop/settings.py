"""`[plugins.shop]`: what the demo shop and its carrier go by."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("no such time zone; use a name such as Europe/Berlin") from error
    return name


class ReturnsAddress(BaseModel):
    """Where returned parcels go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "Kranich Kontor, Retouren"
    street: str = "Beispielallee 1"
    postal_code: str = "50858"
    city: str = "Köln"
    country: str = Field(default="DE", pattern="^[A-Z]{2}$")


class ShopSettings(BaseModel):
    """The demo shop's rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    return_days: int = Field(default=30, ge=14, description="Days after delivery for a return")
    countries: tuple[str, ...] = Field(
        default=("DE", "AT", "CH", "GB"),
        description="Countries that are delivered to (ISO 3166-1 alpha-2)",
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="Europe/Berlin", description="Time zone in which a day of the shop ends"
    )
    returns_address: ReturnsAddress = ReturnsAddress()
