"""The road of a message: accepted, one turn at a time, answered in order; a person takes over."""

import asyncio
from pathlib import Path

import pytest

from bot.desk import HandBack, Line, TakeOver
from bot.dispatcher import Patience
from bot.messages import Answer, Outcome, Say
from bot.ports import Unavailable
from bot.testing import world

TEXTS = [Path("nlu/domain")]


async def test_a_message_is_answered_once_however_often_it_arrives(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        assert await w.says("hallo", wire_id="m1")
        assert not await w.says("hallo", wire_id="m1")
        await w.channel.wait(1)
        await w.says("ende", wire_id="m2")
        sent = await w.channel.wait(2)
        assert [out.text for out in sent] == ["echo: hallo", "echo: ende"]


async def test_order_is_kept_within_a_conversation_and_conversations_run_in_parallel(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        gate = asyncio.Event()

        async def slow(turn):  # type: ignore[no-untyped-def]
            await gate.wait()
            return Answer((Say(text="late"),))

        w.dialogue.replies["wait"] = slow
        await w.says("wait", who="a")
        await w.says("second", who="a")
        await w.says("other", who="b")
        assert [o.text for o in await w.channel.wait(1)] == ["echo: other"]
        gate.set()
        sent = await w.channel.wait(3)
        assert [o.text for o in sent if o.address.id == "a"] == ["late", "echo: second"]


async def test_takeover_works_while_the_dialogue_hangs_and_hand_back_brings_the_bot(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        await w.says("mensch")
        await w.channel.wait(1)
        (case,) = await w.core.desk_inbox.cases()

        async def hang(turn):  # type: ignore[no-untyped-def]
            await asyncio.sleep(60)
            return Answer((Say(text="never"),))

        w.dialogue.replies["hang"] = hang
        await w.says("hang")
        while len(w.dialogue.asked) < 2:  # noqa: ASYNC110 - the fake has no event for it
            await asyncio.sleep(0.01)
        result = await w.core.desk_inbox.accept(TakeOver("t1", case.id, "Mia"))
        assert result.done
        assert "Mia" in (await w.channel.wait(2))[1].text
        await w.says("und jetzt?")
        assert (await w.core.desk_inbox.accept(Line("l1", case.id, "Mia", "Ich helfe"))).done
        assert (await w.core.desk_inbox.accept(Line("l1", case.id, "Mia", "Ich helfe"))).done
        await w.channel.wait(3)
        assert not (await w.core.desk_inbox.accept(Line("l2", case.id, "Tom", "ich auch"))).done
        done = await w.core.desk_inbox.accept(HandBack("h1", case.id, "Mia", outcome="Erledigt."))
        assert done.done
        assert "Erledigt." in (await w.channel.wait(4))[3].text
        await w.says("danke")
        assert (await w.channel.wait(5))[4].text == "echo: danke"
        assert w.dialogue.asked[-1].resumed
        texts = [line.text for line in await w.core.desk_inbox.history(case.id)]
        assert texts[:2] == ["mensch", texts[1]]
        assert "und jetzt?" in texts
        assert "never" not in "".join(texts)
        card = await w.desk.wait_card(case.id, lambda shown: shown.state == "closed")
        assert card.outcome == "Erledigt."


async def test_a_dialogue_that_is_down_is_told_once_retried_and_then_a_person_gets_the_case(
    tmp_path: Path,
) -> None:
    patience = Patience(slow_after=0.1, ask_timeout=0.3, retry_limit=1.5)
    async with world(tmp_path, texts=TEXTS, patience=patience) as w:
        w.dialogue.replies["hallo"] = Unavailable("down")
        await w.says("hallo")
        await asyncio.sleep(0.1)
        await w.says("noch was")
        sent = await w.channel.wait(2)
        assert "etwas länger" in sent[0].text
        assert "Ein Mensch meldet sich" in sent[1].text
        (case,) = await w.core.desk_inbox.cases()
        assert case.reason == "dialogue_down"
        history = await w.core.desk_inbox.history(case.id)
        assert [h.text for h in history if h.author == "customer"] == ["hallo", "noch was"]
        assert len(w.dialogue.asked) >= 2
        assert len({turn.key for turn in w.dialogue.asked}) == 1


async def test_what_was_accepted_before_a_stop_is_answered_after_the_start(tmp_path: Path) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says("eins", who="a")
        await w.says("zwei", who="b")
    async with world(tmp_path, texts=TEXTS, channel=w.channel) as again:
        await again.says("drei", who="a")
        sent = await again.channel.wait(3)
        assert sorted(o.text for o in sent) == ["echo: drei", "echo: eins", "echo: zwei"]


@pytest.mark.parametrize("text", ["", "🙂🙂", "\u200b\u202e", "x" * 100_000, "\x00"])
async def test_odd_input_gets_a_helpful_sentence(tmp_path: Path, text: str) -> None:
    async with world(tmp_path, texts=TEXTS) as w:
        await w.says(text)
        (out,) = await w.channel.wait(1)
        assert "?" in out.text
        assert not w.dialogue.asked
