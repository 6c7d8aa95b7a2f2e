"""The real message specifications of ../shared/niem/samples as exchanges, every field confirmed.

Each folder there gives one exchange under the folder's name; a folder with several root elements, or with two
documents for one namespace, gives more: "ojbc-incident-search-results+IncidentPersonSearchResults". Labels are
other.*: what is shared and what is withheld is for the tests to choose. A specification that cannot be registered is
not among them; `test_specifications` says which and why.
"""

import csv
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.document.names import split
from gateway.document.source import Items, Table, Value, dump_source
from gateway.iepd.archive import pack
from gateway.iepd.catalog import Leaf, leaves, show_path
from gateway.iepd.package import READ, Iepd, load_archive
from gateway.iepd.schema import Schema, compile_set

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "niem" / "samples"

BROKEN = {
    "ojbc-prosecution-decision-reporting": "its content model is ambiguous",
    "crash-driver-training-6.0": "it comes without the NIEM release that it stands on",
}
"""Folders that give no exchange, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One exchange as `cases.csv` describes it.

    schemas   documents to load, by name relative to the folder; what they import comes with them
    messages  valid ones, relative to the folder
    """

    folder: str
    root: str
    schemas: tuple[str, ...]
    messages: tuple[str, ...]


def specifications() -> list[str]:
    """Names of all exchanges, in the order of `cases.csv`; empty where the samples are not there."""
    return list(_cases())


def messages(name: str) -> list[Path]:
    """The valid sample messages of an exchange."""
    case = _cases()[name]
    return [SAMPLES / case.folder / each for each in case.messages]


@functools.cache
def specification(name: str) -> Iepd:
    """The exchange, every field in its catalog."""
    case = _cases()[name]
    exchange = re.sub(r"[^a-z0-9]+", "-", name.lower()) + "/1.0"
    documents = _documents(case.folder)
    schema = compile_set(documents, case.schemas)
    found = leaves(schema.components, case.root)
    source = _source(exchange, case, schema, found)
    used = {f"xsd/{each}": data for each, data in schema.documents.items()}
    return load_archive(pack({**used, "iepd/fields.yaml": _yaml(source), READ: dump_source(source)}))


@functools.cache
def _cases() -> dict[str, Case]:
    table = SAMPLES / "cases.csv"
    if not table.is_file():
        return {}
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["case"] not in BROKEN]
    grouped: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in rows:
        other = row["other_schemas_to_add"]
        # Two documents for one namespace: each is an exchange of its own.
        alternative = other if row["case"] == "superhero-augmentation" else ""
        grouped.setdefault((row["case"], row["root_element"], alternative), []).append(row)
    found: dict[str, Case] = {}
    for (folder, root, alternative), group in grouped.items():
        more = split(root)[1] + (Path(alternative).stem[-1:] if alternative else "")
        name = folder if folder not in found else f"{folder}+{more}"
        schemas = [row["root_schema"] for row in group] + [row["other_schemas_to_add"] for row in group]
        found[name] = Case(
            folder=folder,
            root=root,
            schemas=tuple(dict.fromkeys(each for each in schemas if each)),
            messages=tuple(row["instance"] for row in group if row["lxml"] == "valid"),
        )
    return found


def _documents(folder: str) -> dict[str, bytes]:
    top = SAMPLES / folder
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*.xsd") if path.is_file()}


def _source(exchange: str, case: Case, schema: Schema, found: tuple[Leaf, ...]) -> Table:
    """`fields.yaml` as it is read: thousands of fields would take a YAML reader seconds."""
    namespaces = sorted({split(step.lstrip("@"))[0] for leaf in found for step in leaf.path} | {split(case.root)[0]})
    prefixes = {uri: f"n{number}" for number, uri in enumerate(namespaces, start=1) if uri}
    names = _names(found)
    return _table(
        {
            "exchange": _value(exchange),
            "title": _value(case.folder),
            "root": _value(show_path((case.root,), prefixes)),
            "namespaces": _table({prefix: _value(uri) for uri, prefix in prefixes.items()}),
            "schemas": _items([_value(each) for each in case.schemas]),
            "fields": _items(
                [
                    _table(
                        {
                            "path": _value(show_path(leaf.path, prefixes)),
                            "field": _value(name),
                            "label": _value(_label(leaf)),
                            "title": _value(name),
                        },
                        line,
                    )
                    for line, (leaf, name) in enumerate(zip(found, names, strict=True), start=10)
                ]
            ),
        }
    )


def _label(leaf: Leaf) -> str:
    return f"other.{_word(leaf)}"


def _names(found: tuple[Leaf, ...]) -> Iterator[str]:
    for number, leaf in enumerate(found, start=1):
        yield f"{_word(leaf)}.f{number}"


def _word(leaf: Leaf) -> str:
    local = split(leaf.path[-1].lstrip("@"))[1]
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", local)
    return "f-" + "-".join(words).lower()


def _value(text: str) -> Value:
    return Value(path="", line=1, column=1, value=text)


def _items(items: list[Value] | list[Table]) -> Items:
    return Items(path="", line=1, column=1, items=tuple(items))


def _table(entries: dict[str, Value | Items | Table], line: int = 1) -> Table:
    return Table(path="", line=line, column=1, entries=entries, places=dict.fromkeys(entries, (line, 1)))


def _yaml(source: Table) -> bytes:
    """The same for people: JSON is YAML."""

    def plain(node: Value | Items | Table) -> object:
        if isinstance(node, Value):
            return node.value
        if isinstance(node, Items):
            return [plain(each) for each in node.items]
        return {key: plain(each) for key, each in node.entries.items()}

    return json.dumps(plain(source), indent=1).encode()
