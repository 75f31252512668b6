"""The one hook of a plugin, found through the entry points of group ``schalter``."""

from __future__ import annotations

import pluggy

from host.ports import Registrar

GROUP = "schalter"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class Hooks:
    """What a plugin may implement."""

    @hookspec
    def bot_register(self, bot: Registrar) -> None:
        """Called when the bot is put together: once per plugin, before anything is opened.

        A plain function, no coroutine, no I/O: it reads its settings with ``bot.settings(...)``
        and hands over what it offers with ``bot.add_...`` and ``bot.provide``. If it raises, the
        plugin is named and left out, with everything it registered, and the others run.
        """
