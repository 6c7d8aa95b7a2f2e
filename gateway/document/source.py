"""A YAML file read strictly, every value with its place in the file.

YAML as people mean it and nothing of what surprises them: one document, texts, whole numbers, true and false, lists,
and tables with texts as keys. Anchors, aliases, tags, duplicate keys, empty values and fractions are findings.
`yes` and `no` are texts (YAML 1.2); a date is the text it is written as. Read from the parser's events in one pass:
composing nodes first takes twice as long and hides anchors.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, MarkedYAMLWarning, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from gateway.finding import Finding

SIZE_BYTES_MAX = 4 * 1024 * 1024
"""A field catalog of 2,000 fields is some 300 KB."""

DEPTH_MAX = 16
FINDINGS_MAX = 1_000
NUMBER_MAX = 2**53 - 1
"""The largest whole number canonical JSON writes without loss (RFC 8785, section 3.2.2.3)."""

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_EMPTY_TEXT = "there is no value here: give one, or remove the key"
_EMPTY = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_OTHER_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A text, a whole number, or true or false. `path` is the key path, "exchanges[0].from"; line and column from 1."""

    path: str
    line: int
    column: int
    value: str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    path: str
    line: int
    column: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Keys with values, in the order of the file; `places` holds line and column of each key."""

    path: str
    line: int
    column: int
    entries: dict[str, "Node"]
    places: dict[str, tuple[int, int]]


Node = Value | Items | Table


def read_source(
    data: bytes, file: str, *, size_bytes_max: int = SIZE_BYTES_MAX
) -> tuple[Table | None, tuple[Finding, ...]]:
    """The table a file holds, and everything wrong with it as YAML. None when there is no use in reading on."""
    builder = _Builder(file)
    if len(data) > size_bytes_max:
        builder.wrong("yaml.too-large", f"the file is larger than {size_bytes_max // 1024} KiB", (1, 1))
        return None, tuple(builder.findings)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        builder.wrong("yaml.not-text", "the file is not UTF-8 text", (data.count(b"\n", 0, error.start) + 1, 1))
        return None, tuple(builder.findings)
    try:
        root = builder.document(YAML(typ="safe", pure=True).parse(text))
    except (YAMLError, MarkedYAMLWarning) as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError | MarkedYAMLWarning) else None
        hint = "the file is not well-formed YAML here; look at indentation, colons and quotes"
        builder.wrong("yaml.syntax", hint, (mark.line + 1, mark.column + 1) if mark else (1, 1))
        return None, tuple(builder.findings)
    except _StopReading:
        return None, tuple(builder.findings)
    if not isinstance(root, Table):
        builder.wrong("yaml.not-a-table", "the file must be a table of keys and values", (1, 1))
        return None, tuple(builder.findings)
    return root, tuple(builder.findings)


class _StopReading(Exception):
    """Raised where reading on has no use; the finding is noted."""


class _Builder:
    """Events to nodes, collecting findings."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def document(self, events: Iterator[Event]) -> Node | None:
        """The one document's node; None when the file is empty."""
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.wrong("yaml.several-documents", "one file holds one document", _place(event))
                    raise _StopReading
            elif isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent | AliasEvent):
                root = self.node(event, events, "", 0)
        return root

    def node(self, event: Event, events: Iterator[Event], path: str, depth: int) -> Node | None:
        """The node that begins with this event. None, with a finding, for what cannot be used."""
        line, column = _place(event)
        if not isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent):
            self.wrong("yaml.alias", "write the value again: aliases (*name) are not allowed", (line, column), path)
            return None
        if event.anchor is not None:
            text = "anchors (&name) are not allowed: write the value where it is used"
            self.wrong("yaml.anchor", text, (line, column), path)
        if event.tag is not None:
            self.wrong("yaml.tag", "tags (!name) are not allowed", (line, column), path)
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, path)
            return None if value is None else Value(path=path, line=line, column=column, value=value)
        if depth >= DEPTH_MAX:
            text = f"tables and lists are nested more than {DEPTH_MAX} deep"
            self.wrong("yaml.too-deep", text, (line, column), path)
            raise _StopReading
        if isinstance(event, SequenceStartEvent):
            return self._items(event, events, path, depth)
        return self._table(event, events, path, depth)

    def _items(self, start: Event, events: Iterator[Event], path: str, depth: int) -> Items:
        items: list[Node] = []
        position = 0
        while not isinstance(event := next(events), SequenceEndEvent):
            item = self.node(event, events, f"{path}[{position}]", depth + 1)
            position += 1
            if item is not None:
                items.append(item)
        line, column = _place(start)
        return Items(path=path, line=line, column=column, items=tuple(items))

    def _table(self, start: Event, events: Iterator[Event], path: str, depth: int) -> Table:
        entries: dict[str, Node] = {}
        places: dict[str, tuple[int, int]] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            key = self._key(event, events, path, depth)
            below = f"{path}.{key}" if path else key
            value = self._value(next(events), events, below, depth, _place(event))
            if key in places:
                text = f"the key {key!r} stands here twice; its first place is line {places[key][0]}"
                self.wrong("yaml.duplicate-key", text, _place(event), below)
                continue
            places[key] = _place(event)
            if value is not None:
                entries[key] = value
        line, column = _place(start)
        return Table(path=path, line=line, column=column, entries=entries, places=places)

    def _value(self, event: Event, events: Iterator[Event], path: str, depth: int, key: tuple[int, int]) -> Node | None:
        """A key's value. Nothing at all after the colon is placed at the key: its own mark is on some later line."""
        if isinstance(event, ScalarEvent) and event.value == "" and event.implicit[0] and event.anchor is None:
            self.wrong("yaml.empty", _EMPTY_TEXT, key, path)
            return None
        return self.node(event, events, path, depth + 1)

    def _key(self, event: Event, events: Iterator[Event], path: str, depth: int) -> str:
        key = self.node(event, events, path, depth + 1)
        if isinstance(key, Value) and isinstance(key.value, str):
            return key.value
        self.wrong("yaml.key", "a key must be a text; put it in quotes", _place(event), path)
        return f"?{event.start_mark.index}"

    def _scalar(self, event: ScalarEvent, path: str) -> str | int | bool | None:
        text = str(event.value)
        if not event.implicit[0]:  # in quotes, or a block
            return text
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if _WHOLE_NUMBER.fullmatch(text) and abs(int(text)) <= NUMBER_MAX:
            return int(text)
        if text in _EMPTY:
            self.wrong("yaml.empty", _EMPTY_TEXT, _place(event), path)
            return None
        if _OTHER_NUMBER.fullmatch(text):
            text = "only whole numbers are understood; put a text in quotes"
            self.wrong("yaml.number", text, _place(event), path)
            return None
        return text

    def wrong(self, code: str, text: str, place: tuple[int, int], path: str = "") -> None:
        """Note a finding. After very many there is no use in reading on."""
        line, column = place
        self.findings.append(Finding(code=code, text=text, file=self.file, path=path, line=line, column=column))
        if len(self.findings) >= FINDINGS_MAX:
            raise _StopReading


def _place(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def dump_source(table: Table) -> bytes:
    """A table that was read, with all its places, as JSON: for whoever needs it again soon."""
    return json.dumps(_dumped(table), separators=(",", ":")).encode()


def restore_source(data: bytes) -> Table | None:
    """What `dump_source` wrote; None when it is not that."""
    try:
        node = _restored(json.loads(data))
    except (ValueError, TypeError, IndexError):
        return None
    return node if isinstance(node, Table) else None


def _dumped(node: Node) -> list[Any]:
    place = [node.path, node.line, node.column]
    match node:
        case Value():
            return [*place, node.value]
        case Items():
            return [*place, [_dumped(item) for item in node.items]]
        case Table():
            return [*place, {key: [_dumped(value), *node.places[key]] for key, value in node.entries.items()}]


def _restored(dumped: list[Any]) -> Node:
    path, line, column, value = dumped
    if isinstance(value, list):
        return Items(path=path, line=line, column=column, items=tuple(_restored(item) for item in value))
    if isinstance(value, dict):
        entries = {key: _restored(entry[0]) for key, entry in value.items()}
        places = {key: (entry[1], entry[2]) for key, entry in value.items()}
        return Table(path=path, line=line, column=column, entries=entries, places=places)
    return Value(path=path, line=line, column=column, value=value)
