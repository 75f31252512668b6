"""What `bot check` looks at. Nothing is opened, nothing leaves the machine but with ``online``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.ports import Action, Identify, Problem
from host.errors import Fatal, Invalid
from host.folder import ask, is_locked
from host.identity import KEY_VARIABLE
from host.plugins import why
from host.ports import NamesTexts
from host.settings import Settings, place
from host.wiring import Wiring, build, policies_of, wire

if TYPE_CHECKING:
    from host.cli import Context

_ONLINE_SECONDS = 20.0  # for one plugin's vendor


def findings(context: Context, *, online: bool = False) -> list[Problem]:
    """Everything that is not as it should be; fatal ones first."""
    try:
        found = list(_findings(context))
        if online:
            found += _health(context.data)
            found += asyncio.run(_online(context))
    except Invalid as error:
        found = list(error.problems)
    return sorted(found, key=lambda problem: not problem.fatal)


def _findings(context: Context) -> Iterator[Problem]:
    plugins = context.plugins
    try:
        wiring = wire(context.settings, plugins, context.data)
        yield from wiring.texts.check()
        for channel in wiring.channels.values():
            if isinstance(channel, NamesTexts):
                yield from channel.text_problems(wiring.texts)
        built = build(wiring, base_url="http://127.0.0.1:0", detect=lambda _text, now, _first: now)
        names = built.core.actions.names()
        actions = [action for name in names if (action := built.core.actions.get(name))]
        for action in actions:
            yield from _policy(wiring, action)
        policies = policies_of(context.settings, plugins)
        yield from policies.problems(actions, partial(_proofs_of, context.settings))
        if context.settings.environment.get(KEY_VARIABLE):
            wiring.key()  # from the environment it makes no file
    except Fatal as error:
        yield Problem("bot", error.what, error.fix)
    for check in plugins.each("checks"):
        yield from check()
    yield from plugins.findings()


def _proofs_of(settings: Settings, action: str) -> str:
    return place(settings, ("identity", "proofs", action))


def _policy(wiring: Wiring, action: Action) -> Iterator[Problem]:
    where, policy = f"action {action.name}", action.policy
    own = getattr(action, "own_conversation", False)  # theirs by being written in
    if not policy.read_only and not policy.proofs and not own:
        fix = "name the proofs that suffice in its policy: Policy(read_only=False, proofs=...)"
        yield Problem(where, "changes something and asks nobody for a proof", fix)
    if getattr(action, "literal_texts", False):
        fix = "give it response names, so that it speaks both languages"
        yield Problem(where, "says literal texts, in one language", fix, fatal=False)
    if policy.proofs and policy.subject not in action.Arguments.model_fields:
        what = f"its policy is about '{policy.subject}', which is no argument of it"
        yield Problem(where, what, "name an argument in policy.subject")
    if "pair" in policy.proofs:
        try:
            wiring.plugins.get(Identify)
        except LookupError as error:
            yield Problem(where, f"needs a pair checked, and {error}", "enable a shop plugin")


async def _online(context: Context) -> list[Problem]:
    found: list[Problem] = []
    for plugin in context.plugins.active():
        for check in plugin.registered.online_checks:
            try:
                async with asyncio.timeout(_ONLINE_SECONDS):
                    found += await check()
            except Exception as error:  # the edge: whatever a plugin, or the network, does wrong
                what = f"cannot be tried: {why(error)}"
                found.append(Problem(f"plugin {plugin.name}", what, "look at the network"))
    return found


def _health(data: Path) -> list[Problem]:
    if not is_locked(data):
        what = f"no bot runs on {data}"
        return [Problem("health", what, "start it: bot run", fatal=False)]
    try:
        _, body = asyncio.run(ask(data, "GET", "/health"))
    except Fatal as error:
        return [Problem("health", error.what, error.fix)]
    return [
        Problem(f"health {line['name']}", line["detail"] or "is broken", "see the bot's log")
        for line in body["checks"]
        if not line["ok"]
    ]
