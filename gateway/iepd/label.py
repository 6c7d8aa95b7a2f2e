"""Label: what each place of a schema set probably is, from the names and types along its path. A proposal, no more.

What a person is to the matter counts more than the value: the name of a victim is `victim.name`. Where a sensitive
and a plain rule match, the sensitive one wins. A value of a person of whom no name on the path says who they are, and
every value that no rule is sure of, is `unclassified`. An officer confirms what is proposed; until then it is withheld.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from gateway.document.names import split, structures_version
from gateway.iepd.catalog import Leaf, Steps
from gateway.iepd.checking import UNCLASSIFIED
from gateway.iepd.components import ANY_TYPE, Components
from gateway.iepd.labels import (
    ASPECTS,
    CITY,
    DEFAULTS,
    LOCATION,
    NARRATIVE,
    OFFICER,
    OWN_WORDS,
    PERSON,
    PERSON_ASPECTS,
    PLAIN_RULES,
    SENSITIVE_RULES,
    STEMS,
    SUBJECT,
    UNDER_ACTIVITY,
    WEAK,
    Rule,
)

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_STRANGERS = ("victim", "thirdparty")

Place = tuple[int, int]
"""Which step of a path, and where in its name."""


def stem_of(label: str) -> str:
    """The longest known stem of a label: "medical.mental-health" of "medical.mental-health.need"; "" for none."""
    parts = label.split(".")
    stems = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((stem for stem in stems if stem in STEMS), "")


@cache
def words_of(local: str) -> str:
    """The words of a name in lower case: "PersonBirthDate" gives "person birth date"."""
    return " ".join(_WORDS.findall(local)).lower()


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})(?!\w)")


def _says(words: str, text: str) -> bool:
    return _pattern(words).search(text) is not None


def _end(words: str, text: str) -> int:
    """Where the last match ends; 0 for none."""
    return max((match.end() for match in _pattern(words).finditer(text)), default=0)


@dataclass(frozen=True, slots=True)
class _Name:
    """One step's name as the rules read it.

    words      of its name; of the type that said more, where the name said nothing
    sensitive  numbers of the sensitive rules that match, as a container and as a leaf
    plain      the plain rule that matches furthest to the right, and where it ends
    role       "officer" or "person" with where the match ends
    is_person  it is a person, or an entity that may be one
    """

    words: str
    sensitive: tuple[frozenset[int], frozenset[int]]
    plain: tuple[str, int]
    role: tuple[str, int]
    is_person: bool


def propose(components: Components, root: str, leaves: Iterable[Leaf]) -> Mapping[Steps, str]:
    """A label for each place; `UNCLASSIFIED` where no rule is sure."""
    reader = _Reader(components, root)
    paths = [(leaf.path, reader.names(_spoken(leaf))) for leaf in leaves if not leaf.cut]
    first = {path: _sensitive(names) for path, names in paths}
    # A person without a role is the subject only where the message knows of no others.
    alone = not any(label.split(".")[0] in _STRANGERS for label in first.values())
    return {path: first[path] or _plain(names, alone=alone) or UNCLASSIFIED for path, names in paths}


def _spoken(leaf: Leaf) -> Steps:
    """The part of a path that says what its value is: attributes that point or count belong to their element."""
    last = leaf.path[-1]
    belongs = last.startswith("@") and (leaf.value.kind == "identity" or structures_version(split(last[1:])[0]))
    return leaf.path[:-1] if belongs else leaf.path


class _Reader:
    """Reads the names along paths; each declaration once."""

    def __init__(self, components: Components, root: str) -> None:
        self._components = components
        self._read: dict[tuple[str, str], _Name] = {}
        element = components.elements[root]
        self._root = self._name(root, element.type)
        self._types: dict[Steps, str] = {(): element.type}

    def names(self, path: Steps) -> tuple[_Name, ...]:
        """The root's name and those of all steps."""
        return self._root, *(self._name(step, self._type(path[: at + 1])) for at, step in enumerate(path))

    def _type(self, path: Steps) -> str:
        known = self._types.get(path)
        if known is None:
            above, step = self._type(path[:-1]), path[-1]
            declared = None if step.startswith("@") else self._components.element_in(above, step)
            known = self._types[path] = declared.type if declared is not None else ""
        return known

    def _name(self, step: str, type_name: str) -> _Name:
        known = self._read.get((step, type_name))
        if known is None:
            lineage = [split(each.name)[1] for each in self._components.lineage(type_name) if type_name != ANY_TYPE]
            types = tuple(words_of(local).removesuffix(" type") for local in lineage if not local.startswith("#"))
            known = self._read[step, type_name] = _read(words_of(split(step.lstrip("@"))[1]), types)
        return known


def _read(words: str, types: tuple[str, ...]) -> _Name:
    texts = (words, *types)

    def sensitive(*, leaf: bool) -> frozenset[int]:
        numbered = enumerate(SENSITIVE_RULES)
        return frozenset(
            number
            for number, rule in numbered
            if rule.leaf in {None, leaf} and any(_says(rule.words, text) for text in texts)
        )

    plain = role = ("", 0)
    for text in texts:  # a type speaks where the name itself says nothing
        plain = max(((rule.label, _end(rule.words, text)) for rule in PLAIN_RULES), key=_weight)
        role = max((("officer", _end(OFFICER, text)), ("person", _end(SUBJECT, text))), key=lambda each: each[1])
        if plain[1] or role[1]:
            words = text
            break
    is_person = "person" in types or _says(rf"({PERSON})$", texts[0])
    return _Name(words, (sensitive(leaf=False), sensitive(leaf=True)), plain, role, is_person)


def _weight(plain: tuple[str, int]) -> tuple[bool, int]:
    label, end = plain
    return end > 0 and label.split(".")[0] not in WEAK, end


def _sensitive(names: tuple[_Name, ...]) -> str:
    """The label that the first sensitive rule gives which matches anywhere on the path; "" when none does."""
    last = len(names) - 1
    found = {number: at for at, name in enumerate(names) for number in name.sensitive[at == last]}
    if not found:
        return ""
    number = min(found)
    label, at = SENSITIVE_RULES[number].label, found[number]
    stem = label.split(".")[0]
    if label in OWN_WORDS or stem == "thirdparty":
        if stem == "victim" and names[-1].words == "origin code":
            return "victim-services.origin"  # only such a provider's data on a victim has an origin to keep
        if any(SENSITIVE_RULES[each].label.startswith("medical") for each in found):
            return f"{label}.medical"
        end = _end(SENSITIVE_RULES[number].words, names[at].words)
        return f"{label}.{_aspect(PERSON_ASPECTS, _below(names, (at, end))) or 'details'}"
    if label in ASPECTS:
        aspect = _aspect(ASPECTS[label], " / ".join(name.words for name in names[at:]))
        return f"{label}.{aspect or DEFAULTS.get(label, 'details')}"
    return label


def _aspect(rules: tuple[Rule, ...], text: str) -> str:
    return next((rule.label for rule in rules if _says(rule.words, text)), "")


def _below(names: tuple[_Name, ...], place: Place) -> str:
    """What a path says after this place."""
    at, end = place
    return " / ".join([names[at].words[end:], *(name.words for name in names[at + 1 :])])


def _plain(names: tuple[_Name, ...], *, alone: bool) -> str:
    """The label of a path that no sensitive rule matches; "" when no rule is sure."""
    last = len(names) - 1
    topics = [
        ((at, name.plain[1]), name.plain[0])
        for at, name in enumerate(names)
        if at and name.plain[1] and not (name.plain[0] == "message.sealed" and at < last)
    ]
    strong = [each for each in topics if each[1].split(".")[0] not in WEAK]
    roles = [((at, name.role[1]), name.role[0]) for at, name in enumerate(names) if name.role[1] and at < last]
    # Of a role and a topic at the very same place the role counts: max takes the first.
    place, winner = max(roles + strong or topics, key=lambda each: each[0], default=((-1, 0), ""))
    person = max((at for at, name in enumerate(names[:-1]) if name.is_person and not name.role[1]), default=-1)
    if 0 <= person >= place[0] and winner not in {"officer", "person"}:
        if not alone:
            return ""
        place, winner = (person, len(names[person].words)), "person"
    if winner in {"officer", "person"}:
        aspect = _aspect(PERSON_ASPECTS, _below(names, place))
        return f"{winner}.{aspect}" if aspect else ""
    stranger = person >= 0 and not alone and not any(at < place[0] for (at, _), _ in roles)
    return "" if stranger or not winner else _at_place(winner, names, place)


def _at_place(label: str, names: tuple[_Name, ...], place: Place) -> str:
    """The topic's label, told apart for places and for narratives."""
    stem, text = label.split(".", maxsplit=1)[0], _below(names, place)
    if stem == "location":
        return _CITIES.get(label, label) if _says(CITY, text) else label
    if stem in UNDER_ACTIVITY and label.endswith((".details", ".record", ".terms", ".charge", ".case")):
        if _says(LOCATION, text):
            return f"location.{stem}"
        if _says(NARRATIVE, names[-1].words):
            return f"{stem}.narrative"
    return label


_CITIES = {"location.residence": "location.city", "location.contact": "location.contact-city"}
