"""The core knows no plugin, a plugin only another's api.py, and nothing grows out of hand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = [
    path
    for path in sorted((ROOT / "bot").rglob("*.py"))
    if not {"store", "testing"} & set(path.relative_to(ROOT / "bot").parts)
]
PACKAGES = ("actions", "bot", "desk", "host", "identity", "plugins")
EVERY = sorted(path for top in PACKAGES for path in (ROOT / top).rglob("*.py"))
CORE_LINES, MODULE_LINES, FUNCTION_LINES = 3500, 400, 60


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    """Yield the absolute names of everything a file imports, at its top or inside a function."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted((ROOT / "bot").rglob("*.py")), ids=name_of)
def test_the_core_imports_neither_desk_nor_host_nor_a_plugin(path: Path) -> None:
    if path.is_relative_to(ROOT / "bot" / "testing"):
        return  # a world to test in has files and settings of a host
    others = ("actions", "desk", "host", "identity", "plugins")
    assert [name for name in imported(path) if name.split(".")[0] in others] == []


@pytest.mark.parametrize("path", sorted((ROOT / "desk").rglob("*.py")), ids=name_of)
def test_the_agents_side_imports_neither_its_host_nor_a_plugin(path: Path) -> None:
    assert [name for name in imported(path) if name.split(".")[0] in ("host", "plugins")] == []


@pytest.mark.parametrize("path", sorted((ROOT / "actions").rglob("*.py")), ids=name_of)
def test_the_builtin_actions_depend_on_the_core_alone(path: Path) -> None:
    others = ("desk", "host", "identity", "plugins")
    assert [name for name in imported(path) if name.split(".")[0] in others] == []


@pytest.mark.parametrize("path", sorted((ROOT / "identity").rglob("*.py")), ids=name_of)
def test_who_a_customer_is_depends_on_the_core_alone(path: Path) -> None:
    others = ("desk", "host", "plugins")
    assert [name for name in imported(path) if name.split(".")[0] in others] == []


@pytest.mark.parametrize("path", sorted((ROOT / "desk").rglob("*.py")), ids=name_of)
def test_the_agents_side_does_not_import_identity(path: Path) -> None:
    assert [name for name in imported(path) if name.split(".")[0] == "identity"] == []


@pytest.mark.parametrize("path", sorted((ROOT / "host").rglob("*.py")), ids=name_of)
def test_the_host_imports_no_plugin(path: Path) -> None:
    assert [name for name in imported(path) if name.split(".")[0] == "plugins"] == []


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=name_of)
def test_a_plugin_imports_only_the_api_of_another(path: Path) -> None:
    own = path.relative_to(ROOT).parts[1]
    others = [
        name
        for name in imported(path)
        if name.startswith("plugins.")
        and name.split(".")[1] != own
        and name.split(".")[2:3] != ["api"]
    ]
    assert others == []


def test_the_core_stays_small() -> None:
    sizes = {path.name: len(path.read_text("utf-8").splitlines()) for path in CORE}
    assert sum(sizes.values()) < CORE_LINES, sizes


@pytest.mark.parametrize("path", EVERY, ids=name_of)
def test_no_module_and_no_function_is_long(path: Path) -> None:
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= MODULE_LINES
    long = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    }
    assert long == {}
