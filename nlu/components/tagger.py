"""Entities without a shape (street, city, product, name): a conditional random field over words.

Rasa's own `CRFEntityExtractor` keeps its training data in the model and trains again whenever a
model is loaded. This one keeps the trained field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pycrfsuite
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components.patterns import SHAPED, find

_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*\.?(?=\s?\d|\b)|[^\w\s]")
_FIELD = "tagger.crfsuite"
_LEXICON = "lexicon.json"
_ENDINGS = ("", "s", "es", "e", "en", "n", "er", "ern", "'s")
_REMEMBERED = 20_000
_HEAD = 4
"""Letters that the last part of a compound has at least."""
OUTSIDE = "O"


class Token(NamedTuple):
    """A word or a mark, `text[start:end]`."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Words, numbers and marks of `text`."""
    return [Token(match[0], *match.span()) for match in _TOKEN.finditer(text)]


class Lexicon:
    """Words known by heart, by entity: the `lookup:` tables of the training data."""

    def __init__(self, words: Mapping[str, Collection[str]]) -> None:
        """Keep `words`, each spelled as `plain` does it."""
        self.words = {entity: frozenset(map(plain, known)) for entity, known in words.items()}
        self.hints = lru_cache(_REMEMBERED)(self._hints)

    def _hints(self, word: str) -> list[str]:
        """The entities that `word` may be: as it stands, without its ending, or as a compound."""
        stems = [bare for end in _ENDINGS if (bare := plain(word).removesuffix(end))]
        hints = []
        for entity, known in self.words.items():
            if any(stem in known for stem in stems):
                hints.append(f"is={entity}")
            elif any(head in known for stem in stems for head in _heads(stem)):
                hints.append(f"ends={entity}")
        return hints


def _heads(stem: str) -> Iterator[str]:
    return (stem[at:] for at in range(3, len(stem) - _HEAD + 1))


def plain(word: str) -> str:
    """Lower case, with umlauts written out, as many people do."""
    return word.lower().translate(_UMLAUTS)


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def features(words: Sequence[Token], text: str, lexicon: Lexicon) -> list[list[str]]:
    """What the field sees of each word: itself, its shape, and the two on either side."""
    shapes = {
        (found.start, found.end): found.entity for found in find(text) if found.entity in SHAPED
    }
    alone = [_word(word, shapes, lexicon) for word in words]
    rows = []
    for index, own in enumerate(alone):
        row = ["bias", *own]
        for distance in (-2, -1, 1, 2):
            other = index + distance
            if 0 <= other < len(alone):
                row += [f"{distance}:{feature}" for feature in alone[other][: _SEEN[distance]]]
            else:
                row.append(f"{distance}:edge")
        rows.append(row)
    return rows


_SEEN = {-2: 2, -1: 5, 1: 5, 2: 2}
"""How many of a neighbour's features a word sees, by distance; the first are the strongest."""


def _word(word: Token, shapes: Mapping[tuple[int, int], str], lexicon: Lexicon) -> list[str]:
    lower = word.text.lower()
    shaped = next(
        (
            entity
            for (start, end), entity in shapes.items()
            if start < word.end and word.start < end
        ),
        None,
    )
    if shaped is not None:
        return [f"is={shaped}"]
    row = [f"w={lower}", f"shape={_shape(word.text)}", *(lexicon.hints(word.text) or ["unknown"])]
    row += [f"s3={lower[-3:]}", f"s4={lower[-4:]}", f"s2={lower[-2:]}", f"s5={lower[-5:]}"]
    row += [f"p3={lower[:3]}", f"p4={lower[:4]}", f"long={min(len(lower), 12)}"]
    return row


def _shape(word: str) -> str:
    if word.isdigit():
        return f"digits{min(len(word), 6)}"
    if not word[0].isalnum():
        return word
    if any(character.isdigit() for character in word):
        return "mixed"
    if len(word) > 1 and word.isupper():
        return "UPPER"
    return "Title" if word[0].isupper() else "lower"


def labels(words: Sequence[Token], entities: Sequence[dict[str, Any]]) -> list[str]:
    """The label of each word: begin, inside or outside of an annotated entity."""
    row = [OUTSIDE] * len(words)
    for entity in entities:
        if entity["entity"] in SHAPED:
            continue
        inside = [
            index
            for index, word in enumerate(words)
            if word.start < entity["end"] and entity["start"] < word.end
        ]
        for index in inside:
            row[index] = ("B-" if index == inside[0] else "I-") + str(entity["entity"])
    return row


def spans(words: Sequence[Token], row: Sequence[str]) -> list[tuple[str, int, int]]:
    """The entities that the labels mean, as name, start and end."""
    found: list[tuple[str, int, int]] = []
    before = OUTSIDE
    for word, label in zip(words, row, strict=True):
        name = label[2:]
        if label.startswith("I-") and before[2:] == name:
            found[-1] = (name, found[-1][1], word.end)
        elif label != OUTSIDE:
            found.append((name, word.start, word.end))
        before = label
    return found


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class WordTagger(GraphComponent):
    """Learns and finds the entities that have no shape."""

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        """An untrained tagger, which finds nothing."""
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._tagger: pycrfsuite.Tagger | None = None
        self._trained = b""
        self._lexicon = Lexicon({})

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The weights of the two regularisations, and when training stops."""
        return {"c1": 0.1, "c2": 0.1, "max_iterations": 80}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> WordTagger:
        """A tagger to train."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> WordTagger:
        """The tagger as it was trained."""
        made = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            made._lexicon = Lexicon(json.loads((Path(folder) / _LEXICON).read_text("utf-8")))
            made._open((Path(folder) / _FIELD).read_bytes())
        return made

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from every message that has annotated entities, and from those without any."""
        self._lexicon = Lexicon(_lookups(training_data))
        trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
        trainer.set_params({name: self._config[name] for name in self.get_default_config()})
        for message in training_data.nlu_examples:
            text = message.get(TEXT) or ""
            words = tokens(text)
            if words:
                trainer.append(
                    features(words, text, self._lexicon), labels(words, message.get(ENTITIES, []))
                )
        with self._storage.write_to(self._resource) as folder:
            file = Path(folder) / _FIELD
            trainer.train(str(file))
            known = {entity: sorted(words) for entity, words in self._lexicon.words.items()}
            (Path(folder) / _LEXICON).write_text(json.dumps(known), "utf-8")
            self._open(file.read_bytes())
        return self._resource

    def _open(self, trained: bytes) -> None:
        # Kept: the tagger reads the bytes in place.
        self._trained = trained
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open_inmemory(trained)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Later components learn nothing from what this one finds."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add what is found to the entities of each message."""
        for message in messages:
            found = [
                {
                    "entity": name,
                    "start": start,
                    "end": end,
                    "value": message.get(TEXT)[start:end],
                    "extractor": type(self).__name__,
                }
                for name, start, end in self._find(message.get(TEXT) or "")
            ]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages

    def _find(self, text: str) -> list[tuple[str, int, int]]:
        words = tokens(text)
        if not words or self._tagger is None:
            return []
        return spans(words, self._tagger.tag(features(words, text, self._lexicon)))


def _lookups(training_data: TrainingData) -> dict[str, list[str]]:
    return {
        table["name"]: list(table["elements"])
        for table in training_data.lookup_tables
        if isinstance(table["elements"], list)
    }
