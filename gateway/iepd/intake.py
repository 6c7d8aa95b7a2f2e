"""Intake: any message specification, as its publisher laid it out, to the files of an exchange.

Nothing about the layout is relied on: schema documents are all files *.xsd, sample messages all XML files with the
exchange's root element, and the catalog file is a hint - most published packages have none, or a stale one.
All schema documents are loaded together; where that cannot be, the finding names the files and one is left out by name.
Source: niem.md sections 1 and 4.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lxml import etree

from gateway.document.names import join, split
from gateway.document.parse import Document, parse
from gateway.errors import Refused
from gateway.finding import Finding, Severity
from gateway.iepd.archive import check_files, is_name
from gateway.iepd.draft import Draft, Naming, draft, extend
from gateway.iepd.fields import EXCHANGE_ID, FILE
from gateway.iepd.label import words_of
from gateway.iepd.package import SAMPLES, Iepd, load, with_folder
from gateway.iepd.refused import IepdRefused
from gateway.iepd.schema import Schema, compile_set, digest_of
from gateway.iepd.validate import validate

CATALOG_FILES = ("iepd-catalog.xml", "mpd-catalog.xml", "catalog.xml")
_KEPT = (".xsd", ".xml", ".yaml", ".yml", ".md", ".txt", ".csv", ".sch", ".gc")
_ROOTS_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the operator said. root: a name, with namespace or prefix or bare; without: files or folders left out."""

    root: str = ""
    id: str = ""
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A specification taken in.

    iepd     the exchange; of a draft, everything in it waits for an officer
    draft    the `fields.yaml` that was written for it, None when the folder has one
    samples  each sample message with the findings on it
    """

    iepd: Iepd
    draft: Draft | None
    samples: Mapping[str, tuple[Finding, ...]]


def take_in(files: Mapping[str, bytes], name: str, wanted: Wanted, schemas: Mapping[str, bytes]) -> Intake:
    """The exchange that a specification's files define. Raises `IepdRefused` with every finding.

    files    by name relative to the specification's folder
    name     of that folder or zip, for want of a better id
    schemas  documents below xsd/ that a `fields.yaml` may name besides those of its folder
    """
    kept = _kept(files, wanted.without)
    messages = _messages(kept)
    written: Draft | None = None
    if FILE not in kept:
        written = _drafted(kept, messages, name, wanted)
        kept[FILE] = written.text
    iepd = load(kept, schemas)
    _agree(iepd, wanted)
    iepd = with_folder(iepd, _arranged(kept, messages, iepd.root))
    check_files(iepd.files)
    return Intake(iepd=iepd, draft=written, samples={each: _judged(data, iepd) for each, data in iepd.samples.items()})


def _drafted(kept: Mapping[str, bytes], messages: Mapping[str, Document], name: str, wanted: Wanted) -> Draft:
    """A catalog for a specification that has none. Its schema set is let go before the exchange's own is made."""
    hint = _hint(kept)
    schema, root = _rooted(kept, messages, hint, wanted)
    if not split(root)[0]:
        raise _refused(
            "iepd.no-namespace", "the root element has no namespace: a message could not be told from others"
        )
    exchange = wanted.id or _id(name, hint, root, several=bool(wanted.root))
    if not EXCHANGE_ID.fullmatch(exchange):
        raise _refused("iepd.bad-id", f'{exchange!r} is no id: a name and a version, "custody-release/1.0"; use --id')
    naming = Naming(
        exchange=exchange,
        title=_title(hint, root),
        root=root,
        schemas=tuple(sorted(schema.documents)),
        # The names under which the exchange will have them are part of the digest.
        digest=digest_of({f"iepd/{exchange}/{each}": data for each, data in schema.documents.items()}),
    )
    return draft(naming, schema, messages.values())


def updated(intake: Intake) -> Draft:
    """The intake's `fields.yaml` with a proposal for every place that it does not name yet."""
    samples = [found for data in intake.iepd.samples.values() if (found := _parsed(data)) is not None]
    return extend(intake.iepd.files["iepd/" + FILE], intake.iepd, samples)


# --- files ---


def _kept(files: Mapping[str, bytes], without: Iterable[str]) -> dict[str, bytes]:
    """What an exchange is made of. Raises for a file to be left out that is not there, and for unusable names."""
    left_out: set[str] = set()
    for each in without:
        place = posixpath.normpath(each)
        found = {name for name in files if name == place or name.startswith(place + "/")}
        if not found:
            raise _refused("iepd.no-such-file", f"{each} is to be left out, but the specification has no such file")
        left_out |= found
    kept = {name: data for name, data in files.items() if name not in left_out and name.lower().endswith(_KEPT)}
    wrong = [name for name in kept if not is_name(name)]
    if any(name.endswith(".xsd") for name in wrong):
        text = "a schema document's name has characters that no archive should have: rename it"
        raise IepdRefused(Finding(code="iepd.bad-name", text=text, file=name) for name in wrong)
    return {name: data for name, data in kept.items() if name not in wrong}


def _messages(files: Mapping[str, bytes]) -> dict[str, Document]:
    """Every XML file that can be read as a message, whatever its root; those made to be refused are left out."""
    found = {}
    for name, data in files.items():
        inside = name.removeprefix(SAMPLES) if name.startswith(SAMPLES) else ""
        if name.lower().endswith(".xml") and "/" not in inside and (document := _parsed(data)) is not None:
            found[name] = document
    return found


def _parsed(data: bytes) -> Document | None:
    try:
        return parse(data)
    except Refused:
        return None


def _arranged(files: Mapping[str, bytes], messages: Mapping[str, Document], root: str) -> dict[str, bytes]:
    """The files with every sample message right below samples/, under its own name or one made from its place."""
    arranged = dict(files)
    for name, document in messages.items():
        if name.startswith(SAMPLES) or str(document.root.tag) != root:
            continue
        data = arranged.pop(name)
        for place in (SAMPLES + posixpath.basename(name), SAMPLES + name.replace("/", "-")):
            if place not in arranged:
                arranged[place] = data
                break
    return arranged


def _judged(data: bytes, iepd: Iepd) -> tuple[Finding, ...]:
    try:
        return validate(parse(data), iepd)
    except Refused as error:
        return (Finding(code=error.code, text=error.text),)


# --- root and id ---


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hint:
    """What a catalog file says, if there is one; "" for what it does not say."""

    name: str = ""
    version: str = ""
    roots: tuple[str, ...] = ()


def _hint(files: Mapping[str, bytes]) -> _Hint:
    for name in sorted(files, key=lambda each: (each.count("/"), each)):
        if posixpath.basename(name) in CATALOG_FILES and (document := _parsed(files[name])) is not None:
            return _read_hint(document)
    return _Hint()


def _read_hint(document: Document) -> _Hint:
    name = version = ""
    roots: list[str] = []
    for element in document.root.iter(etree.Element):
        for key, value in element.attrib.items():
            local = split(str(key))[1]
            if local in {"iepdName", "mpdName"}:
                name = name or str(value)
            elif local in {"iepdVersionID", "mpdVersionID"}:
                version = version or str(value)
            elif local == "qualifiedNameList":
                roots.extend(_expanded(word, element) for word in str(value).split())
    return _Hint(name=name, version=version, roots=tuple(roots))


def _expanded(word: str, element: etree._Element) -> str:
    prefix, _, local = word.rpartition(":")
    return join(element.nsmap.get(prefix or None) or "", local)


def _rooted(
    files: Mapping[str, bytes], messages: Mapping[str, Document], hint: _Hint, wanted: Wanted
) -> tuple[Schema, str]:
    """The schema set and the root element. Raises `IepdRefused` when the set is broken or the root is not clear."""
    documents = {name: data for name, data in files.items() if name.endswith(".xsd")}
    if not documents:
        raise _refused("iepd.no-schema", "there is no schema document (*.xsd) in the specification")
    schema = _compiled(documents)
    concrete = {name for name, each in schema.components.elements.items() if not each.abstract}
    if wanted.root:
        return schema, _named(wanted.root, concrete, schema)
    told = {root for root in hint.roots if root in concrete}
    told |= {tag for document in messages.values() if (tag := str(document.root.tag)) in concrete}
    if len(told) == 1:
        return schema, told.pop()
    if told:
        text = f"the specification has several message roots: {_listed(told)}; say which one with --root, one at a time"
        raise _refused("iepd.several-roots", text)
    text = "neither a catalog file nor a sample says which element is the root of a message; say it with --root"
    raise _refused("iepd.no-root", f"{text}, such as {_listed(_tops(schema, concrete))}")


def _compiled(documents: Mapping[str, bytes]) -> Schema:
    """The set of all documents; the findings on it say how to leave one out."""
    try:
        return compile_set(documents)
    except IepdRefused as error:
        raise IepdRefused(_with_way_out(each) for each in error.findings) from error


def _with_way_out(finding: Finding) -> Finding:
    if finding.code not in {"schema.two-documents", "schema.not-readable", "schema.not-a-schema"}:
        return finding
    return replace(finding, text=f"{finding.text}; --without FILE or FOLDER leaves one out")


def _named(wanted: str, concrete: set[str], schema: Schema) -> str:
    prefix, _, local = wanted.rpartition(":") if not wanted.startswith("{") else ("", "", split(wanted)[1])
    if wanted.startswith("{"):
        found = {wanted} & concrete
    elif prefix:
        found = {join(uri, local) for each, uri in schema.prefixes if each == prefix} & concrete
    else:
        found = {name for name in concrete if split(name)[1] == local}
    if len(found) == 1:
        return found.pop()
    if found:
        raise _refused("iepd.ambiguous-root", f"--root {wanted} may be {_listed(found)}: give it with its namespace")
    raise _refused("iepd.unknown-root", f"the schema set declares no element {wanted} that can stand in a message")


def _tops(schema: Schema, concrete: set[str]) -> Iterator[str]:
    """Elements that no type has as a child, and no other element stands for: a message's root is one of them."""
    below = {particle.name for each in schema.components.types.values() for particle in each.children}
    below |= {name for name, each in schema.components.elements.items() if each.heads}
    return (name for name in concrete if name not in below)


def _listed(names: Iterable[str]) -> str:
    known = sorted(names, key=lambda name: (split(name)[1], name))
    more = f", and {len(known) - _ROOTS_SHOWN} more" if len(known) > _ROOTS_SHOWN else ""
    return ", ".join(known[:_ROOTS_SHOWN]) + more


def _id(name: str, hint: _Hint, root: str, *, several: bool) -> str:
    """Name and version: of the catalog file, else of the folder; of the root, where there may be other ones."""
    told = split(root)[1] if several else hint.name or name
    words = re.findall(r"[a-z0-9]+", words_of(told) if several else told.lower()) or ["exchange"]
    short = "-".join(words)
    version = hint.version if re.fullmatch(r"[0-9]+(\.[0-9]+)*", hint.version) else "1.0"
    return f"{short if short[0].isalpha() else 'x-' + short}/{version}"


def _title(hint: _Hint, root: str) -> str:
    words = words_of(split(root)[1])
    return f"{words[:1].upper()}{words[1:]}" or hint.name


def _agree(iepd: Iepd, wanted: Wanted) -> None:
    """Refuse options that say other than the `fields.yaml` that is there."""
    if wanted.id and wanted.id != iepd.id:
        raise _refused("iepd.option-conflict", f"--id says {wanted.id}, {FILE} says {iepd.id}")
    if wanted.root and split(wanted.root)[1].rpartition(":")[2] != split(iepd.root)[1]:
        raise _refused("iepd.option-conflict", f"--root says {wanted.root}, {FILE} says {iepd.root}")


def _refused(code: str, text: str) -> IepdRefused:
    return IepdRefused([Finding(code=code, text=text)])


def warnings(intake: Intake) -> tuple[Finding, ...]:
    """What an officer should look at, of the exchange and of its samples."""
    invalid = (
        Finding(
            code="iepd.sample-not-valid",
            severity=Severity.WARNING,
            file=SAMPLES + name,
            text=f"the sample is not valid: {len(found)} findings, the first: {found[0]}",
        )
        for name, found in intake.samples.items()
        if found and found[0].severity is Severity.ERROR
    )
    return (*intake.iepd.warnings, *invalid)
