"""Reading `fields.yaml`: what an exchange is called, its schema documents, its fields, its facts.

Strict, and everything wrong is told at once, each with file, line and column. What is read here has yet to be held
against the schema set: `package` does that.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from gateway.document.expression import Expression, ExpressionRefused, is_prefix, parse_expression
from gateway.document.names import XML, join
from gateway.document.source import Items, Node, Table, Value
from gateway.finding import Finding
from gateway.iepd.facts import Fact, FactKind, compiled_text

FILE = "fields.yaml"

SIZE_BYTES_MAX = 16 * 1024 * 1024
"""Of a field catalog: 20,000 fields (`catalog.LEAVES_MAX`) with long paths are 8 MB."""

EXCHANGE_ID = re.compile(r"(?=.{3,100}\Z)[a-z][a-z0-9]*(?:-[a-z0-9]+)*/[0-9]+(?:\.[0-9]+)*")
_DIGEST = re.compile(r"sha-256:[0-9a-f]{64}")
_WORD = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredField:
    """One entry under `fields`, with its place in the file.

    type       mark of the type it was confirmed with (`binding.type_mark`), "" when the file does not say
    confirmed  False for a proposal that no officer has looked at
    """

    path: tuple[str, ...]
    text: str
    name: str
    label: str
    title: str
    line: int
    column: int
    type: str = ""
    confirmed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPath:
    """A path under `message`, or a fact's `each`."""

    path: tuple[str, ...]
    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A whole `fields.yaml`.

    schemas     names as written: of the exchange's own folder, or below xsd/
    message     "action", "earlier", "reason", "as_of" to their paths
    facts       with the place of each
    schema_set  digest of the schema set the fields were confirmed for, "" when the file does not say
    """

    exchange: str
    title: str
    root: str
    namespaces: Mapping[str, str]
    schemas: tuple[Value, ...]
    message: Mapping[str, DeclaredPath]
    fields: tuple[DeclaredField, ...]
    facts: tuple[tuple[Fact, DeclaredPath], ...]
    root_place: tuple[int, int] = (1, 1)
    schema_set: str = ""


def read_fields(source: Table) -> tuple[Declared | None, tuple[Finding, ...]]:
    """What the file declares, and everything wrong with it. None when there is no use in going on."""
    reading = _Reading([])
    declared = reading.declared(source)
    return declared, tuple(reading.findings)


class _Reading:
    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self._namespaces: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def declared(self, root: Table) -> Declared | None:
        """The whole file."""
        needed = ("exchange", "title", "root", "namespaces", "schemas", "fields")
        self._keys(root, needed, ("message", "facts", "schema_set"))
        self._namespaces = self._read_namespaces(root.entries.get("namespaces"))
        self._known = {**self._namespaces, "xml": XML}  # which no document declares
        exchange = self._text(root, "exchange", EXCHANGE_ID, 'a name and a version, "custody-release/1.0"')
        root_path = self._path(root.entries.get("root"), steps=1)
        schemas = tuple(self._texts(root.entries.get("schemas")))
        if not schemas and "schemas" in root.entries:
            self._wrong("fields.empty-list", "at least one schema document must be named", root.entries["schemas"])
        declared = Declared(
            exchange=exchange,
            title=self._text(root, "title"),
            root=root_path.path[0] if root_path is not None else "",
            namespaces=self._namespaces,
            schemas=schemas,
            message=self._read_message(root.entries.get("message")),
            fields=tuple(self._each(root.entries.get("fields"), self._field)),
            facts=tuple(self._each(root.entries.get("facts"), self._fact)),
            root_place=(root_path.line, root_path.column) if root_path is not None else (1, 1),
            schema_set=self._text(root, "schema_set", _DIGEST, '"sha-256:" and 64 hexadecimal digits'),
        )
        self._refuse_repeats(declared)
        return declared if declared.exchange and declared.root and schemas else None

    def _read_namespaces(self, node: Node | None) -> dict[str, str]:
        found: dict[str, str] = {}
        if not isinstance(node, Table):
            if node is not None:
                self._wrong("fields.wrong-type", "prefixes and their namespaces are expected here", node)
            return found
        for prefix in node.entries:
            place = node.places[prefix]
            if not is_prefix(prefix):
                self._wrong("fields.bad-prefix", "this cannot be a namespace prefix", node, place)
                continue
            uri = self._text(node, prefix)
            if uri in found.values():
                self._wrong("fields.duplicate-namespace", "this namespace has two prefixes", node, place)
            found[prefix] = uri
        return found

    def _read_message(self, node: Node | None) -> dict[str, DeclaredPath]:
        if not isinstance(node, Table):
            if node is not None:
                self._wrong("fields.wrong-type", "a table of keys and paths is expected here", node)
            return {}
        known = ("action", "earlier", "reason", "as_of")
        self._keys(node, (), known)
        paths = {key: self._path(node.entries[key]) for key in known if key in node.entries}
        return {key: path for key, path in paths.items() if path is not None}

    def _field(self, node: Table) -> DeclaredField | None:
        self._keys(node, ("path", "field", "label", "title"), ("type", "confirmed"))
        path = self._path(node.entries.get("path"))
        name = self._text(node, "field", _WORD, "lower case words joined by dots and hyphens")
        label = self._text(node, "label", _WORD, "lower case words joined by dots and hyphens")
        title = self._text(node, "title")
        if path is None or not name or not label:
            return None
        return DeclaredField(
            path=path.path,
            text=path.text,
            name=name,
            label=label,
            title=title,
            line=node.line,
            column=node.column,
            type=self._text(node, "type"),
            confirmed=self._confirmed(node.entries.get("confirmed")),
        )

    def _confirmed(self, node: Node | None) -> bool:
        """Only a plain false makes a proposal; what cannot be read is a finding, and no confirmation either."""
        if node is None:
            return True
        if isinstance(node, Value) and isinstance(node.value, bool):
            return node.value
        self._wrong("fields.wrong-type", "true or false is expected here", node)
        return False

    def _fact(self, node: Table) -> tuple[Fact, DeclaredPath] | None:
        self._keys(node, ("fact", "title", "each", "test", "kind", "missing"), ())
        name = self._text(node, "fact", _WORD, "lower case words joined by dots and hyphens")
        each = self._each_path(node.entries.get("each"))
        test = self._expression(node.entries.get("test"))
        word = self._text(node, "kind")
        missing = self._missing(node, word)
        if word and word not in list(FactKind):
            self._wrong("fields.wrong-value", "one of boolean, text, date is expected here", node.entries["kind"])
        if not name or each is None or test is None or word not in list(FactKind) or missing is None:
            return None
        title = self._text(node, "title")
        fact = Fact(name=name, title=title, each=each.path, test=test, kind=FactKind(word), missing=missing)
        try:
            compiled_text(fact)
        except ExpressionRefused as error:
            self._wrong("fields.bad-expression", error.text, node.entries["test"])
        return fact, each

    def _missing(self, node: Table, kind: str) -> bool | str | None:
        """The strict answer: true or false for a boolean, a text (it may be "") for the others."""
        value = node.entries.get("missing")
        if not isinstance(value, Value) or (isinstance(value.value, int) and not isinstance(value.value, bool)):
            if value is not None:
                self._wrong("fields.wrong-type", "the strict answer is true, false or a text", value)
            return None
        if isinstance(value.value, bool) != (kind == FactKind.BOOLEAN):
            text = "the strict answer of a boolean is true or false, of the others a text"
            self._wrong("fields.wrong-type", text, value)
            return None
        return value.value if isinstance(value.value, bool | str) else None

    def _expression(self, node: Node | None) -> Expression | None:
        text = self._text_of(node) if node is not None else ""
        if not text or node is None:
            return None
        try:
            return parse_expression(text, self._namespaces)
        except ExpressionRefused as error:
            self._wrong("fields.bad-expression", error.text, node)
            return None

    def _each_path(self, node: Node | None) -> DeclaredPath | None:
        if isinstance(node, Value) and node.value == ".":
            return DeclaredPath(path=(), text=".", line=node.line, column=node.column)
        found = self._path(node)
        if found is not None and found.path[-1].startswith("@"):
            self._wrong("fields.bad-path", "a fact is asked of elements, not of attributes", node)
            return None
        return found

    def _path(self, node: Node | None, steps: int | None = None) -> DeclaredPath | None:
        """A path of child steps, an attribute at most as the last one."""
        text = self._text_of(node) if node is not None else ""
        if not text or node is None:
            return None
        parts = text.split("/")
        found = [self._step(part, node, last=number == len(parts)) for number, part in enumerate(parts, start=1)]
        if steps is not None and len(parts) != steps:
            self._wrong("fields.bad-path", "one name with its prefix is expected here", node)
            return None
        path = tuple(step for step in found if step is not None)
        if len(path) < len(parts):
            return None
        return DeclaredPath(path=path, text=text, line=node.line, column=node.column)

    def _step(self, text: str, node: Node, *, last: bool) -> str | None:
        sign, name = ("@", text[1:]) if text.startswith("@") and last else ("", text)
        prefix, colon, local = name.rpartition(":")
        if not re.fullmatch(r"[^\W\d][\w.\-]*", local) or (not colon and not sign):
            self._wrong("fields.bad-path", f"{text!r} is not a step: a path is names with prefixes and /", node)
            return None
        if colon and prefix not in self._known:
            self._wrong("fields.unknown-prefix", f"the prefix {prefix} is not under namespaces", node)
            return None
        return sign + join(self._known[prefix] if colon else "", local)

    def _refuse_repeats(self, declared: Declared) -> None:
        """One entry for a path, one path for a name, and no name that is the label of other fields."""
        paths: dict[tuple[str, ...], int] = {}
        names: dict[str, int] = {}
        labels = {field.label for field in declared.fields}
        for field in declared.fields:
            for what, first in (
                ("path", paths.setdefault(field.path, field.line)),
                ("field", names.setdefault(field.name, field.line)),
            ):
                if first != field.line:
                    text = f"this {what} is in line {first} already"
                    self._at("fields.duplicate", text, field.text, field.line, field.column)
            if field.name in labels and field.label != field.name:
                text = f"the field's name {field.name!r} is the label of other fields"
                self._at("fields.ambiguous-name", text, field.text, field.line, field.column)
        facts: set[str] = set()
        for fact, place in declared.facts:
            if fact.name in facts:
                self._at("fields.duplicate", f"there are two facts {fact.name!r}", "facts", place.line, place.column)
            facts.add(fact.name)

    # --- values ---

    def _keys(self, table: Table, required: Iterable[str], optional: Iterable[str]) -> None:
        needed = tuple(required)
        known = {*needed, *optional}
        for key, place in table.places.items():
            if key not in known:
                close = get_close_matches(key, sorted(known), n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                self._wrong("fields.unknown-key", f"the key {key!r} is not known here{hint}", table, place)
        for key in needed:
            if key not in table.places:
                self._wrong("fields.missing-key", f"the key {key!r} is missing here", table)

    def _text(self, table: Table, key: str, form: re.Pattern[str] | None = None, words: str = "") -> str:
        node = table.entries.get(key)
        text = self._text_of(node) if node is not None else ""
        if text and node is not None and form is not None and not form.fullmatch(text):
            self._wrong("fields.wrong-value", f"expected here: {words}", node)
            return ""
        return text

    def _text_of(self, node: Node) -> str:
        if not isinstance(node, Value) or not isinstance(node.value, str) or not node.value.strip():
            self._wrong("fields.wrong-type", "a text is expected here; put a number or true/false in quotes", node)
            return ""
        return node.value.strip()

    def _texts(self, node: Node | None) -> Iterable[Value]:
        if isinstance(node, Items):
            for item in node.items:
                if self._text_of(item) and isinstance(item, Value):
                    yield item
        elif node is not None:
            self._wrong("fields.wrong-type", "a list is expected here", node)

    def _each(self, node: Node | None, read: Callable[[Table], _T | None]) -> Iterable[_T]:
        if node is not None and not isinstance(node, Items):
            self._wrong("fields.wrong-type", "a list is expected here", node)
        for item in node.items if isinstance(node, Items) else ():
            if not isinstance(item, Table):
                self._wrong("fields.wrong-type", "a table of keys and values is expected here", item)
            elif (found := read(item)) is not None:
                yield found

    def _wrong(self, code: str, text: str, node: Node | None, place: tuple[int, int] | None = None) -> None:
        line, column = place or ((node.line, node.column) if node is not None else (1, 1))
        self._at(code, text, node.path if node is not None else "", line, column)

    def _at(self, code: str, text: str, path: str, line: int, column: int) -> None:
        self.findings.append(Finding(code=code, text=text, file=FILE, path=path, line=line, column=column))
