"""A third party's channel passes the suite by one import, and broken channels fail it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from bot.messages import Inbound, Outbound
from bot.ports import Reject, UnknownOutcome
from bot.testing.conformance import ChannelConformance, Fault
from plugins.web.testing_conformance import WebHarness
from plugins.whatsapp.testing_conformance import WhatsAppHarness
from tests.conformance.pigeon import PigeonChannel, PigeonHarness


class TestPigeon(ChannelConformance):
    harness = PigeonHarness


class Forgetful(PigeonChannel):
    """Gives each update an id of its own: nothing guards against duplicates."""

    count = 0

    async def accept(self, message: Inbound) -> None:
        self.count += 1
        await super().accept(_renamed(message, f"{message.wire_id}/{self.count}"))


class Hasty(PigeonChannel):
    """Answers the vendor first and commits afterwards."""

    async def open_task(self, message: Inbound) -> None:
        try:
            await super().accept(message)
        except Exception:  # what was acknowledged is gone
            return

    async def accept(self, message: Inbound) -> None:
        self.task = asyncio.create_task(self.open_task(message))


class Shuffling(PigeonChannel):
    """Does not wait until the vendor took one message before it sends the next."""

    held: Outbound | None = None

    async def send(self, out: Outbound) -> str:
        if out.text == "Teil 2":
            self.held = out
            return "later"
        sent = await super().send(out)
        if self.held is not None:
            held, self.held = self.held, None
            await super().send(held)
        return sent


class Swallowing(PigeonChannel):
    """Calls sent what the vendor rejected."""

    async def send(self, out: Outbound) -> str:
        try:
            return await super().send(out)
        except Reject:
            return "never"


class Repeating(PigeonChannel):
    """Sends again what may have arrived."""

    async def send(self, out: Outbound) -> str:
        try:
            return await super().send(out)
        except UnknownOutcome:
            return await super().send(out)


class Deaf(PigeonChannel):
    """Acknowledges what it does not know and keeps nothing of it."""

    async def accept(self, message: Inbound) -> None:
        if message.kind == "text":
            await super().accept(message)


class Credulous(PigeonChannel):
    """Takes everything for a note."""

    async def lands(self, request: web.Request) -> web.Response:
        try:
            return await super().lands(request)
        except (web.HTTPException, ValueError):
            return web.Response(status=204)


def _renamed(message: Inbound, wire_id: str) -> Inbound:
    return Inbound(message.address, wire_id, message.kind, message.text)


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Forgetful, "test_duplicates_are_one_turn"),
        (Hasty, "test_accepted_before_acknowledged"),
        (Hasty, "test_a_failing_store_gives_no_acknowledgement"),
        (Shuffling, "test_order_is_kept_out"),
        (Swallowing, "test_every_send_ends_in_a_visible_state"),
        (Swallowing, "test_a_rejected_line_is_shown_to_the_agent"),
        (Repeating, "test_a_send_of_unknown_outcome_is_treated_as_declared"),
        (Deaf, "test_an_unknown_kind_of_update_is_kept_and_answered"),
        (Credulous, "test_malformed_input_is_refused"),
    ],
)
async def test_a_broken_channel_fails_the_suite(
    broken: type[PigeonChannel], test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.testing.conformance_scene.PATIENCE", 2.0)
    monkeypatch.setattr(PigeonHarness, "made", broken)
    (tmp_path / "good").mkdir()
    with pytest.raises((AssertionError, TimeoutError)):
        await getattr(TestPigeon(), test)(tmp_path)
    monkeypatch.setattr(PigeonHarness, "made", PigeonChannel)
    await getattr(TestPigeon(), test)(tmp_path / "good")


def test_a_test_that_a_channel_cannot_play_does_not_exist() -> None:
    class OfWeb(ChannelConformance):
        harness = WebHarness

    class OfWhatsApp(ChannelConformance):
        harness = WhatsAppHarness

    name = "test_order_is_kept_under_too_many_requests"
    assert Fault.TOO_MANY not in WebHarness.faults
    assert getattr(OfWeb, name) is None
    assert callable(getattr(OfWhatsApp, name))
