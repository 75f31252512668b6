"""`bot customer ...` and `bot privacy ...`: through a running bot, else on the store itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from bot.store import StoreError
from host.cli import Context, data_option
from host.errors import Fatal
from host.folder import ask, is_locked, locked
from plugins.privacy.counter import DataCounter
from plugins.privacy.routes import PATH
from plugins.privacy.settings import PrivacySettings

_WAIT = 60.0  # seconds for an erasure that has to wait for an open turn
_LOOK = 0.5


@click.group()
@data_option
def customer() -> None:
    """Look at what is kept about a customer, copy it out, or erase it.

    ID is a number as `bot customer list` shows it, or an address: whatsapp:+4915100000001.
    """


@customer.command(name="list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List customers, who wrote last first."""
    found = asyncio.run(_call(context, "customers"))
    names = ("id", "channel", "address", "name", "messages", "last_in_at")
    _show(found, names, as_json, "There are no customers.")


@customer.command()
@data_option
@click.argument("who", metavar="ID")
@click.pass_obj
def show(context: Context, who: str) -> None:
    """Show what is kept about a customer: where, and how much; as JSON."""
    _print(_known(asyncio.run(_call(context, "customer", who=who)), who))


@customer.command()
@data_option
@click.argument("who", metavar="ID")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to, which must not exist; default: ./customer-ID.",
)
@click.pass_obj
def export(context: Context, who: str, out: Path | None) -> None:
    """Copy everything about a customer into a folder: data.json, and files/ with attachments.

    [b]Example:[/b] bot customer export 42 --out copy-42
    """
    folder = out or Path(f"customer-{''.join(c if c.isalnum() else '-' for c in who)}")
    if folder.exists():
        raise Fatal(f"{folder} exists already", "name another folder: --out")
    found = _known(asyncio.run(_call(context, "export", who=who)), who)
    try:
        _write(found, context.data / "files", folder)
    except OSError as error:
        raise Fatal(f"{folder} cannot be written ({error.strerror})") from error
    click.echo(f"Everything about {who} is in {folder}. It is personal data: keep it safe.")


@customer.command()
@data_option
@click.argument("who", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Only say what would go, and what would remain.")
@click.option("--close-cases", is_flag=True, help="Close the customer's open cases first.")
@click.pass_obj
def erase(context: Context, who: str, yes: bool, dry_run: bool, close_cases: bool) -> None:
    """Erase everything about a customer, for good.

    [b]Example:[/b] bot customer erase 42 --dry-run
    """
    found = _known(asyncio.run(_call(context, "customer", who=who)), who)
    _tell_preview(found)
    if dry_run:
        return
    if found["cases"] and not close_cases:
        raise _held(found["cases"])
    if not yes:
        click.confirm("Erase this for good?", abort=True)
    done = asyncio.run(_erase(context, who, close_cases))
    click.echo(f"{done['id']}: {_STATES[done['state']]}")
    for keeper, state in done["elsewhere"].items():
        click.echo(f"  {keeper}: {state}")
    if done["state"] != "done":
        click.echo("It goes on by itself while the bot runs: bot privacy erasures")


@click.group()
@data_option
def privacy() -> None:
    """What is dropped by age, and what became of erasures."""


@privacy.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def due(context: Context, as_json: bool) -> None:
    """Say what the next night would drop by age; nothing is changed."""
    found = asyncio.run(_call(context, "due"))
    _show(found, ("class", "of", "number", "older_than"), as_json, "Everything is kept.")


@privacy.command(name="erasures")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def erasures_(context: Context, as_json: bool) -> None:
    """List erasures: what is done, what is under way, and what remains somewhere else."""
    found = asyncio.run(_call(context, "erasures"))
    _show(found, ("id", "reason", "state", "asked_at", "elsewhere"), as_json, "There are none.")
    if not as_json:
        for one in found:
            _tell_remains([[r["what"], r["where"], ""] for r in one["remains"]])


_STATES = {
    "asked": "waits for an answer that is under way",
    "emptied": "nothing is left in the database; elsewhere it goes on",
    "done": "erased",
}
_REMAINS = {
    "mailbox": "in a mailbox",
    "messenger": "in the customer's own messenger, and at its vendor",
    "colleagues": "written by people in Slack, which the bot cannot delete",
    "refused": "refused by the vendor",
    "not_reached": "could not be reached",
    "shop": "orders and invoices are the shop's",
}


def _tell_preview(found: Mapping[str, Any]) -> None:
    rows, ids = found["rows"], found["conversations"]
    click.echo(f"Conversations: {', '.join(map(str, ids))}; files: {found['files']}")
    for table, number in rows.items():
        click.echo(f"  {table}: {number}")
    _tell_remains(found["remains"])
    for table in found["unknown_tables"]:
        click.echo(f"Not erased: no active plugin answers for the table {table}")


def _tell_remains(remains: Sequence[Sequence[str]]) -> None:
    for what, where, note in remains:
        told = " ".join(part for part in (where, note) if part)
        click.echo(f"Remains {_REMAINS.get(what, what)}{f': {told}' if told else ''}")


def _held(cases: Sequence[Mapping[str, Any]]) -> Fatal:
    names = ", ".join(f"{case['id']} at {case['desk']}" for case in cases)
    return Fatal(f"people still work on this: case {names}", "end it, or use --close-cases")


async def _erase(context: Context, who: str, close_cases: bool) -> dict[str, Any]:
    begun = await _call(context, "erase", who=who, close_cases="1" if close_cases else "0")
    begun = _known(begun, who)
    if "cases" in begun:
        raise _held(begun["cases"])
    until = time.monotonic() + _WAIT
    while True:
        found: dict[str, Any] = await _call(context, "erasure", id=begun["erasure"])
        if found["state"] == "done" or time.monotonic() > until or not is_locked(context.data):
            return found
        await asyncio.sleep(_LOOK)


def _known(found: Any, who: str) -> Any:
    if found is None:
        raise Fatal(f"there is no customer {who}", "bot customer list shows all")
    return found


async def _call(context: Context, what: str, **query: str) -> Any:
    """Ask the running bot, or the store itself. Raises Fatal."""
    if is_locked(context.data):
        way = "POST" if what == "erase" else "GET"
        return (await ask(context.data, way, f"{PATH}/{what}", **query))[1]
    with locked(context.data):
        try:
            async with _alone(context) as counter:
                return await _answer(counter, what, query)
        except StoreError as error:
            raise Fatal(str(error)) from error


async def _answer(counter: DataCounter, what: str, query: Mapping[str, str]) -> Any:
    match what:
        case "customers":
            return await counter.listed()
        case "customer":
            return await counter.shown(query["who"])
        case "export":
            return await counter.export(query["who"])
        case "due":
            return list(await counter.due())
        case "erasure":
            return await counter.erasure(query["id"])
        case "erasures":
            return await counter.erasures()
    begun = await counter.erase(query["who"], close_cases=query["close_cases"] == "1")
    eraser = counter.retention.eraser
    await eraser.work()
    await eraser.finish(at_night=True)  # nobody waits
    return begun


@asynccontextmanager
async def _alone(context: Context) -> AsyncIterator[DataCounter]:
    """The counter on the store of a bot that does not run."""
    from host.files import DiskFiles
    from host.wiring import keepers_of, store_of  # most of the core: --help is not to wait for it
    from plugins.privacy.erasing import Eraser
    from plugins.privacy.retention import Retention

    async with store_of(context.plugins, context.data) as store:
        options = context.settings.files
        files = DiskFiles(folder=context.data / "files", store=store, options=options)
        eraser = Eraser(store=store, keepers=keepers_of(context.plugins, files))
        settings = context.settings.plugin("privacy", PrivacySettings)
        yield DataCounter(Retention(eraser=eraser, settings=settings), at_once=True)


def _write(found: Mapping[str, Any], stored: Path, folder: Path) -> None:
    (folder / "files").mkdir(parents=True, mode=0o700)
    for file in found["files"]:
        source = stored / file["file"]
        if source.is_file():
            file["copy"] = f"files/{file['file'][:12]}-{file['name']}"
            shutil.copyfile(source, folder / file["copy"])
    made = folder / "data.json"
    made.write_text(json.dumps(found, ensure_ascii=False, indent=2), "utf-8")
    made.chmod(0o600)


def _print(found: Any) -> None:
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


def _show(
    found: Sequence[Mapping[str, Any]], names: Sequence[str], as_json: bool, none: str
) -> None:
    if as_json:
        _print(found)
        return
    if not found:
        click.echo(none)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*names)
    for row in found:
        table.add_row(*(escape(str(row[name] if row[name] is not None else "")) for name in names))
    Console().print(table)
