"""Files in the simulated Slack: the upload in three steps, and private files."""

from __future__ import annotations

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import Person, Room, SlackSimulator

from .conftest import App

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300


async def fetch(url: str, token: str = "") -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        return response.status, response.content_type, await response.read()


async def test_the_sdk_uploads_into_a_thread(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    card = await jonas.writes(support, "Fall")
    slack.files.share_seconds = 0.1
    answer = await web.files_upload_v2(
        channel=support.id,
        thread_ts=card.ts,
        initial_comment="Vom Kunden",
        file_uploads=[
            {"content": PNG, "filename": "foto.png", "title": "Foto"},
            {"content": b"%PDF-1.7", "filename": "label.pdf"},
        ],
    )
    assert [one["name"] for one in answer["files"]] == ["foto.png", "label.pdf"]
    assert support.thread(card) == []  # it is shared a moment after the answer
    shared = await slack.wait_message(support, "Vom Kunden", thread=card)
    assert shared.files == [("foto.png", PNG), ("label.pdf", b"%PDF-1.7")]
    info = await web.files_info(file=answer["files"][0]["id"])
    (share,) = info["file"]["shares"]["public"][support.id]
    assert (share["ts"], share["thread_ts"]) == (shared.ts, card.ts)
    await slack.events.settled()
    own = next(one for one in app.events if one.get("subtype") == "file_share")
    assert (own["bot_id"], own["files"][0]["title"]) == (slack.world.bot_id, "Foto")


async def test_a_file_of_a_person_is_fetched_with_the_token_only(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    await jonas.uploads(support, {"foto.png": PNG}, "Schaden")
    await slack.events.settled()
    message, shared = app.events
    assert (message["subtype"], message["text"]) == ("file_share", "Schaden")
    file = message["files"][0]
    assert (file["mimetype"], file["size"]) == ("image/png", len(PNG))
    assert (shared["type"], shared["file_id"]) == ("file_shared", file["id"])
    url = file["url_private"]
    assert await fetch(url, slack.bot_token) == (200, "image/png", PNG)
    status, kind, page = await fetch(url)
    assert (status, kind) == (200, "text/html")
    assert b"Sign in" in page
    slack.scopes.discard("files:read")
    assert (await fetch(url, slack.bot_token))[1] == "text/html"
    slack.scopes.add("files:read")
    slack.faults.broken["download"] = 1
    assert (await fetch(url, slack.bot_token))[0] == 500
    slack.faults.cut_before["download"] = 2  # aiohttp asks again once
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await fetch(url, slack.bot_token)
    slack.faults.cut_after["download"] = 1
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetch(url, slack.bot_token)
    slack.world.files[file["id"]].deleted = True
    assert (await fetch(url, slack.bot_token))[0] == 404


async def test_a_file_in_a_shared_channel_must_be_asked_for(
    slack: SlackSimulator, app: App, web: AsyncWebClient
) -> None:
    greta = slack.stranger("greta")
    room = slack.channel("partner", greta, shared=True)
    await greta.uploads(room, {"liste.csv": b"a;b"})
    await slack.events.settled()
    envelope = next(one.payload for one in app.got if "files" in one.payload["event"])
    assert envelope["is_ext_shared_channel"]
    assert envelope["event"]["user_team"] == "T0OTHERTEAM"
    (file,) = envelope["event"]["files"]
    assert file["file_access"] == "check_file_info"
    assert "url_private" not in file
    known = (await web.files_info(file=file["id"]))["file"]
    assert (await fetch(known["url_private"], slack.bot_token))[2] == b"a;b"


async def test_what_an_upload_must_be(
    slack: SlackSimulator, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    with pytest.raises(SlackApiError, match="missing_argument"):
        await web.files_getUploadURLExternal(filename="leer.txt", length=0)
    ticket = await web.files_getUploadURLExternal(filename="a.txt", length=3)
    done = [{"id": ticket["file_id"]}]
    with pytest.raises(SlackApiError, match="file_not_found"):
        await web.files_completeUploadExternal(files=done, channel_id=support.id)
    async with aiohttp.ClientSession() as session:
        async with session.post(ticket["upload_url"], data=b"four") as response:
            assert response.status == 400
        slack.faults.broken["upload"] = 1
        async with session.post(ticket["upload_url"], data=b"abc") as response:
            assert response.status == 500
        form = aiohttp.FormData()
        form.add_field("filename", b"abc", filename="a.txt")
        async with session.post(ticket["upload_url"], data=form) as response:
            assert await response.text() == "OK - 3"
    outside = slack.channel("other", jonas, bot=False)
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await web.files_completeUploadExternal(files=done, channel_id=outside.id)
    with pytest.raises(SlackApiError, match="invalid_channel"):
        await web.files_completeUploadExternal(files=done, channel_id="C0UNKNOWN")
    with pytest.raises(SlackApiError, match="thread_not_found"):
        await web.files_completeUploadExternal(
            files=done, channel_id=support.id, thread_ts="1.000001"
        )
    await web.files_completeUploadExternal(files=done, channel_id=support.id)
    shared = await slack.wait_message(support, lambda message: message.files)
    assert shared.files == [("a.txt", b"abc")]
    with pytest.raises(SlackApiError, match="file_not_found"):
        await web.files_completeUploadExternal(files=done, channel_id=support.id)


async def test_a_file_of_a_conversation_without_the_app_is_not_found(
    slack: SlackSimulator, web: AsyncWebClient, jonas: Person
) -> None:
    room = slack.channel("secret", jonas, kind="private", bot=False)
    message = await jonas.uploads(room, {"geheim.txt": b"x"})
    with pytest.raises(SlackApiError, match="file_not_found"):
        await web.files_info(file=message.raw["files"][0]["id"])
