"""Whether a clause fits its exchange: fields, facts and transforms, each looked up where it is named."""

from gateway.document.source import Node, Table
from gateway.iepd.catalog import Catalog, Field
from gateway.iepd.facts import Fact, FactKind
from gateway.iepd.package import Iepd
from gateway.policy import taking
from gateway.policy.manner import unfit_manners
from gateway.policy.mou import Clause, Grain, How, Item, Transform
from gateway.policy.outcome import form
from gateway.policy.reading import Reading, nearest
from gateway.policy.schema import known_words
from gateway.policy.transform import is_place, misfit
from gateway.policy.victim import refused_by_name


def fit_clause(reading: Reading, clause: Clause, table: Table, iepd: Iepd) -> None:
    """Report everything in the clause that its exchange does not have or cannot do. table: where it stands."""
    facts = {fact.name: fact for fact in iepd.facts}
    listed = taking.below(table, "fields")
    for item, place in zip(clause.share, taking.nodes(listed, "share"), strict=True):
        fields = _select(reading, item.what, place, iepd.catalog)
        _fit_conditions(reading, item, place, fields, facts)
    if listed is not None and clause.transforms:
        _fit_transforms(reading, clause, taking.below(listed, "transform"), iepd.catalog)
    _fit_manners(reading, clause, listed, iepd)
    for condition, place in zip(clause.route, taking.tables(table, "route"), strict=True):
        fact = _fact(reading, condition.fact, place, facts) if condition.fact else None
        if fact is not None and condition.values:
            _fit_route(reading, fact, condition.values, place)
    if clause.deadline is not None:
        before = table.entries["before"]
        fact = _fact(reading, clause.deadline.before, before, facts)
        if fact is not None and (fact.kind is not FactKind.DATE or fact.each):
            reading.wrong("fact-kind", f"{fact.name} is not a date of the message", before)


def _select(reading: Reading, what: str, place: Node, catalog: Catalog) -> tuple[Field, ...]:
    found = tuple(catalog.select(what))
    if not found and catalog.awaits(what):
        hint = f"{what!r} is proposed for fields that no officer has confirmed: they are withheld until one does"
        reading.wrong("unconfirmed-field", hint, place)
    elif not found:
        reading.wrong(
            "unknown-field", f"the exchange has no field or label {what!r}{nearest(what, known_words(catalog))}", place
        )
    return found


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


def _fit_transforms(reading: Reading, clause: Clause, table: Table | None, catalog: Catalog) -> None:
    first: dict[tuple[str, ...], Transform] = {}
    places = () if table is None else table.entries.values()
    for transform, place in zip(clause.transforms, places, strict=True):
        fields = _select(reading, transform.what, place, catalog)
        _fit_types(reading, transform, place, fields)
        if transform.how is not How.REMOVE:
            _fit_beside(reading, transform, place, fields, first)


def _fit_types(reading: Reading, transform: Transform, place: Node, fields: tuple[Field, ...]) -> None:
    if refused_by_name(transform)[0]:
        return  # reported already, for the word itself
    for each in fields:
        code, hint = refused_by_name(transform, each.label)
        if code:
            reading.wrong(code, f"{each.name} ({each.title}): {hint}", place)
            return
    for each in fields:
        hint = misfit(transform, each)
        if hint:
            reading.wrong("transform-does-not-fit", f"{each.name} ({each.title}): {hint}", place)
    if fields and transform.to is Grain.CITY_STATE and not any(map(is_place, fields)):
        reading.wrong("transform-does-not-fit", "none of these fields is a city, county, state or country", place)


def _fit_manners(reading: Reading, clause: Clause, listed: Table | None, iepd: Iepd) -> None:
    if listed is None:
        return
    below = taking.below(listed, "transform")
    stands = {} if below is None else below.entries
    for transform, hint in unfit_manners(clause, iepd):
        place = listed.entries.get("withhold") if transform is None else stands.get(transform.what)
        reading.wrong("manner-does-not-fit", hint, place or listed)


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
