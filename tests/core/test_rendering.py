"""From words to rows: parts that fit, at good breaks, with nothing lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering import split


@given(st.text(max_size=400), st.integers(1, 60))
def test_the_parts_fit_and_nothing_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert parts
    assert all(len(part) <= limit for part in parts)
    squeezed = [re.sub(r"\s", "", "".join(one)) for one in (parts, text)]
    assert squeezed[0] == squeezed[1]
    assert text.strip() == "" or all(parts)


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("kurz", 10, ["kurz"]),
        ("Absatz eins.\n\nAbsatz zwei.", 20, ["Absatz eins.", "Absatz zwei."]),
        ("Erster Satz. Zweiter Satz.", 20, ["Erster Satz.", "Zweiter Satz."]),
        ("ein wort mehr", 9, ["ein wort", "mehr"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("ganz" + " " * 30, 10, ["ganz"]),
        ("", 10, [""]),
    ],
)
def test_it_breaks_where_a_reader_would(text: str, limit: int, parts: list[str]) -> None:
    assert split(text, limit) == parts
