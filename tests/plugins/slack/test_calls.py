"""Calls of the Web API: limits, outages and refusals, and what an operator hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.ports import Refused, Retry, UnknownOutcome
from plugins.slack import errors
from plugins.slack.app import SlackRefused, Upload
from plugins.slack.pace import Pace
from plugins.slack.testing import Person, Room, SlackSimulator

from .apps import Running, running

WORDS = Path(__file__).parents[3] / "nlu" / "domain" / "slack.yml"


async def test_a_limit_is_respected_per_method_and_channel(
    slack: SlackSimulator, support: Room, tmp_path: Path
) -> None:
    other = slack.channel("other")
    async with running(slack, tmp_path) as now:
        slack.faults.too_many["chat.postMessage"] = 1
        with pytest.raises(Retry) as told:
            await now.app.call("chat.postMessage", channel=support.id, text="a")
        assert (told.value.after, told.value.reason) == (1.0, errors.RATE)
        with pytest.raises(Retry) as held:
            await now.app.call("chat.postMessage", channel=support.id, text="a")
        assert 0 < (held.value.after or 0) <= 1.0
        await now.app.call("chat.postMessage", channel=other.id, text="b")
        await now.app.call("reactions.get", channel=other.id, timestamp=other.messages[0].ts)
        await asyncio.sleep(1.05)
        await now.app.call("chat.postMessage", channel=support.id, text="a")
        assert slack.rates.too_early == []


async def test_one_message_a_second_in_a_channel(
    slack: SlackSimulator, support: Room, tmp_path: Path
) -> None:
    slack.rates.enabled = True
    async with running(slack, tmp_path, per_channel_seconds=1.0) as now:
        calls = [
            now.app.call("chat.postMessage", channel=support.id, text=str(number))
            for number in range(6)
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        later = [one for one in results if isinstance(one, Retry)]
        assert len(later) == 3  # they would have waited for more than three seconds
        assert all((one.after or 0) > 3 for one in later)
        assert [one.text for one in support.messages] == ["0", "1", "2"]
        assert slack.rates.too_early == []


async def test_what_an_outage_means_depends_on_the_method(
    slack: SlackSimulator, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        post = {"channel": support.id, "text": "Guten Tag"}
        slack.faults.html["chat.postMessage"] = 1  # 503: not let in
        with pytest.raises(Retry):
            await now.app.call("chat.postMessage", **post)
        for fault in (slack.faults.gateway, slack.faults.cut_after, slack.faults.broken):
            fault["chat.postMessage"] = 1
            with pytest.raises(UnknownOutcome):
                await now.app.call("chat.postMessage", **post)
            fault["users.info"] = 1
            with pytest.raises(Retry):
                await now.app.call("users.info", user=slack.bot_user.id)
        slack.faults.errors["chat.postMessage"].append("fatal_error")
        with pytest.raises(UnknownOutcome):
            await now.app.call("chat.postMessage", **post)


@pytest.mark.parametrize(
    ("error", "reason", "said"),
    [
        ("is_archived", errors.ARCHIVED, "is archived"),
        ("not_in_channel", errors.NOT_IN_CHANNEL, "/invite"),
        ("channel_not_found", errors.CHANNEL_GONE, "is not there"),
        ("missing_scope", errors.SCOPE, "bot slack manifest"),
    ],
)
async def test_what_an_operator_must_mend_is_said_once_until_it_is_mended(
    slack: SlackSimulator,
    support: Room,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    error: str,
    reason: str,
    said: str,
) -> None:
    async with running(slack, tmp_path) as now:
        slack.faults.errors["chat.postMessage"].extend([error, error])
        for _ in range(2):
            with pytest.raises(SlackRefused) as refused:
                await now.app.call("chat.postMessage", channel=support.id, text="a")
            assert (refused.value.reason, refused.value.error) == (reason, error)
        health = await now.app.health()
        assert not health.ok
        assert said in health.detail
        assert len([one for one in caplog.records if said in one.getMessage()]) == 1
        await now.app.call("chat.postMessage", channel=support.id, text="a")
        assert (await now.app.health()).ok


async def test_a_channel_that_is_mended_is_well_again_though_nothing_is_sent_there(
    slack: SlackSimulator,
    jonas: Person,
    support: Room,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("plugins.slack.listening._LOOKS", 0.2)

    async def refused(now: Running) -> None:
        with pytest.raises(SlackRefused):
            await now.app.call("chat.postMessage", channel=support.id, text="a")
        await asyncio.sleep(0.6)  # a look finds it as it was
        assert not now.app.line.health().ok

    async with running(slack, tmp_path) as now:
        await jonas.archives(support)
        await refused(now)
        await jonas.unarchives(support)
        await now.until(lambda: now.app.line.health().ok)
        await jonas.removes(support)
        await refused(now)
        await jonas.invites(support)
        await now.until(lambda: now.app.line.health().ok)
        assert support.messages[-1].text != "a"


async def test_a_revoked_token_is_named_and_waited_for(
    slack: SlackSimulator, support: Room, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        slack.revokes_token()
        with pytest.raises(Retry) as told:
            await now.app.call("chat.postMessage", channel=support.id, text="a")
        assert told.value.reason == errors.CREDENTIALS
        health = await now.app.health()
        assert not health.ok
        assert "token" in health.detail


async def test_a_persons_token_that_ends_is_no_trouble(
    slack: SlackSimulator, jonas: Person, tmp_path: Path
) -> None:
    async with running(slack, tmp_path) as now:
        event = {"type": "tokens_revoked", "tokens": {"oauth": [jonas.id], "bot": []}}
        slack.events.tell({**event, "event_ts": slack.world.new_ts()})
        await slack.events.settled()
        assert (await now.app.health()).ok


async def test_files_go_up_and_come_down_in_pieces(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    content = b"%PDF-1.4 " + b"x" * 300_000
    path = tmp_path / "label.pdf"
    path.write_bytes(content)
    async with running(slack, tmp_path) as now:
        root = await jonas.writes(support, "Bitte")
        (file,) = await now.app.upload(
            support.id, root.ts, [Upload(path, "Etikett.pdf")], text="Hier"
        )
        post = {"channel": support.id, "thread_ts": root.ts, "text": "danach"}
        await now.app.call("chat.postMessage", **post)
        shown, after = support.thread(root)  # in this order, though Slack shares a file later
        assert after.text == "danach"
        assert (shown.files, shown.text) == ([("Etikett.pdf", content)], "Hier")
        pieces = [piece async for piece in now.app.download({"id": file}, limit=400_000)]
        assert b"".join(pieces) == content
        assert len(pieces) > 2
        with pytest.raises(Refused) as big:
            _ = [piece async for piece in now.app.download({"id": file}, limit=1000)]
        assert big.value.reason == "file_too_big"
        elsewhere = {"url_private": "https://evil.example/a", "size": 1}
        with pytest.raises(Refused) as foreign:
            _ = [piece async for piece in now.app.download(elsewhere, limit=1000)]
        assert foreign.value.reason == "fetch_failed"


async def test_a_file_is_fetched_where_slack_says_that_it_is_and_the_token_stays_with_slack(
    slack: SlackSimulator, jonas: Person, support: Room, tmp_path: Path
) -> None:
    line = await jonas.uploads(support, {"foto.png": b"\x89PNG", "seite.html": b"<p>Hallo</p>"})
    photo, html = line.raw["files"]

    async def fetched(now: Running, file: Mapping[str, Any]) -> bytes:
        return b"".join([piece async for piece in now.app.download(file, limit=1000)])

    async with running(slack, tmp_path) as now:
        slack.faults.moved.extend([f"{photo['url_private']}?cdn=1", f"{photo['url_private']}?b"])
        assert await fetched(now, photo) == b"\x89PNG"
        assert await fetched(now, html) == b"<p>Hallo</p>"
        round_and_round = [photo["url_private"]] * 4
        async with SlackSimulator() as foreign:
            place = f"{foreign.url}/files-pri/T1-F1/a.png"
            for moved in (round_and_round, [place], ["http://["]):
                slack.faults.moved.extend(moved)
                with pytest.raises(Refused, match="fetch_failed"):
                    await fetched(now, photo)
            assert foreign.files.asked == []
        slack.scopes.discard("files:read")  # then Slack answers 200 and the page to sign in
        for file in (photo, html):
            with pytest.raises(Refused, match="fetch_failed"):
                await fetched(now, file)


async def test_bursts_are_let_through_and_more_must_wait() -> None:
    pace = Pace(0.0)
    done = await asyncio.gather(
        *(pace.turn("users.getPresence", "") for _ in range(30)), return_exceptions=True
    )
    assert sum(one is None for one in done) in range(12, 17)
    assert all(one.reason == errors.RATE for one in done if isinstance(one, Retry))


def test_every_reason_has_words_in_both_languages() -> None:
    known = yaml.safe_load(WORDS.read_text("utf-8"))["responses"]
    for reason in errors.reasons():
        variants = known[f"reason_{reason}"]
        assert {one["metadata"]["language"] for one in variants} == {"de", "en"}, reason
