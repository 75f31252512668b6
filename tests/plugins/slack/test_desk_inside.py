"""What was meant to stay inside stays inside, also when connections and settings go wrong."""

from __future__ import annotations

from pathlib import Path

from plugins.slack.testing import SlackSimulator
from plugins.slack.testing_desk import desk_bot


async def test_a_line_that_comes_later_than_the_take_over_after_it_stays_inside(
    slack: SlackSimulator, tmp_path: Path
) -> None:
    async with desk_bot(tmp_path, slack) as bench:
        card = await bench.case()
        await bench.settled()
        slack.faults.slow["conversations.replies"] = 1.5  # while it is read, nothing is handled
        await slack.socket.drop()
        await slack.socket.connected(2)
        early = await bench.jana.writes(bench.support, "Die schon wieder!", thread=card)
        await bench.jana.presses(card, "Übernehmen")
        await bench.sees(card, "Betreut von Jana Kurz")
        late = await bench.jana.writes(bench.support, "Guten Tag", thread=card)
        await bench.reaction(early, "lock")
        await bench.reaches("Guten Tag")
        await bench.reaction(late, "outbox_tray")
        assert "Die schon wieder!" not in bench.customer_saw


async def test_no_case_opens_where_customers_are(slack: SlackSimulator, tmp_path: Path) -> None:
    eva = slack.stranger("eva", "Eva Kunde")
    shared = slack.channel("kunde", eva, shared=True)
    app = {"customers": {"allowed_channels": [shared.id], "direct_messages": False}}
    rules = [{"reasons": ["asked"], "place": shared.id}]
    async with desk_bot(tmp_path, slack, app=app, rules=rules) as bench:
        card = await bench.case()
        await bench.settled()
        assert card.channel == bench.support.id
        assert shared.messages == []
