"""Which channels that come with the bot have nothing to play, and that no other is left out."""

from __future__ import annotations

import re
from pathlib import Path

ONLY_SHOW = frozenset({"mailbox"})
"""Plugins whose channel has no way in: the demo's page shows mails that went nowhere, and nobody
can write there. Its own tests play what it shows."""
_WAY_IN = re.compile(r"\bInbound\b|\baccept\(")


def has_way_in(plugin: Path) -> bool:
    """Whether a plugin's own code makes what an inbox takes, or hands it to one."""
    own = (file for file in plugin.rglob("*.py") if not file.name.startswith("testing"))
    return any(_WAY_IN.search(file.read_text("utf-8")) for file in own)
