"""Stand-ins for libraries that Rasa imports when it starts and that this project never runs.

Rasa imports TensorFlow (for DIET and TED) and the client library of every messaging service that
it has a connector for, whether a project uses them or not. They are 1.6 GB of disk, 0.4 GB of
memory and more than half of the time to start. `nlu/pyproject.toml` leaves them out, and this
module answers the imports with placeholders. A library that is installed always wins, since the
finder stands last. A placeholder that somebody calls raises an ImportError which says what to add.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ABSENT = frozenset(
    {
        "tensorflow",
        "keras",
        "matplotlib",
        "boto3",
        "botocore",
        "pymongo",
        "aio_pika",
        "aiormq",
        "aiogram",
        "cachecontrol",
        "fbmessenger",
        "google",
        "google.auth",
        "google.oauth2",
        "slack_sdk",
        "socketio",
        "twilio",
        "webexteamssdk",
    }
)
"""Modules that Rasa 3.6.21 imports, with all that is in them, and that no part used here calls."""


class _Placeholder(type):
    """A class to subclass, to annotate with or to name in an `except`, but never to call."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{cls.__module__}.{cls.__name__}", name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        absent = (base.__module__ for base in cls.__mro__ if _is_absent(base.__module__))
        package = next(absent, cls.__module__)
        raise ImportError(
            f"{package.partition('.')[0]} is left out of the environment of nlu/: add it to the"
            f" dependencies in nlu/pyproject.toml before you use {cls.__name__}"
        )


def _is_absent(module: str) -> bool:
    return isinstance(sys.modules.get(module.partition(".")[0]), _AbsentModule)


def _placeholder(module: str, name: str) -> _Placeholder:
    # What stands in an `except` has to be an exception, or the clause itself fails.
    is_error = name.endswith(("Error", "Exception")) or module.endswith((".errors", ".exceptions"))
    base = Exception if is_error else object
    return _Placeholder(name, (base,), {"__module__": module})


class _AbsentModule(ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _placeholder(self.__name__, name)
        setattr(self, name, made)
        return made


class _PassThrough:
    """What `structlog_sentry.SentryProcessor` is without Sentry: a processor that does nothing."""

    def __init__(self, **_: object) -> None:
        pass

    def __call__(self, _logger: object, _name: str, event: dict[str, Any]) -> dict[str, Any]:
        return event


def _random_name() -> str:
    return uuid.uuid4().hex[:8]


REPLACED: dict[str, dict[str, object]] = {
    "structlog_sentry": {"SentryProcessor": _PassThrough},
    "randomname": {"get_name": _random_name},
}
"""Libraries that Rasa does call, in one harmless place each, and what it gets instead.

`randomname` names a model that was given no name; it has no wheel and would have to be built."""


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent = sys.modules.get(fullname.rpartition(".")[0])
        # What an installed library does not find in itself it shall not find here either.
        if fullname in ABSENT | REPLACED.keys() or isinstance(parent, _AbsentModule):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name in REPLACED:
            return ModuleType(spec.name)
        return _AbsentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(REPLACED.get(module.__name__, {}))


def install() -> None:
    """Answer the imports of what is absent, after every other finder; twice is once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
