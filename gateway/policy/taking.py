"""Typed values out of a table that has been found to have its shape (`shape.py`).

Nothing is asked again here: what is absent gives the empty value of its sort.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from gateway.document.source import Items, Node, Table, Value
from gateway.policy.duration import parse_duration

_Word = TypeVar("_Word", bound=StrEnum)


def word_of(node: Node | None) -> str:
    """A text, "" when there is none."""
    return node.value if isinstance(node, Value) and isinstance(node.value, str) else ""


def text(table: Table, key: str) -> str:
    """The text under a key."""
    return word_of(table.entries.get(key))


def nodes(table: Table | None, key: str) -> tuple[Node, ...]:
    """The items of the list under a key."""
    found = None if table is None else table.entries.get(key)
    return found.items if isinstance(found, Items) else ()


def texts(table: Table | None, key: str) -> tuple[str, ...]:
    """The texts of the list under a key."""
    return tuple(word_of(node) for node in nodes(table, key))


def tables(table: Table, key: str) -> tuple[Table, ...]:
    """The tables of the list under a key."""
    return tuple(node for node in nodes(table, key) if isinstance(node, Table))


def below(table: Table, key: str) -> Table | None:
    """The table under a key."""
    found = table.entries.get(key)
    return found if isinstance(found, Table) else None


def number(table: Table, key: str) -> int:
    """The whole number under a key, else 0."""
    found = table.entries.get(key)
    return found.value if isinstance(found, Value) and isinstance(found.value, int) else 0


def flag(table: Table, key: str) -> bool:
    """Whether the key says true."""
    found = table.entries.get(key)
    return isinstance(found, Value) and found.value is True


def day(table: Table, key: str) -> date | None:
    """The date under a key."""
    found = text(table, key)
    return date.fromisoformat(found) if found else None


def length(table: Table | None, key: str) -> timedelta | None:
    """The duration under a key."""
    return None if table is None else parse_duration(text(table, key))


def choice(table: Table | None, key: str, words: type[_Word]) -> _Word | None:
    """The word under a key."""
    found = "" if table is None else text(table, key)
    return words(found) if found else None
