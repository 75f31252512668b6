"""``[plugins.privacy]``: for how long each class of data is kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_KEEP = "0: for ever"


class PrivacySettings(BaseModel):
    """In days. Every night what is older is dropped; attachments end by ``[files] days``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conversations: float = Field(
        default=730, ge=0, description=f"After the last message; open cases stay. {_KEEP}"
    )
    identity: float = Field(
        default=30, ge=0, description=f"Proofs, codes, links and wrong tries. {_KEEP}"
    )
    audit: float = Field(default=365, ge=0, description=f"The audit log and alarms. {_KEEP}")
    tracker: float = Field(default=14, ge=0, description=f"Rasa's working memory. {_KEEP}")
    ledgers: float = Field(
        default=180, ge=0, description=f"Channels' own notes of ids and buttons. {_KEEP}"
    )
    receipts: float = Field(
        default=7, ge=0, description=f"Vendors' reports about messages nobody knows. {_KEEP}"
    )
    erasures: float = Field(
        default=1095, ge=0, description=f"That something was erased, without whose. {_KEEP}"
    )
    hour: int = Field(default=3, ge=0, le=23, description="When the night's work begins, UTC")
    goodbye_seconds: float = Field(
        default=60,
        ge=0,
        description="After an answer, before what a customer asked to be erased goes",
    )
    patience_minutes: float = Field(
        default=60,
        gt=0,
        description="For an open turn or a message on its way; then it is erased all the same",
    )

    def days(self, keeps: str) -> float:
        """How long a class is kept."""
        found: float = getattr(self, keeps)
        return found
