"""The words: reads the ``responses:`` of the domain folders and renders one by language,
formality and channel. No text stands in code.

A placeholder is ``{fact}`` or ``{fact:spec}``; the specs are ``date``, ``weekday``, ``time``,
``clock`` (a time as it is said, or minutes after midnight: 8, 8:30; 8 am), ``money``, ``list`` and
``term`` (the response ``term_<value>``, for words such as an order's state).
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from bot.messages import Button, RenderedText
from bot.ports import Problem

log = logging.getLogger(__name__)
# The same as SafeLoader, in C where PyYAML has it: half a second less at every start.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LANGUAGES = ("de", "en")
FORMALITIES = ("Sie", "du")
MISSING = "–"
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SPECS = frozenset({"date", "weekday", "time", "clock", "money", "list", "term"})
_LOCALES = {"de": "de_DE", "en": "en_GB"}


@dataclass(frozen=True, slots=True)
class _Variant:
    text: str
    buttons: tuple[Button, ...]
    language: str | None
    formality: str | None
    channel: str | None
    source: str

    def placeholders(self) -> set[tuple[str, str]]:
        parts = (self.text, *(button.title for button in self.buttons))
        return {pair for part in parts for pair in _PLACEHOLDER.findall(part)}


class TextsBook:
    """All responses of the domain folders.

    ``facts`` are known to every text, a mapping is one for each language; ``formality`` is ``Sie``
    or ``du``; ``currency`` an ISO code for the spec ``money``. Raises ValueError naming the file
    when a folder cannot be read.
    """

    def __init__(
        self,
        folders: Iterable[Traversable],
        *,
        formality: str = "Sie",
        currency: str = "EUR",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._formality = formality
        self._currency = currency
        self._facts = dict(facts or {})
        self._variants: dict[str, list[_Variant]] = defaultdict(list)
        for folder in folders:
            for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
                if file.name.endswith((".yml", ".yaml")):
                    self._read(file)

    def _read(self, file: Traversable) -> None:
        try:
            content = yaml.load(file.read_text("utf-8"), Loader=_LOADER) or {}  # noqa: S506
            for name, variants in (content.get("responses") or {}).items():
                self._variants[name].extend(_variant(item, file.name) for item in variants)
        except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"{file} is not a domain file with responses: {error}") from error

    def has(self, response: str) -> bool:
        """Whether there is a response of that name."""
        return response in self._variants

    def names(self, prefix: str = "") -> Sequence[str]:
        """All responses whose name begins so."""
        return sorted(name for name in self._variants if name.startswith(prefix))

    def needs(self, response: str, *, language: str, channel: str | None = None) -> frozenset[str]:
        """The facts that a response needs and that not every text has. Raises LookupError."""
        variant = self._pick(response, language, channel, "")
        return frozenset(fact for fact, _ in variant.placeholders()) - self._facts.keys()

    def add_facts(self, facts: Mapping[str, Any]) -> None:
        """Make more facts known to every text."""
        self._facts.update(facts)

    def render(
        self,
        response: str,
        facts: Mapping[str, Any],
        *,
        language: str,
        channel: str | None = None,
        key: str = "",
    ) -> RenderedText:
        """Render a response. Raises LookupError; a missing fact shows as a dash and is logged."""
        variant = self._pick(response, language, channel, key)
        known = {**self._facts, **facts}
        lookup = _Filler(self, response, known, language).fill
        text = _PLACEHOLDER.sub(lookup, variant.text)
        buttons = tuple(
            Button(_PLACEHOLDER.sub(lookup, button.title), button.payload)
            for button in variant.buttons
        )
        return RenderedText(text.strip(), buttons)

    def _pick(self, response: str, language: str, channel: str | None, key: str) -> _Variant:
        fitting = [
            (score, variant)
            for variant in self._variants.get(response, ())
            if (score := _score(variant, language, self._formality, channel)) is not None
        ]
        if not fitting:
            raise LookupError(f"no text '{response}'")
        best = max(score for score, _ in fitting)
        equal = [variant for score, variant in fitting if score == best]
        digest = hashlib.sha256(f"{key}{response}".encode()).digest()
        return equal[digest[0] % len(equal)]

    def fill(self, pattern: str, facts: Mapping[str, Any], *, language: str) -> str:
        """Fill a pattern of a plugin's; a missing fact shows as a dash and is logged."""
        known = {**self._facts, **facts}
        return _PLACEHOLDER.sub(_Filler(self, "pattern", known, language).fill, pattern)

    def lacks(self, pattern: str, facts: Mapping[str, Any]) -> Sequence[str]:
        """The facts of a pattern that :meth:`fill` would not find."""
        known = {**self._facts, **facts}
        return [name for name, _ in _PLACEHOLDER.findall(pattern) if known.get(name) is None]

    def facts_of(self, response: str) -> frozenset[str]:
        """The facts that the variants of a response use; none where there is no such response."""
        variants = self._variants.get(response, ())
        return frozenset(fact for variant in variants for fact, _ in variant.placeholders())

    def pattern_problems(
        self, where: str, pattern: str, facts: AbstractSet[str]
    ) -> Iterator[Problem]:
        """What a pattern of a plugin's asks for that ``fill`` will not find among ``facts``."""
        if set("{}") & set(_PLACEHOLDER.sub("", pattern)):
            yield Problem(where, f"a brace is left over in '{pattern}'", "write a fact as {name}")
        placeholders = set(_PLACEHOLDER.findall(pattern))
        for fact in sorted({fact for fact, _ in placeholders}):
            if fact not in facts and fact not in self._facts:
                what = f"no fact is called '{fact}' here; a dash goes out in its place"
                yield Problem(where, what, f"possible: {', '.join(sorted(facts))}", fatal=False)
        yield from _spec_problems(where, placeholders)

    def format(self, value: Any, spec: str, language: str) -> str:
        """A fact as words."""
        locale = _LOCALES.get(language, "en_GB")
        match spec:
            case "date":
                style = "EEEE, d. MMMM" if language == "de" else "EEEE d MMMM"
                return format_date(_date(value), style, locale=locale)
            case "weekday":
                return format_date(_date(value), "EEEE", locale=locale)
            case "clock":
                return _clock(value, locale)
            case "time":
                return format_time(value, "short", locale=locale)
            case "money":
                return format_currency(Decimal(str(value)), self._currency, locale=locale)
            case "list":
                return format_list([str(item) for item in value], locale=locale)
            case "term":
                name = f"term_{value}"
                return (
                    self.render(name, {}, language=language).text if self.has(name) else str(value)
                )
        if isinstance(value, Decimal | float):
            return format_decimal(value, locale=locale)
        return str(value)

    def check(self) -> list[Problem]:
        """What is missing: variants, facts that differ between variants, unknown specs."""
        return [problem for name in self.names() for problem in self._check(name)]

    def _check(self, name: str) -> Iterable[Problem]:
        variants = self._variants[name]
        where = f"response {name} ({variants[0].source})"
        for language in LANGUAGES:
            for formality in FORMALITIES if language == "de" else (None,):
                if all(_score(v, language, formality or "", None) is None for v in variants):
                    address = f" ({formality})" if formality else ""
                    yield Problem(where, f"has no text in {language}{address}", "add a variant")
        facts = {fact for variant in variants for fact, _ in variant.placeholders()}
        for variant in variants:
            missing = facts - {fact for fact, _ in variant.placeholders()} - self._facts.keys()
            if missing and variant.channel is None:
                names = ", ".join(sorted(missing))
                marks = f"{variant.language or 'any'} {variant.formality or ''}".strip()
                yield Problem(where, f"the {marks} text lacks {names}", "say the same", fatal=False)
            yield from _spec_problems(where, variant.placeholders())


class _Filler:
    """Fills the placeholders of one rendering."""

    def __init__(
        self, book: TextsBook, response: str, facts: Mapping[str, Any], language: str
    ) -> None:
        self._book = book
        self._response = response
        self._facts = facts
        self._language = language

    def fill(self, match: re.Match[str]) -> str:
        name, spec = match[1], match[2] or ""
        value = self._facts.get(name)
        if isinstance(value, Mapping):  # said differently in each language
            value = value.get(self._language)
        if value is None:
            log.error("fact missing", extra={"response": self._response, "fact": name})
            return MISSING
        try:
            return self._book.format(value, spec, self._language)
        except (TypeError, ValueError, InvalidOperation, AttributeError):
            log.error("fact unfit", extra={"response": self._response, "fact": name})  # noqa: TRY400
            return str(value)


def _spec_problems(where: str, placeholders: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for fact, spec in sorted(placeholders):
        if spec and spec not in _SPECS:
            known = ", ".join(sorted(_SPECS))
            yield Problem(where, f"unknown spec in {{{fact}:{spec}}}", f"use one of {known}")


def _variant(item: Mapping[str, Any], source: str) -> _Variant:
    marks = item.get("metadata") or {}
    return _Variant(
        text=str(item["text"]),
        buttons=tuple(
            Button(str(button["title"]), str(button["payload"]))
            for button in item.get("buttons") or ()
        ),
        language=marks.get("language"),
        formality=marks.get("formality"),
        channel=item.get("channel"),
        source=source,
    )


def _score(variant: _Variant, language: str, formality: str, channel: str | None) -> int | None:
    """How well a variant fits; ``None`` when it does not."""
    if variant.language not in (None, language):
        return None
    if variant.formality not in (None, formality):
        return None
    if variant.channel is not None and variant.channel != channel:
        return None
    return 4 * bool(variant.channel) + 2 * bool(variant.language) + bool(variant.formality)


def _clock(value: Any, locale: str) -> str:
    """German 8, 8:30 or 24; English 8 am, 8:30 am or 12 noon."""
    minutes = value if isinstance(value, int) else value.hour * 60 + value.minute
    hour, minute = divmod(minutes, 60)
    if locale.startswith("de"):
        return f"{hour}:{minute:02}" if minute else str(hour)
    # 12 am and 12 pm are read either way.
    pattern = "h:mm a" if minute else "h a" if hour % 12 else "h b"
    return format_time(time(hour % 24, minute), pattern, locale=locale)


def _date(value: Any) -> date | datetime:
    return date.fromisoformat(value) if isinstance(value, str) else value
