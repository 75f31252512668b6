"""`[plugins.knowledge]`: what the shop promises, said the same on every channel."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ByLanguage(BaseModel):
    """Words that differ by language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    de: str
    en: str


class KnowledgeSettings(BaseModel):
    """The facts; the defaults are the demo shop's. Money is in ``currency``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop_name: str = "Kranich Kontor"
    shop_url: str = "www.kranich-kontor.example"
    support_email: str = "service@kranich-kontor.example"
    support_hours: ByLanguage | None = Field(
        default=None, description="Default: what [hours] says, in words"
    )
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="ISO 4217")
    return_days: int = Field(30, ge=14, description="Days; the law gives 14")
    refund_days: int = Field(5, ge=1, le=14, description="Days after a return has arrived")
    delivery_days: str = Field("2–4", description="Working days of standard delivery")
    cancellation_fee: ByLanguage = ByLanguage(de="0 Euro", en="0 euros")
    payment_methods: dict[str, tuple[str, ...]] = Field(
        default={
            "de": ("PayPal", "Kreditkarte", "Rechnung", "SEPA-Lastschrift"),
            "en": ("PayPal", "credit card", "invoice", "SEPA direct debit"),
        }
    )
    express_fee: Decimal = Field(Decimal("9.90"), ge=0)
    free_shipping_from: Decimal = Field(Decimal(60), ge=0)

    def facts(self) -> dict[str, Any]:
        """The facts as the texts take them: a mapping is one for each language."""
        return {
            name: value.model_dump() if isinstance(value, ByLanguage) else value
            for name, value in ((name, getattr(self, name)) for name in type(self).model_fields)
            if value is not None
        }
