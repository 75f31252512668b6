"""`bot shop show | import | reset`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from host.cli import Context
from host.errors import Fatal
from plugins.shop.commands import shop_commands
from plugins.shop.settings import ShopSettings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *arguments: str) -> Result:
    group = shop_commands(ShopSettings())
    return CliRunner().invoke(
        group,
        list(arguments),
        obj=Context(data_folder=data),
        catch_exceptions=False,
        standalone_mode=False,
    )


def refused(data: Path, *arguments: str) -> str:
    """What `bot` prints, before it exits with 2."""
    with pytest.raises(Fatal) as caught:
        run(data, *arguments)
    return str(caught.value)


def order(**changes: Any) -> dict[str, Any]:
    return {
        "number": "200001",
        "placed": "2026-11-20T10:00:00+01:00",
        "customer": {"name": "Jörg Groß", "email": "joerg@example.org"},
        "address": {"name": "Jörg Groß", "street": "Weg 1", "postal_code": "50674", "city": "Köln"},
        "lines": [{"id": "1", "product": "Öllampe", "price": "12.50", "quantity": 2}],
        "payment": {"method": "PayPal"},
        **changes,
    }


def write(data: Path, *orders: dict[str, Any]) -> str:
    data.mkdir(exist_ok=True)
    path = data / "orders.json"
    path.write_text(json.dumps({"orders": orders}, indent=1), encoding="utf-8")
    return str(path)


def test_show_prints_the_whole_order_as_json(data: Path) -> None:
    result = run(data, "show", "100242", "--json")
    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (shown["number"], shown["version"], shown["state"]) == ("B-100242", 1, "delivered")
    assert shown["total"] == "94.80"
    assert shown["permissions"]["cancel"] == {"allowed": False, "reason": "delivered"}
    assert [line["excluded"] for line in shown["lines"]] == [None, "hygiene"]
    assert shown["changes"] == shown["labels"] == []


def test_show_prints_a_table(data: Path) -> None:
    result = run(data, "show", "B-100252")
    assert result.exit_code == 0
    assert "Müller" in result.stdout
    assert "returned" in result.stdout


def test_an_unknown_order_is_one_line_and_exit_2(data: Path) -> None:
    assert "there is no order 999999" in refused(data, "show", "999999")


def test_import_adds_and_replaces(data: Path) -> None:
    assert run(data, "import", write(data, order())).stdout == "Imported 1 orders.\n"
    first = json.loads(run(data, "show", "200001", "--json").stdout)
    replaced = order(parcels=[_parcel()], payment={"method": "Rechnung"})
    assert run(data, "import", write(data, replaced)).exit_code == 0
    second = json.loads(run(data, "show", "200001", "--json").stdout)
    assert (first["state"], first["version"], first["total"]) == ("open", 1, "25.00")
    assert (second["state"], second["version"]) == ("shipped", 2)


def test_what_is_shown_can_be_imported_days_relative_to_today(data: Path) -> None:
    relative = order(placed="today-3T09:00", parcels=[_parcel(shipped="today-1")])
    assert run(data, "import", write(data, relative)).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "line", "told"),
    [
        ({"number": "12"}, 4, "orders[0].number: an order number has six digits"),
        ({"colour": "red"}, 27, "orders[0].colour: Extra inputs are not permitted"),
        ({"shipping": -1}, 27, "orders[0].shipping: Input should be greater than or equal to 0"),
        (
            {"customer": {"name": "x", "email": "nobody"}},
            8,
            "orders[0].customer.email: not an e-mail address",
        ),
    ],
)
def test_a_fault_is_named_with_line_and_field(
    data: Path, changes: dict[str, Any], line: int, told: str
) -> None:
    path = write(data, order(**changes))
    assert f"{path}:{line}: {told}" in refused(data, "import", path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"address": {"name": "x", "street": "Weg 1", "postal_code": "1", "city": "Köln"}},
            "not an address of DE: check postal_code",
        ),
        (
            {"parcels": [{"id": "1", "state": "shipped", "contents": [{"line": "1"}]}]},
            "`shipped` is set exactly when the parcel has left",
        ),
        (
            {"parcels": [{"id": "1", "state": "preparing", "contents": [{"line": "7"}]}]},
            "parcels: more pieces of line 7 than were ordered",
        ),
        ({"lines": [{"id": "1", "product": "a", "price": 1}] * 2}, "two lines have the same id"),
    ],
)
def test_an_order_that_cannot_be_is_refused(data: Path, changes: dict[str, Any], told: str) -> None:
    assert told in refused(data, "import", write(data, order(**changes)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"orders": [\n  {"number": }]}', "Invalid JSON: expected value at line 2 column 14"),
        (b"\xff\xfe", "not UTF-8 (byte 1)"),
        (b"[]", "Input should be an object"),
        (b"", "Invalid JSON"),
        (b"{}", "orders: Field required"),
    ],
)
def test_a_file_that_is_none_is_one_line_and_exit_2(data: Path, content: bytes, told: str) -> None:
    data.mkdir()
    (data / "x.json").write_bytes(content)
    assert told in refused(data, "import", str(data / "x.json"))


def test_a_missing_file_and_two_orders_of_one_number_are_refused(data: Path) -> None:
    assert "No such file" in refused(data, "import", str(data / "none.json"))
    twice = refused(data, "import", write(data, order(), order(number="B-200001")))
    assert "order B-200001 is in the file 2 times" in twice


def test_a_refused_file_changes_nothing(data: Path) -> None:
    refused(data, "import", write(data, order(number="B-200002"), order(number="x")))
    refused(data, "show", "B-200002")


def test_reset_brings_the_demo_orders_back(data: Path) -> None:
    run(data, "import", write(data, order()))
    assert run(data, "reset").exit_code == 0
    refused(data, "show", "200001")
    assert run(data, "show", "100234").exit_code == 0


def test_a_damaged_file_is_one_line_and_exit_2(data: Path) -> None:
    data.mkdir()
    (data / "shop.db").write_bytes(b"damaged " * 1000)
    assert "shop.db in the data folder cannot be used" in refused(data, "show", "100234")


def _parcel(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "state": "shipped",
        "shipped": "2026-11-21",
        "contents": [{"line": "1", "quantity": 2}],
        **changes,
    }
