"""The simulated Web API: what it answers, what it refuses and in which words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import Person, Room, SlackSimulator

from .conftest import CARD, App, section

Ask = Callable[[AsyncWebClient], Awaitable[Any]]


async def error_of(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_who_the_app_is(slack: SlackSimulator, web: AsyncWebClient) -> None:
    who = await web.auth_test()
    assert (who["user_id"], who["bot_id"]) == (slack.bot_user.id, slack.world.bot_id)
    assert "chat:write" in who.headers["X-OAuth-Scopes"].split(",")
    assert (await web.bots_info(bot=who["bot_id"]))["bot"]["user_id"] == who["user_id"]
    assert (await web.team_info())["team"]["id"] == who["team_id"]


async def test_tokens(slack: SlackSimulator, web: AsyncWebClient) -> None:
    async def auth(token: str) -> str:
        client = AsyncWebClient(token=token, base_url=slack.api_url)
        return await error_of(client.auth_test())

    assert await auth("xoxb-wrong") == "invalid_auth"
    assert await auth("") == "not_authed"
    assert await auth(slack.app_token) == "not_allowed_token_type"
    opened = web.apps_connections_open(app_token=slack.bot_token)
    assert await error_of(opened) == "not_allowed_token_type"
    slack.revokes_token()
    assert await error_of(web.auth_test()) == "token_revoked"
    slack.uninstalls()
    assert await error_of(web.auth_test()) == "account_inactive"


async def test_a_missing_scope_is_named(
    slack: SlackSimulator, web: AsyncWebClient, support: Room
) -> None:
    slack.scopes.discard("reactions:write")
    slack.scopes.discard("channels:history")
    with pytest.raises(SlackApiError) as refused:
        await web.reactions_add(channel=support.id, timestamp="1.000001", name="eyes")
    answer = refused.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "reactions:write")
    assert "reactions:write" not in answer["provided"]
    assert "reactions:write" not in answer.headers["X-OAuth-Scopes"]
    assert await error_of(web.conversations_history(channel=support.id)) == "missing_scope"


async def test_where_the_app_may_write(
    slack: SlackSimulator, web: AsyncWebClient, jonas: Person
) -> None:
    outside = slack.channel("other", jonas, bot=False)
    secret = slack.channel("secret", jonas, kind="private", bot=False)
    old = slack.channel("old", jonas)
    await jonas.archives(old)

    async def post(channel: str) -> str:
        return await error_of(web.chat_postMessage(channel=channel, text="Hallo"))

    assert await post(outside.id) == "not_in_channel"
    assert await post(secret.id) == "channel_not_found"
    assert await post("C0UNKNOWN") == "channel_not_found"
    assert await post(old.id) == "is_archived"
    slack.scopes.discard("im:write")
    assert await post(jonas.id) == "missing_scope"
    await web.conversations_join(channel=outside.id)
    await web.chat_postMessage(channel="#other", text="Hallo")
    assert [one.text for one in outside.messages][-1] == "Hallo"
    joined = await web.conversations_join(channel=outside.id)
    assert joined["warning"] == "already_in_channel"
    assert await error_of(web.conversations_join(channel=old.id)) == "is_archived"
    slack.scopes.add("channels:manage")
    await web.conversations_leave(channel=outside.id)
    assert await post(outside.id) == "not_in_channel"


async def test_what_a_message_must_be(
    slack: SlackSimulator, web: AsyncWebClient, support: Room
) -> None:
    at = {"channel": support.id}

    async def post(**more: Any) -> str:
        return await error_of(web.chat_postMessage(**at, **more))

    assert await error_of(web.api_call("chat.postMessage", json=at)) == "no_text"
    assert await post(text="x" * 40_001) == "msg_too_long"
    assert await post(text="x", thread_ts="1.000001") == "thread_not_found"
    assert await post(text="x", username="Chef") == "missing_scope"
    assert await post(text="x", metadata={"event_type": "case"}) == "invalid_metadata_format"
    assert await post(text="x", attachments=[{"text": "x"}] * 101) == "too_many_attachments"
    assert support.messages == []
    slack.scopes.add("chat:write.customize")
    posted = await web.chat_postMessage(channel=support.id, text="x", username="Chef")
    assert posted["message"]["subtype"] == "bot_message"


async def test_replies_go_to_the_parent_and_not_to_a_reply(
    web: AsyncWebClient, support: Room
) -> None:
    card = await web.chat_postMessage(channel=support.id, text="Fall")
    reply = await web.chat_postMessage(channel=support.id, text="eins", thread_ts=card["ts"])
    wrong = web.chat_postMessage(channel=support.id, text="zwei", thread_ts=reply["ts"])
    assert await error_of(wrong) == "thread_not_found"
    await web.chat_postMessage(
        channel=support.id, text="alle", thread_ts=card["ts"], reply_broadcast=True
    )
    assert [one.text for one in support.messages] == ["Fall", "alle"]
    assert [one.text for one in support.thread(card["ts"])] == ["eins", "alle"]
    parent = support.message(card["ts"]).raw
    assert (parent["reply_count"], parent["thread_ts"]) == (2, card["ts"])


async def test_an_update_keeps_blocks_that_it_does_not_name(
    web: AsyncWebClient, support: Room, jonas: Person
) -> None:
    card = await web.chat_postMessage(channel=support.id, text="Fall", blocks=CARD)
    at = {"channel": support.id, "ts": card["ts"]}
    await web.chat_update(**at, text="Erledigt")
    assert support.messages[0].words == "*Neuer Fall*"
    await web.chat_update(**at, text="Erledigt", blocks=[])
    assert support.messages[0].words == "Erledigt"
    assert await error_of(web.chat_update(**at, text="x" * 4001)) == "msg_too_long"
    theirs = await jonas.writes(support, "Moin")
    at = {"channel": support.id, "ts": theirs.ts}
    assert await error_of(web.chat_update(**at, text="x")) == "cant_update_message"
    assert await error_of(web.chat_delete(**at)) == "cant_delete_message"
    gone = {"channel": support.id, "ts": "1.000001"}
    assert await error_of(web.chat_update(**gone, text="x")) == "message_not_found"


async def test_a_deleted_parent_leaves_a_gravestone(
    web: AsyncWebClient, support: Room, jonas: Person
) -> None:
    card = await web.chat_postMessage(channel=support.id, text="Fall")
    await jonas.writes(support, "ja?", thread=card["ts"])
    await web.chat_delete(channel=support.id, ts=card["ts"])
    assert support.messages == []
    replies = await web.conversations_replies(channel=support.id, ts=card["ts"])
    parent, reply = replies["messages"]
    assert (parent["subtype"], reply["text"]) == ("tombstone", "ja?")
    again = web.chat_delete(channel=support.id, ts=card["ts"])
    assert await error_of(again) == "message_not_found"


async def test_reactions(web: AsyncWebClient, support: Room, jonas: Person) -> None:
    line = await jonas.writes(support, "Moin")
    at = {"channel": support.id, "timestamp": line.ts}
    await web.reactions_add(**at, name="eyes")
    assert await error_of(web.reactions_add(**at, name="eyes")) == "already_reacted"
    assert await error_of(web.reactions_add(**at, name="Not a name")) == "invalid_name"
    await jonas.reacts(line, "eyes")
    assert len(line.reactions["eyes"]) == 2
    got = await web.reactions_get(**at)
    assert got["message"]["reactions"][0]["count"] == 2
    await web.reactions_remove(**at, name="eyes")
    assert await error_of(web.reactions_remove(**at, name="eyes")) == "no_reaction"
    assert line.bot_reactions == []
    for number in range(23):
        await web.reactions_add(**at, name=f"r{number}")
    assert await error_of(web.reactions_add(**at, name="more")) == "too_many_reactions"
    at["timestamp"] = "1.000001"
    assert await error_of(web.reactions_add(**at, name="eyes")) == "message_not_found"


async def test_only_one_person_sees_an_ephemeral_message(
    slack: SlackSimulator, web: AsyncWebClient, support: Room, jonas: Person
) -> None:
    mia = slack.person("mia")
    at = {"channel": support.id, "text": "Fall gehört schon Mia", "blocks": CARD}
    sent = await web.chat_postEphemeral(**at, user=jonas.id)
    seen = await jonas.sees_ephemeral("Neuer Fall")
    assert (seen.ts, seen.buttons) == (sent["message_ts"], ("Übernehmen",))
    assert (mia.ephemeral, support.messages) == ([], [])
    assert await error_of(web.chat_postEphemeral(**at, user=mia.id)) == "user_not_in_channel"
    changed = web.chat_update(channel=support.id, ts=seen.ts, text="x")
    assert await error_of(changed) == "message_not_found"


async def test_history_in_pages_the_newest_first(
    web: AsyncWebClient, support: Room, jonas: Person
) -> None:
    lines = [await jonas.writes(support, f"Zeile {number}") for number in range(7)]
    await jonas.writes(support, "nur im Thread", thread=lines[0])
    texts: list[str] = []
    async for page in await web.conversations_history(channel=support.id, limit=3):
        texts += [one["text"] for one in page["messages"]]
    assert texts == [f"Zeile {number}" for number in reversed(range(7))]
    at = {"channel": support.id, "oldest": lines[2].ts, "latest": lines[4].ts}
    inside = await web.conversations_history(**at)
    assert [one["ts"] for one in inside["messages"]] == [lines[3].ts]
    inside = await web.conversations_history(**at, inclusive=True)
    assert len(inside["messages"]) == 3
    wrong = web.conversations_history(channel=support.id, cursor="x")
    assert await error_of(wrong) == "invalid_cursor"


async def test_replies_in_pages_each_with_the_parent(
    web: AsyncWebClient, support: Room, jonas: Person
) -> None:
    parent = await jonas.writes(support, "Start")
    for number in range(5):
        await jonas.writes(support, str(number), thread=parent)
    pages = []
    async for page in await web.conversations_replies(channel=support.id, ts=parent.ts, limit=2):
        pages.append([one["text"] for one in page["messages"]])
    assert pages == [["Start", "0", "1"], ["Start", "2", "3"], ["Start", "4"]]
    wrong = web.conversations_replies(channel=support.id, ts="1.000001")
    assert await error_of(wrong) == "thread_not_found"


async def test_metadata_comes_only_when_it_is_asked_for(web: AsyncWebClient, support: Room) -> None:
    metadata = {"event_type": "case", "event_payload": {"id": "42"}}
    await web.chat_postMessage(channel=support.id, text="Fall", metadata=metadata)
    (plain,) = (await web.conversations_history(channel=support.id))["messages"]
    assert "metadata" not in plain
    asked = await web.conversations_history(channel=support.id, include_all_metadata=True)
    assert asked["messages"][0]["metadata"] == metadata


async def test_lists_of_channels_members_and_users(
    slack: SlackSimulator, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    slack.channel("secret", jonas, kind="private")
    slack.channel("hidden", jonas, kind="private", bot=False)
    names = []
    async for page in await web.conversations_list(types="public_channel,private_channel", limit=1):
        names += [one["name"] for one in page["channels"]]
    assert names == ["support", "secret"]
    members = await web.conversations_members(channel=support.id)
    assert set(members["members"]) == {jonas.id, slack.bot_user.id}
    slack.channel("elsewhere", jonas, bot=False)
    mine = await web.users_conversations()
    assert [one["name"] for one in mine["channels"]] == ["support"]
    info = (await web.conversations_info(channel=support.id))["channel"]
    assert (info["is_member"], info["is_private"]) == (True, False)
    guest = slack.stranger("greta")
    people = (await web.users_list())["members"]
    assert jonas.id in {one["id"] for one in people}
    assert guest.id not in {one["id"] for one in people}
    assert (await web.users_info(user=guest.id))["user"]["is_stranger"]
    jonas.presence = "away"
    assert (await web.users_getPresence(user=jonas.id))["presence"] == "away"
    slack.scopes.discard("users:read.email")
    assert "email" not in (await web.users_info(user=jonas.id))["user"]["profile"]


async def test_direct_messages_are_opened_once(
    slack: SlackSimulator, web: AsyncWebClient, jonas: Person
) -> None:
    first = await web.conversations_open(users=jonas.id)
    second = await web.conversations_open(users=jonas.id)
    assert first["channel"]["id"] == second["channel"]["id"]
    assert second["already_open"]
    assert (await jonas.direct()).id == first["channel"]["id"]
    other = slack.other_bot("jira")
    assert await error_of(web.conversations_open(users=other.id)) == "cannot_dm_bot"


async def test_a_permalink(web: AsyncWebClient, support: Room, jonas: Person) -> None:
    line = await jonas.writes(support, "Moin")
    answer = await jonas.writes(support, "Ja", thread=line)
    at = {"channel": support.id, "message_ts": answer.ts}
    link = (await web.chat_getPermalink(**at))["permalink"]
    assert link.endswith(f"/p{answer.ts.replace('.', '')}?thread_ts={line.ts}&cid={support.id}")


async def test_what_the_app_writes_is_escaped_but_may_call_people(
    slack: SlackSimulator, web: AsyncWebClient, support: Room, jonas: Person
) -> None:
    await web.chat_postMessage(channel=support.id, text=f"1 < 2 &amp; <@{jonas.id}>")
    await web.chat_postMessage(
        channel=support.id,
        text="x",
        blocks=[section("Kunde: <!channel>"), section("&lt;!here&gt;")],
    )
    first, second = support.messages
    assert first.raw["text"] == f"1 &lt; 2 &amp; <@{jonas.id}>"
    assert first.calls == (f"@{jonas.id}",)
    assert second.calls == ("!channel",)


async def test_rates_when_they_are_on(
    slack: SlackSimulator, web: AsyncWebClient, support: Room, jonas: Person
) -> None:
    slack.rates.enabled = True
    second = slack.channel("second", jonas)
    await web.chat_postMessage(channel=support.id, text="eins")
    await web.chat_postMessage(channel=second.id, text="eins")
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await web.chat_postMessage(channel=support.id, text="zwei")
        assert refused.value.response.status_code == 429
        assert refused.value.response["error"] == "ratelimited"
        assert refused.value.response.headers["Retry-After"] == "1"
    assert slack.rates.too_early == [("chat.postMessage", support.id)]
    await asyncio.sleep(1.01)
    await web.chat_postMessage(channel=support.id, text="zwei")
    assert [one.text for one in support.messages] == ["eins", "zwei"]
    slack.rates.tiers["users.info"] = 2
    await web.users_info(user=jonas.id)
    await web.users_info(user=jonas.id)
    assert await error_of(web.users_info(user=jonas.id)) == "ratelimited"


async def test_faults_of_calls(slack: SlackSimulator, web: AsyncWebClient, support: Room) -> None:
    web.retry_handlers = []
    name, faults = "chat.postMessage", slack.faults

    async def post(text: str) -> SlackApiError | aiohttp.ClientError:
        with pytest.raises((SlackApiError, aiohttp.ClientError)) as refused:
            await web.chat_postMessage(channel=support.id, text=text)
        return refused.value

    faults.too_many[name], faults.retry_after = 1, 7
    limited = await post("nein")
    assert isinstance(limited, SlackApiError)
    assert limited.response.headers["Retry-After"] == "7"
    faults.errors[name].append("restricted_action")
    assert "restricted_action" in str(await post("nein"))
    faults.broken[name] = 1
    broken = await post("nein")
    assert isinstance(broken, SlackApiError)
    assert broken.response.status_code == 500
    faults.html["*"] = 1
    page = await post("nein")
    assert isinstance(page, SlackApiError)
    assert page.response.status_code == 503
    faults.cut_before[name] = 1
    assert isinstance(await post("nein"), aiohttp.ClientError)
    assert support.messages == []
    faults.gateway[name] = 1
    late = await post("doch 1")
    assert isinstance(late, SlackApiError)
    assert late.response.status_code == 502
    faults.cut_after[name] = 1
    assert isinstance(await post("doch 2"), aiohttp.ClientError)
    assert [one.text for one in support.messages] == ["doch 1", "doch 2"]
    faults.slow[name] = 0.1
    started = time.monotonic()
    await web.chat_postMessage(channel=support.id, text="spät")
    assert time.monotonic() - started >= 0.1
    assert len(slack.api.calls(name)) == 8


async def test_old_and_unknown_methods(slack: SlackSimulator, web: AsyncWebClient) -> None:
    assert await error_of(web.api_call("files.upload")) == "method_deprecated"
    assert await error_of(web.api_call("chat.teleport")) == "unknown_method"
    assert slack.api.unknown == ["chat.teleport"]


async def test_json_and_forms(slack: SlackSimulator, support: Room) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    url = f"{slack.api_url}chat.postMessage"
    async with aiohttp.ClientSession(headers=headers) as session:
        form = {"channel": support.id, "text": "Formular", "reply_broadcast": "false"}
        assert (await (await session.post(url, data=form)).json())["ok"]
        body = {"channel": support.id, "text": "JSON"}
        assert (await (await session.post(url, json=body)).json())["ok"]
        wrong = await session.post(url, data=b"x", headers={"Content-Type": "text/css"})
        assert (await wrong.json())["error"] == "invalid_post_type"
        broken = await session.post(url, data=b"{", headers={"Content-Type": "application/json"})
        assert (await broken.json())["error"] == "invalid_json"
    assert [one.text for one in support.messages] == ["Formular", "JSON"]


async def test_events_need_scope_subscription_and_membership(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    outside = slack.channel("other", jonas, bot=False)
    await jonas.writes(outside, "hört niemand")
    slack.scopes.discard("channels:history")
    await jonas.writes(support, "ohne Scope")
    slack.scopes.add("channels:history")
    slack.subscriptions.discard("message.channels")
    await jonas.writes(support, "nicht bestellt")
    slack.subscriptions.add("message.channels")
    await jonas.writes(support, "kommt an")
    await slack.events.settled()
    assert app.texts() == ["kommt an"]
