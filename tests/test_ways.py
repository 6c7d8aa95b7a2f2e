"""The page of ways names every command and every address there is, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from starlette.routing import Route

from gateway.api import audit, consents, rest
from gateway.api.app import AGENCIES, CONSOLE
from gateway.audit.catalog import EntryType
from gateway.cli.main import app

PAGE = (Path(__file__).resolve().parents[1] / "docs/events-ways.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`((?:gateway|GET|POST) [^`]+)`", PAGE))
WHOLE = tuple(each.removesuffix("…").strip() for each in NAMED if each.endswith("…"))
"""Groups whose ways are described together."""


def commands(command: Any, words: tuple[str, ...] = ("gateway",)) -> Iterator[str]:
    """Every command below this one."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, (*words, name))
    else:
        yield " ".join(words)


def addresses() -> Iterator[str]:
    """Every method and address, without what says how a part of it is read."""
    routes = [*AGENCIES, *CONSOLE, *rest.router.routes, *audit.router.routes, *consents.router.routes]
    for route in routes:
        assert isinstance(route, Route) or hasattr(route, "methods")
        for method in sorted((route.methods or set()) - {"HEAD"}):  # type: ignore[attr-defined]
            yield f"{method} {re.sub(':path', '', route.path)}"  # type: ignore[attr-defined]


COMMANDS, ADDRESSES = set(commands(typer.main.get_command(app))), set(addresses())


def is_named(way: str) -> bool:
    return way in NAMED or any(way == each or way.startswith((f"{each} ", each)) for each in WHOLE)


@pytest.mark.parametrize("way", sorted(COMMANDS | ADDRESSES))
def test_every_way_is_on_the_page_with_its_entry_or_with_why_there_is_none(way: str) -> None:
    assert is_named(way), f"docs/events-ways.md says nothing of {way}"


def test_the_page_names_no_way_that_is_not_there() -> None:
    assert {each for each in NAMED if not each.endswith("…")} <= COMMANDS | ADDRESSES


def test_the_page_speaks_of_entries_that_exist() -> None:
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    words = {word for row in rows for word in re.findall(r"`([a-z-]+)`", row[2])}
    kinds = {word for row in rows for word in re.findall(r"kind `([a-z-]+)`|`(list|export|replay|notice)`", row[2])}
    known = {each.value for each in EntryType} | {word for pair in kinds for word in pair if word}
    assert words <= known
