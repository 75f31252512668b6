"""Which language a message is in: German or English, or too little to tell."""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("de", "en")

# One word decides where a statistical model only guesses.
_SURE = {
    "de": "ja nein doch danke bitte hallo moin servus tschüss tschüß mensch mitarbeiter paket "
    "bestellung retoure rechnung wo wann wie gerne genau stimmt richtig falsch quatsch",
    "en": "yes no nope yeah yep thanks please hello hi hey bye human agent parcel package order "
    "return invoice where when how sure correct wrong cheers",
}
_WORD_LANGUAGE = {word: lang for lang, words in _SURE.items() for word in words.split()}
_ENOUGH = 2000  # characters: a longer text tells no more, and detecting holds up the store
_QUOTED = re.compile(r"^[^\S\n]*>.*$", re.MULTILINE)  # somebody else's words, in whatever language
_WORD = re.compile(r"[^\W\d_]+")
_NO_WORDS = re.compile(r"^/\w+|@\w+")  # a messenger's command, and somebody's name there


@cache
def _model() -> LanguageIdentifier:
    # Unpacking takes a second and 80 MB, and nothing in it ever changes: one for the process.
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(list(LANGUAGES))
    return model


def _is_address(text: str, words: list[str]) -> bool:
    """Few words among numbers are a street and a town, whatever language they are written in."""
    return len(words) <= 4 and any(letter.isdigit() for letter in text)


class LanguageDetector:
    """Detects per message, with the conversation's language as the prior.

    Loading takes about a second (the model is unpacked): make one, and keep it.
    """

    def __init__(self) -> None:
        self._model = _model()

    def detect(self, text: str, current: str, *, first: bool = False) -> str:
        """The language of ``text``; ``current`` where it does not tell enough.

        ``first``: nothing was said before, so that a weaker hint is believed.
        """
        own = _QUOTED.sub("", text)
        own = own if own.strip() else text
        words = [word.lower() for word in _WORD.findall(_NO_WORDS.sub(" ", own[:_ENOUGH]))]
        votes = {_WORD_LANGUAGE[word] for word in words if word in _WORD_LANGUAGE}
        if len(words) <= 3 and len(votes) == 1:
            return votes.pop()
        letters = sum(len(word) for word in words)
        if letters < 4 or (not first and _is_address(text, words)):
            return current
        language, probability = self._model.classify(" ".join(words))
        # Addresses and product names look like anything: a short text must be clear to switch.
        needed = 0.6 if first else (0.9 if letters > 12 else 0.97)
        return str(language) if probability >= needed else current
