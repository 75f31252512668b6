"""The simulated ``views.*`` and triggers: https://docs.slack.dev/surfaces/modals."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from plugins.slack.testing_blocks import VIEW_SIZE, view_problems
from plugins.slack.testing_call import Call, Handler, Rights
from plugins.slack.testing_errors import ApiError, complaints
from plugins.slack.testing_shown import elements, titles, words_of
from plugins.slack.testing_wire import with_block_ids
from plugins.slack.testing_world import Raw, World

TRIGGER_SECONDS = 3.0
"""How long a trigger can be exchanged for a view."""
MOST_ON_STACK = 3
_MADE = ("title", "submit", "close", "private_metadata", "callback_id", "external_id")


@dataclass
class Trigger:
    """What an interaction hands out: good for one view, for three seconds."""

    id: str
    user: str
    at: float
    used: bool = False
    modal: bool = False
    """Whether it comes from a modal, so that another one can be put on it."""


@dataclass(eq=False)
class OpenView:
    """A modal or a home tab on somebody's screen."""

    user: str
    raw: Raw
    errors: dict[str, str] = field(default_factory=dict)
    """Under which block which complaint stands, after a refused submission."""

    @property
    def id(self) -> str:
        """The view's id."""
        return str(self.raw["id"])

    @property
    def title(self) -> str:
        """The modal's title."""
        return str(self.raw["title"]["text"])

    @property
    def callback_id(self) -> str:
        """What the app calls it."""
        return str(self.raw["callback_id"])

    @property
    def words(self) -> str:
        """Everything that can be read in it."""
        return words_of(self.raw)

    @property
    def buttons(self) -> tuple[str, ...]:
        """The words on its buttons, and its menus' options; submit and close are none of them."""
        return tuple(title for _, element in elements(self.raw) for title in titles(element))

    @property
    def fields(self) -> tuple[str, ...]:
        """The labels of its inputs."""
        blocks = (one for one in self.raw["blocks"] if one["type"] == "input")
        return tuple(one["label"]["text"] for one in blocks)


class ViewMethods:
    """Modals on a stack for each user, and home tabs."""

    def __init__(self, world: World, rights: Rights) -> None:
        self._world, self._rights = world, rights
        self._triggers: dict[str, Trigger] = {}
        self.trigger_seconds = TRIGGER_SECONDS
        self.stacks: dict[str, list[OpenView]] = {}
        """Each user's modals, the one on top last."""
        self.homes: dict[str, OpenView] = {}
        """Each user's home tab."""

    def methods(self) -> Mapping[str, Handler]:
        """By name."""
        return {
            "views.open": self.open,
            "views.publish": self.publish,
            "views.push": self.push,
            "views.update": self.update,
        }

    def trigger(self, user: str, *, modal: bool = False) -> str:
        """A trigger for an interaction of this user."""
        made = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[made] = Trigger(made, user, time.monotonic(), modal=modal)
        return made

    async def open(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/views.open."""
        trigger, view = self._trigger(call), self.checked(call, "modal")
        trigger.used = True
        made = OpenView(trigger.user, self._new(view))
        self.stacks[trigger.user] = [made]
        await self._world.changed()
        return {"view": made.raw}

    async def push(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/views.push."""
        trigger, view = self._trigger(call), self.checked(call, "modal")
        stack = self.stacks.get(trigger.user, [])
        if not trigger.modal or not stack:
            raise ApiError("invalid_trigger_id")
        trigger.used = True
        made = self.put_on(trigger.user, view)
        await self._world.changed()
        return {"view": made.raw}

    async def update(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/views.update."""
        view = self.checked(call, "modal")
        found = self.find(call.text("view_id"), call.text("external_id"))
        if found is None:
            raise ApiError("not_found")
        self._same(found, call)
        self.change(found, view)
        await self._world.changed()
        return {"view": found.raw}

    async def publish(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/views.publish."""
        user, view = call.required("user_id"), self.checked(call, "home")
        if user not in self._world.users:
            raise ApiError("invalid_arguments")
        home = self.homes.get(user)
        if home is None:
            home = self.homes[user] = OpenView(user, self._new(view))
        else:
            self._same(home, call)
            self.change(home, view)
        await self._world.changed()
        return {"view": home.raw}

    def find(self, view_id: str, external_id: str = "") -> OpenView | None:
        """A modal that is open."""
        for stack in self.stacks.values():
            for one in stack:
                known = external_id and one.raw["external_id"] == external_id
                if one.id == view_id or known:
                    return one
        return None

    def put_on(self, user: str, view: Raw) -> OpenView:
        """Put another modal on a user's stack. Raises ApiError."""
        stack = self.stacks[user]
        if len(stack) >= MOST_ON_STACK:
            raise ApiError("push_limit_reached")
        root, before = stack[0].id, stack[-1].id
        made = OpenView(user, self._new(view, root=root, before=before))
        stack.append(made)
        return made

    def change(self, view: OpenView, content: Raw) -> None:
        """Show other content in a view; what was typed into fields that stay is kept."""
        kept = {name: view.raw[name] for name in ("id", "root_view_id", "previous_view_id")}
        view.raw = self._new(content, **{"state": view.raw["state"]}) | kept
        view.errors = {}

    def checked(self, call: Call, kind: str) -> Raw:
        """The view of a call. Raises ApiError."""
        view: Raw = call.structured("view", dict, "invalid_arguments") or {}
        problems = view_problems(view)
        if not problems and view["type"] != kind:
            problems = [f"must be a {kind} [json-pointer:/view/type]"]
        if problems:
            raise complaints("invalid_arguments", problems)
        if len(json.dumps(view).encode()) > VIEW_SIZE:
            raise ApiError("view_too_large")
        return view

    def _trigger(self, call: Call) -> Trigger:
        trigger = self._triggers.get(call.required("trigger_id"))
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.used:
            raise ApiError("exchanged_trigger_id")
        if time.monotonic() - trigger.at > self.trigger_seconds:
            raise ApiError("expired_trigger_id")
        return trigger

    def _same(self, view: OpenView, call: Call) -> None:
        if call.text("hash") and call.text("hash") != view.raw["hash"]:
            raise ApiError("hash_conflict", view=view.raw)

    def _new(self, view: Raw, root: str = "", before: str = "", state: Raw | None = None) -> Raw:
        external = view.get("external_id", "")
        if external and self.find("", external) and not state:
            raise ApiError("duplicate_external_id")
        view_id = self._world.new_id("V")
        given: Raw = {name: view[name] for name in _MADE if name in view}
        return {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "title": None,
            "submit": None,
            "close": None,
            **given,
            "id": view_id,
            "team_id": self._world.team,
            "type": view["type"],
            "blocks": with_block_ids(view["blocks"]),
            "state": state or {"values": {}},
            "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
            "clear_on_close": view.get("clear_on_close", False),
            "notify_on_close": view.get("notify_on_close", False),
            "previous_view_id": before or None,
            "root_view_id": root or view_id,
            "app_id": self._world.app_id,
            "app_installed_team_id": self._world.team,
            "bot_id": self._world.bot_id,
        }
