"""What lies in the store comes out as it went in."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Answer, Attachment, Button, Filling, Outcome, Say
from bot.store import codec

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | TEXT
    | st.dates()
    | TIMES
    | st.decimals(allow_nan=False, allow_infinity=False)
)
KEYS = TEXT | st.sampled_from(["$date", "$time", "$decimal", "$$date", "$"])
FACTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(FACTS)
def test_facts_keep_their_types_whatever_they_are_called(value: Any) -> None:
    """A fact that was called "$date" could not be read any more."""
    assert codec.decode(codec.encode(value)) == value


@given(st.dictionaries(TEXT, FACTS, max_size=3), TEXT, st.sampled_from(Outcome), st.booleans())
def test_an_answer_is_recorded_whole(
    facts: dict[str, Any], text: str, outcome: Outcome, effect: bool
) -> None:
    say = Say("utter_x", facts, (Button(text, "/affirm"),), ("file",), text or None)
    answer = Answer((say,), outcome, text or None, {"order_id": None, **facts}, effect)
    assert codec.answer_from_dict(codec.answer_to_dict(answer)) == answer


@given(st.dictionaries(TEXT, FACTS, max_size=3), st.none() | TEXT, st.booleans())
def test_a_filling_is_recorded_whole(slots: dict[str, Any], ask: str | None, bad: bool) -> None:
    filling = Filling(slots, ask, (Say("utter_x"),), bad)
    assert codec.filling_from_dict(codec.filling_to_dict(filling)) == filling


@given(TIMES, TIMES)
def test_stamps_compare_as_text(one: datetime, two: datetime) -> None:
    assert (codec.stamp(one) < codec.stamp(two)) == (one < two)
    assert codec.unstamp(codec.stamp(one)) == one


def test_a_stamp_is_utc() -> None:
    berlin = timezone(timedelta(hours=2))
    assert codec.stamp(datetime(2030, 1, 1, 2, tzinfo=berlin)) == "2030-01-01T00:00:00.000000+00:00"


def test_what_is_not_a_fact_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be of type object"):
        codec.encode({"x": object()})


def test_attachments_and_sets_and_dates() -> None:
    files = (Attachment("a", "b", 1, ref="r", error="e"),)
    assert codec.attachments_from_json(codec.attachments_to_json(files)) == files
    assert codec.pack({"s": {1}, "d": date(2030, 1, 2), "m": Decimal("1.10")}) == {
        "s": [1],
        "d": {"$date": "2030-01-02"},
        "m": {"$decimal": "1.10"},
    }
