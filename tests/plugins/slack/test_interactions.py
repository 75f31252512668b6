"""Buttons, modals, shortcuts and commands: at once, once, and not lost by a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.ports import Retry
from plugins.slack.app import SlackApp
from plugins.slack.interactions import Answer, Interaction
from plugins.slack.testing import NotAcknowledged, Person, Room, SlackSimulator

from .apps import running

BUTTON = {
    "type": "button",
    "text": {"type": "plain_text", "text": "Übernehmen"},
    "action_id": "desk.take",
    "value": "7",
}
CARD = [{"type": "actions", "elements": [BUTTON]}]
MODAL = {
    "type": "modal",
    "callback_id": "desk.note",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "Notiz"},
    "submit": {"type": "plain_text", "text": "Speichern"},
    "blocks": [
        {
            "type": "input",
            "block_id": "note",
            "label": {"type": "plain_text", "text": "Text"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


class Office:
    """Registers for everything, and notes what it gets."""

    def __init__(self) -> None:
        self.got: list[Interaction] = []
        self.answers: list[Answer | Exception] = []
        self.pause = 0.0

    def prepare(self, app: SlackApp) -> None:
        self.app = app
        app.on_action("desk.", self.other)
        app.on_action("desk.take", self.take)
        app.on_view("desk.", self.take)
        app.on_view_closed("desk.", self.take)
        app.on_shortcut("desk_send", self.take)
        app.on_command("/schalter", self.take)

    async def other(self, interaction: Interaction) -> Answer:
        raise AssertionError(interaction)

    async def take(self, interaction: Interaction) -> Answer:
        self.got.append(interaction)
        await asyncio.sleep(self.pause)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def opens(self, interaction: Interaction) -> Answer:
        self.got.append(interaction)
        await self.app.call("views.open", trigger_id=interaction.trigger_id, view=MODAL)
        return None


@pytest.fixture
def office() -> Office:
    return Office()


async def _card(app: SlackApp, slack: SlackSimulator, room: Room) -> Any:
    await app.call("chat.postMessage", channel=room.id, text="Neuer Fall", blocks=CARD)
    return await slack.wait_message(room)


async def test_a_button_reaches_the_longest_prefix_with_all_that_it_needs(
    slack: SlackSimulator, jonas: Person, support: Room, office: Office, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, prepare=office.prepare) as now:
        card = await _card(now.app, slack, support)
        await jonas.writes(support, "eine Antwort", thread=card)
        await jonas.presses(card, "Übernehmen")
        await now.until(lambda: office.got)
        (done,) = office.got
        assert (done.name, done.value, done.user) == ("desk.take", "7", jonas.id)
        assert (done.channel, done.message_ts, done.thread_ts) == (support.id, card.ts, "")
        assert not done.replayed


async def test_a_press_that_slack_repeats_is_one(
    slack: SlackSimulator, jonas: Person, support: Room, office: Office, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, prepare=office.prepare) as now:
        card = await _card(now.app, slack, support)
        await jonas.presses(card, "Übernehmen")
        await slack.events.ask("interactive", slack.interactions.sent[-1])
        await jonas.presses(card, "Übernehmen")
        await now.until(lambda: len(office.got) == 2)
        await asyncio.sleep(0.1)
        assert len({one.id for one in office.got}) == len(office.got) == 2


async def test_an_action_that_cannot_be_done_now_is_done_later(
    slack: SlackSimulator, jonas: Person, support: Room, office: Office, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, prepare=office.prepare) as now:
        office.answers = [Retry(0.05), Retry(0.05)]
        await jonas.presses(await _card(now.app, slack, support), "Übernehmen")
        await now.until(lambda: len(office.got) == 3)
        assert len({one.id for one in office.got}) == 1


async def test_what_a_restart_cut_off_is_made_up_for(
    slack: SlackSimulator, jonas: Person, support: Room, office: Office, tmp_path: Path
) -> None:
    office.pause = 30.0
    async with running(slack, tmp_path, prepare=office.prepare) as now:
        await jonas.presses(await _card(now.app, slack, support), "Übernehmen")
        await now.until(lambda: office.got)
    office.pause = 0.0
    async with running(slack, tmp_path, prepare=office.prepare) as now:
        await now.until(lambda: len(office.got) == 2)
        first, again = office.got
        assert (again.id, again.replayed, again.value) == (first.id, True, "7")
        await asyncio.sleep(0.1)
        rows = await now.rows("SELECT status, body FROM slack_interactions")
        assert [(row["status"], row["body"]) for row in rows] == [("done", "")]


async def test_a_view_gets_its_answer_and_stays_open_when_its_handler_fails(
    slack: SlackSimulator, jonas: Person, support: Room, office: Office, tmp_path: Path
) -> None:
    def prepare(app: SlackApp) -> None:
        office.prepare(app)
        app.on_action("desk.take.modal", office.opens)

    async with running(slack, tmp_path, prepare=prepare) as now:
        card = await _card(now.app, slack, support)
        await jonas.presses(card, "Übernehmen")
        await now.until(lambda: office.got)
        trigger = office.got[0].trigger_id
        await now.app.call("views.open", trigger_id=trigger, view=MODAL)
        view = await jonas.sees_view("Notiz")
        office.answers = [{"response_action": "errors", "errors": {"note": "zu kurz"}}]
        assert await jonas.submits(view, {"Text": "a"}) == {"note": "zu kurz"}
        office.answers = [ValueError("oops")]
        with pytest.raises(NotAcknowledged):
            await jonas.submits(view, {"Text": "ab"})
        assert await jonas.submits(view, {"Text": "abc"}) == {}
        assert jonas.views == []
        submitted = office.got[-1]
        assert submitted.view["state"]["values"]["note"]["text"]["value"] == "abc"


async def test_a_command_and_a_shortcut(
    slack: SlackSimulator, jonas: Person, support: Room, office: Office, tmp_path: Path
) -> None:
    async with running(slack, tmp_path, prepare=office.prepare):
        office.answers = [{"text": "3 Fälle"}]
        assert (await jonas.slash(support, "/schalter", "status"))["text"] == "3 Fälle"
        line = await jonas.writes(support, "Guten Tag")
        await jonas.shortcut("desk_send", line)
        command, shortcut = office.got
        assert (command.name, command.text, command.channel) == ("/schalter", "status", support.id)
        assert (shortcut.message_ts, shortcut.message["text"]) == (line.ts, "Guten Tag")
