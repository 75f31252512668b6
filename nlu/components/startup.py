"""What every Python process of this environment does first (see `site/`)."""

from __future__ import annotations

import logging
import os
import sys
import warnings

from components import absent

SETTINGS = {
    # Rasa asks at its first run, and reports home unless told otherwise.
    "RASA_TELEMETRY_ENABLED": "false",
    # One line of advice about SQLAlchemy 2 for each start, which Rasa 3 cannot follow.
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
}
"""Defaults of the environment; what is set already stays."""


def prepare() -> None:
    """Set the defaults, keep compiled modules, install the stand-ins for what is left out."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # Compiling Rasa and what it imports takes twice as long as the rest of a start. What comes of
    # it lies in this environment, wherever PYTHONDONTWRITEBYTECODE was meant for.
    sys.dont_write_bytecode = False
    absent.install()


def quiet() -> None:
    """Log warnings and worse, on stderr, and no customer's text: Rasa's debug lines are full of it.

    Called by `serve.py` and `train.py`; `rasa` itself sets up its own logging.
    """
    # Rasa reads this where it decides about progress bars.
    os.environ["LOG_LEVEL"] = "WARNING"
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    # Advice about the future of Rasa's libraries, which nobody here can follow. Sanic asks for it
    # again when it is imported, so that comes first.
    warnings.simplefilter("ignore")
    import sanic.app  # noqa: F401
    import structlog

    warnings.simplefilter("ignore")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
