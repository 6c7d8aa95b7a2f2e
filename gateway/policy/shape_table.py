"""Shapes of lists and tables; `shape.py` has those of single values, and says what a shape is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.document.source import Items, Node, Table
from gateway.policy.reading import UNPRINTABLE, Reading
from gateway.policy.shape import Around, Json, Shape, Text, Titled, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list. once: nothing may stand in it twice."""

    item: Shape
    filled: bool = False
    once: bool = False

    def takes(self, node: Node) -> bool:
        return isinstance(node, Items)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        if not isinstance(node, Items):
            reading.wrong("wrong-type", "a list is expected here", node)
            return None
        if self.filled and not node.items:
            reading.wrong("empty-list", "this list must name at least one", node)
        kept: list[Node] = []
        seen: set[object] = set()
        for each in node.items:
            word = value_of(each)
            if self.once and word is not None and word in seen:
                reading.wrong("named-twice", f"{word!r} stands twice in this list", each)
                continue
            seen.add(word)
            item = self.item.conform(reading, each)
            if item is not None:
                kept.append(item)
        return replace(node, items=tuple(kept))

    def schema(self, around: Around, /) -> Json:
        found: Json = {"type": "array", "items": self.item.schema(around)}
        if self.filled:
            found["minItems"] = 1
        if self.once:
            found["uniqueItems"] = True
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A table whose keys the writer chooses: a word, and what it means; a field, and what is done with it."""

    key: Text
    value: Shape
    sort: str
    filled: bool = False

    def takes(self, node: Node) -> bool:
        return isinstance(node, Table)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        if not isinstance(node, Table):
            reading.wrong("wrong-type", f"a table is expected here: {self.sort}", node)
            return None
        if self.filled and not node.places:
            reading.wrong("empty-list", f"this table must have at least one line: {self.sort}", node)
        kept: dict[str, Node] = {}
        for key, below in node.entries.items():
            if (
                not key.strip()
                or UNPRINTABLE.search(key)
                or (self.key.form is not None and not self.key.form.fullmatch(key))
            ):
                hint = self.key.hint or "a key must not be blank, nor hold a control character"
                reading.wrong(self.key.code, hint, below, node.places[key])
                continue
            value = self.value.conform(reading, below)
            if value is not None:
                kept[key] = value
        return replace(node, entries=kept)

    def schema(self, around: Around, /) -> Json:
        value = self.value.schema(around)
        found: Json = {"type": "object"}
        known: Titled = getattr(around, self.key.place) if self.key.place else {}
        if known:
            # The value's schema once for all of them: a word has some 20 bytes this way, and 2,000 otherwise.
            found["properties"] = {word: {"description": title} for word, title in known.items()}
            found["propertyNames"] = {"enum": list(known)}
            found["patternProperties"] = {"": value}
        else:
            pattern = r"\S" if self.key.form is None else f"^(?:{self.key.form.pattern})$"
            found["propertyNames"] = {"pattern": pattern, "not": {"pattern": UNPRINTABLE.pattern}}
            found["additionalProperties"] = value
        if self.filled:
            found["minProperties"] = 1
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table.

    title    one line for whoever writes or reads an agreement
    example  as it stands in a file
    """

    name: str
    shape: Shape
    title: str
    example: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Keys that go together. every: all or none of them; else at least one of them must stand here."""

    keys: tuple[str, ...]
    every: bool
    code: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOf:
    """A table with these keys and no others."""

    keys: tuple[Key, ...]
    together: tuple[Together, ...] = ()

    def takes(self, node: Node) -> bool:
        return isinstance(node, Table)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        required = [key.name for key in self.keys if key.required]
        table = reading.table(node, required, [key.name for key in self.keys])
        if table is None:
            return None
        for each in self.together:
            self._together(reading, table, each)
        kept: dict[str, Node] = {}
        for key in self.keys:
            if key.name in table.entries:
                below = key.shape.conform(reading, table.entries[key.name])
                if below is not None:
                    kept[key.name] = below
        return replace(table, entries=kept)

    def _together(self, reading: Reading, table: Table, each: Together) -> None:
        present = [key for key in each.keys if key in table.places]
        if each.every and 0 < len(present) < len(each.keys):
            reading.wrong(each.code, each.hint, table.entries.get(present[0], table), table.places[present[0]])
        if not each.every and not present:
            reading.wrong(each.code, each.hint, table)

    def schema(self, around: Around, /) -> Json:
        found: Json = {
            "type": "object",
            "properties": {key.name: described(key, around) for key in self.keys},
            "additionalProperties": False,
        }
        required = [key.name for key in self.keys if key.required]
        if required:
            found["required"] = required
        if any(each.every for each in self.together):
            found["dependencies"] = {
                key: [other for other in each.keys if other != key]
                for each in self.together
                if each.every
                for key in each.keys
            }
        some = [{"anyOf": [{"required": [key]} for key in each.keys]} for each in self.together if not each.every]
        return {**found, "allOf": some} if some else found


def described(key: Key, around: Around) -> Json:
    """The key's value as JSON Schema, with the key's line as hover text."""
    return {"description": f"{key.title}\n\nExample: {key.example}", **key.shape.schema(around)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByWord:
    """A table whose other keys depend on the word under one key. absent: the word that counts when the key is not
    there, "" = it must be."""

    key: Key
    tables: Mapping[str, tuple[Key, ...]]
    absent: str = ""

    def takes(self, node: Node) -> bool:
        return isinstance(node, Table)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        if isinstance(node, Table) and self.key.name in node.entries:
            below = node.entries[self.key.name]
            if self.key.shape.conform(reading, below) is None:
                return None  # without the word nothing can be said of the other keys
            word = str(value_of(below))
        elif isinstance(node, Table) and not self.absent:
            reading.wrong("missing-key", f"the key {self.key.name!r} is missing here", node)
            return None
        else:
            word = self.absent or next(iter(self.tables))
        return self._table(word).conform(reading, node)

    def _table(self, word: str) -> TableOf:
        return TableOf(keys=(self.key, *self.tables[word]))

    def schema(self, around: Around, /) -> Json:
        # The first properties are for completion; the rest says which keys go with which word.
        properties: Json = {self.key.name: described(self.key, around)}
        for keys in self.tables.values():
            for each in keys:
                properties.setdefault(each.name, {"description": f"{each.title}\n\nExample: {each.example}"})
        cases: list[Json] = []
        for word in self.tables:
            condition: Json = {"properties": {self.key.name: {"const": word}}}
            if word != self.absent:
                condition["required"] = [self.key.name]
            cases.append({"if": condition, "then": self._table(word).schema(around)})
        found: Json = {"type": "object", "properties": properties, "allOf": cases}
        if not self.absent:
            found["required"] = [self.key.name]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """One of several sorts of value: a text or a table."""

    shapes: tuple[Shape, ...]
    hint: str

    def takes(self, node: Node) -> bool:
        return any(shape.takes(node) for shape in self.shapes)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        shape = next((shape for shape in self.shapes if shape.takes(node)), None)
        if shape is None:
            reading.wrong("wrong-type", self.hint, node)
            return None
        return shape.conform(reading, node)

    def schema(self, around: Around, /) -> Json:
        return {"anyOf": [shape.schema(around) for shape in self.shapes]}


def keys_of(shape: Shape, path: str = "") -> Iterable[tuple[str, Key]]:
    """Every key at and below a shape with its path, "exchanges[].fields.share", each path once, in order."""
    found: dict[str, Key] = {}
    for at, key in _keys(shape, path):
        found.setdefault(at, key)
    return found.items()


def _keys(shape: Shape, path: str) -> Iterable[tuple[str, Key]]:
    match shape:
        case TableOf():
            for key in shape.keys:
                yield from _key(key, path)
        case ByWord():
            yield from _key(shape.key, path)
            for keys in shape.tables.values():
                for key in keys:
                    yield from _key(key, path)
        case ListOf():
            yield from _keys(shape.item, f"{path}[]")
        case MapOf():
            yield from _keys(shape.value, f"{path}.*")
        case OneOf():
            for each in shape.shapes:
                yield from _keys(each, path)


def _key(key: Key, path: str) -> Iterable[tuple[str, Key]]:
    at = f"{path}.{key.name}" if path else key.name
    yield at, key
    yield from _keys(key.shape, at)
