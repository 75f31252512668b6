"""Figures for a model: how well it understands sentences that it has not seen."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.messages import Entity, Understanding

FALLBACK = "nlu_fallback"
_MOST_CONFUSIONS = 15
_EXAMPLES = 3


class BadSet(Exception):
    """A file that cannot be evaluated. The text names file, line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence with what it means. ``entities`` are pairs of name and value; None: not given."""

    text: str
    intent: str
    entities: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """What the model made of a sentence; ``best`` is its first choice, whatever the threshold."""

    understanding: Understanding
    best: str | None


@dataclass
class Score:
    """Hits, false alarms and misses of one intent or entity."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    def figures(self) -> dict[str, float | int]:
        """Precision, recall, F1 (0 where there is nothing to divide), and how often it was due."""
        precision = _share(self.hits, self.hits + self.false)
        recall = _share(self.hits, self.hits + self.missed)
        both = precision + recall
        return {
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(2 * precision * recall / both if both else 0.0, 4),
            "support": self.hits + self.missed,
        }


@dataclass
class Report:
    """The figures of one run; ``seconds`` is the time that understanding took."""

    samples: Sequence[Sample]
    guesses: Sequence[Guess]
    seconds: float
    intents: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    entities: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))

    def __post_init__(self) -> None:
        for sample, guess in zip(self.samples, self.guesses, strict=True):
            _count_intent(self.intents, sample.intent, guess.understanding.intent)
            if sample.entities is not None:
                _count_entities(self.entities, sample, guess.understanding.entities)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for ``--json``. Shares are between 0 and 1."""
        count = len(self.samples)
        right = sum(s.intent == g.understanding.intent for s, g in self._pairs())
        best = sum(s.intent == g.best for s, g in self._pairs())
        below = sum(g.understanding.intent == FALLBACK for g in self.guesses)
        intents = {name: score.figures() for name, score in sorted(self.intents.items())}
        entities = {name: score.figures() for name, score in sorted(self.entities.items())}
        wanted = {sample.intent for sample in self.samples}
        return {
            "texts": count,
            "seconds": round(self.seconds, 3),
            "texts_per_second": round(count / self.seconds, 1) if self.seconds else None,
            "accuracy": round(_share(right, count), 4),
            "accuracy_without_threshold": round(_share(best, count), 4),
            "macro": _macro(figures for name, figures in intents.items() if name in wanted),
            "below_threshold": {"count": below, "share": round(_share(below, count), 4)},
            "intents": intents,
            "entities": entities,
            "entities_micro": _sum(self.entities.values()).figures(),
            "confusions": self._confusions(),
        }

    def _pairs(self) -> Iterable[tuple[Sample, Guess]]:
        return zip(self.samples, self.guesses, strict=True)

    def _confusions(self) -> list[dict[str, Any]]:
        counts: Counter[tuple[str, str]] = Counter()
        examples: dict[tuple[str, str], list[str]] = defaultdict(list)
        for sample, guess in self._pairs():
            pair = (sample.intent, str(guess.understanding.intent))
            if pair[0] != pair[1]:
                counts[pair] += 1
                examples[pair].append(sample.text)
        return [
            {
                "expected": pair[0],
                "predicted": pair[1],
                "count": count,
                "examples": examples[pair][:_EXAMPLES],
            }
            for pair, count in counts.most_common(_MOST_CONFUSIONS)
        ]


def read_set(file: Path) -> list[Sample]:
    """Read a CSV file with the columns text, intent and, where wanted, entities. Raises BadSet."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            rows = csv.DictReader(handle)
            missing = {"text", "intent"} - set(rows.fieldnames or ())
            if missing:
                raise BadSet(f"{file}: the first line lacks {', '.join(sorted(missing))}")
            samples = [_sample(row, f"{file}, line {rows.line_num}") for row in rows]
    except OSError as error:
        raise BadSet(f"{file} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadSet(f"{file} is not a CSV file in UTF-8") from error
    if not samples:
        raise BadSet(f"{file} has no sentences")
    return samples


def _sample(row: Mapping[str, str | None], where: str) -> Sample:
    text, intent = row.get("text") or "", (row.get("intent") or "").strip()
    if not intent:
        raise BadSet(f"{where}: no intent")
    given = row.get("entities")
    if given is None or not given.strip():
        return Sample(text, intent)
    try:
        items = json.loads(given)
        found = tuple((str(item["entity"]), str(item["value"])) for item in items)
    except (ValueError, TypeError, KeyError):
        raise BadSet(
            f'{where}: entities must be a JSON list of {{"entity": ..., "value": ...}}'
        ) from None
    return Sample(text, intent, found)


def _count_intent(scores: dict[str, Score], expected: str, predicted: str | None) -> None:
    if expected == predicted:
        scores[expected].hits += 1
        return
    scores[expected].missed += 1
    if predicted is not None:
        scores[predicted].false += 1


def _count_entities(scores: dict[str, Score], sample: Sample, found: Sequence[Entity]) -> None:
    open_ones = list(sample.entities or ())
    for entity in found:
        match = next((pair for pair in open_ones if _same(sample.text, pair, entity)), None)
        if match is None:
            scores[entity.entity].false += 1
        else:
            open_ones.remove(match)
            scores[entity.entity].hits += 1
    for name, _ in open_ones:
        scores[name].missed += 1


def _same(text: str, expected: tuple[str, str], found: Entity) -> bool:
    """The same name, and the same value as it was written or as it was brought into one form."""
    name, value = expected
    if name != found.entity:
        return False
    written = "" if found.start is None else text[found.start : found.end]
    return _plain(value) in (_plain(found.value), _plain(written))


def _plain(value: str) -> str:
    return " ".join(value.split()).casefold()


def _macro(figures: Iterable[Mapping[str, float | int]]) -> dict[str, float]:
    rows = list(figures)
    return {
        key: round(_share(sum(row[key] for row in rows), len(rows)), 4)
        for key in ("precision", "recall", "f1")
    }


def _sum(scores: Iterable[Score]) -> Score:
    total = Score()
    for score in scores:
        total.hits += score.hits
        total.false += score.false
        total.missed += score.missed
    return total


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
