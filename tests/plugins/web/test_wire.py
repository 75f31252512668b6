"""Pure parsing: what a page, or anybody else, may post."""

from __future__ import annotations

import json

import pytest

from bot.desk import Close, HandBack, Line, Link, TakeOver, Unlink
from plugins.web import desk_wire
from plugins.web.wire import Fault, clean, parse_object, parse_post, visible

FILE = "a" * 64


def body(**fields: object) -> bytes:
    return json.dumps({"client_id": "client-01", **fields}).encode()


def test_a_message_with_everything() -> None:
    post = parse_post(body(text=" Hallo\r\nWelt ", payload="/affirm", attachments=[FILE]), 100)
    assert (post.client_id, post.text, post.payload, post.files) == (
        "client-01",
        "Hallo\nWelt",
        "/affirm",
        (FILE,),
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\x00b\x07c", "abc"),
        ("Zeile\tTab\nNeu", "Zeile\tTab\nNeu"),
        ("\ud83d halb", "halb"),
        ("שלום עולם", "שלום עולם"),
        ("👩‍👧 ok", "👩‍👧 ok"),
    ],
)
def test_what_is_kept_of_a_text(given: str, kept: str) -> None:
    assert clean(given) == kept


@pytest.mark.parametrize(
    "text", ["", "  \n ", "\u200b\u200d\ufeff", "\u2800", "\u202e\u202c", "\x00"]
)
def test_what_shows_nothing_is_empty(text: str) -> None:
    assert not visible(text)
    with pytest.raises(Fault) as fault:
        parse_post(body(text=text), 100)
    assert (fault.value.status, fault.value.code) == (400, "empty")


@pytest.mark.parametrize("text", ["👍", ".", "مرحبا", "ok"])
def test_what_shows_something_is_not(text: str) -> None:
    assert parse_post(body(text=text), 100).text == text


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"[]", "not_json"),
        (b'"text"', "not_json"),
        (b"[" * 60_000, "not_json"),
        (b"1" * 60_000, "not_json"),
        (b'{"client_id": "client-01", "text": "\xff"}', "not_utf8"),
        (body(client_id="short", text="x"), "not_valid"),
        (body(client_id="bad id!!!", text="x"), "not_valid"),
        (body(client_id=None, text="x"), "not_valid"),
        (body(text=["x"]), "not_valid"),
        (body(text="x", payload={}), "not_valid"),
        (body(text="x", attachments="abc"), "not_valid"),
        (body(text="x", attachments=["../../etc/passwd"]), "not_valid"),
        (body(text="x", attachments=[FILE] * 11), "not_valid"),
        (body(text="x" * 101), "too_long"),
    ],
)
def test_what_is_refused_has_a_code(raw: bytes, code: str) -> None:
    with pytest.raises(Fault) as fault:
        parse_post(raw, 100)
    assert fault.value.code == code


def command(**fields: object) -> dict[str, object]:
    return {"id": "command-1", "case": 7, "agent": " Anna  Beck ", **fields}


def test_commands() -> None:
    assert desk_wire.parse_command(command(kind="take_over"), ()) == TakeOver(
        "command-1", 7, "Anna Beck"
    )
    assert desk_wire.parse_command(command(kind="take_over", force=True), ()) == TakeOver(
        "command-1", 7, "Anna Beck", force=True
    )
    assert desk_wire.parse_command(command(kind="note", text="intern"), ()) == Line(
        "command-1", 7, "Anna Beck", "intern", internal=True
    )
    assert desk_wire.parse_command(command(kind="hand_back", text="Erledigt.", note="n"), ()) == (
        HandBack("command-1", 7, "Anna Beck", outcome="Erledigt.", note="n")
    )
    assert desk_wire.parse_command(command(kind="link", other=9), ()) == Link(
        "command-1", 7, "Anna Beck", 9
    )
    assert desk_wire.parse_command(command(kind="unlink", other=9), ()) == Unlink(
        "command-1", 7, "Anna Beck", 9
    )
    assert desk_wire.parse_command(command(kind="close"), ()) == Close("command-1", 7, "Anna Beck")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "explode"}, "not_valid"),
        ({"kind": "close", "case": "7"}, "not_valid"),
        ({"kind": "close", "case": True}, "not_valid"),
        ({"kind": "close", "id": ""}, "not_valid"),
        ({"kind": "close", "agent": "\u200b"}, "no_agent"),
        ({"kind": "close", "agent": "x" * 61}, "no_agent"),
        ({"kind": "line", "text": " "}, "empty"),
        ({"kind": "line", "text": "x" * 8001}, "too_long"),
        ({"kind": ["line"], "text": "x"}, "not_valid"),
        ({"kind": "link"}, "not_valid"),
        ({"kind": "link", "other": "7"}, "not_valid"),
        ({"kind": "unlink", "other": True}, "not_valid"),
        ({"kind": "unlink", "other": 0}, "not_valid"),
        ({"kind": "unlink", "other": 2**63}, "not_valid"),
    ],
)
def test_refused_commands(fields: dict[str, object], code: str) -> None:
    with pytest.raises(Fault) as fault:
        desk_wire.parse_command(command(**fields), ())
    assert fault.value.code == code


def test_an_object_is_an_object() -> None:
    assert parse_object(b'{"a": 1}') == {"a": 1}
