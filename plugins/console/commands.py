"""The command `bot chat`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import rich_click as click

from host.cli import Context, data_option


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, in and out.")
@click.option("--sender", default="you", show_default=True, help="Who you are, without --json.")
@click.pass_obj
def chat(context: Context, as_json: bool, sender: str) -> None:
    """Talk to the bot in the terminal, with the real model, actions and demo shop.

    With [b]--json[/b] each line is a turn of its own:
    {"sender": "c1", "text": "...", "id": "optional", "attachments": ["optional/path.jpg"]},
    and each gets one line, in order: {"sender", "id", "replies", "intent", "confidence",
    "entities", "owner"}, or "error" with "code" and "message"; "mails" where it caused some.

    No mail is sent from here: what would be one is shown.

    [b]Examples:[/b] bot chat --data /tmp/try · bot chat --json < lines.jsonl
    """
    asyncio.run(_json_chat(context) if as_json else _talk(context, sender))


async def _json_chat(context: Context) -> None:
    from plugins.console.jsonl import JsonChat
    from plugins.console.session import open_session, standard_input

    def write(line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False)
        # A sender may hold half a surrogate pair, which has no bytes of its own.
        sys.stdout.buffer.write(text.encode(errors="backslashreplace") + b"\n")
        sys.stdout.buffer.flush()

    async with open_session(context, lambda _out: None, log_level="info") as session:
        await JsonChat(session, write).run(standard_input())


async def _talk(context: Context, sender: str) -> None:
    from rich.console import Console

    from host.app import stop_signals
    from plugins.console.session import open_session
    from plugins.console.talk import Talk

    console = Console()
    talk = Talk(console)
    with stop_signals() as stopped:
        opening = open_session(context, talk.show, log_level="error")
        with console.status("starting the bot"):
            session = await opening.__aenter__()
        try:
            await talk.run(session, sender, stopped)
        finally:
            await opening.__aexit__(None, None, None)
