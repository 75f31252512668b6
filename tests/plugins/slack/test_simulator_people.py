"""What people do in the simulated Slack besides writing: rooms, menus, modals, shortcuts."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import NotAcknowledged, Person, Refused, Room, SlackSimulator

from .conftest import CARD, App, button, section


def modal(title: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Weiter"},
        "blocks": list(blocks) or [section("Inhalt")],
        **more,
    }


def menu(kind: str = "static_select", **more: Any) -> dict[str, Any]:
    texts = ("Erledigt", "Kunde meldet sich")
    options = [{"text": {"type": "plain_text", "text": one}, "value": one[:3]} for one in texts]
    return {"type": kind, "action_id": "outcome", "options": options, **more}


async def trigger(app: App, jonas: Person) -> str:
    await jonas.shortcut("any")
    return str(app.interactions[-1]["trigger_id"])


async def test_direct_messages_come_as_such(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person
) -> None:
    direct = await jonas.direct()
    await jonas.writes(direct, "@schalter nur für dich")
    await slack.events.settled()
    created, message = app.events
    assert (created["type"], created["channel"]["id"]) == ("im_created", direct.id)
    assert (message["channel_type"], message["channel"]) == ("im", direct.id)
    await web.chat_postMessage(channel=direct.id, text="Hallo Jonas")
    assert await slack.wait_message(direct, "Hallo Jonas")


async def test_rooms_change_and_the_app_hears_of_it(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    mia = slack.person("mia")
    await mia.joins(support)
    await jonas.renames(support, "kundendienst")
    await jonas.archives(support)
    with pytest.raises(Refused, match="is_archived"):
        await jonas.writes(support, "zu spät")
    await jonas.unarchives(support)
    await jonas.removes(support)
    await jonas.writes(support, "ohne die App")
    await jonas.invites(support)
    await jonas.writes(support, "mit der App")
    await jonas.deletes_room(support)
    await slack.events.settled()
    heard = [(one["type"], one.get("subtype")) for one in app.events]
    assert heard == [
        ("message", "channel_join"),
        ("member_joined_channel", None),
        ("channel_rename", None),
        ("channel_archive", None),
        ("channel_unarchive", None),
        ("message", "channel_leave"),
        ("member_left_channel", None),
        ("channel_left", None),
        ("message", "channel_join"),
        ("member_joined_channel", None),
        ("message", None),
        ("channel_deleted", None),
    ]
    joined = app.events[9]
    assert (joined["user"], joined["inviter"]) == (slack.bot_user.id, jonas.id)
    assert (joined["channel_type"], app.events[1]["user"]) == ("C", mia.id)


async def test_a_private_room_is_a_group(slack: SlackSimulator, app: App, jonas: Person) -> None:
    secret = slack.channel("secret", jonas, kind="private")
    await jonas.writes(secret, "leise")
    await jonas.archives(secret)
    await slack.events.settled()
    message, archived = app.events
    assert (message["channel_type"], archived["type"]) == ("group", "group_archive")


async def test_who_is_not_in_a_room_cannot_write(slack: SlackSimulator, support: Room) -> None:
    with pytest.raises(Refused, match="not_in_channel"):
        await slack.person("mia").writes(support, "Hallo")
    gone = slack.person("gone", deleted=True)
    await gone.joins(support)
    with pytest.raises(Refused, match="account_inactive"):
        await gone.writes(support, "Hallo")


async def test_nobody_changes_what_others_wrote(
    slack: SlackSimulator, jonas: Person, support: Room
) -> None:
    mia = slack.person("mia")
    await mia.joins(support)
    line = await mia.writes(support, "meins")
    with pytest.raises(Refused):
        await jonas.edits(line, "deins")
    with pytest.raises(Refused):
        await jonas.deletes(line)
    await mia.reacts(line, "eyes")
    with pytest.raises(Refused, match="already_reacted"):
        await mia.reacts(line, "eyes")


async def test_other_bots_and_strangers_can_be_told_apart(
    slack: SlackSimulator, app: App, support: Room
) -> None:
    jira, greta = slack.other_bot("jira"), slack.stranger("greta")
    for one in (jira, greta):
        await one.joins(support)
    await slack.events.settled()
    app.got.clear()
    await jira.writes(support, "SHOP-1 ist fertig")
    await greta.writes(support, "Guten Tag")
    await slack.events.settled()
    by_bot, by_stranger = app.events
    assert by_bot["bot_id"] == jira.user.bot_id != slack.world.bot_id
    assert "client_msg_id" not in by_bot
    assert by_stranger["team"] == by_stranger["user_team"] == "T0OTHERTEAM"


async def test_the_app_is_removed(slack: SlackSimulator, app: App, web: AsyncWebClient) -> None:
    slack.revokes_token()
    slack.uninstalls()
    await slack.events.settled()
    revoked, uninstalled = app.events
    assert revoked["tokens"] == {"oauth": [], "bot": [slack.bot_user.id]}
    assert uninstalled["type"] == "app_uninstalled"
    with pytest.raises(SlackApiError, match="account_inactive"):
        await web.auth_test()


async def test_shortcuts(slack: SlackSimulator, app: App, jonas: Person, support: Room) -> None:
    line = await jonas.writes(support, "bitte senden")
    await jonas.shortcut("send", line)
    await jonas.shortcut("digest")
    on_message, anywhere = app.interactions
    assert (on_message["type"], on_message["callback_id"]) == ("message_action", "send")
    assert on_message["message"]["text"] == "bitte senden"
    assert on_message["message_ts"] == line.ts
    assert on_message["channel"] == {"id": support.id, "name": "support"}
    assert (anywhere["type"], anywhere["callback_id"]) == ("shortcut", "digest")


async def test_a_command_is_answered_in_the_ack(app: App, jonas: Person, support: Room) -> None:
    app.answer = {"response_type": "in_channel", "text": "3 Fälle offen"}
    await jonas.slash(support, "/faelle", "offen")
    form = app.got[-1].payload
    assert (form["command"], form["channel_name"]) == ("/faelle", "support")
    assert [one.text for one in support.messages] == ["3 Fälle offen"]


async def test_menus_in_a_message(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    blocks = [
        {**section("Fall"), "block_id": "row", "accessory": menu("overflow")},
        {
            "type": "actions",
            "block_id": "more",
            "elements": [
                menu(),
                {"type": "users_select", "action_id": "who"},
                button("Öffnen", "open"),
            ],
        },
    ]
    blocks[0]["accessory"]["action_id"] = "overflow"
    await web.chat_postMessage(channel=support.id, text="Fall", blocks=blocks)
    card = await slack.wait_message(support)
    assert card.action_ids == ("overflow", "outcome", "who", "open")
    await jonas.chooses(card, "outcome", "Kunde meldet sich")
    await jonas.chooses(card, "who", jonas)
    await jonas.presses(card, "Erledigt")
    chosen, person, overflow = app.interactions
    assert chosen["actions"][0]["selected_option"]["value"] == "Kun"
    state = chosen["state"]["values"]["more"]
    assert state["outcome"]["selected_option"]["value"] == "Kun"
    assert state["who"]["selected_user"] is None
    assert person["actions"][0]["selected_user"] == jonas.id
    assert overflow["actions"][0]["type"] == "overflow"
    assert overflow["actions"][0]["selected_option"]["value"] == "Erl"
    with pytest.raises(Refused):
        await jonas.presses(card, "Gibt es nicht")
    with pytest.raises(Refused):
        await jonas.chooses(card, "outcome", "Gibt es nicht")


async def test_modals_are_updated_pushed_and_closed(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person
) -> None:
    blocks = [
        {
            "type": "input",
            "block_id": "out",
            "label": {"type": "plain_text", "text": "Ergebnis"},
            "element": menu("radio_buttons"),
        },
        {"type": "actions", "elements": [button("Vorschau", "preview")]},
    ]
    first = modal("Eins", *blocks, private_metadata="case-1", notify_on_close=True)
    opened = await web.views_open(trigger_id=await trigger(app, jonas), view=first)
    view = await jonas.sees_view("Eins")
    assert (view.fields, view.raw["private_metadata"]) == (("Ergebnis",), "case-1")
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await web.views_update(view_id=view.id, hash="old", view=first)
    await web.views_update(
        view_id=view.id, hash=opened["view"]["hash"], view=modal("Zwei", *blocks)
    )
    await jonas.sees_view("Zwei")
    await jonas.presses(view, "Vorschau")
    pressed = app.interactions[-1]
    assert pressed["container"] == {"type": "view", "view_id": view.id}
    await web.views_push(trigger_id=pressed["trigger_id"], view=modal("Drei", notify_on_close=True))
    top = await jonas.sees_view("Drei")
    assert top.raw["previous_view_id"] == top.raw["root_view_id"] == view.id
    await jonas.closes(top)
    assert app.interactions[-1]["type"] == "view_closed"
    app.answer = {"response_action": "push", "view": modal("Vier")}
    assert await jonas.submits(view, {"Ergebnis": "Erledigt"}) == {}
    app.answer = {"response_action": "update", "view": modal("Fünf")}
    await jonas.submits(await jonas.sees_view("Vier"))
    app.answer = {"response_action": "update", "view": {"type": "modal"}}
    with pytest.raises(NotAcknowledged):
        await jonas.submits(await jonas.sees_view("Fünf"))
    app.answer = {"response_action": "clear"}
    await jonas.submits(await jonas.sees_view("Fünf"))
    assert jonas.views == []
    with pytest.raises(Refused):
        await jonas.submits(view, {"Ergebnis": "Erledigt"})
    with pytest.raises(SlackApiError, match="not_found"):
        await web.views_update(view_id=view.id, view=first)


async def test_a_trigger_ends(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person
) -> None:
    slack.views.trigger_seconds = 0.05
    late = await trigger(app, jonas)
    await asyncio.sleep(0.06)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await web.views_open(trigger_id=late, view=modal("Zu spät"))
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await web.views_open(trigger_id="1.2.x", view=modal("Erfunden"))
    with pytest.raises(SlackApiError, match="invalid_arguments") as refused:
        await web.views_open(trigger_id=await trigger(app, jonas), view=modal("x" * 25))
    assert "/view/title/text" in str(refused.value.response["response_metadata"]["messages"])
    assert slack.views.stacks == {}


async def test_a_home_tab(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person
) -> None:
    await jonas.opens_home()
    await slack.events.settled()
    opened = app.events[-1]
    assert (opened["type"], opened["user"], opened["tab"]) == ("app_home_opened", jonas.id, "home")
    home = {"type": "home", "blocks": [section("3 Fälle")]}
    published = await web.views_publish(user_id=jonas.id, view=home)
    assert jonas.home is not None
    assert jonas.home.words == "3 Fälle"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await web.views_publish(user_id=jonas.id, hash="old", view=home)
    await web.views_publish(user_id=jonas.id, hash=published["view"]["hash"], view=home)


async def test_a_response_url_is_good_for_five_answers(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    await web.chat_postMessage(channel=support.id, text="Fall", blocks=CARD)
    card = await slack.wait_message(support)
    await jonas.presses(card, "Übernehmen")
    url = app.interactions[-1]["response_url"]
    answers: list[dict[str, Any]] = [
        {"text": "nur für dich"},
        {"text": "für alle", "response_type": "in_channel"},
        {"text": "neu", "replace_original": True},
        {"text": "x", "blocks": [{"type": "nope"}]},
        {"delete_original": True},
    ]
    async with aiohttp.ClientSession() as session:
        statuses = [(await session.post(url, json=answer)).status for answer in answers]
        assert statuses == [200, 200, 200, 400, 200]
        used = await session.post(url, json=answers[0])
        assert (used.status, await used.text()) == (404, "used_url")
    assert (await jonas.sees_ephemeral("nur für dich")).text == "nur für dich"
    assert card.deleted
    assert [one.text for one in support.messages] == ["für alle"]


async def test_waiting_says_what_is_there_instead(
    slack: SlackSimulator, web: AsyncWebClient, support: Room
) -> None:
    await web.chat_postMessage(channel=support.id, text="Guten Tag")
    with pytest.raises(TimeoutError, match="Guten Tag"):
        await slack.wait_message(support, "Gute Nacht", seconds=0.05)
