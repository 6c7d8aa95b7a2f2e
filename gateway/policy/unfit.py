"""Unfit: what at one place no cut can do right, whatever else the message holds."""

from collections.abc import Iterator

from gateway.document.names import XSI, split, structures_version
from gateway.iepd.catalog import ValueType, value_type
from gateway.iepd.components import Components
from gateway.policy.flaw import Wrong
from gateway.policy.mou import Grain, How
from gateway.policy.outcome import Outcome
from gateway.policy.place import Place

_WITHIN = frozenset({Grain.FIVE_YEARS, Grain.TEN_YEARS, Grain.TENTH_DEGREE, Grain.HUNDREDTH_DEGREE})
"""Grains of numbers: what would fall below the least that the type takes is withheld."""


def unfit(
    place: Place, outcome: Outcome | None, renames: frozenset[str], components: Components
) -> Iterator[tuple[Wrong, str]]:
    """What is wrong with letting this element out, and the attribute it is about ("" = the element).

    outcome  of a leaf that comes out; None for a container
    renames  further elements that may hold its lesser form
    """
    element = place.element
    found = components.types.get(place.type)
    if found is not None and found.abstract:
        yield Wrong.ABSTRACT, ""
    if element.keyed:
        yield Wrong.KEYED, ""
    yield from _attributes(place, components)
    if outcome is None:
        return
    if not components.is_simple(place.type) and not _takes_nothing(place.type, components):
        yield Wrong.HOLLOW, ""
    if outcome.change is not None and not _value_fits(place, outcome, element.fixed, components):
        yield Wrong.VALUE, ""
    for name in sorted({outcome.becomes, *renames} - {"", place.tag}):
        if not _carries(place, name, components):
            yield Wrong.RENAMED, ""


def _takes_nothing(type_name: str, components: Components) -> bool:
    slots = components.slots(type_name)
    if slots is not None:
        return all(slot.least == 0 for slot in slots)
    return components.automaton(type_name).accepting[0]


def _attributes(place: Place, components: Components) -> Iterator[tuple[Wrong, str]]:
    for attribute in components.attributes_of(place.type).values():
        namespace, local = split(attribute.name)
        known = place.node.attributes.get(attribute.name)
        if known is not None and known.outcome.released and known.outcome.change is not None and attribute.fixed:
            yield Wrong.VALUE, attribute.name
        if known is None and attribute.required and namespace != XSI:
            # A pointer that stays is kept; an id is kept only where something points at it.
            pointer = structures_version(namespace) is not None and local in {"id", "ref", "uri"}
            if not pointer:
                yield Wrong.ATTRIBUTE, attribute.name


def _value_fits(place: Place, outcome: Outcome, fixed: bool, components: Components) -> bool:
    """Whether every lesser form is a value of the type it is written in. Fixed texts and masks are held against the
    type when the agreement is read; of a generalized date it is known only where the type takes every one."""
    if fixed:
        return False
    if outcome.because is None or outcome.because.how is not How.GENERALIZE or outcome.because.to in _WITHIN:
        return True
    target = _beside(place, outcome.becomes, components) if outcome.becomes else None
    value = value_type(components, target) if target is not None else _value(place)
    return value is not None and not (
        value.patterns or value.enumeration is not None or value.minimum is not None or value.maximum is not None
    )


def _value(place: Place) -> ValueType | None:
    return place.node.field.value if place.node.field is not None else None


def _beside(place: Place, name: str, components: Components) -> str | None:
    """The type of an element beside this one."""
    element = components.element_in(place.parent.type, name) if place.parent is not None else None
    return None if element is None else element.type


def _carries(place: Place, name: str, components: Components) -> bool:
    """Whether another element can carry what this one carries: nil, and the attributes that are let through."""
    element = components.element_in(place.parent.type, name) if place.parent is not None else None
    if element is None or (place.element.nillable and not element.nillable):
        return False
    takes = components.attributes_of(element.type)
    carried = [a for a in place.node.attributes.values() if a.outcome.released]
    names = {a.field.path[-1][1:] for a in carried}
    own = {each for each in components.attributes_of(place.type) if structures_version(split(each)[0]) is not None}
    if not (names | own) <= takes.keys():
        return False
    always = {a.field.path[-1][1:] for a in carried if a.field.required}
    return all(not each.required or each.name in always for each in takes.values())
