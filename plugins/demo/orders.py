"""The demo orders that are good to begin with. docs/reference/demo-shop.md lists all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Try:
    """An order, its postal code, and what to ask about it."""

    number: str
    postal_code: str
    ask: str


ORDERS = (
    Try("B-100234", "50674", "Wo ist mein Paket?  ·  Where is my parcel?"),
    Try("B-100235", "20095", "Meine Adresse hat sich geändert: Lindenweg 4, 50674 Köln"),
    Try("B-100237", "70173", "Ich möchte etwas zurückschicken.  (a label as a PDF)"),
    Try("B-100236", "80331", "I want to cancel my order."),
    Try("B-100240", "60311", "Wo bleibt der Rest meiner Bestellung?  (two parcels)"),
)
PERSON = "Ich möchte mit einem Menschen sprechen."
