"""Header values that nobody can break out of: cleaned, encoded by RFC 2047, folded.

Python's own folding is not used for what others wrote: in releases that are still in use it loses
blanks between encoded words (and once let a line break through, CVE-2024-6923).
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator

FOLD = "\r\n "
_WIDTH = 76  # characters of a line, its break not counted; RFC 5322 asks for 78 at most
_WORD = 39  # bytes of an encoded word: 64 characters with its frame, and room for "Subject: "
_NAME = 45  # bytes of a name, in one encoded word of at most 75 characters
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ID = re.compile(r"[!-;=?A-Z^-~]+@[!-;=?A-Z^-~]+")
_LONGEST_ID = 250  # characters of a Message-ID that is repeated
_MOST_IDS = 20  # in References, beside the first; RFC 5322 allows a header any number of lines


def plain(text: str, longest: int) -> str:
    """One line without anything that is not shown: no control, no direction mark, no surrogate.

    What looks like an encoded word is taken apart, so that no reader decodes it a second time.
    """
    shown = "".join(
        " " if unicodedata.category(one) in ("Cc", "Zl", "Zp", "Zs") else one
        for one in text
        if unicodedata.category(one) not in ("Cf", "Cs", "Co")
    )
    # Taking apart may bring nothing new together: "=?" cannot arise from it.
    line = " ".join(shown.replace("=?", "= ?").split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def unstructured(text: str, name: str) -> str:
    """The value of a header such as the subject, for a text that is :func:`plain`."""
    words = text.split(" ")
    if text.isascii() and all(len(word) < _WIDTH - len(name) - 2 for word in words):
        return _folded(words, len(name) + 2)
    return FOLD.join(_encoded_words(text))


def mailbox(name: str, address: str) -> str:
    """``Name <address>`` for a name that is :func:`plain` and maybe empty.

    A long one is cut: readers do not agree on what stands between two encoded words of a name.
    """
    if not name:
        return address
    if not name.isascii() or len(name) > _WIDTH - len("From: ") - 2:
        phrase = _encoded_word(_cut(name, _NAME))
    elif _ATOMS.fullmatch(name):
        phrase = name
    else:
        phrase = '"{}"'.format(re.sub(r'(["\\])', r"\\\1", name))
    fits = len(f"From: {phrase} <{address}>") <= _WIDTH
    return f"{phrase}{' ' if fits else FOLD}<{address}>"


def chain(ids: Iterable[str]) -> str:
    """The value of References: the first of a thread and its latest; one that is odd is left out.

    The ids are without their brackets, oldest first.
    """
    good = list(dict.fromkeys(one for one in ids if is_id(one)))
    kept = good if len(good) <= _MOST_IDS + 1 else [good[0], *good[-_MOST_IDS:]]
    return FOLD.join(f"<{one}>" for one in kept)


def is_id(text: str) -> bool:
    """Whether a Message-ID, without its brackets, may stand in a header of ours."""
    return len(text) <= _LONGEST_ID and _ID.fullmatch(text) is not None


def _folded(words: list[str], used: int) -> str:
    lines, room = [[words[0]]], _WIDTH - used - len(words[0])
    for word in words[1:]:
        if len(word) + 1 > room:
            lines.append([])
            room = _WIDTH
        lines[-1].append(word)
        room -= len(word) + 1
    return FOLD.join(" ".join(line) for line in lines)


def _encoded_words(text: str) -> Iterator[str]:
    word = b""
    for one in text:
        more = one.encode()
        if len(word) + len(more) > _WORD:
            yield _encoded_word(word)
            word = b""
        word += more
    yield _encoded_word(word)


def _cut(text: str, longest: int) -> bytes:
    return text.encode()[:longest].decode(errors="ignore").rstrip().encode()


def _encoded_word(word: bytes) -> str:
    return f"=?utf-8?b?{b64encode(word).decode()}?="
