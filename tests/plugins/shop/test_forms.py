"""Reading the order's number and the proof out of a message."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.messages import ActionCall, Address, Entity, Filling, Proof, Understanding
from plugins.shop.api import fill_pair, proven, read_order_and_proof, wishes_else


def call(
    text: str, asked: str | None = None, *, proofs: tuple[Proof, ...] = (), **slots: Any
) -> ActionCall:
    return ActionCall(
        key="k",
        turn="t",
        conversation=1,
        address=Address("fake", "c1"),
        arguments={},
        language="de",
        proofs=proofs,
        text=text,
        slots={**slots, "requested_slot": asked},
    )


@pytest.mark.parametrize(
    ("text", "asked", "slots"),
    [
        ("wo ist B-100234", None, {"order_id": "B-100234"}),
        ("100234, 50674", None, {"order_id": "B-100234", "proof": "50674"}),
        ("100234 anna@example.org", None, {"order_id": "B-100234", "proof": "anna@example.org"}),
        ("PLZ 1070", None, {"proof": "1070"}),
        ("100247, 1070", None, {"order_id": "B-100247", "proof": "1070"}),
        ("1070", "proof", {"proof": "1070"}),
        ("D-50674", "proof", {"proof": "50674"}),
        ("m3 4bb", "proof", {"proof": "m3 4bb"}),
        ("das ist die 50674 Köln", "proof", {"proof": "50674"}),
        ("PLZ 506744", "proof", {"proof": None}),
        ("nein, 100235", "proof", {"order_id": "B-100235"}),
        ("ich habe 2026 bestellt", None, {"order_id": None}),
        ("Seid ihr nett?", "proof", {}),
        ("Seid ihr nett?", "order_id", {}),
        ("12345", "order_id", {"order_id": None}),
        ("PLZ ist 12345", "order_id", {"proof": "12345"}),
        ("Ich habe mein Paket nicht bekommen und " * 5, "order_id", {}),
    ],
)
def test_reading(text: str, asked: str | None, slots: dict[str, Any]) -> None:
    assert dict(read_order_and_proof(call(text, asked)).slots) == slots


def test_an_entity_counts_where_the_text_does_not_tell() -> None:
    said = call("die vier drei", "proof")
    understood = Understanding(entities=(Entity("postal_code", "50674"),))
    heard = ActionCall(**{**{n: getattr(said, n) for n in said.__slots__},
                          "understanding": understood})  # fmt: skip
    assert dict(read_order_and_proof(heard).slots) == {"proof": "50674"}


def test_a_new_number_forgets_the_proof_of_the_other_order() -> None:
    filling = fill_pair(call("doch 100235", "proof", order_id="B-100234", proof="50674"), "x")
    assert (dict(filling.slots), filling.ask) == ({"order_id": "B-100235", "proof": None}, "proof")


@pytest.mark.parametrize(
    ("text", "intent", "sure", "asked", "other"),
    [
        # The form for an address took the number, and mailed a code for an address to that order.
        ("Retourenlabel für B-100237, 70173", "get_return_label", 1.0, "code", True),
        ("Wo ist mein Paket? B-100234", "track_order", 0.99, "proof", True),
        ("please cancel B-100236, 80331", "cancel_order", 0.95, "order_id", True),
        ("Retourenlabel für B-100237, 70173", "get_return_label", 1.0, None, False),
        ("Retourenlabel für B-100237, 70173", "get_return_label", 0.6, "code", False),
        ("B-100234", "track_order", 0.95, "order_id", False),
        ("B-100234, 50674", "track_order", 1.0, "order_id", False),
        ("Wo finde ich die Nummer?", "track_order", 1.0, "order_id", False),
        ("die Adresse hat 50674", "change_shipping_address", 1.0, "proof", False),
        ("B-100235 bitte", "own", 1.0, "order_id", False),
    ],
)
def test_another_wish_with_an_order_is_not_this_forms(
    text: str, intent: str, sure: float, asked: str | None, other: bool
) -> None:
    said = replace(call(text, asked), understanding=Understanding(intent, sure))
    assert wishes_else(said, "own") == other
    assert (fill_pair(said, "own") == Filling()) == other


def test_a_form_that_begins_always_sets_something() -> None:
    """Without a slot the dialogue asked for the proof of an order that was proven already."""
    assert dict(fill_pair(call("und jetzt?", order_id="B-100234"), "x").slots) == {
        "order_id": "B-100234"
    }


def test_only_a_proof_of_that_order_counts() -> None:
    proof = Proof("pair", "B-100234", datetime(2099, 1, 1, tzinfo=UTC))
    said = call("und jetzt?", proofs=(proof,), order_id="B-100234")
    assert proven(said, "B-100234")
    assert not proven(said, "B-100235")
    assert fill_pair(said, "x").ask is None


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a.-+" * 25_000, "5" * 100_000, "weiß ich " * 9999]
)
def test_a_long_text_is_read_quickly(text: str) -> None:
    start = time.monotonic()
    for asked in (None, "order_id", "proof"):
        read_order_and_proof(call(text, asked))
    assert time.monotonic() - start < 1
