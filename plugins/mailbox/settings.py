"""`[plugins.mailbox]`: the demo's mailbox. The table alone turns it on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class MailboxSettings(BaseModel):
    """What the mailbox goes by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: int = Field(50, ge=1, le=500, description="Mails that are kept; older ones are dropped")
