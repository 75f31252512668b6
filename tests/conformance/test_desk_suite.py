"""The desk suite itself: a desk that does wrong fails it, each time for the right reason."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.testing.desk_scene import at_desk
from bot.testing.desk_suite import DeskSuite
from bot.testing.desk_wire import Told
from plugins.web.testing_conformance import WebHarness
from plugins.web.testing_desk import WebAgent, WebDeskHarness


class Leaks(WebAgent):
    """What is internal goes out too."""

    async def notes(self, text: str) -> None:
        await super().notes(text)
        with suppress(Told):
            await self.says(text)


class Grabs(WebAgent):
    """Nobody is asked before a colleague's case is taken."""

    async def takes_over(self, *, force: bool = False) -> None:
        del force
        await super().takes_over(force=True)


class Forgets(WebAgent):
    """The undo button does nothing."""

    async def takes_back(self, text: str) -> None:
        del text


class Shrugs(WebAgent):
    """Deletions are believed to be done."""

    async def deletes(self, text: str) -> None:
        del text


class Repeats(WebAgent):
    """A second press sends a second time."""

    async def sends_again(self, text: str) -> None:
        await self.says(text)


class Clings(WebAgent):
    """A link stays, whatever an agent says."""

    async def parts(self, name: str) -> None:
        del name


class Mumbles(WebAgent):
    """The outcome is lost."""

    async def hands_back(self, outcome: str = "") -> None:
        del outcome
        await super().hands_back()


@pytest.mark.parametrize(
    ("sits", "test", "problem"),
    [
        (Leaks, "what_is_internal_never_reaches_the_customer", "what is internal went out"),
        (Grabs, "two_agents_collide_and_nobody_answers_twice", "the desk did it"),
        (Grabs, "two_agents_press_at_the_same_time", "it ended as"),
        (Forgets, "a_line_is_taken_back_within_its_undo_time", "went out all the same"),
        (Forgets, "a_line_that_is_on_its_way_cannot_be_taken_back", "the desk did it"),
        (Shrugs, "a_deletion_takes_a_line_away_or_is_refused_in_words", "still has it"),
        (Repeats, "what_did_not_arrive_is_shown_and_can_go_again", "sent twice"),
        (Clings, "another_conversation_is_proposed_linked_and_parted", "the card names"),
        (Clings, "a_declined_proposal_is_gone", "the card names"),
        (Mumbles, "a_hand_back_says_the_outcome_and_the_bot_knows_it", "never saw"),
    ],
)
async def test_a_desk_that_does_wrong_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sits: type[WebAgent],
    test: str,
    problem: str,
) -> None:
    monkeypatch.setattr("bot.testing.desk_scene.PATIENCE", 3.0)

    class Wrong(WebDeskHarness):
        pass

    class Suite(DeskSuite):
        desk = Wrong
        harness = WebHarness

    Wrong.sits = sits
    with pytest.raises(AssertionError, match=problem):
        await getattr(Suite(), f"test_{test}")(tmp_path)


async def test_a_customer_who_is_bothered_on_a_channel_without_courtesies_fails(
    tmp_path: Path,
) -> None:
    """A bot that says on a channel such as mail that an agent has joined."""
    async with at_desk(WebDeskHarness(), WebHarness(), tmp_path) as now:
        # The core has read the features already: it speaks as if there were courtesies.
        now.channel.features = replace(now.channel.features, courtesies=False)
        with pytest.raises(AssertionError, match="bothered"):
            await now.with_agent("Jana Berg")
