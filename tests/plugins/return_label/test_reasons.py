"""Why something goes back: known reasons, own words, none at all, or something else."""

import pytest

from bot.messages import Understanding
from plugins.return_label.reasons import read_reason

RETURN = Understanding("return_item", 0.9)
FALLBACK = Understanding("nlu_fallback", 0.3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Die Jacke ist mir zu klein", "too_small"),
        ("too big", "too_big"),
        ("gefällt mir nicht", "not_liked"),
        ("passt leider nicht", "not_liked"),
        ("kam kaputt an", "damaged"),
        ("falsche Farbe", "wrong_item"),
        ("zwei Größen zur Auswahl bestellt", "ordered_too_much"),
        ("egal", "none"),
        ("keine Angabe", "none"),
        ("nein", "none"),
        ("nein danke", "none"),
        ("kein Grund", "none"),
        ("Möchte ich nicht sagen.", "none"),
        ("rather not", "none"),
        ("don't want to say", "none"),
        ("das möchte ich lieber nicht sagen", "none"),
        ("-", "none"),
        ("meine Schwester hat schon so eine", "meine Schwester hat schon so eine"),
        ("doch nicht", None),
        ("abbrechen", None),
        ("Muss ich das sagen?", None),
        ("", None),
    ],
)
def test_an_answer_to_the_question(text: str, reason: str | None) -> None:
    assert read_reason(text, FALLBACK, asked=True) == reason


def test_without_having_been_asked_only_a_known_reason_counts() -> None:
    assert read_reason("zurück, ist zu klein", RETURN, asked=False) == "too_small"
    assert read_reason("nein", RETURN, asked=False) is None
    assert read_reason("meine Schwester hat schon so eine", RETURN, asked=False) is None


def test_a_sure_other_intent_is_no_reason() -> None:
    human = Understanding("contact_human_agent", 0.95)
    assert read_reason("gib mir einen Menschen", human, asked=True) is None
    unsure = Understanding("review", 0.4)
    assert read_reason("Farbe wirkt blass", unsure, asked=True) == "Farbe wirkt blass"


def test_own_words_are_kept_short() -> None:
    reason = read_reason("weil " * 5000, FALLBACK, asked=True)
    assert reason is not None
    assert len(reason) == 200
