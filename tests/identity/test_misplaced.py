"""Digits in an answer to the mail that brought them: they prove nothing there, and it is said."""

from __future__ import annotations

import pytest

from bot.messages import Answer, Say, Turn
from bot.testing import MovingClock
from bot.testing.world import texts_of
from identity.misplaced import MisplacedCode
from tests.identity.conftest import TEXTS, Counter, Counters, other_than
from tests.identity.test_codes import PAIR

ASKED = Answer((Say("asked"),))


class Answers:
    """Somebody who answers mails in the conversation of a mailbox."""

    def __init__(self, c: Counter) -> None:
        self._c = c
        texts = texts_of(tuple(TEXTS))
        self._middleware = MisplacedCode(store=c.world.store, texts=texts, clock=c.clock)

    async def say(self, text: str, channel: str = "mail") -> Say:
        """What they hear."""
        (row,) = await self._c.world.rows(
            f"SELECT id FROM conversations WHERE channel = '{channel}'"
        )
        turn = Turn(key="t", conversation=row["id"], session=1, text=text, language="de")

        async def ask(_turn: Turn) -> Answer:
            return ASKED

        return (await self._middleware(turn, ask)).says[0]


@pytest.mark.parametrize("written", ["{0}", "Der Code ist {0}.", "{0:.3} {0[3]}{0[4]}{0[5]}"])
async def test_it_is_said_where_a_code_counts_and_it_still_counts_there(
    counter: Counters, written: str
) -> None:
    async with counter() as c:
        await c.says(PAIR)
        code = await c.code()
        answers = Answers(c)
        for digits in (code, other_than(code)):  # nobody learns here which one is right
            said = await answers.say(written.format(digits))
            assert said == Say("utter_code_elsewhere", {"where": "code_there"})
        assert await c.says(code) == ["utter_code_right", "move 1?"]
        assert [row[0] for row in await c.audit()] == ["pair", "code_sent", "code"]


async def test_what_is_no_code_is_asked(counter: Counters) -> None:
    clock = MovingClock()
    async with counter(clock=clock) as c:
        await c.says(PAIR)
        code = await c.code()
        answers = Answers(c)
        for text in ("Wer hat das angefragt?", "Bestellung 100234", "1", ""):
            assert await answers.say(text) == ASKED.says[0], text
        # Where the code was asked for, the form takes it.
        assert await answers.say(code, channel=c.world.channel.name) == ASKED.says[0]
        clock.move(31 * 60)
        assert await answers.say(code) == ASKED.says[0]


async def test_a_code_after_too_many_tries_is_no_order(counter: Counters) -> None:
    """Who guessed on was asked for the postcode of "order 666666"."""
    clock = MovingClock()
    async with counter(clock=clock) as c:
        await c.says(PAIR)
        wrong = other_than(await c.code())
        for _ in range(5):
            await c.says(wrong)
        answers, here = Answers(c), c.world.channel.name
        for text in (wrong, f"Der Code ist {wrong}"):
            assert await answers.say(text, channel=here) == Say("utter_code_paused")
        for text in ("B-100234", "Und jetzt?"):
            assert await answers.say(text, channel=here) == ASKED.says[0]
        clock.move(16 * 60)
        assert await answers.say(wrong, channel=here) == ASKED.says[0]


@pytest.mark.parametrize(
    "text",
    [
        "Das war ich nicht",
        "Das war nicht ich!",
        "Guten Tag, ich habe keinen Code angefordert.",
        "ich hab nichts angefragt",
        "That wasn't me",
        "i did not request this",
    ],
)
async def test_who_never_asked_for_a_code_hears_what_it_can_do(
    counter: Counters, text: str
) -> None:
    """The owner was told "In Ordnung. Kann ich sonst etwas für Sie tun?"."""
    clock = MovingClock()
    async with counter(clock=clock) as c:
        await c.says(PAIR)
        code = await c.code()
        answers = Answers(c)
        assert await answers.say(text) == Say("utter_code_not_asked")
        # Where it was asked for, and where no code went, it means something else.
        assert await answers.say(text, channel=c.world.channel.name) == ASKED.says[0]
        assert await c.says(code) == ["utter_code_right", "move 1?"]
        clock.move(3 * 24 * 3600)
        assert await answers.say(text) == ASKED.says[0]


@pytest.mark.parametrize("channel", ["whatsapp", "telegram", "slack", "web", "mail"])
def test_every_channel_of_ours_has_words(channel: str) -> None:
    words = "".join(file.read_text("utf-8") for file in TEXTS[0].glob("identity.yml"))
    assert f"term_code_on_{channel}:" in words
