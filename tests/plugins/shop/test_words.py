"""Every text that the actions name is there, and the reference page tells the truth."""

import json
import re
from pathlib import Path

import pytest

from host.texts import TextsBook
from plugins.knowledge.settings import KnowledgeSettings
from plugins.shop.api import Exclusion
from plugins.shop.demo import SEED, DemoShop
from plugins.shop.importing import read_file
from plugins.shop.settings import ShopSettings

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "demo-shop.md"
ACTIONS = ("track_order", "cancel_order", "change_address", "return_label")


@pytest.fixture(scope="module")
def book() -> TextsBook:
    return TextsBook([ROOT / "nlu" / "domain"], facts=KnowledgeSettings().facts())


def test_no_text_of_the_shop_is_missing_in_a_language(book: TextsBook) -> None:
    mine = re.compile(rf"{'|'.join(ACTIONS)}|utter_ask|term_|order_id|proof")
    assert [found for found in book.check() if mine.search(found.where)] == []


@pytest.mark.parametrize("name", ACTIONS)
def test_every_text_that_is_named_is_there(book: TextsBook, name: str) -> None:
    folder = ROOT / "plugins" / name
    code = "\n".join(path.read_text() for path in folder.glob("*.py"))
    named = set(re.findall(rf'"((?:utter_)?{name}_\w+)"', code))
    assert named
    assert {one for one in named if not book.has(one)} == set()


@pytest.mark.parametrize("kind", list(Exclusion))
def test_every_exclusion_has_words(book: TextsBook, kind: Exclusion) -> None:
    assert book.has(f"term_excluded_{kind.value}")


@pytest.mark.parametrize("country", ShopSettings().countries)
def test_every_country_has_words(book: TextsBook, country: str) -> None:
    assert book.has(f"term_country_{country}")


def test_the_table_of_demo_orders_is_the_shop() -> None:
    rows = re.findall(r"^\| (B-\d{6}) \| ([^|]+) \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    orders = json.loads(SEED.read_text())["orders"]
    assert rows == [
        (one["number"], one["address"]["postal_code"], one["customer"]["email"]) for one in orders
    ]


def test_the_example_of_an_import_can_be_imported(tmp_path: Path) -> None:
    match = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert match is not None
    file = tmp_path / "orders.json"
    file.write_text(match[1])
    assert len(read_file(file, DemoShop(tmp_path / "shop.db").today())) == 1
