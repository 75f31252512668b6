"""Which intent a message has: linear classifiers on words and pieces of words, one per intent.

The margins become confidences by a softmax whose temperature is fitted on messages that the
classifiers did not learn from. Trains in seconds, loads in tenths of one, needs no tokenizer.
"""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

INTENT_RANKING = "intent_ranking"
_FOLDS = 3
_SHORTEST_NUMBER = 4
"""Digits that may be a postcode or an order number when they stand alone."""
_TEMPERATURES = (0.5, 20.0)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_EMAIL, _DIGIT = re.compile(r"\S+@\S+"), re.compile(r"\d")


def normal(text: str) -> str:
    """One spelling for what is the same: case, accents, umlauts written out, any digit, any
    address."""
    folded = unicodedata.normalize("NFKD", text.lower().translate(_GERMAN))
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return _DIGIT.sub("0", _EMAIL.sub(" emailaddress ", folded))


class Terms:
    """What a vectorizer learned: the terms of a text, and what each weighs.

    It makes the same vectors as the vectorizer does, without its overhead for each call.
    """

    def __init__(self, split: Callable[[str], Iterable[str]]) -> None:
        """`split` cuts a text into its terms, known or not."""
        self.split = split
        self.known: dict[str, int] = {}
        self._rarity: NDArray[Any] = np.zeros(0)

    def learn(self, terms: Sequence[str], rarity: NDArray[Any]) -> None:
        """Know `terms` and their `rarity`, in the order of their columns."""
        self.known = {term: column for column, term in enumerate(terms)}
        self._rarity = rarity

    def vector(self, text: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """The columns of a text that are not zero, and their values; the length is 1."""
        counts = Counter(
            column for term in self.split(text) if (column := self.known.get(term)) is not None
        )
        columns = np.fromiter(counts.keys(), np.int64, len(counts))
        often = np.fromiter(counts.values(), np.float64, len(counts))
        values = (1 + np.log(often)) * self._rarity[columns]
        return columns, values / (np.linalg.norm(values) or 1)

    def save(self, folder: Path, name: str) -> None:
        """Write what is known."""
        (folder / f"{name}.json").write_text(json.dumps(list(self.known)), "utf-8")
        np.save(folder / f"{name}.npy", self._rarity)

    def load(self, folder: Path, name: str) -> None:
        """Read what was written."""
        terms = json.loads((folder / f"{name}.json").read_text("utf-8"))
        self.learn(terms, np.load(folder / f"{name}.npy"))


class Vectors:
    """Words and pairs of words, and pieces of words, weighed by how rare they are."""

    def __init__(self, longest_piece: int) -> None:
        """Nothing is known yet; pieces have 1 to `longest_piece` characters."""
        self._learners = {
            "words": TfidfVectorizer(
                ngram_range=(1, 2),
                token_pattern=r"\b\w+\b|[^\w\s]",  # noqa: S106
                sublinear_tf=True,
            ),
            "pieces": TfidfVectorizer(
                analyzer="char_wb", ngram_range=(1, longest_piece), sublinear_tf=True
            ),
        }
        self._parts = {
            name: Terms(learner.build_analyzer()) for name, learner in self._learners.items()
        }

    def fit(self, texts: Sequence[str]) -> csr_matrix:
        """Learn what there is in `texts`, and its vectors."""
        plain = [normal(text) for text in texts]
        columns = [learner.fit_transform(plain) for learner in self._learners.values()]
        for name, learner in self._learners.items():
            self._parts[name].learn([str(t) for t in learner.get_feature_names_out()], learner.idf_)
        return hstack(columns).tocsr()

    def margins(self, text: str, weights: NDArray[Any]) -> NDArray[Any]:
        """The vector of `text` times `weights`."""
        plain = normal(text)
        total, first = np.zeros(weights.shape[1]), 0
        for part in self._parts.values():
            columns, values = part.vector(plain)
            total += values @ weights[first + columns]
            first += len(part.known)
        return total

    def known(self, text: str) -> float:
        """The share of the text's pieces of three characters that some example has too.

        Keyboard noise has few. Marks alone, and a number of three digits or less, mean nothing.
        """
        plain = normal(text)
        if not any(character.isalpha() for character in plain):
            signs = [sign for sign in plain if sign not in string.punctuation + string.whitespace]
            if len(signs) < _SHORTEST_NUMBER and not any(ord(sign) > 127 for sign in signs):
                return 0.0
        # "ja!" is no less known than "ja".
        words = [f" {word.strip(string.punctuation) or word} " for word in plain.split()]
        pieces = [word[at : at + 3] for word in words for at in range(max(1, len(word) - 2))]
        vocabulary = self._parts["pieces"].known
        return sum(piece in vocabulary for piece in pieces) / max(1, len(pieces))

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        for name, part in self._parts.items():
            part.save(folder, name)

    def load(self, folder: Path) -> None:
        """Read what was written."""
        for name, part in self._parts.items():
            part.load(folder, name)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class NgramClassifier(GraphComponent, IntentClassifier):
    """Learns and tells the intent of a message."""

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        """An untrained classifier, which knows no intent."""
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._vectors = Vectors(config["longest_piece"])
        self._intents: list[str] = []
        self._weights = np.zeros((0, 0), dtype=np.float32)
        self._bias = np.zeros(0, dtype=np.float32)
        self._temperature = 1.0

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`C` weighs the examples against simplicity; `ranking_length` is what is told.

        A text of which less than `least_known` is known is told with a small confidence.
        """
        return {"C": 1.0, "longest_piece": 5, "ranking_length": 5, "least_known": 0.62}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> NgramClassifier:
        """A classifier to train."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NgramClassifier:
        """The classifier as it was trained."""
        made = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as path:
            folder = Path(path)
            made._vectors.load(folder)
            made._weights = np.load(folder / "weights.npy")
            made._bias = np.load(folder / "bias.npy")
            told = json.loads((folder / "intents.json").read_text("utf-8"))
            made._intents, made._temperature = told["intents"], told["temperature"]
        return made

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples of every intent."""
        examples = [m for m in training_data.intent_examples if m.get(TEXT)]
        vectors = self._vectors.fit([m.get(TEXT) for m in examples])
        intents = np.array([m.get(INTENT) for m in examples])
        fitted = self._fit(vectors, intents)
        self._intents = [str(intent) for intent in fitted.classes_]
        self._weights = fitted.coef_.T.astype(np.float32)
        self._bias = fitted.intercept_.astype(np.float32)
        self._temperature = self._calibrate(vectors, intents)
        self._save()
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent and ranking of each message."""
        for message in messages if self._intents else ():
            ranking = self._rank(message.get(TEXT) or "")
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING, ranking, add_to_output=True)
        return messages

    def _rank(self, text: str) -> list[dict[str, Any]]:
        margins = self._vectors.margins(text, self._weights) + self._bias
        row = softmax(margins * self._temperature)
        known = self._vectors.known(text)
        if known < self._config["least_known"]:
            row = row * known / 2
        best = np.argsort(row)[::-1][: self._config["ranking_length"]]
        return [{"name": self._intents[i], "confidence": float(row[i])} for i in best]

    def _fit(self, vectors: csr_matrix, intents: NDArray[Any]) -> LinearSVC:
        return LinearSVC(C=self._config["C"], random_state=0).fit(vectors, intents)

    def _calibrate(self, vectors: csr_matrix, intents: NDArray[Any]) -> float:
        """The temperature at which unseen examples get the likeliest confidences."""
        _, labels = np.unique(intents, return_inverse=True)
        margins = np.zeros((len(intents), len(self._intents)))
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        for learn, unseen in folds.split(vectors, labels):
            fitted = self._fit(vectors[learn], labels[learn])
            margins[unseen] = fitted.decision_function(vectors[unseen])
        rows = np.arange(len(labels))
        best = minimize_scalar(
            lambda heat: -log_softmax(margins * heat, axis=1)[rows, labels].mean(),
            bounds=_TEMPERATURES,
            method="bounded",
        )
        return float(best.x)

    def _save(self) -> None:
        with self._storage.write_to(self._resource) as path:
            folder = Path(path)
            self._vectors.save(folder)
            np.save(folder / "weights.npy", self._weights)
            np.save(folder / "bias.npy", self._bias)
            told = {"intents": self._intents, "temperature": self._temperature}
            (folder / "intents.json").write_text(json.dumps(told), "utf-8")
