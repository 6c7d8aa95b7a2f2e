"""Iepd: one exchange - its schema set, field catalog, facts and samples - checked when loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.document.expression import Binary, Call, Expression, Path, Union
from gateway.document.names import join
from gateway.document.parse import parse
from gateway.document.source import Table, dump_source, read_source, restore_source
from gateway.errors import Refused
from gateway.finding import Finding
from gateway.iepd.archive import pack, unpack
from gateway.iepd.catalog import Catalog, Field, Leaf, TooManyLeaves, leaves, show_path
from gateway.iepd.facts import Fact, FactTests
from gateway.iepd.fields import FILE, Declared, DeclaredPath, read_fields
from gateway.iepd.reference import References
from gateway.iepd.refused import IepdRefused
from gateway.iepd.schema import Schema, compile_set
from gateway.message import Action

__all__ = ["Iepd", "IepdRefused", "archive", "load", "load_archive"]

CATALOG_FILE = "iepd-catalog.xml"
SAMPLES = "samples/"
READ = "iepd/fields.json"
"""The catalog as it was read when the exchange was registered; only archives have it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Iepd:
    """One exchange, ready to use. Made by `load` only; two loads of the same files have the same digest.

    id             "custody-release/1.0"
    root           "{namespace}local" of the one root element
    namespaces     prefix to namespace, as paths are written in this exchange
    message_paths  "action", "earlier", "reason", "as_of" to steps below the root
    digest         of the schema set, "sha-256:<hex>"
    samples        file name to bytes
    files          everything: "iepd/..." the exchange's folder, "xsd/..." the schema documents from outside it
    """

    id: str
    title: str
    root: str
    namespaces: Mapping[str, str]
    schema: Schema
    catalog: Catalog
    facts: tuple[Fact, ...]
    message_paths: Mapping[str, tuple[str, ...]]
    digest: str
    samples: Mapping[str, bytes]
    files: Mapping[str, bytes]
    leaves: tuple[Leaf, ...]
    prefixes: Mapping[str, str]
    fact_tests: FactTests
    references: References

    def fact(self, name: str) -> Fact | None:
        """The fact of this name."""
        return self.fact_tests.facts.get(name)


def load(folder: Mapping[str, bytes], schemas: Mapping[str, bytes]) -> Iepd:
    """The exchange that a folder defines. Raises `IepdRefused` with every finding.

    folder   files by name relative to iepd/<name>/<version>/
    schemas  schema documents by name relative to xsd/
    """
    if FILE not in folder:
        raise IepdRefused([Finding(code="iepd.missing-file", text="an exchange needs this file", file=FILE)])
    source, findings = read_source(folder[FILE], FILE)
    if source is None:
        raise IepdRefused(findings)
    return _load(folder, schemas, source, findings)


def _load(
    folder: Mapping[str, bytes], schemas: Mapping[str, bytes], source: Table, reported: tuple[Finding, ...]
) -> Iepd:
    declared, wrong = read_fields(source)
    findings = [*reported, *wrong, *_check_catalog_file(folder)]
    if declared is None:
        raise IepdRefused(findings)
    own = f"iepd/{declared.exchange}/"
    documents = {own + name: data for name, data in folder.items() if name.endswith(".xsd")}
    documents |= {"xsd/" + name: data for name, data in schemas.items()}
    chosen, missing = _chosen(declared, own, documents)
    findings.extend(missing)
    try:
        schema = compile_set(documents, chosen)
    except IepdRefused as error:
        raise IepdRefused([*findings, *(_relative(each, own) for each in error.findings)]) from error
    checking = _Checking(declared, schema)
    findings.extend(checking.findings())
    if findings:
        raise IepdRefused(findings)
    return _made(declared, schema, checking, folder, own)


def _made(declared: Declared, schema: Schema, checking: "_Checking", folder: Mapping[str, bytes], own: str) -> Iepd:
    facts = tuple(fact for fact, _ in declared.facts)
    outside = {name: data for name, data in schema.documents.items() if not name.startswith(own)}
    return Iepd(
        id=declared.exchange,
        title=declared.title,
        root=declared.root,
        namespaces=declared.namespaces,
        schema=schema,
        catalog=Catalog(checking.fields()),
        facts=facts,
        message_paths={key: each.path for key, each in declared.message.items()},
        digest=schema.digest,
        samples={name.removeprefix(SAMPLES): data for name, data in folder.items() if _is_sample(name)},
        files={**{"iepd/" + name: data for name, data in folder.items()}, **outside},
        leaves=checking.leaves,
        prefixes={uri: prefix for prefix, uri in declared.namespaces.items()},
        fact_tests=FactTests(facts, declared.namespaces),
        references=References(schema),
    )


def _is_sample(name: str) -> bool:
    """Messages right below samples/; those in folders below it are made to be refused."""
    return name.startswith(SAMPLES) and name.endswith(".xml") and "/" not in name.removeprefix(SAMPLES)


def archive(iepd: Iepd) -> bytes:
    """Everything the exchange is made of as a zip; the same exchange always gives the same bytes.

    The field catalog is in it a second time, read: reading YAML takes longer than all the rest of loading, and every
    process of a deployment loads its exchanges from here.
    """
    source, _ = read_source(iepd.files["iepd/" + FILE], FILE)
    if source is None:
        raise ValueError("a loaded exchange has a catalog that can be read")
    return pack({**iepd.files, READ: dump_source(source)})


def load_archive(data: bytes) -> Iepd:
    """The exchange in a zip that `archive` made. Raises `IepdRefused`."""
    files = unpack(data)
    read = files.pop(READ, None)
    folder = {name.removeprefix("iepd/"): each for name, each in files.items() if name.startswith("iepd/")}
    schemas = {name.removeprefix("xsd/"): each for name, each in files.items() if name.startswith("xsd/")}
    source = restore_source(read) if read is not None else None
    return load(folder, schemas) if source is None else _load(folder, schemas, source, ())


def unclassified(iepd: Iepd) -> tuple[str, ...]:
    """Places that a message can hold a value in and that no field of the catalog names."""
    return tuple(show_path(leaf.path, iepd.prefixes) for leaf in iepd.leaves if iepd.catalog.find(leaf.path) is None)


def _check_catalog_file(folder: Mapping[str, bytes]) -> Iterator[Finding]:
    """The catalog is for other people's tools; here it only must be readable."""
    if CATALOG_FILE in folder:
        try:
            parse(folder[CATALOG_FILE])
        except Refused as error:
            yield Finding(code="iepd.catalog-not-readable", text=error.text, file=CATALOG_FILE)


def _chosen(
    declared: Declared, own: str, documents: Mapping[str, bytes]
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Names of the schema documents listed, and a finding for each that is not there."""
    chosen: list[str] = []
    findings: list[Finding] = []
    for each in declared.schemas:
        name = next((place for place in (f"{own}{each.value}", f"xsd/{each.value}") if place in documents), None)
        if name is None:
            text = f"there is no schema document {each.value}, neither in this folder nor below xsd/"
            findings.append(
                Finding(
                    code="fields.missing-schema",
                    text=text,
                    file=FILE,
                    path=each.path,
                    line=each.line,
                    column=each.column,
                )
            )
        elif name not in chosen:
            chosen.append(name)
    return tuple(chosen), tuple(findings)


def _relative(finding: Finding, own: str) -> Finding:
    """The finding with a file name as the folder knows it."""
    name = finding.file.removeprefix(own)
    return Finding(code=finding.code, text=finding.text, path=finding.path, line=finding.line, file=name)


class _Checking:
    """Holds what `fields.yaml` declares against the schema set."""

    def __init__(self, declared: Declared, schema: Schema) -> None:
        self._declared, self._schema = declared, schema
        self._open: Finding | None = None
        try:
            self.leaves = leaves(schema.components, declared.root)
        except TooManyLeaves:
            self.leaves = ()
            text = "the schema set can hold too many different places; cut it down to what the message uses"
            self._open = Finding(code="iepd.too-many-fields", text=text, file=FILE)
        self._by_path = {leaf.path: leaf for leaf in self.leaves}

    def fields(self) -> Iterator[Field]:
        """The catalog's fields."""
        for each in self._declared.fields:
            leaf = self._by_path[each.path]
            yield Field(
                path=each.path,
                text=each.text,
                name=each.name,
                label=each.label,
                title=each.title,
                value=leaf.value,
                required=leaf.required,
                repeatable=leaf.repeatable,
                nillable=leaf.nillable,
            )

    def findings(self) -> Iterator[Finding]:
        """What does not fit."""
        if self._open is not None:
            yield self._open
            return
        root = self._schema.components.elements.get(self._declared.root)
        if root is None or root.abstract:
            line, column = self._declared.root_place
            text = "the schema set declares no such element, or an abstract one"
            yield Finding(code="fields.unknown-root", text=text, file=FILE, path="root", line=line, column=column)
            return
        for each in self._declared.fields:
            if each.path not in self._by_path:
                yield _unknown(each.text, each.line, each.column)
        for path in self._declared.message.values():
            if path.path not in self._by_path:
                yield _unknown(path.text, path.line, path.column)
        yield from self._check_action()
        for fact, place in self._declared.facts:
            yield from self._check_fact(fact, place)

    def _check_action(self) -> Iterator[Finding]:
        """The schema must allow no action that the gateway does not know: `header.read` relies on it."""
        place = self._declared.message.get("action")
        leaf = self._by_path.get(place.path) if place is not None else None
        if place is None or leaf is None:
            return
        if leaf.value.enumeration is None or not set(leaf.value.enumeration) <= {action.value for action in Action}:
            text = f"the action must be an enumerated type of {', '.join(Action)}"
            yield Finding(
                code="fields.unknown-action",
                text=text,
                file=FILE,
                path=place.text,
                line=place.line,
                column=place.column,
            )

    def _check_fact(self, fact: Fact, place: DeclaredPath) -> Iterator[Finding]:
        if fact.each and not any(leaf.path[: len(fact.each)] == fact.each for leaf in self.leaves):
            yield _unknown(place.text, place.line, place.column)
        for name in sorted(_names(fact.test)):
            prefix, _, local = name.rpartition(":")
            qualified = join(self._declared.namespaces.get(prefix, ""), local)
            if qualified not in self._schema.components.elements and not self._is_attribute(qualified):
                text = f"the fact {fact.name!r} reads {name}, which the schema set does not declare"
                yield Finding(
                    code="fields.unknown-name", text=text, file=FILE, path="facts", line=place.line, column=place.column
                )

    def _is_attribute(self, name: str) -> bool:
        components = self._schema.components
        return name in components.attributes or any(
            name == attribute.name for each in components.types.values() for attribute in each.attributes
        )


def _unknown(text: str, line: int, column: int) -> Finding:
    return Finding(
        code="fields.unknown-path",
        text="the schema set has no such place below the root",
        file=FILE,
        path=text,
        line=line,
        column=column,
    )


def _names(test: Expression) -> Iterator[str]:
    """Element and attribute names that a test reads."""
    match test:
        case Path(steps):
            for step in steps:
                if not step.test.endswith(("*", ")")):
                    yield step.test
                for predicate in step.predicates:
                    yield from _names(predicate)
        case Union(paths):
            for path in paths:
                yield from _names(path)
        case Call(_, arguments):
            for argument in arguments:
                yield from _names(argument)
        case Binary(_, left, right):
            yield from _names(left)
            yield from _names(right)
