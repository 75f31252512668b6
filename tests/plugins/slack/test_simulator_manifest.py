"""The app as its manifest installs it, and Bolt in Socket Mode on it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import NotAcknowledged, Person, Refused, Room, SlackSimulator
from plugins.slack.testing_manifest import manifest_problems

from .conftest import CARD, App

Manifest = dict[str, Any]
MANIFEST: Manifest = {
    "display_information": {"name": "Schalter"},
    "features": {
        "bot_user": {"display_name": "schalter", "always_online": True},
        "app_home": {"messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        "shortcuts": [
            {
                "name": "An Kunden senden",
                "callback_id": "send",
                "description": "Schickt diese Zeile ab",
                "type": "message",
            }
        ],
        "slash_commands": [{"command": "/faelle", "description": "Offene Fälle"}],
    },
    "oauth_config": {"scopes": {"bot": ["channels:history", "chat:write", "commands"]}},
    "settings": {
        "event_subscriptions": {"bot_events": ["message.channels", "app_uninstalled"]},
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}


def changed(change: Callable[[Manifest], object]) -> Manifest:
    made = copy.deepcopy(MANIFEST)
    change(made)
    return made


async def test_the_app_has_what_its_manifest_says_and_no_more(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    slack.installs(MANIFEST)
    line = await jonas.writes(support, "Hallo")
    await jonas.reacts(line, "eyes")
    await slack.events.settled()
    assert [one["type"] for one in app.events] == ["message"]
    with pytest.raises(SlackApiError, match="missing_scope"):
        await web.reactions_add(channel=support.id, timestamp=line.ts, name="eyes")
    await jonas.shortcut("send", line)
    with pytest.raises(Refused):
        await jonas.shortcut("send")
    await jonas.slash(support, "/faelle")
    with pytest.raises(Refused):
        await jonas.slash(support, "/andere")
    with pytest.raises(Refused):
        await jonas.opens_home()


async def test_direct_messages_and_buttons_must_be_switched_on(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    def off(manifest: Manifest) -> None:
        del manifest["features"]["app_home"], manifest["features"]["shortcuts"]
        del manifest["settings"]["interactivity"]

    slack.installs(changed(off))
    direct = await jonas.direct()
    with pytest.raises(Refused, match="turned off"):
        await jonas.writes(direct, "Hallo")
    await web.chat_postMessage(channel=support.id, text="Fall", blocks=CARD)
    with pytest.raises(NotAcknowledged, match="switched off"):
        await jonas.presses(await slack.wait_message(support), "Übernehmen")


WRONG: dict[str, Callable[[Manifest], object]] = {
    "a long name": lambda m: m["display_information"].update(name="x" * 36),
    "a short long_description": lambda m: m["display_information"].update(long_description="x"),
    "no name": lambda m: m["display_information"].clear(),
    "an unknown part": lambda m: m.update(extras={}),
    "an event without its scope": lambda m: m["settings"]["event_subscriptions"][
        "bot_events"
    ].append("reaction_added"),
    "an unknown event": lambda m: m["settings"]["event_subscriptions"]["bot_events"].append("x"),
    "no scope for commands": lambda m: m["oauth_config"]["scopes"]["bot"].remove("commands"),
    "a command without its slash": lambda m: m["features"]["slash_commands"][0].update(
        command="faelle"
    ),
    "a long shortcut": lambda m: m["features"]["shortcuts"][0].update(name="x" * 25),
    "too many shortcuts": lambda m: m["features"].update(shortcuts=m["features"]["shortcuts"] * 11),
    "shortcuts without interactivity": lambda m: m["settings"].pop("interactivity"),
    "no bot user": lambda m: m["features"].pop("bot_user"),
    "no address without Socket Mode": lambda m: m["settings"].update(socket_mode_enabled=False),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_manifest_is_refused(slack: SlackSimulator, name: str) -> None:
    assert manifest_problems(MANIFEST) == []
    before = set(slack.scopes)
    with pytest.raises(ValueError, match="json-pointer"):
        slack.installs(changed(WRONG[name]))
    assert slack.scopes == before


async def test_bolt_in_socket_mode(
    slack: SlackSimulator, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    bolt = AsyncApp(client=web)

    @bolt.event("message")
    async def heard() -> None:
        """Bolt acknowledges only what it has a listener for."""

    @bolt.shortcut("send")
    async def send(ack: Any, shortcut: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        thread = shortcut["message_ts"]
        at = {"channel": shortcut["channel"]["id"], "thread_ts": thread}
        await client.chat_postMessage(**at, text="gesendet")

    slack.installs(MANIFEST)
    handler = AsyncSocketModeHandler(bolt, slack.app_token)
    await handler.connect_async()
    try:
        await slack.socket.connected()
        line = await jonas.writes(support, "Ihr Paket ist unterwegs.")
        await jonas.shortcut("send", line)
        await slack.wait_message(support, "gesendet", thread=line)
        await slack.events.settled()
    finally:
        await handler.close_async()
    assert slack.events.given_up == []


async def test_a_preview_is_no_edit_and_an_edit_mentions_again(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    line = await jonas.writes(support, "siehe https://x.example")
    await slack.unfurls(line)
    await jonas.edits(line, "@schalter siehe oben")
    await slack.events.settled()
    _, preview, edited, mention = app.events
    assert preview["subtype"] == "message_changed"
    assert "edited" not in preview["message"]
    assert preview["message"]["text"] == preview["previous_message"]["text"]
    assert edited["message"]["edited"]["user"] == jonas.id
    assert (mention["type"], mention["ts"]) == ("app_mention", line.ts)
    assert mention["edited"] == edited["message"]["edited"]
