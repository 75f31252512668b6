"""What a channel declares is what it gets: numbers, pieces, windows, templates, vouched phones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.desk import Line, TakeOver
from bot.messages import (
    Address,
    Answer,
    Attachment,
    Button,
    Features,
    Filling,
    Inbound,
    Kind,
    Outbound,
    Outcome,
    Receipt,
    Say,
    State,
    Turn,
)
from bot.ports import Retry, UnknownOutcome
from bot.rendering import split
from bot.testing import FakeAction, FakeChannel, FakePairs, MovingClock, World, call_of, world

TEXTS = [Path("nlu/domain")]
CHOICES = (Button("Lieferung", "/one"), Button("Rechnung", "/two"), Button("Anderes", "/three"))
ASKS = Answer((Say(text="Worum geht es?", buttons=CHOICES),), Outcome.ASK)
DAY = 24 * 3600.0


def channel_of(**more: Any) -> FakeChannel:
    return FakeChannel(features=Features(burst_seconds=0, **more))


async def asked(w: World) -> list[Outbound]:
    w.dialogue.replies["frage"] = ASKS
    await w.says("frage")
    await w.settled()
    return w.channel.sent


def last(w: World) -> Turn:
    return w.dialogue.asked[-1]


# --- numbers in place of buttons


@pytest.mark.parametrize(
    "features", [{"buttons": 0}, {"buttons": 2}, {"button_title": 8}, {"button_text": 10}]
)
async def test_what_cannot_be_buttons_is_numbered(tmp_path: Path, features: Any) -> None:
    async with world(tmp_path, texts=TEXTS, channel=channel_of(**features)) as w:
        (out,) = await asked(w)
        assert out.buttons == ()
        assert "1. Lieferung\n2. Rechnung\n3. Anderes" in out.text
        assert out.text.startswith("Worum geht es?")
        assert "Nummer" in out.text


async def test_an_answer_is_one_message_where_the_channel_wants_that(tmp_path: Path) -> None:
    mail = {"buttons": 0, "joined": True, "attachments_out": True}
    async with world(tmp_path, texts=TEXTS, channel=channel_of(**mail)) as w:
        file = await w.core.inbox.files.put_bytes(b"%PDF-1.7 etikett", name="e.pdf", owner="test")
        before = Say(text="Danke.", files=(file.file or "",))
        w.dialogue.replies["frage"] = Answer((before, *ASKS.says), Outcome.ASK)
        await w.says("frage")
        await w.settled()
        (out,) = w.channel.sent
        assert out.text.startswith("Danke.\n\nWorum geht es?")
        assert "2. Rechnung" in out.text
        assert [one.name for one in out.attachments] == ["e.pdf"]
        await w.says("2")
        await w.settled()
        assert last(w).payload == "/two"


@pytest.mark.parametrize(
    "typed", ["2", " 2 ", "2.", "2)", "Nr. 2", "nummer 2", "2\ufe0f\u20e3", "die 2"]
)
async def test_the_number_is_the_answer(tmp_path: Path, typed: str) -> None:
    async with world(tmp_path, texts=TEXTS, channel=channel_of(buttons=0)) as w:
        await asked(w)
        await w.says(typed)
        await w.settled()
        assert last(w).payload == "/two"


@pytest.mark.parametrize("typed", ["4", "0", "22", "2 Pakete", "50674", "zwei Fragen", "-2"])
async def test_another_number_is_text(tmp_path: Path, typed: str) -> None:
    async with world(tmp_path, texts=TEXTS, channel=channel_of(buttons=0)) as w:
        await asked(w)
        await w.says(typed)
        await w.settled()
        assert last(w).payload is None


async def test_a_number_is_text_where_buttons_were_shown(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS, channel=channel_of(buttons=3)) as w:
        (out,) = await asked(w)
        assert out.buttons == CHOICES
        await w.says("2")
        await w.settled()
        assert last(w).payload is None


async def test_a_number_answers_only_what_was_asked_last(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS, channel=channel_of(buttons=0)) as w:
        await asked(w)
        await w.says("etwas anderes")
        await w.settled()
        await w.says("2")
        await w.settled()
        assert last(w).payload is None


async def test_a_number_that_was_sent_before_the_question_is_text(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, channel=channel_of(buttons=0), clock=clock) as w:

        async def slowly(_turn: Turn) -> Answer:
            await w.says("2")  # while the question is still being made
            clock.move(1)
            return ASKS

        w.dialogue.replies["frage"] = slowly
        await w.says("frage")
        await w.wake()
        await w.until("SELECT 1 FROM turns WHERE text = '2' AND status = 'done'")
        assert last(w).payload is None


async def test_the_channels_menu_needs_no_button(tmp_path: Path) -> None:
    channel = channel_of(commands=frozenset({"/human"}))
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.says("/human", payload="/human")
        await w.settled()
        assert last(w).payload == "/human"
        await w.says("/delete", payload="/delete")
        await w.settled()
        assert last(w).payload is None


# --- one row is one message


async def file_of(w: World, name: str) -> Attachment:
    return await w.core.desk_inbox.files.put_bytes(
        b"%PDF-1.4 " + name.encode(), name=name, owner="x"
    )


async def test_files_are_messages_of_their_own_after_the_text(tmp_path: Path) -> None:
    channel = channel_of(attachments_out=True, files_with_text=False)
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        one, two = await file_of(w, "one.pdf"), await file_of(w, "two.pdf")
        files = (str(one.file), str(two.file))
        w.dialogue.replies["frage"] = Answer((Say(text="Hier:", files=files, buttons=CHOICES),))
        await w.says("frage")
        await w.settled()
        shapes = [(o.text, len(o.buttons), [a.name for a in o.attachments]) for o in channel.sent]
        assert shapes == [("Hier:", 3, []), ("", 0, ["one.pdf"]), ("", 0, ["two.pdf"])]


async def test_an_agents_files_take_the_same_road(tmp_path: Path) -> None:
    channel = channel_of(attachments_out=True, files_with_text=False)
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await taken(w)
        one = await file_of(w, "one.pdf")
        await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Bitte sehr", (one,)))
        await w.settled()
        assert [(o.text, len(o.attachments)) for o in channel.sent] == [("Bitte sehr", 0), ("", 1)]


async def test_a_channel_without_files_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS, channel=channel_of()) as w:
        one = await file_of(w, "one.pdf")
        w.dialogue.replies["frage"] = Answer((Say(text="Hier:", files=(str(one.file),)),))
        await w.says("frage")
        await w.settled()
        (out,) = w.channel.sent
        assert out.attachments == ()
        assert out.text.startswith("Hier:\n\nDateien kann ich hier")
        await taken(w)
        refused = await w.core.desk_inbox.accept(Line("l", 1, "Mia", "Bitte sehr", (one,)))
        assert (refused.done, refused.reason) == (False, "files_not_here")


def test_utf16_units_are_counted_as_the_vendor_counts() -> None:
    parts = split("😀" * 10, 6, "utf16")
    assert [len(part) for part in parts] == [3, 3, 3, 1]
    assert split("abcdef", 6, "utf16") == ["abcdef"]
    assert all(len(p.encode("utf-16-le")) // 2 <= 50 for p in split("wörter 😀 " * 40, 50, "utf16"))


# --- the reply window


class Window(FakeChannel):
    """Has a reply window of a day, and a template for one response."""

    def __init__(self, template: str | None = None) -> None:
        super().__init__(features=Features(burst_seconds=0, reply_window=DAY))
        self.template = template
        self.wanted: list[Outbound] = []

    def template_for(self, out: Outbound) -> str | None:
        self.wanted.append(out)
        return self.template


async def taken(w: World) -> None:
    w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
    await w.says("mensch")
    await w.settled()
    assert (await w.core.desk_inbox.accept(TakeOver("take", 1, "Mia"))).done
    await w.settled()
    w.channel.sent.clear()


async def line(w: World, text: str = "Hallo") -> None:
    assert (await w.core.desk_inbox.accept(Line(text, 1, "Mia", text))).done
    await w.settled()


async def test_inside_of_the_window_text_is_free(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, channel=Window(), clock=clock) as w:
        await taken(w)
        clock.move(DAY - 1)
        await line(w)
        assert [out.template for out in w.channel.sent] == [None]


async def test_outside_of_it_nothing_is_sent_and_the_agent_sees_why(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, channel=Window(), clock=clock) as w:
        await taken(w)
        case = await w.core.desk_inbox.case(1)
        assert case is not None
        assert case.reply_until is not None
        assert (case.reply_until - clock()).total_seconds() == DAY
        clock.move(DAY)
        await line(w)
        assert w.channel.sent == []
        (row,) = await w.rows("SELECT state, reason FROM outbox WHERE text = 'Hallo'")
        assert (row["state"], row["reason"]) == ("failed", "window_closed")
        assert set(w.desk.states.values()) >= {"failed"}


async def test_outside_of_it_a_fitting_template_goes_out(tmp_path: Path) -> None:
    clock, channel = MovingClock(), Window("reply_waits")
    async with world(tmp_path, texts=TEXTS, channel=channel, clock=clock) as w:
        await taken(w)
        clock.move(DAY)
        await line(w)
        (out,) = channel.sent
        assert (out.template, out.response, out.text) == ("reply_waits", "agent_line", "Hallo")


async def test_a_duplicate_does_not_open_the_window(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, channel=Window(), clock=clock) as w:
        await taken(w)
        await w.says("noch da?", wire_id="w1")
        await w.settled()
        clock.move(DAY)
        assert not await w.says("noch da?", wire_id="w1")
        await line(w)
        assert w.channel.sent == []
        assert await w.says("noch da?", wire_id="w2")
        await line(w, "Ja")
        assert [out.text for out in w.channel.sent] == ["Ja"]


async def test_an_edit_does_not_open_the_window(tmp_path: Path) -> None:
    clock = MovingClock()
    async with world(tmp_path, texts=TEXTS, channel=Window(), clock=clock) as w:
        await taken(w)
        await w.says("noch da?", wire_id="w1")
        clock.move(DAY)
        edit = Inbound(Address(w.channel.name, "c1"), "w2", Kind.EDIT, "noch da??", edits="w1")
        assert await w.core.inbox.accept(edit) == [True]
        await line(w)
        assert w.channel.sent == []


# --- looking up


class Asked(FakeChannel):
    """Cannot tell at first what became of a send."""

    def __init__(self, answers: list[str | Exception | None]) -> None:
        super().__init__(features=Features(burst_seconds=0, unknown_send="ask"))
        self.answers = answers

    async def look_up(self, out: Outbound) -> str | None:
        assert out.created_at is not None
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_look_up_that_cannot_tell_is_made_again_and_nothing_is_sent(tmp_path: Path) -> None:
    channel = Asked([Retry(0), Retry(0), "v-77"])
    channel.faults.append(UnknownOutcome())
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.says("hallo")
        await w.settled()
        assert channel.sent == []
        (row,) = await w.rows("SELECT state, vendor_id FROM outbox")
        assert (row["state"], row["vendor_id"]) == ("sent", "v-77")


async def test_a_look_up_that_never_can_tell_ends_visibly(tmp_path: Path) -> None:
    channel = Asked([Retry(0)] * 20)
    channel.faults.append(UnknownOutcome())
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.says("hallo")
        await w.settled()
        (row,) = await w.rows("SELECT state FROM outbox WHERE author = 'bot'")
        assert row["state"] == "unknown"
        assert "echo: hallo" not in [out.text for out in channel.sent]
        assert len(channel.answers) == 12


@pytest.mark.parametrize(
    ("named", "becomes"), [("this", "delivered"), ("another", "unknown"), (None, "unknown")]
)
async def test_a_report_that_names_a_message_of_unknown_outcome_settles_it(
    tmp_path: Path, named: str | None, becomes: str
) -> None:
    channel = Asked([Retry(0)] * 20)
    channel.faults.append(UnknownOutcome())
    async with world(tmp_path, texts=TEXTS, channel=channel) as w:
        await w.says("hallo")
        await w.settled()
        (row,) = await w.rows("SELECT id FROM outbox WHERE author = 'bot'")
        named = row["id"] if named == "this" else named
        for state in (State.DELIVERED, State.SENT):
            await w.core.inbox.receipt(Receipt(channel.name, "v-1", state, row=named))
        await w.core.inbox.receipt(Receipt(channel.name, "v-2", State.READ, row=named))
        (row,) = await w.rows("SELECT state FROM outbox WHERE author = 'bot'")
        assert row["state"] == becomes


# --- a phone that the channel vouches for

PHONE = "+491713920001"


class Phones(FakePairs):
    """Knows the numbers of orders too."""

    async def check_phone(self, subject: str, phone: str) -> bool:
        return (subject, phone) == ("1", PHONE)


async def filled(
    tmp_path: Path, text: str, *, phone: str | None, proofs: frozenset[str], **slots: Any
) -> tuple[Filling, list[Any]]:
    action = FakeAction("track", read_only=True, proofs=proofs)
    fillings = []
    async with world(tmp_path, texts=TEXTS, actions=[action], identify=Phones({"1": "a"})) as w:

        async def fills(turn: Turn) -> Answer:
            fillings.append(await w.core.actions.fill("track", call_of(turn, **slots), 1))
            return Answer((Say(text="ok"),))

        w.dialogue.replies[text] = fills
        message = Inbound(Address("fake", "c1"), "w1", text=text, phone=phone)
        await w.core.inbox.accept(message)
        await w.settled()
        return fillings[0], await w.rows("SELECT kind, subject FROM proofs")


CHANNEL = frozenset({"pair", "channel"})


async def test_the_number_on_the_order_is_a_proof(tmp_path: Path) -> None:
    filling, proofs = await filled(tmp_path, "order=1", phone=PHONE, proofs=CHANNEL)
    assert filling.ask is None
    assert [dict(row) for row in proofs] == [{"kind": "channel", "subject": "1"}]


async def test_a_shared_contact_answers_the_question_for_a_proof(tmp_path: Path) -> None:
    filling, _ = await filled(tmp_path, "kontakt", phone=PHONE, proofs=CHANNEL, order_id="1")
    assert (filling.ask, filling.slots) == (None, {"order_id": "1"})


@pytest.mark.parametrize(
    ("text", "phone", "proofs"),
    [
        ("order=1", "+491710000000", CHANNEL),  # another number
        ("order=1", None, CHANNEL),  # none that anybody vouches for
        ("order=2", PHONE, CHANNEL),  # another order
        ("order=1", PHONE, frozenset({"pair"})),  # an action that wants a pair
    ],
)
async def test_anything_else_is_none(
    tmp_path: Path, text: str, phone: str | None, proofs: frozenset[str]
) -> None:
    filling, rows = await filled(tmp_path, text, phone=phone, proofs=proofs)
    assert (filling.ask, rows) == ("proof", [])


# --- what a message quotes, and what it only shows


async def test_a_quote_is_shown_at_the_desk(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says("Wo ist mein Paket?", wire_id="w1")
        await w.settled()
        (sent,) = await w.rows("SELECT vendor_id FROM outbox")
        for number, quotes in enumerate(("w1", sent["vendor_id"], "gone"), 2):
            wire_id = f"w{number}"
            message = Inbound(Address("fake", "c1"), wire_id, text=f"dazu {number}", quotes=quotes)
            await w.core.inbox.accept(message)
            await w.settled()
        await taken(w)
        history = await w.core.desk_inbox.history(1)
        quoted = {line.text: line.quote for line in history if line.text.startswith("dazu")}
        assert quoted == {
            "dazu 2": "Wo ist mein Paket?",
            "dazu 3": "echo: Wo ist mein Paket?",
            "dazu 4": None,
        }


@pytest.mark.parametrize("kind", [Kind.LOCATION, Kind.CONTACT])
async def test_a_place_or_a_contact_card_is_answered_without_the_model(
    tmp_path: Path, kind: Kind
) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await w.core.inbox.accept(Inbound(Address("fake", "c1"), "w1", kind, "52.5, 13.4"))
        await w.settled()
        assert w.dialogue.asked == []
        assert "angekommen" in w.channel.sent[0].text
