"""Domain, rules and examples fit together. Reads files only."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LANGUAGES = ("de", "en")
LEAST_EXAMPLES = 25
_ENTITY = re.compile(r"\[[^\]]+\]\((\w+)\)")


def loaded(folder: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(file.read_text("utf-8")) for file in sorted(folder.rglob("*.yml"))]


def domain(key: str) -> set[str]:
    found: set[str] = set()
    for one in loaded(ROOT / "nlu" / "domain"):
        for item in one.get(key, ()):
            found |= set(item) if isinstance(item, dict) else {item}
    return found


def examples(language: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in loaded(ROOT / "nlu" / "data" / language):
        for block in one["nlu"]:
            lines = [line[2:] for line in block["examples"].splitlines() if line.startswith("- ")]
            found.setdefault(block["intent"], []).extend(lines)
    return found


def steps(node: Any, key: str) -> list[Any]:
    """Every value of `key` in the rules, however deep."""
    if isinstance(node, dict):
        own = [node[key]] if key in node else []
        return own + [value for child in node.values() for value in steps(child, key)]
    return [v for child in node for v in steps(child, key)] if isinstance(node, list) else []


STORIES = loaded(ROOT / "stories")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_intent_has_examples_in_both_languages(language: str) -> None:
    counted = {intent: len(lines) for intent, lines in examples(language).items()}
    assert set(counted) == domain("intents") - {
        "new_code",
        "nlu_fallback",
        "share_contact",
        "write_privately",
    }
    assert {i: n for i, n in counted.items() if n < LEAST_EXAMPLES} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_example_stands_under_two_intents(language: str) -> None:
    intents: dict[str, set[str]] = {}
    for intent, lines in examples(language).items():
        for line in lines:
            intents.setdefault(line.lower(), set()).add(intent)
    assert {line: found for line, found in intents.items() if len(found) > 1} == {}


def test_every_annotated_entity_is_in_the_domain() -> None:
    used = Counter(
        name
        for language in LANGUAGES
        for lines in examples(language).values()
        for line in lines
        for name in _ENTITY.findall(line)
    )
    assert set(used) <= domain("entities")


def test_every_intent_has_a_rule() -> None:
    assert set(steps(STORIES, "intent")) == domain("intents")


def test_every_action_of_a_rule_is_in_the_domain() -> None:
    known = domain("actions") | domain("responses") | domain("forms") | {"action_deactivate_loop"}
    assert set(steps(STORIES, "action")) <= known


def test_every_form_has_its_two_actions_and_a_way_out() -> None:
    for form in domain("forms"):
        assert {f"validate_{form}", f"action_{form.removesuffix('_form')}"} <= domain("actions")
        file = ROOT / "stories" / f"{form.removesuffix('_form')}.yml"
        names = [rule["rule"] for rule in yaml.safe_load(file.read_text("utf-8"))["rules"]]
        for ending in ("begins", "is complete", "is called off", "has all it needs at once"):
            assert any(name.endswith(ending) for name in names), (form, ending)


def test_every_slot_of_a_form_can_be_asked_for() -> None:
    responses, slots = domain("responses"), domain("slots")
    for one in loaded(ROOT / "nlu" / "domain"):
        for form, told in (one.get("forms") or {}).items():
            for slot in told["required_slots"]:
                asked = {f"utter_ask_{form}_{slot}", f"utter_ask_{slot}"}
                assert asked & responses, (form, slot)
                assert slot in slots


def test_slots_are_set_by_the_action_server_alone() -> None:
    for one in loaded(ROOT / "nlu" / "domain"):
        for name, slot in (one.get("slots") or {}).items():
            kinds = [(mapping["type"], mapping.get("action")) for mapping in slot["mappings"]]
            assert kinds == [("custom", None)], name
            assert slot["influence_conversation"] is False, name


def test_the_lock_needs_no_compiler_and_names_no_mirror() -> None:
    import tomllib

    lock = tomllib.loads((ROOT / "nlu" / "uv.lock").read_text("utf-8"))
    for package in lock["package"]:
        if package["source"] == {"editable": "."}:
            continue
        assert package["source"] == {"registry": "https://pypi.org/simple"}, package["name"]
        urls = [wheel["url"] for wheel in package["wheels"]]
        assert all(url.startswith("https://files.pythonhosted.org/") for url in urls)
