"""The objects of the simulated Slack: https://docs.slack.dev/reference/objects/."""

from __future__ import annotations

import mimetypes
import secrets
from typing import Any

from plugins.slack.testing_world import Channel, File, Raw, User, World

_INTERNAL = frozenset({"metadata", "reactions"})
"""Parts of a message that only come when they are asked for, or never in an event."""


def user_of(user: User, world: World) -> Raw:
    """https://docs.slack.dev/reference/objects/user-object."""
    profile: Raw = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "team": user.team,
    }
    if user.email and "users:read.email" in world.scopes:
        profile["email"] = user.email
    if user.is_bot:
        profile |= {"api_app_id": user.app_id, "bot_id": user.bot_id, "always_active": True}
    made: Raw = {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "deleted": user.deleted,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1,
    }
    if user.team != world.team:
        return made | {"is_stranger": True}
    admin = {"is_admin": user.is_admin, "is_owner": False, "is_primary_owner": False}
    guest = {"is_restricted": user.is_restricted, "is_ultra_restricted": False}
    zone = {"tz": user.tz, "tz_label": user.tz, "tz_offset": 3600, "locale": user.locale}
    return made | {"real_name": user.real_name} | zone | admin | guest


def channel_of(channel: Channel, world: World) -> Raw:
    """https://docs.slack.dev/reference/objects/conversation-object."""
    made: Raw = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
        "context_team_id": world.team,
        "updated": channel.created * 1000,
    }
    if channel.kind == "im":
        other = next(iter(channel.members - {world.bot_user}), world.bot_user)
        return made | {"user": other, "is_user_deleted": world.users[other].deleted}
    return made | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind == "private",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "public",
        "is_general": False,
        "is_shared": channel.shared,
        "is_ext_shared": channel.shared,
        "is_pending_ext_shared": False,
        "is_member": world.knows_bot(channel),
        "creator": channel.creator,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
        "num_members": len(channel.members),
    }


def author_of(user: User, world: World) -> Raw:
    """What stands in a message about who wrote it: a person, or a bot."""
    made: Raw = {"user": user.id, "team": user.team}
    if not user.is_bot:
        return made | {"client_msg_id": _uuid()}
    profile = {"id": user.bot_id, "app_id": user.app_id, "name": user.name, "deleted": False}
    profile |= {"updated": 1, "team_id": world.team, "icons": {}}
    return made | {"bot_id": user.bot_id, "app_id": user.app_id, "bot_profile": profile}


def file_of(file: File, world: World, url: str) -> Raw:
    """https://docs.slack.dev/reference/objects/file-object."""
    kind, _ = mimetypes.guess_type(file.name)
    ending = file.name.rpartition(".")[2] if "." in file.name else "binary"
    place = f"{url}/files-pri/{world.team}-{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": kind or "application/octet-stream",
        "filetype": ending,
        "pretty_type": ending.upper(),
        "user": file.user,
        "user_team": world.team,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": any(world.channels[c].kind == "public" for c in file.shares),
        "public_url_shared": False,
        "display_as_bot": False,
        "file_access": "visible",
        "url_private": f"{place}/{file.name}",
        "url_private_download": f"{place}/download/{file.name}",
        "permalink": f"https://{world.domain}.slack.com/files/{file.user}/{file.id}/{file.name}",
    }


def hidden_file_of(file: File) -> Raw:
    """A file of a shared channel, as events have it: ``files.info`` must be asked.

    See https://docs.slack.dev/apis/slack-connect/#working-with-files.
    """
    access = {"mode": "file_access", "file_access": "check_file_info"}
    return {"id": file.id, "created": file.created, "timestamp": file.created, **access}


def told(message: Raw) -> Raw:
    """A message as an event or an answer has it."""
    return {name: value for name, value in message.items() if name not in _INTERNAL}


def listed(message: Raw, *, metadata: bool) -> Raw:
    """A message as a list has it, perhaps with its metadata."""
    hidden = set() if metadata else {"metadata"}
    return {name: value for name, value in message.items() if name not in hidden}


def with_block_ids(blocks: list[Raw]) -> list[Raw]:
    """Blocks and their elements all have ids; Slack makes up those that are missing."""
    return [_with_id(block) for block in blocks]


def _with_id(block: Raw) -> Raw:
    made = {"block_id": secrets.token_urlsafe(4)[:5], **block}
    for name in ("accessory", "element"):
        if name in made:
            made[name] = _with_action(made[name])
    if made["type"] == "actions":
        made["elements"] = [_with_action(element) for element in made["elements"]]
    return made


def _with_action(element: Raw) -> Raw:
    if element["type"] == "image":
        return element
    return {"action_id": secrets.token_urlsafe(4)[:5], **element}


def _uuid() -> str:
    made = secrets.token_hex(16)
    return "-".join((made[:8], made[8:12], made[12:16], made[16:20], made[20:]))


def envelope_of(event: Raw, world: World, shared: bool) -> Raw:
    """What is around an event: https://docs.slack.dev/apis/events-api/#callback-field."""
    authorization: dict[str, Any] = {
        "enterprise_id": None,
        "team_id": world.team,
        "user_id": world.bot_user,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": "deprecated",
        "team_id": world.team,
        "context_team_id": world.team,
        "context_enterprise_id": None,
        "api_app_id": world.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": world.new_id("Ev"),
        "event_time": int(float(event.get("event_ts", "0"))),
        "authorizations": [authorization],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{secrets.token_hex(12)}",
    }
