"""What may stand where a field was withheld: nothing, an empty element, or an empty element that says so.

An empty element (xsi:nil) stands only where the message had one: it tells the recipient that there was something,
and that is what an agreement that asks for it wants told. Where the message had nothing, nothing stands, so silence
stays what it was. All attributes go but those the schema requires.

Under NIEM 6.0 no element may be nil unless it points at another (NDR 6.0, rule 12-14), and the gateway refuses
messages that break this; there a field is dropped. `nil-withheld` is NIEM's own word for it up to 5.x: metadata with
nc:EmptyReasonCode, pointed at by structures:metadata.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from gateway.document.names import join, niem_core_version, split
from gateway.iepd.catalog import Field
from gateway.iepd.components import Components
from gateway.iepd.package import Iepd
from gateway.policy.mou import Clause, How, Manner, Transform

WITHHELD_CODE = "withheld"
_BEFORE_6 = 5
"""The last major version of NIEM under which an element may be nil without pointing."""


class Nil(Enum):
    """When an empty element stands for one that is withheld."""

    NEVER = auto()
    NEEDED = auto()  # only where the schema requires the element and would lose more without it
    ALWAYS = auto()  # the agreement says so
    EXPLAINED = auto()  # the agreement says so, and that metadata tells why


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where the metadata stands that says "withheld".

    metadata  the element, a child of the root
    code      the element in it, nc:EmptyReasonCode
    after     elements of the root that stand before it or are of its kind
    pointer   the attribute that points at it
    most      how many of it the root may have, None = any number
    """

    metadata: str
    code: str
    after: frozenset[str]
    pointer: str
    most: int | None


def may_be_nil(iepd: Iepd) -> bool:
    """Whether an element of this exchange may be nil without pointing at another."""
    return all(version <= _BEFORE_6 for version in iepd.schema.structures.values())


def misfit_manner(transform: Transform, field: Field, iepd: Iepd) -> str:
    """Why a removal of this field cannot be done in its manner, and what to do instead; "" when it can."""
    if transform.how is not How.REMOVE or transform.manner in {None, Manner.DROP}:
        return ""
    if not may_be_nil(iepd):
        return "in a NIEM 6.0 exchange an element may not be empty (NDR 6.0, rule 12-14): use drop"
    if field.is_attribute:
        return "an attribute cannot stay behind empty: use drop"
    if not field.nillable:
        return "the schema does not let this element be empty (not nillable, or of a fixed value): use drop"
    if transform.manner is Manner.NIL_WITHHELD:
        return _misfit_explanation(field, iepd)
    return ""


def misfit_clause_manner(manner: Manner, iepd: Iepd) -> str:
    """Why the clause's manner is none for this exchange; "" when at least one field can be withheld in it."""
    if manner is Manner.DROP:
        return ""
    hints = {misfit_manner(Transform(what="", how=How.REMOVE, manner=manner), each, iepd) for each in _elements(iepd)}
    return "" if "" in hints or not hints else min(hints)


def unfit_manners(clause: Clause, iepd: Iepd) -> Iterator[tuple[Transform | None, str]]:
    """What of the manners in the clause cannot be done, and what to do instead; None stands for the clause's own."""
    hint = misfit_clause_manner(clause.manner, iepd)
    if hint:
        yield None, hint
    for transform in clause.transforms:
        hints = ((each, misfit_manner(transform, each, iepd)) for each in iepd.catalog.select(transform.what))
        yield from ((transform, f"{each.name} ({each.title}): {hint}") for each, hint in hints if hint)


def _elements(iepd: Iepd) -> tuple[Field, ...]:
    found = tuple(each for each in iepd.catalog.fields if not each.is_attribute)
    return tuple(each for each in found if each.nillable) or found


def _misfit_explanation(field: Field, iepd: Iepd) -> str:
    explanation = explain_withheld(iepd)
    if explanation is None:
        return "the schema has no metadata below the root that could say 'withheld': use nil or drop"
    if explanation.pointer not in iepd.schema.components.attributes_of(_type_at(field, iepd)):
        return "the schema lets this element point at no metadata: use nil or drop"
    return ""


def _type_at(field: Field, iepd: Iepd) -> str:
    """Type of the element at the field's path."""
    components = iepd.schema.components
    type_name = components.elements[iepd.root].type
    for step in field.path:
        element = components.element_in(type_name, step)
        if element is None:
            return ""
        type_name = element.type
    return type_name


def nil_of(manner: Manner, field: Field, iepd: Iepd) -> Nil:
    """How a withheld field stands under a clause of this manner: as the clause says where the schema lets it."""
    if misfit_manner(Transform(what="", how=How.REMOVE, manner=manner), field, iepd):
        explained = manner is Manner.NIL_WITHHELD
        return nil_of(Manner.NIL, field, iepd) if explained else Nil.NEVER
    return {Manner.DROP: Nil.NEVER, Manner.NIL: Nil.ALWAYS, Manner.NIL_WITHHELD: Nil.EXPLAINED}[manner]


@lru_cache(maxsize=64)
def explain_withheld(iepd: Iepd) -> Explanation | None:
    """Where this exchange can say "withheld"; None when it cannot."""
    components = iepd.schema.components
    structures = next(iter(iepd.schema.structures), "")
    children = components.children(components.elements[iepd.root].type)
    before: set[str] = set()
    for name, particle in children.items():
        for each in components.substitutes(name):
            element = components.elements.get(each)
            code = _code_in(element.type, components) if element is not None and _is_metadata(each) else ""
            if code:
                return Explanation(
                    metadata=each,
                    code=code,
                    after=frozenset({*before, *components.substitutes(name)}),
                    pointer=join(structures, "metadata"),
                    most=particle.most,
                )
        before.update(components.substitutes(name))
    return None


def _is_metadata(name: str) -> bool:
    return split(name)[1].endswith("Metadata")


def _code_in(type_name: str, components: Components) -> str:
    """The element in this type that gives the reason for emptiness, when nothing else is required beside it."""
    found = ""
    for name, particle in components.children(type_name).items():
        members = components.substitutes(name)
        code = next((each for each in members if _is_reason(each)), "")
        if not code and particle.least:
            return ""
        found = found or code
    return found


def _is_reason(name: str) -> bool:
    namespace, local = split(name)
    return local == "EmptyReasonCode" and niem_core_version(namespace) is not None
