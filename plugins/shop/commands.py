"""`bot shop`: look at the demo shop, fill it, set it back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click
from rich.console import Console
from rich.table import Table

from host.cli import Context, data_option
from host.errors import Fatal
from plugins.shop.demo import DemoShop
from plugins.shop.errors import OrderNotFound, ShopUnavailable
from plugins.shop.facts import order_card, order_json
from plugins.shop.importing import BadFile, read_file
from plugins.shop.settings import ShopSettings

T = TypeVar("T")


def shop_commands(settings: ShopSettings) -> click.Group:
    """The group `shop` with the commands show, import and reset."""

    @click.group(name="shop")
    def shop() -> None:
        """Look at the demo shop, fill it, set it back."""

    @shop.command(name="show")
    @click.argument("order")
    @click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
    @data_option
    @click.pass_obj
    def show(context: Context, order: str, as_json: bool) -> None:
        """Show an order with what is allowed, its changes and its labels."""
        _show(_shop(context, settings), order, as_json)

    @shop.command(name="import")
    @click.argument("file", type=click.Path(path_type=Path))
    @data_option
    @click.pass_obj
    def import_(context: Context, file: Path) -> None:
        """Add the orders of a JSON file; an order that exists is replaced."""
        demo = _shop(context, settings)
        try:
            orders = read_file(file, demo.today())
        except BadFile as error:
            raise Fatal(str(error)) from error
        _run(demo.put(orders))
        click.echo(f"Imported {len(orders)} orders.")

    @shop.command(name="reset")
    @data_option
    @click.pass_obj
    def reset(context: Context) -> None:
        """Throw all orders, changes and labels away; begin with the demo orders as of today."""
        _run(_shop(context, settings).reset())
        click.echo("The shop holds the demo orders again; their days count from today.")

    return shop


def _shop(context: Context, settings: ShopSettings) -> DemoShop:
    return DemoShop(context.data / "shop.db", settings)


def _show(shop: DemoShop, number: str, as_json: bool) -> None:
    try:
        order = _run(shop.order(number))
    except OrderNotFound as error:
        raise Fatal(
            f"there is no order {number} in {shop.database.path}",
            "docs/reference/demo-shop.md lists the demo orders; `bot shop import` adds others",
        ) from error
    records = _run(shop.records(order.number))
    if as_json:
        click.echo(json.dumps({**order_json(order), **records}, ensure_ascii=False, indent=2))
        return
    console, table = Console(), Table(title=order.number, show_header=False)
    for name, value in order_card(order).items():
        table.add_row(name, value)
    for permission in order.permissions:
        table.add_row(f"may {permission.kind.value}", permission.reason or "yes")
    for kind, rows in records.items():
        for row in rows:
            table.add_row(kind, _joined(row))
    console.print(table)


def _joined(row: Mapping[str, Any]) -> str:
    return "  ".join(str(value) for value in row.values())


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except ShopUnavailable as error:
        raise Fatal(
            f"shop.db in the data folder cannot be used ({error})",
            "free some space, or delete a damaged shop.db: a new one starts with the demo orders",
        ) from error
