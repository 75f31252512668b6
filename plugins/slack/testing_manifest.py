"""The app's manifest: https://docs.slack.dev/reference/app-manifest.

Installed by its manifest, the app has exactly the scopes, events, shortcuts and commands that are
written there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plugins.slack.testing_events import EVENT_SCOPES
from plugins.slack.testing_rules import (
    Raw,
    Rule,
    Shape,
    anything,
    at,
    boolean,
    items,
    one_of,
    string,
)
from plugins.slack.testing_world import SUBSCRIPTIONS, Features, World

_URL = string(3000, pattern=r"https://.+")
_DISPLAY = Shape(
    {
        "name": string(35),
        "description": string(140),
        "long_description": string(4000, 174),
        "background_color": string(7, pattern=r"#(?:[\da-fA-F]{3}){1,2}"),
    },
    ("name",),
)
_SHORTCUT = Shape(
    {
        "name": string(24),
        "callback_id": string(255),
        "description": string(150),
        "type": one_of("message", "global"),
    },
    ("name", "callback_id", "description", "type"),
)
_COMMAND = Shape(
    {
        "command": string(32, pattern=r"/[^\s/]+"),
        "description": string(2000),
        "should_escape": boolean,
        "url": _URL,
        "usage_hint": string(1000),
    },
    ("command", "description"),
)
_TABS: dict[str, Rule] = {
    "home_tab_enabled": boolean,
    "messages_tab_enabled": boolean,
    "messages_tab_read_only_enabled": boolean,
}
_BOT = Shape(
    {"display_name": string(80, pattern=r"[\w\-. ]+"), "always_online": boolean},
    ("display_name",),
)
_EVENTS = Shape(
    {
        "request_url": _URL,
        "bot_events": items(string(100), 100),
        "user_events": items(string(100), 100),
    }
)
_INTERACTIVITY = Shape(
    {"is_enabled": boolean, "request_url": _URL, "message_menu_options_url": _URL},
    ("is_enabled",),
)
_FEATURES = Shape(
    {
        "app_home": Shape(_TABS),
        "bot_user": _BOT,
        "shortcuts": items(_SHORTCUT, 10),
        "slash_commands": items(_COMMAND, 50),
        "unfurl_domains": items(string(255), 5),
    }
)
_OAUTH = Shape(
    {
        "redirect_urls": items(_URL, 1000),
        "scopes": Shape({"bot": items(string(100), 255), "user": items(string(100), 255)}),
    }
)
_SETTINGS = Shape(
    {
        "allowed_ip_address_ranges": items(string(50), 10),
        "event_subscriptions": _EVENTS,
        "interactivity": _INTERACTIVITY,
        "org_deploy_enabled": boolean,
        "socket_mode_enabled": boolean,
        "token_rotation_enabled": boolean,
        "is_hosted": boolean,
        "function_runtime": string(20),
    }
)
_MANIFEST = Shape(
    {
        "_metadata": anything,
        "display_information": _DISPLAY,
        "features": _FEATURES,
        "oauth_config": _OAUTH,
        "settings": _SETTINGS,
    },
    ("display_information",),
)


def manifest_problems(manifest: Raw) -> list[str]:
    """What is wrong with a manifest; nothing, mostly."""
    return list(_MANIFEST(manifest, "")) or list(_conflicts(manifest))


def install(world: World, manifest: Raw) -> None:
    """Install the app as its manifest says. Raises ValueError, which names what is wrong."""
    if problems := manifest_problems(manifest):
        raise ValueError("; ".join(problems))
    features, settings = manifest.get("features", {}), manifest.get("settings", {})
    home = features.get("app_home", {})
    world.scopes.clear()
    world.scopes.update(_scopes(manifest))
    world.subscriptions.clear()
    world.subscriptions.update(_events(manifest))
    world.features = Features(
        shortcuts={one["callback_id"]: one["type"] for one in features.get("shortcuts", ())},
        commands={one["command"] for one in features.get("slash_commands", ())},
        interactivity=settings.get("interactivity", {}).get("is_enabled", False),
        socket_mode=settings.get("socket_mode_enabled", False),
        home_tab=home.get("home_tab_enabled", False),
        messages=home.get("messages_tab_enabled", False)
        and not home.get("messages_tab_read_only_enabled", False),
    )


def _conflicts(manifest: Raw) -> Iterator[str]:
    """What does not fit together."""
    features, settings = manifest.get("features", {}), manifest.get("settings", {})
    scopes, socket = set(_scopes(manifest)), settings.get("socket_mode_enabled", False)
    for index, event in enumerate(_events(manifest)):
        place = f"/settings/event_subscriptions/bot_events/{index}"
        if event not in SUBSCRIPTIONS:
            yield at(f"unknown event {event}", place)
        elif (needed := EVENT_SCOPES.get(event)) and needed not in scopes:
            yield at(f"{event} requires the scope {needed}", place)
    if (features.get("shortcuts") or features.get("slash_commands")) and "commands" not in scopes:
        yield at("shortcuts and commands require the scope commands", "/oauth_config/scopes/bot")
    interactivity = settings.get("interactivity", {})
    if features.get("shortcuts") and not interactivity.get("is_enabled"):
        yield at("shortcuts require interactivity", "/settings/interactivity/is_enabled")
    if scopes and "bot_user" not in features:
        yield at("bot scopes require a bot user", "/features/bot_user")
    if socket:
        return
    if _events(manifest) and "request_url" not in settings["event_subscriptions"]:
        yield at("missing required field: request_url", "/settings/event_subscriptions")
    if interactivity.get("is_enabled") and "request_url" not in interactivity:
        yield at("missing required field: request_url", "/settings/interactivity")
    for index, command in enumerate(features.get("slash_commands", ())):
        if "url" not in command:
            yield at("missing required field: url", f"/features/slash_commands/{index}")


def _scopes(manifest: Raw) -> Sequence[str]:
    scopes: Sequence[str] = manifest.get("oauth_config", {}).get("scopes", {}).get("bot", ())
    return scopes


def _events(manifest: Raw) -> Sequence[str]:
    subscribed = manifest.get("settings", {}).get("event_subscriptions", {})
    events: Sequence[str] = subscribed.get("bot_events", ())
    return events
