"""Whether the bot may say an answer by itself, where a wrong one costs more than a late one."""

from __future__ import annotations

from bot.messages import Answer, Outcome
from bot.ports import Row, Tx
from bot.store import effects, waiting

UNCERTAIN = "uncertain"
"""The reason code of what the bot only drafted."""
ASKING = ("utter_ask_", "utter_where_", "utter_unreadable_")
"""How the names of the texts begin that forms ask with."""
_DECIDING = frozenset({"confirm", "deny", "correct"})
# A yes or no that was to nothing: as uncertain as it was understood.
_NOTHING_OPEN = frozenset({"utter_nothing_open", "utter_denied_nothing"})
_NOT_UNDERSTOOD = frozenset({"nlu_fallback", "out_of_scope"})


def is_certain(tx: Tx, conversation: Row, turn: Row, answer: Answer, least: float) -> bool:
    """Whether an answer may go out. ``least``: the confidence from which on it may (0: always).

    Certain, however it was understood: a choice that was offered, what was asked for by a form, a
    yes or no to what was read back, and what reports a change that was made. What calls a person is
    no answer.
    """
    if least <= 0 or turn["payload"] is not None:
        return True
    if answer.effect or answer.outcome is Outcome.HANDOFF:
        return True
    if _was_asked_for(tx, conversation, turn, answer):
        return True
    understood = answer.understanding
    if understood is None or answer.reason == "miss" or understood.intent in _NOT_UNDERSTOOD:
        return False
    return understood.confidence >= least


def _was_asked_for(tx: Tx, conversation: Row, turn: Row, answer: Answer) -> bool:
    said = {say.response for say in answer.says}
    if _DECIDING & set(effects.actions_of(tx, turn["key"])) and not said & _NOTHING_OPEN:
        return True
    asked = waiting.asked_last(tx, conversation["id"])
    return asked.startswith(ASKING) and effects.read_by_form(tx, turn["key"])
