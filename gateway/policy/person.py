"""Person: a subject of a message as the disclosure index knows them; and those who are never in it.

Subjects are the objects whose identifying fields are labeled `person.*`: groups of fields named like
person.id.sid.number, person.name.last, arrest.person.dob.date. Nobody else is taken in: not victims, people whom an
order protects, members of a household, witnesses, officers. And a subject who is also a victim or protected in the same
message - one object by structures:ref, the same number, the same name - is left out too, because a hashed or encrypted
identifier of a victim is still the victim's (34 U.S.C. 12291(b)(2)).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from gateway.agency import AgencyId
from gateway.document.names import split, structures_version
from gateway.document.parse import Document
from gateway.document.parse import text as text_of
from gateway.document.path import Locator
from gateway.document.uri import uri_key
from gateway.iepd.catalog import Field, Steps
from gateway.iepd.package import Iepd
from gateway.message import Redaction
from gateway.policy.outcome import WITHHELD
from gateway.policy.sound import sound
from gateway.policy.subject import name_of, number

KINDS = ("fbi", "sid", "doc", "booking")
"""Kinds of number, the strongest first. A booking number is one of its agency: "booking:harlan-county-jail/2231"."""

NAMES_MAX = 8
NUMBERS_MAX = 12
"""Bounds of what one person is known by; what a message has beyond them finds nobody."""

NEVER = frozenset({"victim", "victim-services"})
"""Stems of labels that make a person, wherever else they stand in the message, one who is never in the index."""

_BOOKING = "id.booking.number"
_ENDINGS = (
    *(f"id.{kind}.number" for kind in KINDS),
    *(f"{which}.{part}" for which in ("name", "alias") for part in ("given", "last", "full")),
    "dob.date",
    "dob.time",
)
_PAIRS = (("name.given", "name.last"), ("alias.given", "alias.last"))
_PARTS = frozenset(part for pair in _PAIRS for part in pair)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What one person is known by, written one way whoever wrote it.

    numbers  "sid:FR1190284", the strongest kind first
    names    "LAST|GIVEN"; the first is the name, the others are aliases
    born     "1991-03-17"; "" = not known
    """

    numbers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    born: str = ""

    @property
    def key(self) -> str:
        """Whose key the person's rows are under: the strongest number, or else name and birth date; "" = nobody's."""
        if self.numbers:
            return self.numbers[0]
        return f"name:{self.names[0]}|{self.born}" if self.names else ""

    @property
    def terms(self) -> tuple[str, ...]:
        """By what the person's rows are found: each number, and how each name sounds."""
        return tuple(dict.fromkeys((*self.numbers, *(heard(name) for name in self.names))))


NOBODY = Person()


def heard(name: str) -> str:
    """The term of a name "LAST|GIVEN": one for all names that sound like it."""
    last, _, given = name.partition("|")
    return f"sound:{sound(last)}|{sound(given)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A person in a message, and the element that is the person."""

    person: Person
    element: etree._Element


@dataclass(slots=True)
class _Place:
    """A place in the tree of fields that identify somebody.

    key     ending of the field's name; "" = no field
    person  what stands here is a person: True of a subject, False of somebody who is never in the index
    """

    below: dict[str, "_Place"]
    key: str = ""
    person: bool | None = None


@dataclass(slots=True)
class _Gathered:
    """What stands at one person of a message."""

    element: etree._Element
    subject: bool
    texts: list[tuple[str, str]]
    names: list[str]


def persons_in(document: Document, iepd: Iepd, *, sender: AgencyId) -> tuple[Found, ...]:
    """The subjects of a message whom something identifies, each once; in document order."""
    place = _places(iepd)
    message = _Gathered(document.root, subject=True, texts=[], names=[])
    gathered = [message]
    _gather(document.root, place, message, gathered)
    subjects = [each for each in gathered[1:] if each.subject]
    # A booking stands beside its person: with several subjects nobody can tell whose it is.
    if len(subjects) == 1:
        subjects[0].texts.extend(message.texts)
    elif place.person:
        subjects.append(message)
    found = _joined_by_key(subjects, sender)
    kept = [each for each in gathered if not each.subject]
    if not kept:
        return tuple(found)
    never = [_person(each, sender) for each in kept]
    objects = frozenset().union(*(_objects(each.element) for each in kept))
    return tuple(
        each
        for each in found
        if objects.isdisjoint(_objects(each.element)) and not any(_shares(each.person, other) for other in never)
    )


def _joined_by_key(subjects: Sequence[_Gathered], sender: AgencyId) -> Iterable[Found]:
    """Each subject once: two places are one person by the same number, the same name and birthday, or one object."""
    found: dict[str, Found] = {}
    of_object: dict[str, str] = {}
    for each in subjects:
        person = _person(each, sender)
        objects = _objects(each.element) if len(subjects) > 1 else frozenset()
        key = next((of_object[one] for one in objects if one in of_object), person.key)
        if not key:
            continue
        of_object.update(dict.fromkeys(objects, key))
        known = found.get(key)
        person = person if known is None else _joined(known.person, person)
        found[key] = Found(person=person, element=each.element if known is None else known.element)
    return found.values()


def is_in(found: Found, redactions: Iterable[Redaction], locator: Locator) -> bool:
    """Whether anything of a person went to a recipient: not all of their fields were withheld.

    locator  of the uncut document, with the exchange's prefixes, as the redactions' paths are written
    """
    at = locator.locate(found.element) + "/"
    filled = sum(1 for each in found.element.iter(etree.Element) if not len(each) and (each.text or "").strip())
    withheld = sum(1 for each in redactions if each.outcome == WITHHELD and each.path.startswith(at))
    return filled > withheld


def _shares(one: Person, other: Person) -> bool:
    """The same number, or the same name unless birth dates tell them apart."""
    if not set(one.numbers).isdisjoint(other.numbers):
        return True
    return not set(one.names).isdisjoint(other.names) and (not one.born or not other.born or one.born == other.born)


def _joined(one: Person, other: Person) -> Person:
    return person(one.numbers + other.numbers, one.names + other.names, one.born or other.born)


def person(numbers: Iterable[str] = (), names: Iterable[str] = (), born: str = "") -> Person:
    """A person out of normal forms, in order and bounded."""
    ranked = sorted(set(numbers), key=lambda each: (KINDS.index(each.partition(":")[0]), each))
    return Person(numbers=tuple(ranked[:NUMBERS_MAX]), names=tuple(dict.fromkeys(names))[:NAMES_MAX], born=born)


def number_term(kind: str, text: str, *, agency: AgencyId | str = "") -> str:
    """ "sid:FR1190284"; "" when nothing is left of the number. agency: whose booking number it is."""
    plain = number(text)
    if not plain:
        return ""
    return f"{kind}:{agency}/{plain}" if kind == "booking" else f"{kind}:{plain}"


def name_term(last: str, given: str) -> str:
    """ "LAST|GIVEN"; "" when one is missing."""
    names = name_of(last), name_of(given)
    return "|".join(names) if all(names) else ""


def split_name(full: str) -> str:
    """ "LAST|GIVEN" of "Last, Given Middle" or "Given Middle Last"; "" when it is not two names."""
    last, comma, given = full.partition(",")
    words = given.split() if comma else full.split()[:1]
    last = last if comma else " ".join(full.split()[1:][-1:])
    return name_term(last, words[0]) if words else ""


def day(text: str) -> str:
    """ "1991-03-17" of a date or a moment; "" when it is none."""
    match = _DATE.match(text.strip())
    return match[0] if match else ""


# --- reading ---


def _gather(element: etree._Element, place: _Place, own: _Gathered, gathered: list[_Gathered]) -> None:
    """One walk over the few branches in which somebody may be identified. The parts of a name stand side by side."""
    parts: dict[str, str] = {}
    for child in element:
        below = place.below.get(child.tag)
        if below is None:
            continue
        if below.person is not None:
            person = _Gathered(child, subject=below.person, texts=[], names=[])
            gathered.append(person)
            _gather(child, below, person, gathered)
        elif not below.key:
            _gather(child, below, own, gathered)
        elif below.key in _PARTS:
            parts[below.key] = text_of(child)
        else:
            own.texts.append((below.key, text_of(child)))
    for given, last in _PAIRS:
        if given in parts and last in parts:
            name = name_term(parts[last], parts[given])
            # The name goes before aliases, in whatever order a schema has them.
            own.names.insert(0 if given == "name.given" else len(own.names), name)


def _person(gathered: _Gathered, sender: AgencyId) -> Person:
    numbers: list[str] = []
    born = ""
    full: list[str] = []
    for key, text in gathered.texts:
        if key.startswith("dob."):
            born = born or day(text)
        elif key.endswith(".full"):
            full.append(split_name(text))
        else:
            numbers.append(number_term(key.split(".")[1], text, agency=sender))
    return person(filter(None, numbers), filter(None, [*gathered.names, *full]), born)


def _objects(element: etree._Element) -> frozenset[str]:
    """What the element, and the elements in it that are a role of an object, say of which object they are."""
    found: set[str] = set()
    for each in element.iter(etree.Element):
        if each is not element and not _is_role(str(each.tag)):
            continue
        for name, value in each.items():
            namespace, local = split(str(name))
            if local in {"id", "ref", "uri"} and structures_version(namespace) is not None:
                text = str(value).strip()
                found.add(uri_key(text) if local == "uri" else f"#{text}")
    return frozenset(found)


def _is_role(tag: str) -> bool:
    # Asked of every element: most are told apart without taking their names to pieces.
    return "RoleOf" in tag and split(tag)[1].startswith("RoleOf")


@lru_cache(maxsize=64)
def _places(iepd: Iepd) -> _Place:
    """The tree of an exchange's identifying fields."""
    roles: dict[str, dict[str, Field]] = defaultdict(dict)
    for field in iepd.catalog.fields:
        for ending in _ENDINGS:
            if not field.is_attribute and f".{field.name}".endswith(f".{ending}"):
                roles[field.name[: -len(ending)].strip(".")][ending] = field
    root = _Place({})
    for role, fields in roles.items():
        stems = {each.label.split(".")[0] for each in fields.values()}
        never = not stems.isdisjoint(NEVER)
        # Whom an order of no contact restrains stands beside whom it protects; as the subject, the person is found.
        if never or ("person" in stems and role.split(".")[0] != "no-contact"):
            _grow(root, fields, subject=not never)
    return root


def _grow(root: _Place, fields: Mapping[str, Field], *, subject: bool) -> None:
    inner = [field.path[:-1] for key, field in fields.items() if key != _BOOKING]
    if inner:
        _at(root, _common(inner)).person = subject
    for key, field in fields.items():
        _at(root, field.path).key = key


def _at(root: _Place, path: Steps) -> _Place:
    for step in path:
        root = root.below.setdefault(step, _Place({}))
    return root


def _common(paths: list[Steps]) -> Steps:
    """The longest way that all of them go together."""
    first = min(paths, key=len)
    return next(
        first[:length] for length in range(len(first), -1, -1) if all(path[:length] == first[:length] for path in paths)
    )
