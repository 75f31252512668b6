"""The words: picked by language, formality and channel; filled with facts; checked for gaps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from host.texts import TextsBook

DOMAIN = """
responses:
  utter_hi:
  - text: "Guten Tag {name}"
    metadata: {language: de, formality: Sie}
  - text: "Hallo {name}"
    metadata: {language: de, formality: du}
  - text: "Hello {name}"
    metadata: {language: en}
    buttons: [{title: "Go, {name}", payload: "/go"}]
  - text: "Dear {name}"
    metadata: {language: en}
    channel: mail
  utter_same:
  - {text: "eins", metadata: {language: de}}
  - {text: "zwei", metadata: {language: de}}
  - {text: "one", metadata: {language: en}}
  utter_facts:
  - {text: "%s", metadata: {language: de}}
  - {text: "%s", metadata: {language: en}}
  term_shipped:
  - {text: "unterwegs", metadata: {language: de}}
  - {text: "on its way", metadata: {language: en}}
"""


def book(folder: Path, wording: str = "-", **more: Any) -> TextsBook:
    (folder / "a.yml").write_text(DOMAIN.replace("%s", wording), "utf-8")
    return TextsBook([folder], **more)


@pytest.mark.parametrize(
    ("language", "formality", "channel", "text"),
    [
        ("de", "Sie", None, "Guten Tag Ada"),
        ("de", "du", None, "Hallo Ada"),
        ("en", "Sie", None, "Hello Ada"),
        ("en", "du", "mail", "Dear Ada"),
        ("en", "Sie", "web", "Hello Ada"),
    ],
)
def test_the_best_variant_is_picked(
    tmp_path: Path, language: str, formality: str, channel: str | None, text: str
) -> None:
    texts = book(tmp_path, formality=formality)
    said = texts.render("utter_hi", {"name": "Ada"}, language=language, channel=channel)
    assert said.text == text
    assert [button.title for button in said.buttons] == (["Go, Ada"] if "Hello" in text else [])


def test_equal_variants_are_picked_by_key_and_stay(tmp_path: Path) -> None:
    texts = book(tmp_path)
    said = {
        key: texts.render("utter_same", {}, language="de", key=key).text
        for key in map(str, range(30))
    }
    assert set(said.values()) == {"eins", "zwei"}
    assert said["7"] == texts.render("utter_same", {}, language="de", key="7").text


@pytest.mark.parametrize(
    ("placeholder", "value", "german", "english"),
    [
        ("{x:date}", date(2026, 11, 24), "Dienstag, 24. November", "Tuesday 24 November"),
        ("{x:date}", "2026-11-24", "Dienstag, 24. November", "Tuesday 24 November"),
        ("{x:money}", Decimal("4.9"), "4,90\u00a0€", "€4.90"),
        ("{x:list}", ["a", "b", "c"], "a, b und c", "a, b and c"),
        ("{x:term}", "shipped", "unterwegs", "on its way"),
        ("{x:term}", "elsewhere", "elsewhere", "elsewhere"),
        ("{x}", {"de": "ja", "en": "yes"}, "ja", "yes"),
        ("{x}", None, "–", "–"),
        ("{x:date}", "not a date", "not a date", "not a date"),
        ("{x}", "{y} {x.__class__} %s", "{y} {x.__class__} %s", "{y} {x.__class__} %s"),
    ],
)
def test_facts_become_words_and_a_value_is_never_a_template(
    tmp_path: Path, placeholder: str, value: Any, german: str, english: str
) -> None:
    texts = book(tmp_path, placeholder, facts={"y": "secret"})
    said = [texts.render("utter_facts", {"x": value}, language=one).text for one in ("de", "en")]
    assert said == [german, english]


def test_an_unknown_response_is_an_error_and_gaps_are_found(tmp_path: Path) -> None:
    texts = book(tmp_path)
    with pytest.raises(LookupError):
        texts.render("utter_none", {}, language="de")
    assert texts.check() == []
    (tmp_path / "b.yml").write_text(
        "responses:\n  utter_gap:\n  - {text: 'a {x:colour}', metadata: {language: de}}\n"
    )
    found = [problem.what for problem in TextsBook([tmp_path]).check()]
    assert any("no text in en" in what for what in found)
    assert any("unknown spec" in what for what in found)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("responses:\n  utter_x: [unclosed")
    with pytest.raises(ValueError, match=r"bad\.yml"):
        TextsBook([tmp_path])
