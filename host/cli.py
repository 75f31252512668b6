"""The command `bot`: its own commands, and those of the plugins."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from host.errors import Fatal
from host.settings import FILE, Settings, load

if TYPE_CHECKING:  # imported where they are used: `bot --help` is not to wait for them
    from bot.ports import Problem
    from host.app import App
    from host.plugins import Plugins

F = TypeVar("F", bound=Callable[..., Any])
click.rich_click.TEXT_MARKUP = "rich"


@dataclass
class Context:
    """What a command gets as ``ctx.obj``: settings, data folder, plugins; all read when needed."""

    config: Path | None = None
    data_folder: Path | None = None  # as given on the command line

    def use(self, data: Path) -> None:
        """Use another data folder; the plugins are registered for it anew."""
        self.data_folder = data
        vars(self).pop("plugins", None)

    @cached_property
    def settings(self) -> Settings:
        """Settings from ``--config``, or ./schalter.toml if there is one. Raises Invalid."""
        found = Path(FILE) if Path(FILE).is_file() else None
        return load(self.config or found)

    @property
    def data(self) -> Path:
        """The data folder. Raises Invalid."""
        return self.data_folder or self.settings.data

    @cached_property
    def plugins(self) -> Plugins:
        """The installed plugins, registered for the data folder. Raises Invalid."""
        from host import plugins

        return plugins.load(self.settings, self.data)

    def app(self, settings: Settings | None = None, **stand_ins: Any) -> App:
        """Make the bot, not yet opened. ``stand_ins`` are App's channels and desks."""
        from host.app import App
        from host.logs import configure

        configure((settings or self.settings).log)
        if settings is not None and settings is not self.settings:
            self.settings = settings
            vars(self).pop("plugins", None)
        return App(self.settings, self.plugins, self.data, **stand_ins)


def _use(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    context = ctx.ensure_object(Context)
    if value is not None and parameter.name == "data":
        context.use(value)
    elif value is not None:
        context.config = value


def data_option(command: F) -> F:
    """Let a command take ``--data`` itself too: ``bot chat --data DIR``."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        expose_value=False,
        is_eager=True,
        callback=_use,
        help=r"The data folder; default: \[bot] data of the settings.",
    )(command)


class BotGroup(click.RichGroup):
    """Adds the plugins' commands, and says what stops a command in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List ours, then the plugins'."""
        return [*super().list_commands(ctx), *sorted(self._more(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command, ours first: they work while a plugin does not."""
        return super().get_command(ctx, cmd_name) or self._more(ctx).get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what stops it is one line and exit 2."""
        try:
            return super().invoke(ctx)
        except Fatal as error:
            click.echo(f"bot: {error}", err=True)
            ctx.exit(2)

    def _more(self, ctx: click.Context) -> dict[str, click.Command]:
        from host import plugins

        context = ctx.ensure_object(Context)
        try:
            found = context.plugins
        except Fatal:  # wrong settings are said when a command runs; help is for everybody
            found = plugins.load(Settings(), Path("data"))
        return {command.name or "": command for command in found.commands()}


@click.group(cls=BotGroup)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    expose_value=False,
    is_eager=True,
    callback=_use,
    help="The settings' file; default: ./schalter.toml if there is one.",
)
@data_option
@click.version_option(package_name="schalter", prog_name="bot")
def main() -> None:
    """Schalter: a bot for an online shop's customer support, and the desk behind it.

    [b]bot demo[/b] shows everything, without an account and without settings.
    """


@main.command()
@data_option
@click.option("--host", help=r"Address to listen on; default: \[bot] host.")
@click.option("--port", type=click.IntRange(0, 65535), help=r"Port; default: \[bot] port.")
@click.pass_obj
def run(context: Context, host: str | None, port: int | None) -> None:
    """Run the bot until Ctrl-C or SIGTERM.

    [b]Example:[/b] bot --config /etc/schalter.toml run --port 8081
    """
    from host.app import serve

    given = {"host": host, "port": port}
    changed = {key: value for key, value in given.items() if value is not None}

    async def started(app: App) -> None:
        outside = context.settings.bot.public_url
        where = f"{app.url} ({outside})" if outside else app.url
        click.echo(f"Listening on {where}; the dialogue is starting.", err=True)
        await app.ready()
        click.echo("Ready.", err=True)

    asyncio.run(serve(context.app(context.settings.changed(**changed)), started))


@main.command()
@data_option
@click.option("--online", is_flag=True, help="Ask the running bot for its health; try credentials.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_obj
def check(context: Context, online: bool, as_json: bool) -> None:
    """Check settings, plugins, texts and actions; exit 2 when the bot cannot run like this.

    [b]Example:[/b] bot check --online
    """
    from host.checks import findings

    problems = findings(context, online=online)
    if as_json:
        keys = ("where", "what", "fix", "fatal")
        found = [{key: getattr(problem, key) for key in keys} for problem in problems]
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print_problems(problems)
    sys.exit(2 if any(problem.fatal for problem in problems) else 0)


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        mark = click.style("error", fg="red") if problem.fatal else "note "
        fix = f" — {problem.fix}" if problem.fix else ""
        click.echo(f"{mark} {problem.where}: {problem.what}{fix}")
    if not problems:
        click.echo("Everything is in order.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def plugins(context: Context, as_json: bool) -> None:
    """List the installed plugins: what each registered, or why it is left out."""
    report = context.plugins.report()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("plugin", "version", "from", "state", "registered")
    for line in report:
        told = line["reason"] or ", ".join(line["registered"])
        cells = (line["name"], line["version"], line["distribution"], line["state"], told)
        table.add_row(*(escape(cell) for cell in cells))
    Console().print(table)
