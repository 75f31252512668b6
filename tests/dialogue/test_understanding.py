"""What the trained model makes of texts: entities, noise, and how often it is right."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.dialogue.rasa import Rasa

pytestmark = pytest.mark.rasa
SETS = sorted((Path(__file__).parent / "sets").glob("unseen_*.csv"))
LEAST_RIGHT = 0.80
"""Share of unseen texts whose intent is right; the figures of the day are in the documentation."""


async def understood(rasa: Rasa, *texts: str) -> list[dict[str, Any]]:
    """What the model makes of each text."""
    status, answer = await rasa.post("parse", {"texts": list(texts)})
    assert status == 200, answer
    return answer["results"]


ENTITIES = [
    ("wo ist B-100234", {"order_id": "B-100234"}),
    ("wo ist b100234?", {"order_id": "B-100234"}),
    ("status #100234 bitte", {"order_id": "B-100234"}),
    ("order B 100234 please", {"order_id": "B-100234"}),
    ("refund für AB-2024-7781", {"order_id": "AB-2024-7781"}),
    ("Bestellnummer 4711-0815", {"order_id": "4711-0815"}),
    ("meine Bestellung Nr. 88123 fehlt", {"order_id": "88123"}),
    ("100234, PLZ 50674", {"order_id": "B-100234", "postal_code": "50674"}),
    ("50674", {"postal_code": "50674"}),
    ("PLZ ist 1010", {"postal_code": "1010"}),
    ("meine postleitzahl lautet D-04109", {"postal_code": "04109"}),
    ("it is SW1A 2AA", {"postal_code": "SW1A 2AA"}),
    ("karin.lehmann@example.org", {"email": "karin.lehmann@example.org"}),
    ("Karin.Lehmann@Example.org.", {"email": "karin.lehmann@example.org"}),
    ("DEMO123456789012", {"tracking_number": "DEMO123456789012"}),
    ("sendung 00340434161094027384 steht", {"tracking_number": "00340434161094027384"}),
    ("49,90 € zu viel", {"amount": "49,90 €"}),
    ("you charged £119.00", {"amount": "£119.00"}),
    (
        "an Lindenweg 4, 50674 Köln",
        {"street": "Lindenweg 4", "postal_code": "50674", "city": "Köln"},
    ),
    (
        "Mariahilfer Straße 88, 1070 Wien",
        {"street": "Mariahilfer Straße 88", "postal_code": "1070", "city": "Wien"},
    ),
    ("mein Staubsauger ist kaputt", {"product": "Staubsauger"}),
    ("the kettle arrived broken", {"product": "kettle"}),
    ("Mein Name ist Claudia Neumann", {"person_name": "Claudia Neumann"}),
    ("nein, Hausnummer 14", {}),
    ("ruft mich an: +49 151 123456", {}),
    ("am 24.11.2026 um 14:30", {}),
]


@pytest.mark.parametrize(("text", "expected"), ENTITIES)
async def test_entities_are_found_with_their_canonical_value(
    rasa: Rasa, text: str, expected: dict[str, str]
) -> None:
    (result,) = await understood(rasa, text)
    assert {e["entity"]: e["value"] for e in result["entities"]} == expected
    for entity in result["entities"]:
        assert 0 <= entity["start"] < entity["end"] <= len(text)


NOISE = [
    *("sdkjfh sdkfjh", "ölkjölkj", "lkjhgfds", "yxcvbnm", "fhqwhgads", "jklö jklö", "zxcv"),
    *(".....", "???", "!!!", "7", "12", "🤷"),
]
WORDS = {
    "ja": "affirm",
    "ok": "affirm",
    "👍": "affirm",
    "yes please": "affirm",
    "nein": "deny",
    "stopp": "deny",
    "hi": "greet",
    "danke": "thank_you",
    "tschüss": "goodbye",
    "paket wo": "track_order",
    "storno": "cancel_order",
    "retoure": "return_item",
    "mensch": "contact_human_agent",
    "agent please": "contact_human_agent",
    "widerruf": "withdraw_contract",
    "newsletter": "newsletter_subscription",
}


async def test_noise_is_not_understood_and_never_a_yes(rasa: Rasa) -> None:
    results = await understood(rasa, *NOISE)
    assert {result["intent"] for result in results} <= {"nlu_fallback", "out_of_scope"}


async def test_honest_short_messages_are_understood(rasa: Rasa) -> None:
    results = await understood(rasa, *WORDS)
    assert {t: r["intent"] for t, r in zip(WORDS, results, strict=True)} == WORDS


@pytest.mark.parametrize("file", SETS, ids=lambda file: file.stem)
async def test_unseen_texts_are_mostly_right(rasa: Rasa, file: Path) -> None:
    with file.open(encoding="utf-8", newline="") as rows:
        wanted = [(row["text"], row["intent"]) for row in csv.DictReader(rows)]
    results = await understood(rasa, *(text for text, _ in wanted))
    pairs = list(zip(wanted, results, strict=True))
    right = sum(result["ranking"][0]["intent"] == intent for (_, intent), result in pairs)
    wrong_yes = [t for (t, i), r in pairs if r["intent"] == "affirm" and i != "affirm"]
    assert right / len(pairs) >= LEAST_RIGHT
    assert len(wrong_yes) / len(pairs) < 0.01, wrong_yes


async def test_a_batch_is_understood_at_two_hundred_texts_a_second(rasa: Rasa) -> None:
    texts = [f"Wo ist denn meine Bestellung {number}?" for number in range(100100, 101100)]
    start = time.monotonic()
    results = await understood(rasa, *texts)
    assert len(results) == len(texts)
    assert len(texts) / (time.monotonic() - start) > 200


def test_json_of_the_sets_is_sound() -> None:
    for file in SETS:
        with file.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                assert isinstance(json.loads(row["entities"] or "[]"), list)
