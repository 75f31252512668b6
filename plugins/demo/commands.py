"""The command `bot demo`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click
from rich.markup import escape

from host.cli import Context
from host.settings import LogOptions, Settings, load
from plugins.demo.orders import ORDERS, PERSON
from plugins.mailbox.api import NAME as MAILBOX
from plugins.web.api import DeskDoor, MailDoor

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from host.app import App

FOLDER = Path("data/demo")
PORT = 8080
_PROGRESS = "plugins.rasa"  # its log says what a long start is doing
_WEB = {"demo": True, "announce": False}


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port to listen on; default: {PORT}, or a free one when that is taken.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"The data folder; default: {FOLDER}. Delete it to begin anew.",
)
@click.pass_obj
def demo(context: Context, port: int | None, data: Path | None) -> None:
    """Start a shop with a bot and a desk, to try everything.

    The first start installs Rasa's environment and trains the model: some minutes. What has not
    changed is not done again. No schalter.toml and no secret of yours is read, but one that you
    name with --config.
    """
    from rich.console import Console

    from host.app import serve

    context.use(data or context.data_folder or FOLDER)
    settings = demo_settings(context.config, _free(PORT) if port is None else port)
    console = Console()
    began = time.monotonic()
    with console.status("Starting ...") as status, _progress(console, status):

        async def started(app: App) -> None:
            await app.ready()
            status.stop()
            _welcome(console, app, time.monotonic() - began)

        asyncio.run(serve(context.app(settings), started))
    console.print("Stopped. What happened is kept in", str(context.data))


def demo_settings(config: Path | None, port: int) -> Settings:
    """Built-in defaults, and what ``--config`` names; never the secrets of an installation."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SCHALTER_")}
    settings = load(config, environment) if config else Settings(environment=environment)
    plugins = {**settings.plugins, "web": {**_WEB, **settings.plugins.get("web", {})}}
    if "mail" not in plugins:
        plugins.setdefault(MAILBOX, {})
    log = settings.log if config else LogOptions(level="warning")
    return replace(settings.changed(port=port), plugins=plugins, log=log)


def _free(port: int) -> int:
    from host.errors import Fatal
    from host.web import bind

    try:
        bind("127.0.0.1", port).close()
    except Fatal:
        return 0
    return port


@contextmanager
def _progress(console: Console, status: Status) -> Iterator[None]:
    """Show what Rasa's plugin says of its start: a line for each step, with the time it took."""
    logger = logging.getLogger(_PROGRESS)
    handler = _StepHandler(console, status)
    level, propagates = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates


class _StepHandler(logging.Handler):
    def __init__(self, console: Console, status: Status) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._status = status
        self._step = ""
        self._began = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno > logging.INFO:
            self._console.print(f"[red]{escape(text)}[/]")
        elif text.endswith("..."):
            self._end_step()
            self._step, self._began = text.removesuffix("...").rstrip(), time.monotonic()
            self._status.update(escape(text))
        else:
            self._end_step()

    def _end_step(self) -> None:
        if self._step:
            seconds = time.monotonic() - self._began
            self._console.print(f"[green]✓[/] {escape(self._step)} [dim]{seconds:.0f} s[/]")
        self._step = ""


def _welcome(console: Console, app: App, seconds: float) -> None:
    from rich.rule import Rule
    from rich.table import Table

    orders = Table("order", "postcode", "try in the chat", box=None, padding=(0, 2, 0, 0))
    for one in ORDERS:
        orders.add_row(one.number, one.postal_code, escape(one.ask))
    orders.add_row("", "", escape(PERSON))
    desk = app.plugins.get(DeskDoor).url(app.url)
    console.print(Rule(f"Ready after {seconds:.0f} s"))
    # Soft-wrapped: an address that is cut is no address.
    console.print(f"The shop with its chat   [bold]{app.url}/[/]", soft_wrap=True)
    console.print(f"The desk of the agents   [bold]{escape(desk)}[/]", soft_wrap=True)
    with suppress(LookupError):  # mail is set up: it goes out
        mails = app.plugins.get(MailDoor).url(app.url)
        console.print(f"The mail that it sends   [bold]{mails}[/]", soft_wrap=True)
    console.print("[dim]Whoever has the desk's address can answer customers.[/]\n")
    console.print(orders)
    console.print(
        "\n[dim]docs/reference/demo-shop.md lists all orders. Ctrl-C stops everything.[/]"
    )
