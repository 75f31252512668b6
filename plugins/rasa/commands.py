"""`bot nlu`: train the model, and measure it."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import rich_click as click
from rich.console import Console
from rich.table import Table

from bot.ports import Unavailable
from host.cli import Context
from host.errors import Fatal
from plugins.rasa import training
from plugins.rasa.client import parse
from plugins.rasa.evaluation import BadSet, Report, Sample, read_set
from plugins.rasa.settings import RasaSettings
from plugins.rasa.sidecar import Endpoint, Sidecar
from plugins.rasa.training import Project


def nlu_commands(settings: RasaSettings) -> click.Group:
    """The group ``nlu`` with the commands train and evaluate."""

    @click.group(name="nlu")
    def nlu() -> None:
        """Train the dialogue's model, and measure how well it understands."""

    @nlu.command(name="train")
    @click.option("--force", is_flag=True, help="Train even when nothing has changed.")
    @click.pass_obj
    def train(context: Context, force: bool) -> None:
        """Train the model, unless its data is as it was; print where it lies.

        [b]Example:[/b] bot nlu train
        """
        project = _project(context, settings)
        console = Console(stderr=True)
        try:
            with console.status("Training") as status:
                training.prepare_environment(project, status.update)
                model = training.train(project, status.update, force=force)
        except Unavailable as error:
            raise Fatal(str(error)) from error
        click.echo(str(model))

    @nlu.command(name="evaluate")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
    @click.pass_obj
    def evaluate(context: Context, file: Path, as_json: bool) -> None:
        """Measure the model on FILE, a CSV with the columns text, intent and maybe entities.

        Entities are a JSON list of {"entity", "value"}. Prints accuracy, precision, recall and F1
        for each intent and entity, the worst confusions, and the share of texts that fall under
        the fallback threshold.

        [b]Example:[/b] bot nlu evaluate sentences.csv --json
        """
        try:
            report = asyncio.run(_evaluate(context, settings, read_set(file)))
        except (BadSet, Unavailable) as error:
            raise Fatal(str(error)) from error
        if as_json:
            click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
        else:
            _print(report.as_dict())

    return nlu


def _project(context: Context, settings: RasaSettings) -> Project:
    folders = context.plugins.each("dialogue_data")
    return Project.of(settings, folders)


async def _evaluate(context: Context, settings: RasaSettings, samples: Sequence[Sample]) -> Report:
    console = Console(stderr=True)
    with console.status("Starting Rasa") as status:
        async with (
            aiohttp.ClientSession() as session,
            _endpoint(context, settings, session, status.update) as endpoint,
        ):
            status.update(f"Understanding {len(samples)} texts")
            await parse(session, endpoint.url, endpoint.token, ["hallo"])  # warm
            started = time.perf_counter()
            texts = [sample.text for sample in samples]
            guesses = await parse(session, endpoint.url, endpoint.token, texts)
            return Report(samples, guesses, time.perf_counter() - started)


@asynccontextmanager
async def _endpoint(
    context: Context, settings: RasaSettings, session: aiohttp.ClientSession, say: training.Say
) -> AsyncIterator[Endpoint]:
    """The server of the settings, or one of our own for as long as it takes."""
    if settings.url is not None and settings.token is not None:
        yield Endpoint(settings.url, settings.token.get_secret_value())
        return
    with tempfile.TemporaryDirectory() as folder:
        sidecar = Sidecar(
            project=_project(context, settings),
            session=session,
            actions_url="http://127.0.0.1:9/",  # nothing is called back: no turn is run
            actions_token="-",  # noqa: S106 - nobody asks for it
            data=Path(folder),
            say=say,
        )
        running = asyncio.create_task(sidecar.run())
        try:
            await sidecar.ready()
            yield sidecar.endpoint()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _print(figures: dict[str, Any]) -> None:
    console = Console()
    below = figures["below_threshold"]
    console.print(
        f"{figures['texts']} texts, accuracy [b]{figures['accuracy']:.1%}[/b] "
        f"({figures['accuracy_without_threshold']:.1%} without the threshold), "
        f"F1 {figures['macro']['f1']:.1%}; {below['share']:.1%} under the threshold; "
        f"{figures['texts_per_second']} texts/s"
    )
    for title in ("intents", "entities"):
        if figures[title]:
            console.print(_table(title, figures[title]))
    if figures["confusions"]:
        console.print(_confusions(figures["confusions"]))


def _table(title: str, rows: dict[str, dict[str, float]]) -> Table:
    table = Table("name", "precision", "recall", "F1", "support", title=title)
    for name, row in sorted(rows.items(), key=lambda item: item[1]["f1"]):
        shares = [f"{row[key]:.1%}" for key in ("precision", "recall", "f1")]
        table.add_row(name, *shares, str(row["support"]))
    return table


def _confusions(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("expected", "predicted", "count", "for example", title="worst confusions")
    for row in rows:
        table.add_row(row["expected"], row["predicted"], str(row["count"]), row["examples"][0][:60])
    return table
