"""Logs hold ids and figures, and neither what customers wrote nor who they are."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from host.logs import configure
from host.settings import LogOptions


@pytest.fixture(autouse=True)
def _root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


class Logged:
    """What is written to standard error from now on."""

    def __init__(self, level: str = "debug") -> None:
        self.stream = io.StringIO()
        with contextlib.redirect_stderr(self.stream):
            configure(LogOptions.model_validate({"json": True, "level": level}))

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


def test_ids_stay_and_private_values_go() -> None:
    logged = Logged()
    extra = {"conversation": 7, "text": "my parcel", "address": "+49170", "email": "a@b.c"}
    logging.getLogger("bot.x").info("turn done", extra=extra)
    structlog.get_logger("plugins.y").info("sent", body="hello", row="r1")
    first, second = logged.lines()
    assert (first["event"], first["conversation"], first["logger"]) == ("turn done", 7, "bot.x")
    assert {"text", "address", "email"}.isdisjoint(first)
    assert (second["event"], second["row"]) == ("sent", "r1")
    assert "body" not in second


def test_an_exception_is_its_kind_and_its_places() -> None:
    logged = Logged()

    def fails() -> None:
        raise ValueError("customer@example.org wrote this")

    try:
        fails()
    except ValueError:
        logging.getLogger("bot.x").exception("turn broken")
    (line,) = logged.lines()
    assert line["error"] == "ValueError"
    assert str(line["at"]).startswith("test_logs.py:")
    assert "customer@example.org" not in json.dumps(line)


def test_a_librarys_record_loses_its_values() -> None:
    logged = Logged()
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "203.0.113.9")
    logging.getLogger("asyncio").error("Task exception was never retrieved\nValueError('a@b.c')")
    said = json.dumps(logged.lines())
    assert "Error handling request from" in said
    assert "Task exception was never retrieved" in said
    assert "203.0.113.9" not in said
    assert "a@b.c" not in said


def test_the_level_holds() -> None:
    logged = Logged("error")
    logging.getLogger("bot.x").warning("not this")
    logging.getLogger("bot.x").error("this")
    assert [line["event"] for line in logged.lines()] == ["this"]
