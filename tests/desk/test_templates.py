"""Approved templates that an agent chooses: filled, sent as a line, also outside of the window."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.desk import ActField, Again, Agent, Edit, Line, SendTemplate, Stop, TakeOver, Template
from bot.messages import Answer, Features, Outcome, Say
from bot.ports import Reject
from bot.testing import FakeChannel, MovingClock, World, world
from desk.counter import DeskParts
from desk.routing import Routing
from host.ports import templates_of

TEXTS = [Path("nlu/domain")]
DAY = 86400
UNDO = 5.0
ASK = Template(
    "ask_back",
    "Rückfrage",
    "Guten Tag {{1}}, zu Ihrer Bestellung {{2}}: {{3}} Viele Grüße, {{4}}",
    (
        ActField("1", "", "{customer}"),
        ActField("2", "", "{order}"),
        ActField("3", "", "{text}"),
        ActField("4", "", "{agent} von {shop_name}"),
    ),
)
NEWS = Template("news", "Neuigkeiten", "Es gibt Neues. Bitte antworten Sie uns kurz.")
ENGLISH = Template("news_en", "News", "There is news. Please write to us.")


class Window(FakeChannel):
    """Has a reply window of a day, and templates that agents may send."""

    def __init__(self) -> None:
        super().__init__(features=Features(burst_seconds=0, reply_window=DAY))
        self.offered: dict[str, Sequence[Template]] = {"de": [ASK, NEWS], "en": [ENGLISH]}

    def templates(self, language: str) -> Sequence[Template]:
        return self.offered[language]


@asynccontextmanager
async def late(folder: Path, clock: MovingClock, *, undo: float = 0.0) -> AsyncIterator[World]:
    """Mia has case 1, and the window is over."""
    channel = Window()
    parts = DeskParts(
        routing=Routing(desk="desk"), undo_seconds=undo, offers=templates_of({"fake": channel})
    )
    async with world(folder, texts=TEXTS, channel=channel, clock=clock, parts=parts) as w:
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        await w.says("mensch")
        await w.settled()
        await w.core.desk_inbox.introduce(Agent("U1", "Mia Berg"))
        assert (await w.core.desk_inbox.accept(TakeOver("take", 1, "U1"))).done
        await w.settled()
        w.channel.sent.clear()
        clock.move(DAY)
        yield w


async def fails(w: World, text: str) -> str:
    """Write a line, which the window holds back; its id."""
    result = await w.core.desk_inbox.accept(Line(text, 1, "U1", text))
    await w.settled()
    (row,) = await w.rows("SELECT state, reason FROM outbox WHERE text = :t", t=text)
    assert (row["state"], row["reason"]) == ("failed", "window_closed")
    return str(result.line)


def values(template: Template, **entered: str) -> Mapping[str, str]:
    """As a desk sends them: what was filled, and what an agent entered."""
    known = {one.name: one.value for one in template.fields}
    return {**known, **{name.removeprefix("v"): value for name, value in entered.items()}}


async def send(w: World, template: str, given: Mapping[str, str], **more: Any) -> Any:
    command = SendTemplate(more.pop("id", "send"), 1, "U1", template, given, **more)
    return await w.core.desk_inbox.accept(command)


async def test_it_is_filled_with_what_is_known_and_asks_for_the_rest(tmp_path: Path) -> None:
    async with late(tmp_path, MovingClock()) as w:
        line = await fails(w, "Passt Ihnen\nDienstag?")
        ask, news = await w.core.desk_inbox.templates(1, line)
        filled = {one.name: (one.title, one.value) for one in ask.fields if one.value}
        assert filled["3"] == ("", "Passt Ihnen Dienstag?")
        assert filled["4"] == ("", "Mia von Lindenhof")  # no surname
        assert [one.title for one in ask.fields if not one.value] == [
            "Name des Kunden",
            "Bestellnummer",
        ]
        assert ask.text == (
            "Guten Tag [Name des Kunden], zu Ihrer Bestellung [Bestellnummer]: "
            "Passt Ihnen Dienstag? Viele Grüße, Mia von Lindenhof"
        )
        assert news.text == NEWS.text


async def test_it_goes_out_after_the_window_with_its_name_and_variables(tmp_path: Path) -> None:
    async with late(tmp_path, MovingClock()) as w:
        line = await fails(w, "Passt Dienstag?")
        ask, _ = await w.core.desk_inbox.templates(1, line)
        given = values(ask, v1="Anna  Arndt", v2="B-1")
        result = await send(w, "ask_back", given, line=line)
        assert result.done
        await w.settled()
        (out,) = w.channel.sent
        assert (out.template, out.response) == ("ask_back", None)
        assert out.facts == {
            "1": "Anna Arndt",
            "2": "B-1",
            "3": "Passt Dienstag?",
            "4": "Mia von Lindenhof",
        }
        said = "Guten Tag Anna Arndt, zu Ihrer Bestellung B-1: Passt Dienstag? "
        assert out.text == f"{said}Viele Grüße, Mia von Lindenhof"
        (shown,) = [one for one in await w.core.desk_inbox.history(1) if one.id == result.line]
        assert (shown.text, shown.author, shown.state) == (out.text, "agent", "sent")
        (row,) = await w.rows("SELECT template FROM outbox WHERE text = :t", t=out.text)
        assert row["template"] == "ask_back"


async def test_within_the_window_it_goes_out_as_a_template_too(tmp_path: Path) -> None:
    async with late(tmp_path, MovingClock()) as w:
        await w.says("Ich bin wieder da")
        assert (await send(w, "news", {})).done
        await w.settled()
        assert [out.template for out in w.channel.sent] == ["news"]


async def test_the_same_command_twice_is_one_template(tmp_path: Path) -> None:
    async with late(tmp_path, MovingClock()) as w:
        first, second = await send(w, "news", {}), await send(w, "news", {})
        await w.settled()
        assert first == second
        assert len(w.channel.sent) == 1


async def test_a_line_that_the_template_brought_cannot_go_out_again(tmp_path: Path) -> None:
    async with late(tmp_path, MovingClock()) as w:
        line = await fails(w, "Passt Dienstag?")
        ask, _ = await w.core.desk_inbox.templates(1, line)
        assert (await send(w, "ask_back", values(ask, v1="Anna", v2="B-1"), line=line)).done
        again = await w.core.desk_inbox.accept(Again("again", 1, "U1", line))
        assert again.reason == "already_again"


async def test_one_that_it_did_not_bring_can_go_out_when_the_customer_answers(
    tmp_path: Path,
) -> None:
    async with late(tmp_path, MovingClock()) as w:
        line = await fails(w, "Passt Dienstag?")
        assert (await send(w, "news", {}, line=line)).done
        await w.says("Ja?")
        assert (await w.core.desk_inbox.accept(Again("again", 1, "U1", line))).done
        await w.settled()
        assert [out.text for out in w.channel.sent] == [NEWS.text, "Passt Dienstag?"]


async def test_a_template_that_failed_goes_out_again_as_the_same(tmp_path: Path) -> None:
    async with late(tmp_path, MovingClock()) as w:
        ask, _ = await w.core.desk_inbox.templates(1)
        given = values(ask, v1="Anna", v2="B-1", v3="Bitte melden.")
        w.channel.faults.append(Reject("file_gone"))
        result = await send(w, "ask_back", given)
        await w.settled()
        assert w.channel.sent == []
        assert (await w.core.desk_inbox.accept(Again("again", 1, "U1", str(result.line)))).done
        await w.settled()
        (out,) = w.channel.sent
        assert (out.template, out.facts) == ("ask_back", given)


async def test_it_waits_for_its_undo_time_is_stopped_and_not_edited(tmp_path: Path) -> None:
    clock = MovingClock()
    async with late(tmp_path, clock, undo=UNDO) as w:
        line = str((await send(w, "news", {})).line)
        edited = await w.core.desk_inbox.accept(Edit("edit", 1, "U1", line, "Anders"))
        assert edited.reason == "template_fixed"
        assert (await w.core.desk_inbox.accept(Stop("stop", 1, "U1", line))).done
        clock.move(UNDO)
        await w.settled()
        assert w.channel.sent == []


@pytest.mark.parametrize(
    ("template", "given", "agent", "reason"),
    [
        ("gone", {}, "U1", "no_such_template"),
        ("news_en", {}, "U1", "no_such_template"),  # the conversation is German
        ("ask_back", {"1": "Anna", "2": "B-1", "4": "Mia"}, "U1", "template_incomplete"),
        ("ask_back", {"1": "A", "2": "B", "3": " \n", "4": "M"}, "U1", "template_incomplete"),
        ("ask_back", {"1": "A" * 801, "2": "B", "3": "C", "4": "M"}, "U1", "template_long"),
        ("news", {}, "U2", "taken_by:Mia Berg"),
    ],
)
async def test_what_cannot_go_out_is_refused_with_a_reason(
    tmp_path: Path, template: str, given: Mapping[str, str], agent: str, reason: str
) -> None:
    async with late(tmp_path, MovingClock()) as w:
        result = await w.core.desk_inbox.accept(SendTemplate("send", 1, agent, template, given))
        assert (result.done, result.reason) == (False, reason)
        await w.settled()
        assert w.channel.sent == []
        code = reason.partition(":")[0]
        assert w.core.desk_inbox.texts.has(f"reason_{code}")


async def test_a_value_that_looks_like_a_variable_stays_as_it_is(tmp_path: Path) -> None:
    async with late(tmp_path, MovingClock()) as w:
        given = {"1": "{{2}}", "2": "B-1", "3": "{order}", "4": "Mia"}
        assert (await send(w, "ask_back", given)).done
        await w.settled()
        (out,) = w.channel.sent
        assert out.text == "Guten Tag {{2}}, zu Ihrer Bestellung B-1: {order} Viele Grüße, Mia"


async def test_a_channel_without_templates_offers_none(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        await w.says("mensch")
        await w.settled()
        assert await w.core.desk_inbox.templates(1) == []
        assert await w.core.desk_inbox.templates(99) == []
