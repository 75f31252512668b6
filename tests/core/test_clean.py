"""What a text may hold."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clean import clean_text, has_words, valid_text

ANY = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  hallo \r\n du\r ", "hallo \n du"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u200b\ufeff", ""),
        ("Gru\u0308\u00dfe", "Grüße"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("x\ud800y", "x\ufffdy"),
        ("tab\tbleibt", "tab\tbleibt"),
        ("שלום", "שלום"),
    ],
)
def test_a_text_is_cleaned(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@given(ANY)
def test_what_is_clean_stays_and_can_be_written(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert "\x00" not in once
    assert unicodedata.is_normalized("NFC", once)
    once.encode()
    valid_text(text).encode()


@pytest.mark.parametrize(
    ("text", "words"), [("👍", False), ("?!", False), ("7", True), ("ä", True)]
)
def test_whether_there_is_something_to_understand(text: str, words: bool) -> None:
    assert has_words(text) is words
