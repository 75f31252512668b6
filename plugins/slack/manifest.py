"""The app's manifest: https://docs.slack.dev/reference/app-manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.ports import Texts
from plugins.slack.desk_tools import COMMAND, SEND, TOOLS
from plugins.slack.names import CHANNEL, COMMANDS_PATH, EVENTS_PATH, INTERACTIONS_PATH
from plugins.slack.scopes import events_of, parts_of, scopes_of
from plugins.slack.wanted import Wanted


def manifest(wanted: Wanted, texts: Texts) -> Mapping[str, Any]:
    """The manifest, with exactly the scopes and events that are used."""
    parts = parts_of(desk=wanted.desk, direct=wanted.direct, channels=wanted.channels)
    events: dict[str, Any] = {"bot_events": events_of(parts)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if wanted.url:
        events["request_url"] = f"{wanted.url}{EVENTS_PATH}"
        interactivity["request_url"] = f"{wanted.url}{INTERACTIONS_PATH}"
    return {
        "display_information": {
            "name": wanted.name,
            "description": _say(texts, "slack_app_description", wanted),
        },
        "features": _features(wanted, texts),
        "oauth_config": {"scopes": {"bot": scopes_of(parts)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not wanted.url,
            "token_rotation_enabled": False,
        },
    }


def _features(wanted: Wanted, texts: Texts) -> dict[str, Any]:
    made: dict[str, Any] = {"bot_user": {"display_name": wanted.name, "always_online": True}}
    if wanted.direct:
        made["app_home"] = {
            "home_tab_enabled": False,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        }
    if wanted.desk:
        made["shortcuts"] = [
            _shortcut(SEND, "slack_shortcut_send", wanted, texts),
            _shortcut(TOOLS, "slack_shortcut_tools", wanted, texts),
        ]
        command: dict[str, Any] = {
            "command": COMMAND,
            "description": _say(texts, "slack_command_description", wanted),
            "should_escape": False,
        }
        if wanted.url:
            command["url"] = f"{wanted.url}{COMMANDS_PATH}"
        made["slash_commands"] = [command]
    return made


def _shortcut(callback_id: str, response: str, wanted: Wanted, texts: Texts) -> dict[str, str]:
    return {
        "name": _say(texts, response, wanted),
        "type": "message",
        "callback_id": callback_id,
        "description": _say(texts, f"{response}_description", wanted),
    }


def _say(texts: Texts, response: str, wanted: Wanted) -> str:
    return texts.render(response, {}, language=wanted.language, channel=CHANNEL).text
