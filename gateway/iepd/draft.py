"""Draft: a `fields.yaml` for a specification that has none, or has new places; every label in it is a proposal.

One line a field, so that an officer can read it, correct it, and see in a comparison what was changed.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from gateway.document.names import XML, XS, split
from gateway.document.parse import Document
from gateway.iepd.binding import type_mark
from gateway.iepd.catalog import Leaf, Steps, leaf_at, leaves, show_path
from gateway.iepd.checking import UNCLASSIFIED
from gateway.iepd.label import propose, stem_of, words_of
from gateway.iepd.labels import STEMS
from gateway.iepd.schema import Schema

if TYPE_CHECKING:
    from gateway.iepd.package import Iepd

_PREFIX = re.compile(r"[A-Za-z_][\w.\-]*")
_LOCAL = re.compile(r"[^\W\d][\w.\-]*")
_GENERIC = re.compile(
    r"(date|date time|year|identification id|measure \w+( value)?|measure value text|id|amount|range \w+ value"
    r"|base 64 binary object|binary \w+( \w+)?|telephone number full id|street full text|metadata|relationship metadata"
    r"|link metadata|sequence id|metadata ref)"
)
"""Names that say nothing without the name above them."""

_FORM = re.compile(r" (text|code|indicator|id|value)$")
"""Last word of a name that says in which form the value is written."""

DRAFT_HEAD = "# A draft: what each place of this specification holds, as far as names tell. Nothing of it is in force."
"""First of the comment lines above a draft."""

_TITLES = {
    "person given name": "first name",
    "person middle name": "middle name",
    "person sur name": "last name",
    "person name suffix": "suffix",
    "person full name": "full name",
    "person birth date": "date of birth",
    "person ssn identification": "social security number",
    "person state fingerprint identification": "state ID (SID)",
    "person fbi identification": "FBI number",
    "person afis identification": "fingerprint reference",
    "address city name": "city",
    "location city name": "city",
    "address postal code": "ZIP code",
    "location postal code": "ZIP code",
}
"""Officers' words for names that NIEM has made famous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a draft says of the exchange itself. schemas: the documents to load, as the folder names them; digest: of
    that schema set.
    """

    exchange: str
    title: str
    root: str
    schemas: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft and what is in it. labels: how many fields each known stem got."""

    text: bytes
    fields: int
    unclassified: int
    labels: Mapping[str, int]


def draft(naming: Naming, schema: Schema, samples: Iterable[Document]) -> Draft:
    """A `fields.yaml` with a proposal for every place of the schema set, and for each place that a sample uses.

    Nothing in it is confirmed: it can be loaded, and then everything is withheld.
    """
    used = {path for sample in samples if str(sample.root.tag) == naming.root for path in _used(sample)}
    found = _places(schema, naming.root, used)
    labels = propose(schema.components, naming.root, found)
    prefixes = _prefixes(schema, found, naming.root)
    names = _names(found, labels, set())
    counts = Counter(_stem(label) for label in labels.values())
    lines = [
        *_head(counts),
        f"exchange: {naming.exchange}",
        f"title: {json.dumps(naming.title, ensure_ascii=False)}",
        f"root: {show_path((naming.root,), prefixes)}",
        "namespaces:",
        *(
            f"  {prefix}: {json.dumps(uri)}"
            for uri, prefix in sorted(prefixes.items(), key=lambda each: each[1])
            if uri != XML
        ),
        "schemas:",
        *(f"  - {json.dumps(name)}" for name in naming.schemas),
        f"schema_set: {naming.digest}",
        "fields:",
        *_entries(found, used, lambda leaf: _line(leaf, labels[leaf.path], names[leaf.path], prefixes)),
    ]
    text = "\n".join(lines) + "\n"
    return Draft(text=text.encode(), fields=len(found), unclassified=counts[UNCLASSIFIED], labels=dict(counts))


def extend(text: bytes, iepd: "Iepd", samples: Iterable[Document]) -> Draft:
    """A catalog with a proposal added for every place that it does not name; all else in it stays as it is."""
    schema, root = iepd.schema, iepd.root
    declared = {field.path: field for field in (*iepd.catalog.fields, *iepd.catalog.proposed)}
    found = _places(schema, root, {path for sample in samples for path in _used(sample)})
    labels = propose(schema.components, root, found)
    new = [leaf for leaf in found if leaf.path not in declared and _is_sayable(leaf.path, iepd.prefixes)]
    taken = {field.name for field in declared.values()} | {field.label for field in declared.values()}
    names = _names(new, labels, taken)
    lines = [_line(leaf, labels[leaf.path], names[leaf.path], iepd.prefixes) for leaf in new]
    counts = Counter(_stem(labels[leaf.path]) for leaf in new)
    written = text.decode("utf-8-sig").split("\n")
    last = _last_entry(written)
    body = "\n".join([*written[: last + 1], *lines, *written[last + 1 :]])
    return Draft(text=body.encode(), fields=len(new), unclassified=counts[UNCLASSIFIED], labels=dict(counts))


def _is_sayable(path: Steps, prefixes: Mapping[str, str]) -> bool:
    return all(not (space := split(step.lstrip("@"))[0]) or space in prefixes for step in path)


def _last_entry(lines: list[str]) -> int:
    """Number of the last line of the list under `fields:`."""
    at = next(number for number, line in enumerate(lines) if line.startswith("fields:"))
    after = (number for number in range(at + 1, len(lines)) if lines[number][:1].strip() not in {"", "#", "-"})
    end = next(after, len(lines)) - 1
    while end > at and not lines[end].strip():
        end -= 1
    return end


def _stem(label: str) -> str:
    return stem_of(label) or label


def _head(counts: Mapping[str, int]) -> Iterator[str]:
    yield DRAFT_HEAD
    yield "# Read each line; correct the label where it is wrong; then remove 'confirmed: false' from the line, or"
    yield "# confirm the whole file: gateway iepd add FOLDER --confirm --as YOUR-NAME"
    yield f"# A field that is not confirmed is withheld from everyone; so is one with the label {UNCLASSIFIED}."
    for stem, count in sorted(counts.items()):
        yield f"#   {count:>6} {stem}: {STEMS.get(stem, 'No rule is sure what it is: give it a label, or leave it.')}"


def _line(leaf: Leaf, label: str, name: str, prefixes: Mapping[str, str]) -> str:
    path = show_path(leaf.path, prefixes)
    shown = json.dumps(path) if path.startswith("@") else path
    title = json.dumps(_title(leaf.path), ensure_ascii=False)
    mark = type_mark(leaf.value)
    return f"  - {{path: {shown}, field: {name}, label: {label}, title: {title}, type: {mark}, confirmed: false}}"


def _entries(found: Iterable[Leaf], used: Set[Steps], line: Callable[[Leaf], str]) -> Iterator[str]:
    """The fields in the order in which they are worth an officer's time."""
    groups: dict[str, list[Leaf]] = {"in the samples": [], "not in any sample": [], "attributes that only point": []}
    names = tuple(groups)
    for leaf in found:
        points = leaf.path[-1].startswith("@") and leaf.value.kind == "identity"
        groups[names[0 if leaf.path in used else 2 if points else 1]].append(leaf)
    for name, leaves_of in groups.items():
        if leaves_of:
            yield f"  # --- {name} ---"
            yield from map(line, leaves_of)


def _places(schema: Schema, root: str, used: Set[Steps]) -> tuple[Leaf, ...]:
    """Every leaf as far as the set unfolds, and below that those that the samples use.

    Left out is what `fields.yaml` has no words for: local elements without a namespace, which NIEM does not have.
    """
    unfolded = (leaf for leaf in leaves(schema.components, root) if not leaf.cut)
    found = {leaf.path: leaf for leaf in unfolded if all(map(_is_step, leaf.path))}
    for path in sorted(used - found.keys()):
        leaf = leaf_at(schema.components, root, path)
        if leaf is not None and all(map(_is_step, path)):
            found[path] = leaf
    return tuple(found.values())


def _is_step(step: str) -> bool:
    namespace, local = split(step.lstrip("@"))
    return _LOCAL.fullmatch(local) is not None and (namespace != "" or step.startswith("@"))


def _used(document: Document) -> Iterator[Steps]:
    """Every path of a message that holds something, attributes too; one path may come several times."""
    stack: list[tuple[etree._Element, Steps]] = [(document.root, ())]
    while stack:
        element, path = stack.pop()
        yield from ((*path, "@" + str(name)) for name in element.attrib)
        children = [child for child in element if isinstance(child.tag, str)]
        if not children:
            yield path
        stack.extend((child, (*path, str(child.tag))) for child in children)


# --- names ---


def _prefixes(schema: Schema, found: Iterable[Leaf], root: str) -> dict[str, str]:
    """A prefix for each namespace that paths speak of: the one that most schema documents use."""
    needed = {split(step.lstrip("@"))[0] for leaf in found for step in leaf.path} | {split(root)[0]}
    wishes: dict[str, Counter[str]] = {}
    for prefix, uri in schema.prefixes:
        if _PREFIX.fullmatch(prefix):
            wishes.setdefault(uri, Counter())[prefix] += 1
    chosen: dict[str, str] = {}
    for uri in sorted(needed - {"", XML, XS}):
        wanted = [prefix for prefix, _ in sorted(wishes.get(uri, Counter()).items(), key=lambda each: (-each[1], each))]
        free = (
            each for each in (*wanted, *(f"ns{number}" for number in range(1, 1000))) if each not in chosen.values()
        )
        chosen[uri] = next(free)
    return {**chosen, XML: "xml"}


def _names(found: Iterable[Leaf], labels: Mapping[Steps, str], taken: set[str]) -> dict[Steps, str]:
    """A field name for each place: its label and as many words of its path as tell it from the others."""
    taken = taken | set(labels.values())
    names: dict[Steps, str] = {}
    for leaf in found:
        name = next(each for each in _name_candidates(leaf.path, labels[leaf.path]) if each not in taken)
        taken.add(name)
        names[leaf.path] = name
    return names


def _name_candidates(path: Steps, label: str) -> Iterator[str]:
    words = [words_of(split(step.lstrip("@"))[1]).replace(" ", "-") or "x" for step in path]
    least = 2 if len(words) > 1 and _GENERIC.fullmatch(words[-1].replace("-", " ")) else 1
    for count in range(least, len(words) + 1):
        yield f"{label}.{'.'.join(_plain_word(word) for word in words[-count:])}"
    for number in range(2, 100_000):
        yield f"{label}.{_plain_word(words[-1])}.{number}"


def _plain_word(word: str) -> str:
    """A word as names of fields are written: letters and digits of ASCII."""
    return re.sub(r"[^a-z0-9]+", "-", word).strip("-") or "x"


def _title(path: Steps) -> str:
    """Officers' words for a place: "Booking subject, date of birth"."""
    words = [words_of(split(step.lstrip("@"))[1]) for step in path]
    own = len(words) - 1
    while own > 0 and _GENERIC.fullmatch(words[own]):
        own -= 1
    name = _shown(words[own])
    first = words[own].partition(" ")[0]
    above = next((each for each in reversed(words[:own]) if each.partition(" ")[0] != first and _tells(each)), "")
    tail = "" if own == len(words) - 1 or words[-1] in {"identification id", "id", "date"} else f", {_shown(words[-1])}"
    title = f"{above}, {name}{tail}" if above else f"{name}{tail}"
    return title[:1].upper() + title[1:]


def _tells(words: str) -> bool:
    return not words.endswith(" augmentation") and words not in {"role of person", "entity person", "report"}


def _shown(words: str) -> str:
    short = _FORM.sub("", words)
    return _TITLES.get(short) or _TITLES.get(words) or short
