"""Schema: one set of schema documents, compiled from bytes in memory.

A set is compiled through one generated driver document that imports each namespace, never by what the root element's
document happens to import: code tables and augmentations come in by substitution group from documents that nothing
imports. Every location in the documents is replaced by the place of the document that the set has for that namespace,
and the resolver knows no other places, so that neither disk nor network is ever asked.

Two documents for one namespace are refused: libxml2 and xmlschema would both keep the first and say nothing.
Sources: niem.md section 1; XSD 1.0 part 1 section 4.2.
"""

import hashlib
import posixpath
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateway.document.names import XML, XS, join, niem_core_version, structures_version
from gateway.document.parse import Limits, parse
from gateway.document.path import line_of
from gateway.errors import Refused
from gateway.finding import Finding
from gateway.iepd.components import Components
from gateway.iepd.declarations import read_components
from gateway.iepd.refused import IepdRefused
from gateway.iepd.schema_wording import word_schema_error

# The largest published NIEM document (justice 6.0 and its code tables) has 9 MB and 150,000 elements.
SCHEMA_LIMITS = Limits(size_bytes_max=64 * 1024 * 1024, elements_max=2_000_000)

_DRIVER = "gateway:driver"
_IMPORT, _INCLUDE, _REDEFINE = join(XS, "import"), join(XS, "include"), join(XS, "redefine")
_LINKS = (_IMPORT, _INCLUDE, _REDEFINE)


class Schema:
    """A compiled set.

    documents   name to bytes, of the documents in use
    digest      "sha-256:<hex>" over names and bytes; the order they were given in does not matter
    namespaces  every target namespace
    structures  NIEM structures namespaces in the set, with NIEM's major version
    core        niem-core namespaces likewise
    prefixes    (prefix, namespace) as each document declares them
    """

    def __init__(self, documents: Mapping[str, bytes], roots: Mapping[str, "_Loaded"]) -> None:
        self.documents = dict(documents)
        self.digest = digest_of(documents)
        self.namespaces = tuple(sorted({each.namespace for each in roots.values()}))
        self.structures = _versions(self.namespaces, structures_version)
        self.core = _versions(self.namespaces, niem_core_version)
        self.components: Components = read_components(
            (each.root, namespace) for each in roots.values() for namespace in each.declares_for
        )
        self.prefixes = tuple(
            (prefix, uri) for each in roots.values() for prefix, uri in each.root.nsmap.items() if prefix
        )
        self._sources = {each.place: etree.tostring(each.placed) for each in roots.values()}
        self._sources[_DRIVER] = _driver(roots)
        self._of_thread = threading.local()

    @property
    def validator(self) -> etree.XMLSchema:
        """The compiled set of the calling thread: its error log belongs to whoever validates."""
        found: etree.XMLSchema | None = getattr(self._of_thread, "validator", None)
        if found is None:
            found = self._of_thread.validator = self.compile()
        return found

    def compile(self) -> etree.XMLSchema:
        """Compile anew. Raises lxml's XMLSchemaParseError; `compile_set` has made sure it does not."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
        parser.resolvers.add(_FromMemory(self._sources))
        return etree.XMLSchema(etree.fromstring(self._sources[_DRIVER], parser, base_url=_DRIVER))


def digest_of(documents: Mapping[str, bytes]) -> str:
    """ "sha-256:<hex>" of a set: SHA-256 over the sorted lines "<hex of the bytes>  <name>"."""
    lines = sorted(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in documents.items())
    return "sha-256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def compile_set(documents: Mapping[str, bytes], chosen: Iterable[str] | None = None) -> Schema:
    """The set of the chosen documents and all they import or include; of all documents when none are chosen.

    documents  by name: a path with "/" that relative locations are resolved against
    Raises `IepdRefused` with every finding.
    """
    loading = _Loading(documents)
    loading.load(tuple(documents) if chosen is None else tuple(chosen))
    if loading.findings:
        raise IepdRefused(loading.findings)
    loading.place()
    used = {name: documents[name] for name in loading.loaded}
    schema = Schema(used, loading.loaded)
    try:
        schema.validator  # noqa: B018 - compiled here, so that a broken set is refused at once
    except etree.XMLSchemaParseError as error:
        places = {each.place: each for each in loading.loaded.values()}
        raise IepdRefused(_compile_findings(error, places)) from error
    return schema


@dataclass(slots=True)
class _Loaded:
    """One document of a set while it is put together.

    place         the URL it has within the set
    placed        a copy of the tree with all locations replaced
    declares_for  its target namespace; those of its includers when it has none
    """

    name: str
    root: etree._Element
    namespace: str
    place: str
    placed: etree._Element
    declares_for: set[str]
    included: bool = False


class _Loading:
    """Finds the documents of a set and what is wrong with them."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._documents = documents
        self.loaded: dict[str, _Loaded] = {}
        self.findings: list[Finding] = []
        self._by_namespace: dict[str, str] = {}
        self._targets: dict[etree._Element, _Loaded] = {}
        self._broken: set[str] = set()
        self._unresolved: list[tuple[_Loaded, etree._Element, str]] = []

    def load(self, chosen: tuple[str, ...]) -> None:
        """Read the chosen documents, then what they need."""
        for name in chosen:
            if name not in self._documents:
                self._wrong("schema.missing-document", "there is no such schema document", name)
            else:
                self._read(name)
        waiting = list(self.loaded.values())
        while waiting:
            waiting.extend(self._follow(waiting.pop(0)))
        self._resolve_late()
        self._refuse_doubles()

    def place(self) -> None:
        """Replace each location by the place of the document it means."""
        for document in self.loaded.values():
            pairs = zip(document.root.iterchildren(*_LINKS), document.placed.iterchildren(*_LINKS), strict=True)
            for node, placed in pairs:
                target = self._targets.get(node)
                if target is not None:
                    placed.set("schemaLocation", target.place)
                elif "schemaLocation" in placed.attrib:
                    del placed.attrib["schemaLocation"]

    def _read(self, name: str) -> _Loaded | None:
        if name in self.loaded or name in self._broken:
            return self.loaded.get(name)
        try:
            root = parse(self._documents[name], SCHEMA_LIMITS).root
        except Refused as error:
            self._broken.add(name)
            self._wrong("schema.not-readable", error.text, name)
            return None
        if root.tag != join(XS, "schema"):
            self._broken.add(name)
            self._wrong("schema.not-a-schema", "the root element is not xs:schema", name, root)
            return None
        namespace = root.get("targetNamespace") or ""
        copy = etree.fromstring(etree.tostring(root))
        found = _Loaded(name, root, namespace, f"gateway:{len(self.loaded)}", copy, set())
        self.loaded[name] = found
        for node in root.iterchildren(_INCLUDE, _REDEFINE):
            part = self._include(found, node)
            if part is not None:
                self._targets[node] = part
        # The document that others are parts of stands for the namespace, in whatever order they are read.
        known = self._by_namespace.get(namespace)
        if known is None or (self.loaded[known].included and not found.included):
            self._by_namespace[namespace] = name
        return found

    def _follow(self, document: _Loaded) -> list[_Loaded]:
        """Read what a document imports; give what is new. What it includes is read with it."""
        before = set(self.loaded)
        for node in document.root.iterchildren(_IMPORT):
            target = self._import(document, node)
            if target is not None:
                self._targets[node] = target
        return [each for name, each in self.loaded.items() if name not in before]

    def _import(self, document: _Loaded, node: etree._Element) -> _Loaded | None:
        namespace = node.get("namespace") or ""
        named = self._at(document, node.get("schemaLocation"))
        known = self._by_namespace.get(namespace)
        if known is not None:
            if named is not None and named != known and self._is_another(named, known):
                text = f"the namespace {namespace} is imported from here, but the set has {known} for it"
                self._wrong("schema.two-documents", text, document.name, node)
            return self.loaded[known]
        if named is None:
            self._unresolved.append((document, node, namespace))
            return None
        target = self._read(named)
        if target is not None and target.namespace != namespace:
            text = f"imported for the namespace {namespace}, but {named} declares {target.namespace or 'none'}"
            self._wrong("schema.wrong-namespace", text, document.name, node)
        return target

    def _include(self, document: _Loaded, node: etree._Element) -> _Loaded | None:
        named = self._at(document, node.get("schemaLocation"))
        if named is None:
            self._wrong("schema.include-unresolved", "the included document is not there", document.name, node)
            return None
        target = self._read(named)
        if target is not None:
            if target.namespace not in {"", document.namespace}:
                text = f"{named} declares the namespace {target.namespace} and cannot be included here"
                self._wrong("schema.wrong-namespace", text, document.name, node)
            target.included = True
            target.declares_for.add(document.namespace)
        return target

    def _at(self, document: _Loaded, location: str | None) -> str | None:
        """Name of the document that a relative location means, None when there is none."""
        if not location:
            return None
        name = posixpath.normpath(posixpath.join(posixpath.dirname(document.name), location.strip()))
        return name if name in self._documents else None

    def _is_another(self, name: str, known: str) -> bool:
        """Whether the document is in truth a second one for the namespace, not a copy and not a part of the first."""
        if self._documents[name] == self._documents[known]:
            return False
        return not (name in self.loaded and self.loaded[name].included)

    def _uses(self, document: _Loaded, namespace: str) -> bool:
        """Whether anything in the document speaks of the namespace: many import what they never use."""
        prefixes = {prefix for prefix, uri in document.root.nsmap.items() if uri == namespace and prefix}
        names = ("ref", "type", "base", "itemType", "substitutionGroup", "memberTypes")
        return any(
            word.partition(":")[0] in prefixes
            for node in document.root.iter(etree.Element)
            for name in names
            for word in (node.get(name) or "").split()
            if ":" in word
        )

    def _resolve_late(self) -> None:
        """Imports that lead nowhere by themselves, for a namespace that another import has brought in."""
        for document, node, namespace in self._unresolved:
            known = self._by_namespace.get(namespace)
            if known is not None:
                self._targets[node] = self.loaded[known]
            elif namespace != XML and self._uses(document, namespace):
                text = f"no document of the set declares the namespace {namespace}"
                self._wrong("schema.import-unresolved", text, document.name, node)

    def _refuse_doubles(self) -> None:
        """Find namespaces that two documents declare, neither as a part of the other."""
        for name, document in self.loaded.items():
            if document.namespace or not document.included:
                document.declares_for.add(document.namespace)
            if document.included:
                continue
            first = next(
                each.name for each in self.loaded.values() if each.namespace == document.namespace and not each.included
            )
            if first != name:
                text = f"declares the namespace {document.namespace}, which {first} declares too; choose one of them"
                self._wrong("schema.two-documents", text, name, document.root)

    def _wrong(self, code: str, text: str, file: str, node: etree._Element | None = None) -> None:
        line = line_of(node) if node is not None else None
        self.findings.append(Finding(code=code, text=text, file=file, line=line))


class _FromMemory(etree.Resolver):
    """Serves the set's own documents; to anything else it gives nothing, and the compile fails."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._sources = sources

    def resolve(self, system_url: str, _public_id: str, *context: Any) -> Any:
        """The bytes of a document of the set."""
        if system_url not in self._sources:
            raise ValueError("a schema document outside the set was asked for")
        return self.resolve_string(self._sources[system_url], *context, base_url=system_url)


def _versions(namespaces: Iterable[str], version_of: Callable[[str], int | None]) -> dict[str, int]:
    return {each: found for each in namespaces if (found := version_of(each)) is not None}


def _driver(roots: Mapping[str, _Loaded]) -> bytes:
    # With a namespace of its own it may import documents that have none (XSD 1.0 part 1, 4.2.3).
    driver = etree.Element(join(XS, "schema"), nsmap={"xs": XS}, targetNamespace=_DRIVER)
    done: set[str] = set()
    for each in roots.values():
        if each.included or each.namespace in done:
            continue
        done.add(each.namespace)
        node = etree.SubElement(driver, _IMPORT, schemaLocation=each.place)
        if each.namespace:
            node.set("namespace", each.namespace)
    return etree.tostring(driver)


def _compile_findings(error: etree.XMLSchemaParseError, places: Mapping[str, _Loaded]) -> list[Finding]:
    findings = []
    for entry in error.error_log:
        document = places.get(str(entry.filename))
        if document is None:
            continue
        line = _line_before(document, entry.line)
        code, text = word_schema_error(entry, document.root, line)
        findings.append(Finding(code=code, text=text, file=document.name, line=line))
    return findings or [Finding(code="schema.not-usable", text="the schema set does not compile")]


def _line_before(document: _Loaded, line: int) -> int | None:
    """The line in the file as given, for a line of the copy: writing a start tag anew folds it into one line."""
    copy = etree.fromstring(etree.tostring(document.placed))
    pairs = zip(copy.iter(etree.Element), document.root.iter(etree.Element), strict=True)
    return next((line_of(original) for again, original in pairs if line_of(again) == line), None)
