"""What every Python process of this environment does first (see `site/`)."""

from __future__ import annotations

import os

from components import absent

SETTINGS = {
    # Rasa asks at its first run, and reports home unless told otherwise.
    "RASA_TELEMETRY_ENABLED": "false",
    # One line of advice about SQLAlchemy 2 for each start, which Rasa 3 cannot follow.
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
}
"""Defaults of the environment; what is set already stays."""


def prepare() -> None:
    """Set the defaults and install the stand-ins for libraries that are left out."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    absent.install()
