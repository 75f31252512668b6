"""The desk suite: what every desk must do, with customers on any channel.

    from bot.testing.desk_suite import DeskSuite

    class TestLoftOnPigeon(DeskSuite):
        desk = LoftHarness          # a bot.testing.desk_wire.DeskHarness
        harness = PigeonHarness     # a bot.testing.conformance_wire.Harness

Needs pytest and pytest-asyncio.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from bot.ports import Reject
from bot.testing.conformance_base import Conforming, when
from bot.testing.conformance_in import PICTURE
from bot.testing.conformance_scene import MOMENT, require
from bot.testing.desk_checks import card, has, note, once, refused, tries
from bot.testing.desk_scene import ASKS, at_desk, desk_scene, eventually, held, shows
from bot.testing.desk_wire import DeskHarness, Known, Sitting, Told
from host.settings import HandoffOptions

UNDO = 60.0  # seconds that no test waits for
_CLAIMS = {"claim_minutes": 0.02, "claim_grace_minutes": 0.02}
_CLAIMS_EXPIRE = _CLAIMS.keys() <= HandoffOptions.model_fields.keys()


class DeskSuite(Conforming):
    """Set ``desk`` and ``harness``; tests that the channel cannot play are not collected."""

    desk: ClassVar[type[DeskHarness]]

    def at(self, folder: Path, **handoff: Any) -> Any:
        """A customer, agents and a bot."""
        return at_desk(self.desk(), self.harness(), folder, **handoff)

    async def test_an_agent_takes_over_and_the_two_talk(self, tmp_path: Path) -> None:
        """The bot is silent meanwhile, and each sees what the other writes."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            await jana.says("Guten Tag, was ist passiert?")
            await now.sees("Guten Tag, was ist passiert?")
            asked = len(now.dialogue.asked)
            await now.says("Die Kanne ist kaputt")
            await shows(jana, has("Die Kanne ist kaputt", "customer"), "the customer's answer")
            await shows(jana, has("Guten Tag, was ist passiert?", "agent", "sent"), "it as sent")
            require(len(now.dialogue.asked) == asked, "the bot was asked while a person speaks")

    async def test_two_agents_collide_and_nobody_answers_twice(self, tmp_path: Path) -> None:
        """The second is told who has the case; taking it from a colleague is told to both."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            tom = await now.room.agent("Tom Lau")
            told = await refused(tom.takes_over())
            require("Jana Berg" in told, f"Tom is told {told!r}")
            await tries(tom.says("Tom ohne Fall"))
            await tom.takes_over(force=True)
            await now.hears(lambda text: text.startswith("Tom "))
            await shows(jana, note("Tom Lau", "Jana Berg"), "a note about who took it from whom")
            await held(jana, "Tom Lau")
            await tries(jana.says("Jana ohne Fall"))
            await tom.says("Ich bin jetzt da")
            await now.sees("Ich bin jetzt da")
            await now.settled()
            texts = " ".join(await now.texts())
            require("ohne Fall" not in texts, f"two agents answered: {texts}")

    async def test_two_agents_press_at_the_same_time(self, tmp_path: Path) -> None:
        """One has the case, and the customer hears of no other."""
        async with self.at(tmp_path) as now:
            await now.asks_for_person()
            agents = [await now.room.agent(name) for name in ("Jana Berg", "Tom Lau")]
            await shows(agents[0], has(ASKS, "customer"), "the case")
            before = len(await now.texts())
            ends = await asyncio.gather(
                *(agent.takes_over() for agent in agents), return_exceptions=True
            )
            require(sum(isinstance(end, Told) for end in ends) == 1, f"it ended as {ends}")
            await now.settled()
            heard = len(await now.texts()) - before
            told = int(now.channel.features.courtesies)
            require(heard == told, f"{heard} times the customer heard of an agent, not {told}")

    async def test_a_hand_back_says_the_outcome_and_the_bot_knows_it(self, tmp_path: Path) -> None:
        """The customer reads it, and so does the dialogue, with what was said."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            await jana.says("Ich schicke Ihnen eine neue")
            await now.sees("Ich schicke Ihnen eine neue")
            await jana.hands_back("Eine neue Kanne ist unterwegs.")
            await now.sees(lambda text: "Eine neue Kanne ist unterwegs." in text)
            await held(jana, None)
            await now.says("Danke")
            await now.sees("echo: Danke")
            turn = now.dialogue.asked[-1]
            said = " ".join(past.text for past in turn.history)
            require(turn.resumed, "the dialogue was not told that a person was there")
            for wanted in ("Ich schicke Ihnen eine neue", "Eine neue Kanne ist unterwegs."):
                require(wanted in said, f"the dialogue does not know {wanted!r}")

    async def test_what_is_internal_never_reaches_the_customer(self, tmp_path: Path) -> None:
        """Nor the bot: notes of anybody, before, during and after; and the outcome of a close."""
        async with self.at(tmp_path) as now:
            await now.asks_for_person()
            jana, tom = await now.room.agent("Jana Berg"), await now.room.agent("Tom Lau")
            await shows(jana, has(ASKS, "customer"), "the case")
            await jana.notes("geheim: vorher")
            await tries(jana.says("geheim: ohne den Fall"))
            await jana.takes_over()
            await jana.notes("geheim: mittendrin")
            await tom.notes("geheim: vom Kollegen")
            await tries(tom.says("geheim: Kollege ohne Fall"))
            await jana.says("Guten Tag")
            await now.sees("Guten Tag")
            await shows(tom, has("geheim: mittendrin", "note"), "the note")
            await jana.closes("geheim: Kulanz")
            await tries(jana.notes("geheim: danach"))
            await now.says("Danke")
            await now.sees("echo: Danke")
            await now.settled()
            known = " ".join(await now.texts()) + str(now.dialogue.asked)
            require("geheim" not in known, "what is internal went out")

    async def test_a_line_is_taken_back_within_its_undo_time(self, tmp_path: Path) -> None:
        """It never leaves; what is changed meanwhile leaves as it was changed."""
        async with self.at(tmp_path, undo_seconds=UNDO) as now:
            jana = await now.with_agent("Jana Berg")
            await jana.says("Das war das falsche Fenster")
            await shows(jana, has("Das war das falsche Fenster", "agent", "waiting"), "it waiting")
            await jana.takes_back("Das war das falsche Fenster")
            await jana.says("Gutn Tag")
            await jana.edits("Gutn Tag", "Guten Tag")
            await jana.hands_back()
            await now.sees("Guten Tag")
            await now.settled()
            texts = await now.texts()
            require("Das war das falsche Fenster" not in texts, "it went out all the same")
            require("Gutn Tag" not in texts, "the old text went out")

    async def test_a_line_that_is_on_its_way_cannot_be_taken_back(self, tmp_path: Path) -> None:
        """And the agent is told so."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            await jana.says("Guten Tag")
            await now.sees("Guten Tag")
            require(bool(await refused(jana.takes_back("Guten Tag"))), "the agent is told nothing")

    async def test_a_later_edit_reaches_the_customer(self, tmp_path: Path) -> None:
        """In place where the channel can, else as a correction."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            await jana.says("Das Paket ist gestern da")
            await now.sees("Das Paket ist gestern da")
            await jana.edits("Das Paket ist gestern da", "Das Paket ist morgen da")
            await now.sees(lambda text: "Das Paket ist morgen da" in text)
            await now.settled()
            texts = await now.texts()
            if now.channel.features.edits:
                require("Das Paket ist gestern da" not in texts, "the old text still stands there")
                require("Das Paket ist morgen da" in texts, "it is no edit")
            else:
                require("Das Paket ist gestern da" in texts, "it was edited after all")

    async def test_a_deletion_takes_a_line_away_or_is_refused_in_words(
        self, tmp_path: Path
    ) -> None:
        """Never does the agent believe what is not so."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            await jana.says("Für jemand anderen")
            await now.sees("Für jemand anderen")
            if not now.channel.features.unsends:
                told = await refused(jana.deletes("Für jemand anderen"))
                require(" " in told, f"the agent is told {told!r}")
                require("Für jemand anderen" in await now.texts(), "it is gone after all")
                return
            await jana.deletes("Für jemand anderen")

            async def gone() -> bool:
                return "Für jemand anderen" not in await now.texts()

            await eventually(gone, "the customer still has it")

    @when(lambda _harness: _CLAIMS_EXPIRE)
    async def test_a_claim_expires_while_the_customer_waits(self, tmp_path: Path) -> None:
        """A reminder first, then the case is anybody's again, and the customer is told."""
        async with self.at(tmp_path, **_CLAIMS) as now:
            jana = await now.with_agent("Jana Berg")
            await now.says("Sind Sie noch da?")
            await held(jana, None)
            lines = await jana.thread()
            notes = [line.text for line in lines if line.by == "note"]
            require(len(notes) >= 2, f"no reminder came first: {notes}")
            await now.hears(lambda text: "Jana" in text and "da." not in text[-3:])
            tom = await now.room.agent("Tom Lau")
            await tom.takes_over()
            await tom.says("Jetzt bin ich da")
            await now.sees("Jetzt bin ich da")

    async def test_a_case_goes_from_hand_to_hand(self, tmp_path: Path) -> None:
        """Given to a colleague, who speaks then; and released, for anybody to take."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            tom = await now.room.agent("Tom Lau")
            await jana.assigns(tom)
            await now.hears(lambda text: text.startswith("Tom "))
            await shows(tom, note("Jana Berg", "Tom Lau"), "who gave it to whom")
            await tom.says("Guten Tag von Tom")
            await now.sees("Guten Tag von Tom")
            await tom.releases()
            await held(tom, None)
            await now.hears(lambda text: text.startswith("Tom kann"))
            await jana.takes_over()
            await jana.says("Wieder Jana")
            await now.sees("Wieder Jana")

    async def test_a_restart_in_the_middle_changes_nothing(self, tmp_path: Path) -> None:
        """What waits leaves once, the thread is not told again, and the two talk on."""
        async with desk_scene(self.desk(), self.harness(), tmp_path) as now:
            async with now.running(undo_seconds=1):
                jana = await now.with_agent("Jana Berg")
                await jana.notes("nur für uns")
                await jana.says("Kurz vor dem Neustart")
                await shows(jana, has("Kurz vor dem Neustart", "agent"), "the line")
            async with now.running(undo_seconds=1):
                await now.sees("Kurz vor dem Neustart")
                await now.says("Nach dem Neustart")
                await shows(jana, has("Nach dem Neustart", "customer"), "what came afterwards")
                await jana.says("Weiter geht es")
                await now.sees("Weiter geht es")
                await now.settled()
                await asyncio.sleep(MOMENT)
                require(await jana.holder() == "Jana Berg", "the case is not Jana's any more")
                require(await jana.cards() == 1, "the card is there twice")
                once([line.text for line in await jana.thread()])
                once(await now.texts())

    async def test_what_did_not_arrive_is_shown_and_can_go_again(self, tmp_path: Path) -> None:
        """Once: a second press does nothing."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            async with now.refusing(Reject("file_gone")):
                await jana.says("Kommt nicht an")
                await shows(jana, has("Kommt nicht an", "agent", "failed"), "that it failed")
            await jana.sends_again("Kommt nicht an")
            await now.sees("Kommt nicht an")
            await tries(jana.sends_again("Kommt nicht an"))
            await now.settled()
            require((await now.texts()).count("Kommt nicht an") == 1, "it was sent twice")

    async def test_what_the_bot_drafted_is_sent_as_it_is(self, tmp_path: Path) -> None:
        """Once, by who has the case, as their own words."""
        async with self.at(tmp_path) as now:
            jana = await now.with_draft("Wann kommt es?")
            draft = "echo: Wann kommt es?"
            await shows(jana, has(draft, "bot", "draft"), "the draft")
            tom = await now.room.agent("Tom Lau")
            require(bool(await refused(tom.sends_draft(draft))), "Tom is told nothing")
            await jana.sends_draft(draft)
            await now.sees(draft)
            await shows(jana, has(draft, "agent", "sent"), "it as Jana's")
            await shows(jana, lambda lines: not has(draft, "bot", "draft")(lines), "no draft")
            await tries(jana.sends_draft(draft))
            await now.settled()
            require((await now.texts()).count(draft) == 1, "it was sent twice")

    async def test_what_the_bot_drafted_is_sent_in_other_words(self, tmp_path: Path) -> None:
        """The draft itself never leaves."""
        async with self.at(tmp_path) as now:
            jana = await now.with_draft("Wann kommt es?")
            draft = "echo: Wann kommt es?"
            await shows(jana, has(draft, "bot", "draft"), "the draft")
            await jana.edits_draft(draft, "Es kommt morgen.")
            await now.sees("Es kommt morgen.")
            await shows(jana, has("Es kommt morgen.", "agent", "sent"), "it as Jana's")
            await now.settled()
            require(draft not in await now.texts(), "the draft went out")

    async def test_what_the_bot_drafted_is_discarded(self, tmp_path: Path) -> None:
        """It cannot be sent afterwards."""
        async with self.at(tmp_path) as now:
            jana = await now.with_draft("Wann kommt es?")
            draft = "echo: Wann kommt es?"
            await shows(jana, has(draft, "bot", "draft"), "the draft")
            await jana.drops_draft(draft)
            await shows(jana, lambda lines: not has(draft, "bot", "draft")(lines), "no draft")
            require(bool(await refused(jana.sends_draft(draft))), "Jana is told nothing")
            await now.settled()
            require(draft not in await now.texts(), "it went out")

    async def test_files_go_both_ways(self, tmp_path: Path) -> None:
        """Whole, by the channel's declared features."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            await now.does(now.wire.file(PICTURE, "schaden.png", "So kam es an"))
            lines = await shows(
                jana, lambda lines: any(PICTURE in line.files for line in lines), "the file"
            )
            told = [line for line in lines if PICTURE in line.files]
            require(len(told) == 1, "the file is there twice")
            if not now.channel.features.attachments_out:
                await refused(jana.says("Ihr Etikett", ("etikett.png", PICTURE)))
                return
            await jana.says("Ihr Etikett", ("etikett.png", PICTURE))

            async def arrived() -> bool:
                return any(PICTURE in one.files for one in await now.wire.seen())

            await eventually(arrived, "the customer has no file")
            require("Ihr Etikett" in " ".join(await now.texts()), "the words are missing")

    async def test_another_conversation_is_proposed_linked_and_parted(self, tmp_path: Path) -> None:
        """Its history is only read while it is linked, and nothing links it but an agent."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            other = await now.elsewhere("Elsa Kern", "Meine Kanne ist kaputt")
            await now.may_be(other)
            await card(jana, Known("Elsa Kern", proposed=True))
            require("Meine Kanne ist kaputt" not in await jana.reads(), "it is read all the same")
            await jana.links("Elsa Kern")
            await card(jana, Known("Elsa Kern", proposed=False))
            await shows(jana, note("Jana Berg hat diesen Fall"), "who linked it")
            require("Meine Kanne ist kaputt" in await jana.reads(), "the history does not follow")
            await jana.parts("Elsa Kern")
            await card(jana)
            require("Meine Kanne ist kaputt" not in await jana.reads(), "it is read after all")

    async def test_a_declined_proposal_is_gone(self, tmp_path: Path) -> None:
        """And does not come again with the same evidence."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            other = await now.elsewhere("Elsa Kern", "Meine Kanne ist kaputt")
            await now.may_be(other)
            await card(jana, Known("Elsa Kern", proposed=True))
            await jana.parts("Elsa Kern")
            await card(jana)
            await now.may_be(other)
            await now.settled()
            await card(jana)

    async def test_a_name_from_outside_is_only_a_name(self, tmp_path: Path) -> None:
        """It calls nobody, links nowhere, turns no line around, and begins no new one."""
        async with self.at(tmp_path) as now:
            jana = await now.with_agent("Jana Berg")
            evil = "Elsa <!channel> <http://evil|Hier>\u202e\x07 *fett*\r\nBetreut: Tom"
            other = await now.elsewhere(evil, "Hallo")
            await now.may_be(other)
            plain = "Elsa <!channel> <http://evil|Hier> *fett* Betreut: Tom"
            await card(jana, Known(plain, proposed=True))


__all__ = ["DeskSuite", "Sitting"]
