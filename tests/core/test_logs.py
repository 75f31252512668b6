"""Logs hold ids and figures, and neither what customers wrote nor who they are."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from bot.logs import configure
from bot.settings import LogOptions

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure(LogOptions.model_validate({"json": True, "level": "debug"}))
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_ids_stay_and_private_values_go(lines: Lines) -> None:
    extra = {"conversation": 7, "text": "my parcel", "address": "+49170", "email": "a@b.c"}
    logging.getLogger("bot.x").info("turn done", extra=extra)
    structlog.get_logger("plugins.y").info("sent", body="hello", row="r1")
    first, second = lines()
    assert (first["event"], first["conversation"], first["logger"]) == ("turn done", 7, "bot.x")
    assert {"text", "address", "email"}.isdisjoint(first)
    assert (second["event"], second["row"]) == ("sent", "r1")
    assert "body" not in second


def test_an_exception_is_its_kind_and_its_places(lines: Lines) -> None:
    def fails() -> None:
        raise ValueError("customer@example.org wrote this")

    try:
        fails()
    except ValueError:
        logging.getLogger("bot.x").exception("turn broken")
    (line,) = lines()
    assert line["error"] == "ValueError"
    assert str(line["at"]).startswith("test_logs.py:")
    assert "customer@example.org" not in json.dumps(line)


def test_a_librarys_record_loses_its_values(lines: Lines) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "203.0.113.9")
    logging.getLogger("asyncio").error("Task exception was never retrieved\nValueError('a@b.c')")
    said = json.dumps(lines())
    assert "Error handling request from" in said
    assert "Task exception was never retrieved" in said
    assert "203.0.113.9" not in said
    assert "a@b.c" not in said


def test_the_level_holds(lines: Lines) -> None:
    configure(LogOptions.model_validate({"json": True, "level": "error"}))
    logging.getLogger("bot.x").warning("not this")
    logging.getLogger("bot.x").error("this")
    assert [line["event"] for line in lines()] == ["this"]
