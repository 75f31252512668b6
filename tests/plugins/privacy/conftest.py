"""A simulated Slack, where a desk is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from plugins.slack.testing import SlackSimulator


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(retry_waits=(0.0, 0.1, 0.2), ack_seconds=2.0) as simulator:
        yield simulator
