"""Confirm: a field catalog as an officer confirmed it, bound to the schema set it was confirmed for.

Lines are changed where they stand, so that comments, facts and the order of fields stay as the officer knows them.
That asks for one line a field, as drafts are written.
"""

import re
from collections.abc import Mapping

from gateway.document.source import read_source
from gateway.iepd.binding import type_mark
from gateway.iepd.catalog import leaf_at
from gateway.iepd.draft import DRAFT_HEAD
from gateway.iepd.fields import FILE, SIZE_BYTES_MAX, read_fields
from gateway.iepd.package import Iepd

_QUOTED = r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\''
_CONFIRMED = re.compile(rf"({_QUOTED})|,\s*confirmed:\s*\w+")
_TYPE = re.compile(rf"({_QUOTED})|,\s*type:\s*[\w-]+")
_ENTRY = re.compile(r"\s*- \{.*\}\s*(#.*)?")


def confirm(iepd: Iepd) -> bytes | None:
    """The exchange's `fields.yaml` with every field confirmed, its type as it is now; None when a field takes more
    than one line.

    A field whose place the schema set has no more is left out: there is nothing to confirm.
    """
    text = iepd.files["iepd/" + FILE]
    source, _ = read_source(text, FILE, size_bytes_max=SIZE_BYTES_MAX)
    declared, _ = read_fields(source) if source is not None else (None, ())
    if declared is None:
        raise ValueError("a loaded exchange has a catalog that can be read")
    schema = iepd.schema
    marks: dict[int, str] = {}
    gone: set[int] = set()
    for field in declared.fields:
        leaf = leaf_at(schema.components, declared.root, field.path)
        if leaf is None:
            gone.add(field.line)
        else:
            marks[field.line] = type_mark(leaf.value)
    lines = text.decode("utf-8-sig").split("\n")
    if not all(_ENTRY.fullmatch(lines[number - 1]) for number in (*marks, *gone)):
        return None
    written = [_written(line, number, marks) for number, line in enumerate(lines, start=1) if number not in gone]
    return "\n".join(_bound(_without_head(written), schema.digest)).encode()


def _without_head(lines: list[str]) -> list[str]:
    """The lines without what a draft says of itself: it is none any more."""
    if not lines or lines[0] != DRAFT_HEAD:
        return lines
    return lines[next(at for at, line in enumerate(lines) if not line.startswith("#")) :]


def _written(line: str, number: int, marks: Mapping[int, str]) -> str:
    mark = marks.get(number)
    if mark is None:
        return line
    bare = _TYPE.sub(_quoted, _CONFIRMED.sub(_quoted, line))
    end = bare.rindex("}")
    return f"{bare[:end].rstrip()}, type: {mark}{bare[end:]}"


def _quoted(match: re.Match[str]) -> str:
    """A quoted text stays; what stands outside of quotes goes."""
    return match[1] or ""


def _bound(lines: list[str], digest: str) -> list[str]:
    told = f"schema_set: {digest}"
    if any(line.startswith("schema_set:") for line in lines):
        return [told if line.startswith("schema_set:") else line for line in lines]
    at = next(number for number, line in enumerate(lines) if line.startswith("fields:"))
    return [*lines[:at], told, *lines[at:]]
