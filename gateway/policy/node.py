"""Node: one element's place in an exchange, and what a clause says of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from gateway.iepd.catalog import Field
from gateway.iepd.facts import Facts
from gateway.policy.condition import Anchored
from gateway.policy.manner import Nil
from gateway.policy.outcome import DEFAULT, Outcome


@dataclass(frozen=True, slots=True)
class Need:
    """A container cannot stand without this many of these elements."""

    names: frozenset[str]
    least: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """What becomes of an attribute.

    names_ids  its value points at other elements
    is_id      its value is the element's own id
    binding    the element cannot stand without it: the schema requires it, or it is a handling mark
    unlisted   it goes with its element though no line shares it, and so as a list of codes only
    """

    field: Field
    outcome: Outcome
    names_ids: bool
    is_id: bool
    binding: bool
    unlisted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One element's place in the exchange.

    leaf      what becomes of its text, None for a container
    open      something at or below it may be seen
    plain     its text goes through as it is, whatever holds
    anchored  the facts about this element that conditions ask for; false where no condition is about it
    gone      what a redaction says of a leaf that is withheld for its own reason, its path aside; else None
    step      its name as redactions write it in a path, "nc:PersonName"
    nil       when an empty element stands for it
    names_ids  its text points at other elements
    needs_id  the schema requires an id of it
    metadata  it describes others: when nobody points at it any more, it goes
    strip     takes out of an image what is no picture (`image.py`); None where there can be none
    reason    the clause by which a closed place is closed, where not each field has its own
    """

    children: Mapping[str, "Node"]
    attributes: Mapping[str, Attribute]
    leaf: Outcome | None
    field: Field | None
    open: bool
    plain: bool
    needs: tuple[Need, ...]
    anchored: Anchored
    gone: tuple[str, str, str, str] | None
    step: str
    nil: Nil = Nil.NEVER
    names_ids: bool = False
    needs_id: bool = False
    metadata: bool = False
    strip: Callable[[str], str | None] | None = None
    reason: str = DEFAULT

    def hold(self, element: etree._Element, active: frozenset[str], facts: Facts) -> frozenset[str]:
        """The conditions that hold here: those from above, and those about this element."""
        return self.anchored.hold(element, active, facts) if self.anchored else active

    def cause(self, need: Need) -> str:
        """The clause that withholds what is needed here."""
        clauses = (
            outcome.clause
            for name, child in self.children.items()
            if name in need.names
            for _, outcome in child.outcomes()
            if not outcome.released or outcome.unless
        )
        return next(clauses, DEFAULT)

    def outcomes(self) -> Iterator[tuple[Field, Outcome]]:
        """Every field at and below this place, and what becomes of it."""
        if self.leaf is not None and self.field is not None:
            yield self.field, self.leaf
        for attribute in self.attributes.values():
            yield attribute.field, attribute.outcome
        for child in self.children.values():
            yield from child.outcomes()
