"""Whether a clause fits its exchange: fields, facts and transforms, each looked up where it is named."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.document.source import Node
from gateway.iepd.catalog import Catalog, Field
from gateway.iepd.facts import Fact, FactKind
from gateway.iepd.package import Iepd
from gateway.policy.manner import unfit_manners
from gateway.policy.mou import Clause, Grain, How, Item, Transform
from gateway.policy.outcome import form
from gateway.policy.reading import Reading, nearest
from gateway.policy.transform import is_place, misfit


@dataclass(slots=True)
class Places:
    """Where in the file the parts of a clause stand, in the order of the clause's own tuples."""

    items: list[Node] = field(default_factory=list)
    transforms: list[Node] = field(default_factory=list)
    conditions: list[Node] = field(default_factory=list)
    before: Node | None = None
    manner: Node | None = None


def fit_clause(reading: Reading, clause: Clause, places: Places, iepd: Iepd) -> None:
    """Report everything in the clause that its exchange does not have or cannot do."""
    facts = {fact.name: fact for fact in iepd.facts}
    for item, place in zip(clause.share, places.items, strict=True):
        fields = _select(reading, item.what, place, iepd.catalog)
        _fit_conditions(reading, item, place, fields, facts)
    _fit_transforms(reading, clause, places, iepd.catalog)
    _fit_manners(reading, clause, places, iepd)
    for condition, place in zip(clause.route, places.conditions, strict=True):
        fact = _fact(reading, condition.fact, place, facts)
        if fact is not None:
            _fit_route(reading, fact, condition.values, place)
    if clause.deadline is not None and places.before is not None:
        fact = _fact(reading, clause.deadline.before, places.before, facts)
        if fact is not None and (fact.kind is not FactKind.DATE or fact.each):
            reading.wrong("fact-kind", f"{fact.name} is not a date of the message", places.before)


def _select(reading: Reading, what: str, place: Node, catalog: Catalog) -> tuple[Field, ...]:
    found = tuple(catalog.select(what))
    if not found:
        reading.wrong(
            "unknown-field", f"the exchange has no field or label {what!r}{nearest(what, _known(catalog))}", place
        )
    return found


def _known(catalog: Catalog) -> Iterator[str]:
    yield from catalog.names()
    for label in catalog.labels():
        yield label
        parts = label.split(".")
        yield from (".".join([*parts[:length], "*"]) for length in range(1, len(parts)))


def _fact(reading: Reading, name: str, place: Node, facts: dict[str, Fact]) -> Fact | None:
    fact = facts.get(name)
    if fact is None:
        reading.wrong("unknown-fact", f"the exchange has no fact {name!r}{nearest(name, facts)}", place)
    return fact


def _fit_conditions(
    reading: Reading, item: Item, place: Node, fields: tuple[Field, ...], facts: dict[str, Fact]
) -> None:
    for name in (item.unless, item.when):
        fact = _fact(reading, name, place, facts) if name else None
        if fact is None:
            continue
        if fact.kind is not FactKind.BOOLEAN:
            reading.wrong("fact-kind", f"{name} is a {fact.kind}; a condition on a field is true or false", place)
        outside = next((each for each in fields if each.path[: len(fact.each)] != fact.each), None)
        if outside is not None:
            hint = f"{name} is a fact about another part of the message and says nothing of {outside.name}"
            reading.wrong("fact-elsewhere", hint, place)


def _fit_route(reading: Reading, fact: Fact, values: tuple[bool | str, ...], place: Node) -> None:
    if fact.each:
        hint = f"{fact.name} is a fact about one part of the message; a route asks for facts about the whole"
        reading.wrong("fact-elsewhere", hint, place)
    boolean = fact.kind is FactKind.BOOLEAN
    if any(isinstance(value, bool) is not boolean for value in values):
        wanted = "true or false" if boolean else f"a {fact.kind}, in quotes where it could be read as a number"
        reading.wrong("fact-kind", f"{fact.name} is {wanted}", place)


def _fit_transforms(reading: Reading, clause: Clause, places: Places, catalog: Catalog) -> None:
    first: dict[tuple[str, ...], Transform] = {}
    for transform, place in zip(clause.transforms, places.transforms, strict=True):
        fields = _select(reading, transform.what, place, catalog)
        for each in fields:
            hint = misfit(transform, each)
            if hint:
                reading.wrong("transform-does-not-fit", f"{each.name} ({each.title}): {hint}", place)
        if fields and transform.to is Grain.CITY_STATE and not any(map(is_place, fields)):
            reading.wrong("transform-does-not-fit", "none of these fields is a city, county, state or country", place)
        if transform.how is not How.REMOVE:
            _fit_beside(reading, transform, place, fields, first)


def _fit_manners(reading: Reading, clause: Clause, places: Places, iepd: Iepd) -> None:
    stands = {transform.what: place for transform, place in zip(clause.transforms, places.transforms, strict=True)}
    for transform, hint in unfit_manners(clause, iepd):
        place = places.manner if transform is None else stands[transform.what]
        if place is not None:
            reading.wrong("manner-does-not-fit", hint, place)


def _fit_beside(
    reading: Reading,
    transform: Transform,
    place: Node,
    fields: tuple[Field, ...],
    first: dict[tuple[str, ...], Transform],
) -> None:
    """One field, one lesser form: there is no order that could decide between two."""
    for each in fields:
        other = first.setdefault(each.path, transform)
        if form(other) != form(transform):
            hint = f"{each.name} is already reduced in another way by the line for {other.what!r}"
            reading.wrong("two-transforms", hint, place)
            return
