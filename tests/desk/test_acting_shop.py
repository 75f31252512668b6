"""The shop's own actions in an agent's hands, on the demo shop as it really is afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.desk import Act, TakeOver
from bot.messages import Answer, Features, Outcome, Say
from bot.testing import FakeChannel, World, world
from desk.counter import DeskParts
from desk.routing import Routing
from host.texts import TextsBook
from plugins.cancel_order.action import CancelOrder
from plugins.change_address.action import ChangeAddress
from plugins.knowledge.settings import KnowledgeSettings
from plugins.return_label.action import ReturnLabel
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.demo import DemoShop
from plugins.shop.model import OrderState
from plugins.track_order.action import TrackOrder


@dataclass
class Counter:
    w: World
    shop: DemoShop

    async def act(self, action: str, **arguments: str) -> tuple[str, str]:
        """Preview and confirm; what both said."""
        inbox = self.w.core.desk_inbox
        act = Act(f"a-{action}", 1, "Mia", action, arguments)
        preview = await inbox.preview(act)
        assert preview.possible, preview.text
        confirmed = Act(act.id, 1, "Mia", action, preview.arguments, preview.version, tell=act.tell)
        acted = await inbox.act(confirmed)
        assert acted.done, acted.text
        await self.w.settled()
        return preview.text, acted.text


@pytest.fixture
async def c(tmp_path: Path) -> AsyncIterator[Counter]:
    shop = DemoShop(tmp_path / "shop.db")
    carrier = DemoCarrier(shop.database)
    parts = DeskParts(routing=Routing(desk="desk"), order_facts=shop, language="en")
    book = TextsBook([Path("nlu/domain")], facts=KnowledgeSettings().facts())
    channel = FakeChannel(features=Features(burst_seconds=0, attachments_out=True))
    async with world(tmp_path, texts=book, parts=parts, channel=channel) as w:
        files = w.core.inbox.files
        for action in (
            TrackOrder(shop, book),
            CancelOrder(shop),
            ChangeAddress(shop),
            ReturnLabel(shop, carrier, files),
        ):
            w.core.actions.add(action)
        w.dialogue.replies["mensch"] = Answer((Say("utter_handoff"),), Outcome.HANDOFF, "asked")
        await w.says("mensch")
        await w.settled()
        await w.core.desk_inbox.accept(TakeOver("t", 1, "Mia"))
        await w.settled()
        w.channel.sent.clear()
        yield Counter(w, shop)


def said(c: Counter) -> str:
    return "\n".join(out.text for out in c.w.channel.sent)


async def test_every_action_and_field_has_a_title_in_the_teams_language(c: Counter) -> None:
    offered = {one.name: one for one in await c.w.core.desk_inbox.order_actions(1)}
    assert {name: one.title for name, one in offered.items()} == {
        "track_order": "Track the parcel",
        "cancel_order": "Cancel the order",
        "change_address": "Change the delivery address",
        "return_label": "Register a return",
    }
    titles = [field.title for one in offered.values() for field in one.fields]
    assert "Street and house number" in titles
    assert [title for title in titles if "_" in title or title[0].islower()] == []
    assert offered["track_order"].read_only


async def test_an_order_is_cancelled_without_a_proof(c: Counter) -> None:
    preview, result = await c.act("cancel_order", order_id="100235")
    assert "B-100235" in preview
    assert "Shall I do that?" in preview
    assert (await c.shop.order("B-100235")).state is OrderState.CANCELLED
    assert "storniert" in result  # the customer writes German, the team reads English
    assert said(c) == result


async def test_an_address_is_changed(c: Counter) -> None:
    await c.act(
        "change_address",
        order_id="B-100235",
        new_street="Neue Straße 1",
        new_postal_code="50667",
        new_city="Köln",
    )
    assert (await c.shop.order("B-100235")).address.street == "Neue Straße 1"
    assert "Neue Straße 1" in said(c)


async def test_a_label_goes_out_with_its_files(c: Counter) -> None:
    await c.act("return_label", order_id="B-100237")
    names = [one.name for out in c.w.channel.sent for one in out.attachments]
    assert names == ["Retoure-B-100237.pdf", "Retoure-B-100237-QR.png"]
    assert len((await c.shop.order("B-100237")).returns) == 1


async def test_where_a_parcel_is_stays_inside(c: Counter) -> None:
    await c.act("track_order", order_id="B-100234")
    assert said(c) == ""
    notes = [one for one in await c.w.core.desk_inbox.history(1) if one.author == "note"]
    assert "Your order B-100234 is on its way" in notes[0].text


@pytest.mark.parametrize(
    ("action", "arguments", "words"),
    [
        ("cancel_order", {"order_id": "B-100234"}, "already on its way"),
        ("cancel_order", {"order_id": "B-999999"}, "There is no order B-999999"),
        ("cancel_order", {}, "Order number"),
        ("change_address", {"order_id": "B-100235"}, "address"),
    ],
)
async def test_what_the_shop_forbids_an_agent_cannot_do_either(
    c: Counter, action: str, arguments: dict[str, str], words: str
) -> None:
    inbox = c.w.core.desk_inbox
    preview = await inbox.preview(Act("x", 1, "Mia", action, arguments))
    assert not preview.possible
    assert words in preview.text
    acted = await inbox.act(Act("x", 1, "Mia", action, arguments))
    assert not acted.done
    assert await c.w.rows("SELECT 1 FROM calls") == []
    assert said(c) == ""


async def test_an_order_that_moved_on_since_the_preview_is_not_changed(c: Counter) -> None:
    inbox = c.w.core.desk_inbox
    act = Act("x", 1, "Mia", "cancel_order", {"order_id": "B-100235"})
    preview = await inbox.preview(act)
    order = await c.shop.order("B-100235")
    await c.shop.change_address("B-100235", order.billing, version=order.version, key="other")
    late = Act("x", 1, "Mia", "cancel_order", preview.arguments, preview.version)
    acted = await inbox.act(late)
    await c.w.settled()
    assert (acted.done, acted.reason) == (False, "order_changed")
    assert (await c.shop.order("B-100235")).state is OrderState.OPEN
    assert said(c) == ""
    notes = [one.text for one in await inbox.history(1) if one.author == "note"]
    assert notes[0].startswith("Cancel the order B-100235: not done.")
