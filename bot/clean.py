"""What a text may hold: everything a person can read, nothing that breaks what comes after."""

from __future__ import annotations

import re
import unicodedata

# Zero-width joiners stay: scripts and emoji need them. Direction overrides could make an agent read
# something else than what was written.
_UNSEEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\u00ad]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """A text without NUL, control, direction and zero-width characters, composed and stripped."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = valid_text(_UNSEEN.sub("", _CONTROL.sub("", text)))
    return unicodedata.normalize("NFC", text).strip()


def valid_text(text: str) -> str:
    """A text that can be written as UTF-8: half of a surrogate pair cannot."""
    return _SURROGATE.sub("\ufffd", text)


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit: something to understand."""
    return any(character.isalnum() for character in text)
