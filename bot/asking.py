"""The choices under what is read back."""

from __future__ import annotations

from bot.messages import Button

PROPOSAL = "proposal"
"""The entity by which a button names the proposal it stood under."""


def yes_no(proposal: str) -> tuple[Button, Button]:
    """The choices under a proposal; an old yes is not one to what was read back after it."""
    named = f'{{"{PROPOSAL}": "{proposal}"}}'
    return Button("button_yes", f"/affirm{named}"), Button("button_no", f"/deny{named}")
