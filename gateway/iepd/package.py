"""Iepd: one exchange - its schema set, field catalog, facts and samples - checked when loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.document.names import XML
from gateway.document.parse import parse
from gateway.document.source import Table, dump_source, read_source, restore_source
from gateway.errors import Refused
from gateway.finding import Finding, Severity, errors
from gateway.iepd.archive import pack, unpack
from gateway.iepd.catalog import Catalog, Leaf, show_path
from gateway.iepd.checking import Checking
from gateway.iepd.facts import Fact, FactTests
from gateway.iepd.fields import FILE, SIZE_BYTES_MAX, Declared, read_fields
from gateway.iepd.reference import References
from gateway.iepd.refused import IepdRefused
from gateway.iepd.schema import Schema, compile_set, digest_of

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
    edition        digest of everything the exchange is made of: it changes with a label as with a schema
    samples        file name to bytes
    files          everything: "iepd/..." the exchange's folder, "xsd/..." the schema documents from outside it
    leaves         every place that can hold a value, as far as the set unfolds; the fields' own places always
    warnings       what an officer should look at: a catalog confirmed for another schema set, fields not confirmed
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
    edition: str
    warnings: tuple[Finding, ...] = ()

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
    source, findings = read_source(folder[FILE], FILE, size_bytes_max=SIZE_BYTES_MAX)
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
    checking = Checking(declared, schema)
    findings.extend(checking.findings())
    if errors(findings):
        raise IepdRefused(findings)
    return _made(declared, schema, checking, folder, tuple(findings))


def _made(
    declared: Declared,
    schema: Schema,
    checking: Checking,
    folder: Mapping[str, bytes],
    warnings: tuple[Finding, ...],
) -> Iepd:
    own = f"iepd/{declared.exchange}/"
    outside = {name: data for name, data in schema.documents.items() if not name.startswith(own)}
    samples, files, edition = _folder(folder, outside)
    facts = tuple(fact for fact, _ in declared.facts)
    return Iepd(
        id=declared.exchange,
        title=declared.title,
        root=declared.root,
        namespaces=declared.namespaces,
        schema=schema,
        catalog=Catalog(checking.confirmed, checking.proposed),
        facts=facts,
        message_paths={key: each.path for key, each in declared.message.items()},
        digest=schema.digest,
        samples=samples,
        files=files,
        edition=edition,
        leaves=checking.leaves,
        prefixes={XML: "xml", **{uri: prefix for prefix, uri in declared.namespaces.items()}},
        fact_tests=FactTests(facts, declared.namespaces, tuple(schema.structures)),
        references=References(schema),
        warnings=warnings,
    )


def _folder(
    folder: Mapping[str, bytes], outside: Mapping[str, bytes]
) -> tuple[Mapping[str, bytes], Mapping[str, bytes], str]:
    """Samples, all files, and the digest of them."""
    samples = {name.removeprefix(SAMPLES): data for name, data in folder.items() if _is_sample(name)}
    files = {**{"iepd/" + name: data for name, data in folder.items()}, **outside}
    return samples, files, digest_of(files)


def with_folder(iepd: Iepd, folder: Mapping[str, bytes]) -> Iepd:
    """The exchange with these files for its folder; catalog and schema documents must be the same."""
    outside = {name: data for name, data in iepd.files.items() if name.startswith("xsd/")}
    samples, files, edition = _folder(folder, outside)
    return replace(iepd, samples=samples, files=files, edition=edition)


def _is_sample(name: str) -> bool:
    """Messages right below samples/; those in folders below it are made to be refused."""
    return name.startswith(SAMPLES) and name.endswith(".xml") and "/" not in name.removeprefix(SAMPLES)


def archive(iepd: Iepd) -> bytes:
    """Everything the exchange is made of as a zip; the same exchange always gives the same bytes.

    The field catalog is in it a second time, read: reading YAML takes longer than all the rest of loading, and every
    process of a deployment loads its exchanges from here.
    """
    source, _ = read_source(iepd.files["iepd/" + FILE], FILE, size_bytes_max=SIZE_BYTES_MAX)
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


def unclassified(iepd: Iepd, *, cut: bool = True) -> tuple[str, ...]:
    """Places that a message can hold a value in and that no field of the catalog names. `cut`: those too at which the
    walk over the schema set ended, and which no field can name."""
    places = (leaf for leaf in iepd.leaves if iepd.catalog.find(leaf.path) is None and (cut or not leaf.cut))
    return tuple(show_path(leaf.path, iepd.prefixes) for leaf in places)


def _check_catalog_file(folder: Mapping[str, bytes]) -> Iterator[Finding]:
    """The catalog is for other people's tools, and often stale: when it cannot be read, somebody should look."""
    if CATALOG_FILE in folder:
        try:
            parse(folder[CATALOG_FILE])
        except Refused as error:
            code = "iepd.catalog-not-readable"
            yield Finding(code=code, text=error.text, file=CATALOG_FILE, severity=Severity.WARNING)


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
