"""Reads the training data once: Rasa reads and checks every file three times for one training."""

from __future__ import annotations

from typing import Any

from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.training_data import TrainingData


class ReadOnce(RasaFileImporter):
    """Rasa's own importer, which remembers what it has read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Rasa's; nothing is read yet."""
        super().__init__(*args, **kwargs)
        self._read: TrainingData | None = None

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """The examples, whatever `language` is asked for: one model understands all of them.

        Rasa copies them where it changes them.
        """
        if self._read is None:
            self._read = super().get_nlu_data(language)
        return self._read
