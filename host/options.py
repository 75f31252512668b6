"""What every table of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """A table of settings: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
