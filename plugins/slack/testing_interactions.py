"""Presses, submissions, shortcuts and commands, as the app is told of them.

https://docs.slack.dev/reference/interaction-payloads.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from plugins.slack.testing_call import Call
from plugins.slack.testing_chat import POST_LENGTH, ChatMethods
from plugins.slack.testing_errors import ApiError, Refused
from plugins.slack.testing_events import Events, NotAcknowledged
from plugins.slack.testing_inputs import check_filled, state_of
from plugins.slack.testing_posting import Posting, found
from plugins.slack.testing_shown import Message
from plugins.slack.testing_views import OpenView, ViewMethods
from plugins.slack.testing_wire import author_of, told
from plugins.slack.testing_world import Channel, Raw, User, World

_HOOK_SECONDS, _HOOK_USES = 1800, 5
_NAMES = {"private": "privategroup", "im": "directmessage"}


@dataclass
class Hook:
    """A ``response_url``."""

    channel: Channel
    user: User
    message: Raw | None
    at: float
    uses: int = 0


class Interactions:
    """What people do with the app's buttons, views and commands."""

    def __init__(
        self, world: World, events: Events, views: ViewMethods, chat: ChatMethods, posting: Posting
    ) -> None:
        self._world, self._events, self._views = world, events, views
        self._chat, self._posting = chat, posting
        self._hooks: dict[str, Hook] = {}
        self.url = ""
        self.sent: list[Raw] = []
        """Every payload."""

    async def press(
        self, user: User, where: Message | OpenView, block: Raw, element: Raw, chosen: Raw
    ) -> None:
        """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload.

        Raises NotAcknowledged.
        """
        action: Raw = {"action_id": element["action_id"], "block_id": block["block_id"]}
        kept: Raw = {name: element[name] for name in ("text", "value", "style") if name in element}
        action |= kept | chosen | {"type": element["type"], "action_ts": self._world.new_ts()}
        modal = isinstance(where, OpenView) and where.raw["type"] == "modal"
        payload = self._base("block_actions", user, modal=modal)
        payload["actions"] = [action]
        if isinstance(where, OpenView):
            view = {**where.raw, "state": self._state(where.raw, action, chosen)}
            payload |= {"container": {"type": "view", "view_id": where.id}, "view": view}
        else:
            payload |= self._in_message(user, where)
            payload["state"] = self._state(where.raw, action, chosen)
        await self._ask(payload)

    async def submit(self, user: User, view: OpenView, values: Mapping[str, Any]) -> dict[str, str]:
        """Submit a modal; the app's complaints by block, when it does not take it.

        Raises NotAcknowledged, also for an answer that Slack does not understand, and Refused.
        """
        state = state_of(view.raw, values)
        check_filled(view.raw, state)
        view.raw["state"] = state
        payload = self._base("view_submission", user, modal=True)
        payload |= {"view": dict(view.raw), "response_urls": []}
        answer = await self._ask(payload, answerable=True)
        try:
            self._after(user, view, answer or {})
        except (ApiError, KeyError, TypeError) as error:
            raise NotAcknowledged(f"no valid answer to a submission: {error!r}") from error
        await self._world.changed()
        return view.errors

    async def close(self, user: User, view: OpenView) -> None:
        """Close a modal; the app only hears of it with ``notify_on_close``."""
        self._views.stacks[user.id].remove(view)
        await self._world.changed()
        if view.raw["notify_on_close"]:
            payload = self._base("view_closed", user)
            del payload["trigger_id"]
            await self._ask({**payload, "view": dict(view.raw), "is_cleared": False})

    async def shortcut(self, user: User, callback_id: str, message: Message | None) -> None:
        """https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload."""
        known, kind = self._world.features.shortcuts, "global" if message is None else "message"
        if known is not None and known.get(callback_id) != kind:
            raise Refused(f"there is no {kind} shortcut {callback_id!r}")
        payload = self._base("shortcut" if message is None else "message_action", user)
        payload |= {"callback_id": callback_id, "action_ts": self._world.new_ts()}
        if message is not None:
            channel = self._world.channels[message.channel]
            payload |= {"channel": _brief(channel), "message": told(message.raw)}
            payload |= {"message_ts": message.ts}
            payload["response_url"] = self._hook(channel, user, message.raw)
        await self._ask(payload)

    async def slash(self, user: User, channel: Channel, command: str, text: str) -> Any:
        """https://docs.slack.dev/interactivity/implementing-slash-commands; the app's answer."""
        commands = self._world.features.commands
        if commands is not None and command not in commands:
            raise Refused(f"there is no command {command!r}")
        form: Raw = {
            "token": "deprecated",
            "team_id": self._world.team,
            "team_domain": self._world.domain,
            "channel_id": channel.id,
            "channel_name": _brief(channel)["name"],
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": self._world.app_id,
            "is_enterprise_install": "false",
            "response_url": self._hook(channel, user, None),
            "trigger_id": self._views.trigger(user.id),
        }
        self.sent.append(form)
        answer = await self._events.ask("slash_commands", form, answerable=True)
        if answer:
            await self._say(Hook(channel, user, None, time.monotonic()), answer)
        return answer

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """A call of a ``response_url``: five times in half an hour."""
        hook = self._hooks.get(request.match_info["hook"])
        if hook is None or time.monotonic() - hook.at > _HOOK_SECONDS:
            return web.Response(status=404, text="expired_url")
        if hook.uses >= _HOOK_USES:
            return web.Response(status=404, text="used_url")
        hook.uses += 1
        try:
            await self._say(hook, json.loads(await request.text()))
        except (ApiError, ValueError) as error:
            return web.Response(status=400, text=str(error) or "invalid_payload")
        return web.Response(text="ok")

    def _base(self, kind: str, user: User, *, modal: bool = False) -> Raw:
        who = {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team}
        return {
            "type": kind,
            "team": {"id": self._world.team, "domain": self._world.domain},
            "user": who,
            "api_app_id": self._world.app_id,
            "token": "deprecated",
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self._views.trigger(user.id, modal=modal),
        }

    async def _ask(self, payload: Raw, *, answerable: bool = False) -> Any:
        if not self._world.features.interactivity:
            raise NotAcknowledged("interactivity is switched off")
        self.sent.append(payload)
        return await self._events.ask("interactive", payload, answerable=answerable)

    def _in_message(self, user: User, message: Message) -> Raw:
        channel = self._world.channels[message.channel]
        place: Raw = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
        place["is_ephemeral"] = message.ephemeral
        if "thread_ts" in message.raw:
            place["thread_ts"] = message.raw["thread_ts"]
        about: Raw = {"container": place, "channel": _brief(channel)}
        if not message.ephemeral:
            about["message"] = told(message.raw)
        return about | {"response_url": self._hook(channel, user, message.raw)}

    def _state(self, raw: Raw, action: Raw, chosen: Raw) -> Raw:
        state = state_of(raw)
        if chosen and action["type"] not in ("button", "overflow"):
            state["values"][action["block_id"]][action["action_id"]] = chosen
        return state

    def _hook(self, channel: Channel, user: User, message: Raw | None) -> str:
        made = secrets.token_urlsafe(18)
        self._hooks[made] = Hook(channel, user, message, time.monotonic())
        return f"{self.url}/hooks/{made}"

    def _after(self, user: User, view: OpenView, answer: Raw) -> None:
        """What a submission's answer does. Raises ApiError, KeyError or TypeError."""
        view.errors = {}
        action, stack = answer.get("response_action"), self._views.stacks[user.id]
        if action == "errors":
            known = {one["block_id"] for one in view.raw["blocks"] if one["type"] == "input"}
            if not answer["errors"] or set(answer["errors"]) - known:
                raise ApiError("invalid_errors", errors=answer["errors"])
            view.errors = dict(answer["errors"])
        elif action == "clear":
            stack.clear()
        elif action in ("update", "push"):
            content = self._views.checked(Call("views.open", {"view": answer["view"]}), "modal")
            if action == "push":
                self._views.put_on(user.id, content)
            else:
                self._views.change(view, content)
        elif action is None and not answer:
            stack.remove(view)
        else:
            raise ApiError("invalid_response_action", answer=answer)

    async def _say(self, hook: Hook, answer: Raw) -> None:
        """What an app says by a ``response_url`` or in the answer to a command."""
        mine = hook.message
        if answer.get("delete_original") or answer.get("replace_original"):
            await self._change(hook, answer)
            return
        content = self._chat.content(Call("response_url", answer), POST_LENGTH)
        me = self._world.users[self._world.bot_user]
        thread = str(answer.get("thread_ts") or (mine or {}).get("thread_ts") or "")
        if answer.get("response_type") == "in_channel":
            await self._posting.post(hook.channel, me, content, thread=thread)
            return
        made = {"type": "message", **author_of(me, self._world), **content}
        made |= {"ts": self._world.new_ts(), "channel": hook.channel.id, "is_ephemeral": True}
        hook.user.ephemeral.append(made | ({"thread_ts": thread} if thread else {}))
        await self._world.changed()

    async def _change(self, hook: Hook, answer: Raw) -> None:
        if hook.message is None:
            raise ApiError("no_original")
        if hook.message.get("is_ephemeral"):
            if answer.get("delete_original"):
                hook.message["deleted"] = True
            else:
                content = self._chat.content(Call("response_url", answer), POST_LENGTH)
                hook.message |= {"blocks": [], **content}
            await self._world.changed()
            return
        kept = found(hook.channel, hook.message["ts"])
        if kept is None or kept.get("bot_id") != self._world.bot_id:
            raise ApiError("message_not_found")
        if answer.get("delete_original"):
            await self._posting.delete(hook.channel, kept)
        else:
            content = self._chat.content(Call("response_url", answer), POST_LENGTH)
            me = self._world.users[self._world.bot_user]
            await self._posting.edit(hook.channel, kept, {"blocks": [], **content}, me)


def _brief(channel: Channel) -> Raw:
    return {"id": channel.id, "name": _NAMES.get(channel.kind, channel.name)}
