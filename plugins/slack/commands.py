"""`bot slack`: what an operator needs to set the app up."""

from __future__ import annotations

import json
from collections.abc import Sequence

import rich_click as click
import yaml

from plugins.slack.settings import SlackSettings
from plugins.slack.wanted import Wanted


def slack_commands(made: Sequence[SlackSettings], public_url: str) -> click.Group:
    """The group `slack`. ``made`` gets the settings later, if there are valid ones."""

    @click.group(name="slack")
    def slack() -> None:
        """Set up the app in Slack."""

    @slack.command(name="manifest")
    @click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
    @click.option("--desk/--no-desk", default=None, help="Agents take over in Slack.")
    @click.option("--customers/--no-customers", default=None, help="Members write to the bot.")
    @click.option("--channels/--no-channels", default=None, help="Also in allowed channels.")
    @click.option("--http/--socket", default=None, help="Slack calls [bot] public_url.")
    @click.option("--name", default="Schalter", show_default=True, help="What the app is called.")
    def show(
        as_json: bool,
        desk: bool | None,
        customers: bool | None,
        channels: bool | None,
        http: bool | None,
        name: str,
    ) -> None:
        """Print the app's manifest, with exactly the scopes that are used.

        What is not said goes by the settings; while they are not complete, everything is in it.
        """
        from host.texts import TextsBook  # here: `bot --help` need not wait for them
        from host.wiring import OUR_DIALOGUE
        from plugins.slack.manifest import manifest

        settings = made[0] if made else None
        known = _wanted(settings)
        called = http if http is not None else settings is not None and settings.mode == "http"
        if called and not public_url:
            raise click.UsageError("--http needs [bot] public_url: Slack must know whom to call")
        wanted = Wanted(
            desk=known.desk if desk is None else desk,
            direct=known.direct if customers is None else customers,
            channels=known.channels if channels is None else channels,
            url=public_url if called else "",
            language=known.language,
            name=name,
        )
        shown = manifest(wanted, TextsBook([OUR_DIALOGUE / "domain"]))
        if as_json:
            click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        else:
            click.echo(yaml.safe_dump(dict(shown), allow_unicode=True, sort_keys=False).rstrip())

    return slack


def _wanted(settings: SlackSettings | None) -> Wanted:
    if settings is None:
        return Wanted()
    customers = settings.customers
    return Wanted(
        desk=settings.desk is not None,
        direct=customers is not None and customers.direct_messages,
        channels=customers is not None and bool(customers.allowed_channels),
        language=settings.desk.language if settings.desk else "de",
    )
