"""The bot's own words, to recognise them: a test names a text, and any of its variants will do."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DOMAIN = Path(__file__).parents[2] / "nlu" / "domain"
_PLACEHOLDER = re.compile(r"(?:\\ )?\\\{\w+(?::\w+)?\\\}")


@cache
def _responses() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(DOMAIN.glob("*.yml")):
        for name, variants in (
            yaml.safe_load(file.read_text("utf-8")).get("responses") or {}
        ).items():
            found.setdefault(name, []).extend(variants)
    return found


def said(name: str, text: str, language: str, formality: str = "Sie") -> bool:
    """Whether `text` holds the response, in that language and address form."""
    return any(re.search(pattern, text) for pattern in _patterns(name, language, formality))


@cache
def _patterns(name: str, language: str, formality: str) -> tuple[str, ...]:
    fitting = [
        variant["text"].strip()
        for variant in _responses()[name]
        if variant.get("metadata", {}).get("language") in (None, language)
        and variant.get("metadata", {}).get("formality") in (None, formality)
    ]
    assert fitting, f"{name} has no text in {language} {formality}"
    return tuple(_PLACEHOLDER.sub(r"[\\s\\S]*?", re.escape(text)) for text in fitting)
