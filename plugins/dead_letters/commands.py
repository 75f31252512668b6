"""`bot dead list|show|replay|drop`: beside a running bot through it, else on the store itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import rich_click as click

from bot.store import StoreError
from host.cli import Context, data_option
from host.errors import Fatal
from host.folder import ask, is_locked, locked
from plugins.dead_letters import letters


@click.group(name="dead")
@data_option
def dead() -> None:
    """Look at what was given up on, and try it again or drop it.

    A dead letter is a message nobody could answer, or an answer that did not arrive.
    """


@dead.command(name="list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List dead letters, oldest first."""
    found = asyncio.run(_call(context, "GET", ""))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif found:
        _print_table(found)
    else:
        click.echo("There are no dead letters.")


@dead.command()
@data_option
@click.argument("letter")
@click.pass_obj
def show(context: Context, letter: str) -> None:
    """Show one dead letter with everything that is kept of it, as JSON."""
    found = asyncio.run(_call(context, "GET", letter))
    click.echo(json.dumps(_known(found, letter), ensure_ascii=False, indent=2))


@dead.command()
@data_option
@click.argument("found", metavar="LETTER...", nargs=-1, required=True)
@click.pass_obj
def replay(context: Context, found: Sequence[str]) -> None:
    """Try dead letters again: ask for the answer, or send it, once more.

    [b]Example:[/b] bot dead replay 5f0c2a9e
    """
    for letter in found:
        _settle(context, "replay", letter)
        click.echo(f"{letter} is tried again.")


@dead.command()
@data_option
@click.argument("found", metavar="LETTER...", nargs=-1, required=True)
@click.pass_obj
def drop(context: Context, found: Sequence[str]) -> None:
    """Give dead letters up for good."""
    for letter in found:
        _settle(context, "drop", letter)
        click.echo(f"{letter} is dropped.")


def _settle(context: Context, way: str, letter: str) -> None:
    became = _known(asyncio.run(_call(context, way, letter)), letter)
    if became == "busy":
        raise Fatal(f"the conversation of {letter} answers another message", "try again later")


def _known(found: Any, letter: str) -> Any:
    if found in (None, "unknown"):
        raise Fatal(f"there is no dead letter {letter}", "bot dead list shows all")
    return found


async def _call(context: Context, way: str, letter: str) -> Any:
    """Read (GET) or settle, through the running bot or on the store. Raises Fatal."""
    from host.wiring import store_of  # most of the core: `bot --help` is not to wait for it

    if is_locked(context.data):
        path = f"/admin/dead/{letter}".rstrip("/")
        if way == "GET":
            return (await ask(context.data, "GET", path))[1]
        return (await ask(context.data, "POST", f"{path}/{way}"))[1]
    with locked(context.data):
        try:
            async with store_of(context.plugins, context.data) as store:
                if way != "GET":
                    return await letters.settle(store, way, letter)
                return await letters.shown(store, letter) if letter else await letters.listed(store)
        except StoreError as error:
            raise Fatal(str(error)) from error


def _print_table(found: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    names = ("id", "kind", "conversation", "created_at", "attempts", "reason")
    table = Table(*names)
    for row in found:
        table.add_row(*(escape(str(row[name])) for name in names))
    Console().print(table)
