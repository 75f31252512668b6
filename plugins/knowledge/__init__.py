"""What the shop answers to questions of policy: the facts that every text may use."""

from __future__ import annotations

from host.hooks import hookimpl
from host.ports import Registrar
from plugins.knowledge.settings import KnowledgeSettings


@hookimpl
def bot_register(bot: Registrar) -> None:
    """Give the facts to the texts."""
    bot.add_facts(bot.settings(KnowledgeSettings).facts())
