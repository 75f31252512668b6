"""Texts, both ways, and events as the parsers read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.slack import wire
from plugins.slack.events import EventKind, Malformed
from plugins.slack.incoming import parse_event, parse_shown
from plugins.slack.names import Me
from plugins.slack.testing_text import mentions, unescape

ME = Me(team="T1", user="UBOT", bot="BBOT")
WRITTEN = {
    "type": "message",
    "channel": "C1",
    "user": "U1",
    "text": "Hallo",
    "ts": "1700000000.000100",
    "event_ts": "1700000000.000100",
    "channel_type": "channel",
}


@pytest.mark.parametrize(
    ("slacks", "ours"),
    [
        ("<@UBOT> wo ist es", "wo ist es"),
        ("Hallo <@UBOT>  bitte", "Hallo bitte"),
        ("<@UBOT|schalter>: hilf", ": hilf"),
        ("<@U9|jana> und <@U8>", "@jana und @U8"),
        ("<#C1|allgemein> <!here> <!subteam^S1|@team>", "#allgemein @here @team"),
        ("<https://a.example/x?y=1&amp;z=2>", "https://a.example/x?y=1&z=2"),
        ("<https://a.example|Laden>", "Laden (https://a.example)"),
        ("<https://a.example|a.example>", "https://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<tel:+4930123|030 123>", "030 123"),
        ("<!date^1700000000^{date}|14. November>", "14. November"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_what_a_person_reads(slacks: str, ours: str) -> None:
    assert wire.plain(slacks, "UBOT").strip() == ours


def test_emoji_are_characters_where_slack_tells_them() -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/rich-text-block#emoji-element-type."""
    emoji = {"type": "emoji", "name": "+1", "unicode": "1f44d"}
    family = {"type": "emoji", "name": "flag-de", "unicode": "1f1e9-1f1ea"}
    ours = {"type": "emoji", "name": "schalter"}
    section = {"type": "rich_text_section", "elements": [emoji, family, ours]}
    raw = {"blocks": [{"type": "rich_text", "elements": [section]}]}
    text = wire.plain("gut :+1: :flag-de: :schalter: 10:30:15", emoji=wire.emoji_of(raw))
    assert text == "gut 👍 🇩🇪 :schalter: 10:30:15"


@given(st.text())
def test_whatever_we_say_is_read_as_it_is_and_calls_nobody(text: str) -> None:
    sent = wire.markup(text)
    assert mentions(sent) == ()
    assert wire.plain(sent) == text.strip() or wire.plain(sent).split() == text.split()
    assert "<!" not in sent
    assert unescape(sent).replace("<http", "http") or not text


def test_links_are_links() -> None:
    assert wire.markup("Hier: https://a.example/?b=1&c=2.") == (
        "Hier: <https://a.example/?b=1&amp;c=2>."
    )


def test_notices_bots_and_unfolded_links_are_nothing() -> None:
    for more in (
        {"subtype": "channel_join"},
        {"subtype": "bot_message", "bot_id": "B9"},
        {"bot_id": "B9"},
        {"user": "UBOT"},
        {"user": "USLACKBOT"},
    ):
        assert parse_event({**WRITTEN, **more}, ME) is None, more
    unfolded = {**WRITTEN, "attachments": [{"title": "Laden"}]}
    changed = {"subtype": "message_changed", "message": unfolded, "previous_message": WRITTEN}
    assert parse_event({**WRITTEN, **changed}, ME) is None


def test_a_history_tells_what_events_tell() -> None:
    edited = {**WRITTEN, "text": "neu", "edited": {"user": "U1", "ts": "1700000009.000000"}}
    changed = {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "channel_type": "channel",
        "message": edited,
        "previous_message": WRITTEN,
        "ts": "1700000009.000200",
        "event_ts": "1700000009.000200",
    }
    first, second = parse_event(WRITTEN, ME), parse_event(changed, ME)
    shown = parse_shown({n: v for n, v in edited.items() if n != "channel"}, "C1", ME)
    assert first is not None
    assert second is not None
    assert [event.key for event in shown] == [first.key, second.key]
    assert [event.stream for event in shown] == [first.stream, second.stream]


def test_a_parent_that_becomes_a_gravestone_is_deleted() -> None:
    gravestone = {
        **WRITTEN,
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "thread_ts": WRITTEN["ts"],
    }
    changed = {"subtype": "message_changed", "message": gravestone, "previous_message": WRITTEN}
    told = parse_event({**WRITTEN, **changed}, ME)
    assert told is not None
    assert (told.kind, told.ts) == (EventKind.DELETE, WRITTEN["ts"])
    assert parse_shown(gravestone, "C1", ME) == []  # it does not say whose message it was


def test_the_longest_text_of_slacks_is_not_too_long() -> None:
    event = parse_event({**WRITTEN, "text": "&amp;" * 40_000}, ME)
    assert event is not None
    assert wire.plain(event.text) == "&" * 40_000


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"type": "message"},
        {**WRITTEN, "ts": "bald"},
        {**WRITTEN, "user": None},
        {**WRITTEN, "text": "a" * 200_001},
        {**WRITTEN, "subtype": "message_changed", "message": {"edited": {"ts": "1"}}},
        {**WRITTEN, "subtype": "message_deleted"},
    ],
)
def test_what_is_no_event_is_malformed(broken: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        parse_event(broken, ME)
