"""Sending something back; what happened is read from the shop and the carrier."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core import Core
from bot.messages import ActionCall, Address, Attachment, Outcome
from plugins.return_label.action import ReturnLabel
from plugins.shop.api import Label, Order, PostalAddress, ShopUnavailable
from plugins.shop.carrier_demo import DemoCarrier
from plugins.shop.demo import DemoShop


def build(shop: DemoShop, carrier: DemoCarrier, core: Core) -> ReturnLabel:
    return ReturnLabel(shop, carrier, core.inbox.files)


WISH = "get_return_label"
BACK = ("Retourenlabel für 100237, PLZ 70173", WISH)


async def test_the_reason_is_asked_for_and_the_label_handed_out_after_a_yes(talking: Any) -> None:
    async with talking(build) as talk:
        assert "freiwillig" in await talk.says(*BACK)
        assert "Keine Angabe" in talk.buttons
        asked = await talk.presses("Zu klein")
        assert "1 × Laufschuhe Pfad, Größe 44 und 1 × Laufsocken, 3 Paar" in asked
        assert (await talk.shop.order("100237")).returns == ()
        done = await talk.says("ja")
        (label,) = (await talk.shop.records("B-100237"))["labels"]
        assert label["tracking"] in done
        assert "–" not in done
        assert talk.attachments == ["Retoure-B-100237.pdf", "Retoure-B-100237-QR.png"]
        (back,) = (await talk.shop.order("100237")).returns
        assert back.reason == "too_small"


@pytest.mark.parametrize("text", ["egal", "keine Angabe", "nein"])
async def test_the_reason_may_be_skipped(talking: Any, text: str) -> None:
    async with talking(build) as talk:
        await talk.says(*BACK)
        assert "Soll ich das tun?" in await talk.says(text, "deny")
        await talk.says("ja")
        (back,) = (await talk.shop.order("100237")).returns
        assert back.reason is None


async def test_a_reason_in_own_words(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*BACK)
        await talk.says("meine Schwester hat schon so eine")
        await talk.says("ja")
        (back,) = (await talk.shop.order("100237")).returns
        assert back.reason == "meine Schwester hat schon so eine"


async def test_a_reason_that_was_told_is_not_asked_for(talking: Any) -> None:
    async with talking(build) as talk:
        asked = await talk.says("Schuhe aus 100237 zu klein, PLZ 70173", "return_item")
        assert "Soll ich das tun?" in asked


async def test_asked_again_there_is_the_same_label_again(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*BACK)
        await talk.says("egal")
        await talk.says("ja")
        again = await talk.says("wo ist das Label?", WISH)
        assert "schon angemeldet" in again
        assert talk.attachments == ["Retoure-B-100237.pdf", "Retoure-B-100237-QR.png"]
        assert len((await talk.shop.records("B-100237"))["labels"]) == 1


async def test_excluded_items_stay_out(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Retoure 100242 PLZ 50678", WISH)
        asked = await talk.says("egal")
        assert "1 × Bademantel Frottee, weiß, L" in asked
        assert "Nicht dabei ist: Ohrstecker Silber" in asked
        await talk.says("ja")
        (back,) = (await talk.shop.order("100242")).returns
        assert [one.line for one in back.lines] == ["1"]


async def test_what_is_on_its_way_can_be_registered_already(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Retoure 100234 PLZ 50674", WISH)
        await talk.says("egal")
        assert "sobald alles bei Ihnen ist" in await talk.says("ja")


@pytest.mark.parametrize(
    ("number", "postcode", "told"),
    [
        ("100235", "20095", "noch gar nicht unterwegs"),
        ("100238", "04109", "deshalb kann ich kein Label mehr ausstellen"),
        ("100239", "10119", "ist storniert"),
        ("100243", "01069", "eigens für Sie angefertigt"),
        ("100252", "20095", "schon angemeldet"),
        ("100253", "04109", "kein Retourenlabel"),
    ],
)
async def test_what_cannot_go_back_is_said_without_asking_for_a_reason(
    talking: Any, number: str, postcode: str, told: str
) -> None:
    async with talking(build) as talk:
        answer = await talk.says(f"Retoure {number} PLZ {postcode}", WISH)
        assert told in answer
        assert "–" not in answer
        assert talk.buttons
        assert (await talk.shop.records(f"B-{number}"))["changes"] == []


async def test_a_stranger_gets_no_label(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says("Retoure 100237 PLZ 50674", WISH)
        await talk.says("ja")
        assert (await talk.shop.records("B-100237"))["labels"] == []


async def test_a_digression_and_stopping(talking: Any) -> None:
    async with talking(build) as talk:
        await talk.says(*BACK)
        assert "freiwillig" in await talk.says("Muss ich das sagen?")
        assert "dann lassen wir das" in await talk.says("doch nicht")
        await talk.says("ja")
        assert (await talk.shop.order("100237")).returns == ()


async def test_a_carrier_that_fails_after_the_return_is_asked_once_more(talking: Any) -> None:
    class Flaky(DemoCarrier):
        failures = 1

        async def create_label(self, order: Order, sender: PostalAddress, *, key: str) -> Label:
            if self.failures:
                self.failures -= 1
                raise ShopUnavailable
            return await super().create_label(order, sender, key=key)

    async with talking(build) as talk:
        flaky = Flaky(talk.shop.database)
        talk.world.core.actions.add(build(talk.shop, flaky, talk.world.core))
        await talk.says(*BACK)
        await talk.says("egal")
        assert "Hier ist Ihr Retourenlabel" in await talk.says("ja")
        assert len((await talk.shop.order("100237")).returns) == 1
        assert len((await talk.shop.records("B-100237"))["labels"]) == 1


class Memory:
    """Files that remember what they were given."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    async def put_bytes(self, data: bytes, *, name: str, owner: str) -> Attachment:
        self.data.append(data)
        return Attachment(name, "application/pdf", len(data), f"file-{len(self.data)}")


def call(key: str, **arguments: Any) -> ActionCall:
    return ActionCall(
        key=key,
        turn="t",
        conversation=1,
        address=Address("fake", "c1"),
        arguments=arguments,
        language="de",
    )


@pytest.fixture
def shop(tmp_path: Any) -> DemoShop:
    return DemoShop(tmp_path / "shop.db")


@pytest.fixture
def action(shop: DemoShop) -> ReturnLabel:
    return ReturnLabel(shop, DemoCarrier(shop.database), Memory())  # type: ignore[arg-type]


async def test_the_same_key_is_one_return_and_one_label(
    shop: DemoShop, action: ReturnLabel
) -> None:
    wish = replace(call("key-1", order_id="B-100237"), version="1")
    first = await action.run(wish)
    again = await action.run(wish)
    assert first.says[0].facts == again.says[0].facts
    assert await action.outcome(call("key-2")) is None
    assert len((await shop.order("100237")).returns) == 1


async def test_a_return_can_be_taken_back(shop: DemoShop, action: ReturnLabel) -> None:
    await action.run(replace(call("key-1", order_id="B-100237"), version="1"))
    await action.undo(call("key-1"))
    assert len((await shop.order("100237")).returnable) == 2
    assert (await action.undo(call("key-3"))).outcome is Outcome.REFUSED


async def test_an_order_that_moved_on_is_not_sent_back(shop: DemoShop, action: ReturnLabel) -> None:
    answer = await action.run(replace(call("key-1", order_id="B-100237"), version="7"))
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "order_changed")
    assert (await shop.order("100237")).returns == ()
