"""Subject: by what a message's persons are known, written one way whoever wrote it.

The terms are values: they are hashed with the gateway's key (`gateway.keys.blind`) before they go anywhere. A number
that an agency gave beats a name: who has one is known by numbers only, since two persons can share name and birthday.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping

from lxml import etree

from gateway.document.parse import Document
from gateway.document.parse import text as text_of
from gateway.iepd.package import Iepd

_NUMBERS = {"sid": "person.id.sid.number", "fbi": "person.id.fbi.number", "doc": "person.id.doc.number"}
"""Kinds of number, and the fields of our exchanges that hold the subject's."""

_GIVEN, _LAST, _BORN = "person.name.given", "person.name.last", "person.dob.date"

_Find = Callable[[str], str]


def persons(document: Document, iepd: Iepd) -> tuple[frozenset[str], ...]:
    """The terms of each subject of a message; an empty set for one that nothing identifies.

    Subjects are the objects below the root that hold the fields person.id.*.number, person.name.given and .last, and
    person.dob.date; an exchange that calls these fields something else has none that anybody can find.
    """
    paths: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for name in (*_NUMBERS.values(), _GIVEN, _LAST, _BORN):
        field = iepd.catalog.named(name)
        if field is not None and not field.is_attribute and len(field.path) > 1:
            paths[field.path[0]][name] = field.path[1:]
    return tuple(
        terms(_found(child, paths[child.tag]))
        for child in document.root
        if isinstance(child.tag, str) and child.tag in paths
    )


def _found(subject: etree._Element, paths: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, path in paths.items():
        element = subject.find("/".join(path))
        if element is not None:
            found[name] = text_of(element)
    return found


def terms(values: Mapping[str, str]) -> frozenset[str]:
    """The terms of one person, out of the values of these fields."""
    numbers = {f"{kind}:{number(values.get(name, ''))}" for kind, name in _NUMBERS.items()}
    known = frozenset(term for term in numbers if not term.endswith(":"))
    if known:
        return known
    given, last, born = name_of(values.get(_GIVEN, "")), name_of(values.get(_LAST, "")), values.get(_BORN, "").strip()
    return frozenset({f"name:{last}|{given}|{born[:10]}"}) if given and last and _DATE.match(born) else frozenset()


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NO_LETTER = re.compile(r"[^A-Z]+")
_NO_NUMBER = re.compile(r"[^0-9A-Z]+")


def number(text: str) -> str:
    """A number in capitals without blanks, hyphens and leading zeros: "fr-119 0284" is "FR1190284"."""
    return _NO_NUMBER.sub("", _plain(text)).lstrip("0")


def name_of(text: str) -> str:
    """A name in plain capitals: accents, hyphens, apostrophes and blanks do not tell people apart."""
    return _NO_LETTER.sub("", _plain(text))


def _plain(text: str) -> str:
    if text.isascii():
        return text.upper()
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in folded if not unicodedata.combining(sign)).upper()
