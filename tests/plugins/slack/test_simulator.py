"""The simulated Slack, driven by the official SDK: people, events, buttons and modals."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from plugins.slack.testing import NotAcknowledged, Person, Refused, Room, SlackSimulator

from .conftest import CARD, App


async def test_a_message_of_a_person_reaches_the_app_as_slack_writes_it(
    slack: SlackSimulator, app: App, jonas: Person, support: Room
) -> None:
    line = await jonas.writes(support, "a < b & https://x.example/?q=1 hilfe@x.example @schalter")
    await slack.events.settled()
    message, mention = app.events
    mail = "<mailto:hilfe@x.example|hilfe@x.example>"
    me = f"<@{slack.bot_user.id}>"
    assert message["text"] == f"a &lt; b &amp; <https://x.example/?q=1> {mail} {me}"
    assert line.text.startswith("a < b & ")
    assert message["client_msg_id"]
    assert message["channel_type"] == "channel"
    assert (mention["type"], mention["ts"]) == ("app_mention", message["ts"])
    envelope, second = app.got
    assert envelope.payload["event_id"] != second.payload["event_id"]
    assert (envelope.retry_attempt, envelope.accepts_response_payload) == (0, False)


async def test_threads_edits_deletes_and_reactions(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    posted = await web.chat_postMessage(channel=support.id, text="Neuer Fall", blocks=CARD)
    card = await slack.wait_message(support, "Neuer Fall")
    assert card.ts == posted["ts"]
    line = await jonas.writes(support, "Guten Tag", thread=card)
    await jonas.edits(line, "Guten Tag!")
    await jonas.reacts(line, "eyes")
    await jonas.unreacts(line, "eyes")
    await jonas.deletes(line)
    await slack.events.settled()
    own, written, edited, added, removed, deleted = app.events
    assert (own["bot_id"], own["app_id"]) == (slack.world.bot_id, slack.world.app_id)
    assert (written["thread_ts"], written["parent_user_id"]) == (card.ts, slack.bot_user.id)
    assert edited["subtype"] == "message_changed"
    assert edited["previous_message"]["text"] == "Guten Tag"
    assert edited["message"]["text"] == "Guten Tag!"
    assert edited["message"]["edited"]["user"] == jonas.id
    assert added["item"] == {"type": "message", "channel": support.id, "ts": line.ts}
    assert (removed["type"], removed["reaction"]) == ("reaction_removed", "eyes")
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", line.ts)
    assert line.deleted
    assert support.thread(card) == []


async def test_the_apps_edit_comes_back_as_an_event(
    slack: SlackSimulator, app: App, web: AsyncWebClient, support: Room
) -> None:
    posted = await web.chat_postMessage(channel=support.id, text="Neuer Fall", blocks=CARD)
    await web.chat_update(channel=support.id, ts=posted["ts"], text="Erledigt", blocks=[])
    await slack.events.settled()
    changed = app.events[-1]
    assert changed["subtype"] == "message_changed"
    assert changed["message"]["bot_id"] == slack.world.bot_id
    assert (await slack.wait_message(support, "Erledigt")).buttons == ()


async def test_a_button_is_pressed_and_opens_a_modal(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    await web.chat_postMessage(channel=support.id, text="Neuer Fall", blocks=CARD)
    card = await slack.wait_message(support)
    assert card.buttons == ("Übernehmen",)
    await jonas.presses(card, "Übernehmen")
    (payload,) = app.interactions
    assert payload["actions"][0]["value"] == "case-1"
    assert payload["message"]["ts"] == payload["container"]["message_ts"] == card.ts
    modal = {
        "type": "modal",
        "callback_id": "note",
        "notify_on_close": True,
        "title": {"type": "plain_text", "text": "Notiz"},
        "submit": {"type": "plain_text", "text": "Speichern"},
        "blocks": [
            {
                "type": "input",
                "block_id": "note",
                "label": {"type": "plain_text", "text": "Text"},
                "element": {"type": "plain_text_input", "action_id": "text"},
            }
        ],
    }
    await web.views_open(trigger_id=payload["trigger_id"], view=modal)
    view = await jonas.sees_view("Notiz")
    with pytest.raises(Refused):
        await jonas.submits(view)
    app.answer = {"response_action": "errors", "errors": {"note": "zu kurz"}}
    assert await jonas.submits(view, {"Text": "a"}) == {"note": "zu kurz"}
    app.answer = {"response_action": "errors", "errors": {"other": "?"}}
    with pytest.raises(NotAcknowledged):
        await jonas.submits(view, {"Text": "a"})
    app.answer = None
    assert await jonas.submits(view, {"Text": "Kunde ruft an"}) == {}
    submitted = app.interactions[-1]["view"]["state"]["values"]
    assert submitted == {"note": {"text": {"type": "plain_text_input", "value": "Kunde ruft an"}}}
    assert jonas.views == []
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await web.views_open(trigger_id=payload["trigger_id"], view=modal)


async def test_a_press_that_nobody_answers_is_seen(
    slack: SlackSimulator, app: App, web: AsyncWebClient, jonas: Person, support: Room
) -> None:
    await web.chat_postMessage(channel=support.id, text="Neuer Fall", blocks=CARD)
    card = await slack.wait_message(support)
    app.acks, slack.socket.ack_seconds = False, 0.2
    with pytest.raises(NotAcknowledged):
        await jonas.presses(card, "Übernehmen")
    assert len(app.interactions) == 1
