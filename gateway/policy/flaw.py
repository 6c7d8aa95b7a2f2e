"""Flaw: a place where an agreement does not do what it says, or would send what the schema does not take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.iepd.catalog import Field, Steps
from gateway.policy.inclusion import Step
from gateway.policy.place import Place


class Wrong(StrEnum):
    """What is wrong at a place."""

    LOST = "lost"  # a field the agreement gives is left out, because what must stand beside it is withheld
    BROKEN = "broken"  # what is left of the children is not what the schema takes
    HOLLOW = "hollow"  # an element whose content the catalog does not know would come out empty
    ABSTRACT = "abstract"  # the schema wants xsi:type here, and no cut lets it through
    ATTRIBUTE = "attribute"  # the schema requires an attribute that the catalog does not have
    IDENTITY = "identity"  # the value names an id, and ids are given anew
    VALUE = "value"  # the lesser form may not be a value of the type
    RENAMED = "renamed"  # the element that holds the lesser form cannot carry what the other carried
    KEYED = "keyed"  # the schema holds values against each other (xs:key, xs:keyref)
    NOTHING = "nothing"  # the clause gives nothing of any message
    TOO_LARGE = "too-large"  # the content model is too large to be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """What is missing and why: a field, and the clause or section of law that withholds it."""

    field: Field
    clause: str
    conditions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One flaw.

    holding   conditions that hold in the counter-example
    steps     its children at the place, and what is left of them; () when they do not matter
    going     children of elements in it by which those go, by their path below the root
    marks     handling marks of elements in it by which those go, by path below the root
    missing   names of which one is missing there
    lost      fields that are given and do not arrive
    culprits  why
    also      fields outside of the place that are lost because it is
    attribute the attribute that it is about
    joined    it takes an object that stands in several places of the message
    """

    wrong: Wrong
    place: Place
    holding: frozenset[str] = frozenset()
    steps: tuple[Step, ...] = ()
    going: Mapping[Steps, tuple[str, ...]] = field(default_factory=dict)
    marks: frozenset[Steps] = frozenset()
    missing: tuple[str, ...] = ()
    lost: tuple[Field, ...] = ()
    culprits: tuple[Culprit, ...] = ()
    also: tuple[Field, ...] = ()
    attribute: str = ""
    joined: bool = False

    @property
    def children(self) -> Mapping[Steps, tuple[str, ...]]:
        """Of the elements that decide, in the counter-example; by path below the root."""
        own = {self.place.path[1:]: tuple(step.name for step in self.steps)} if self.steps else {}
        return {**self.going, **own}

    @property
    def every(self) -> tuple[Field, ...]:
        """All that is lost."""
        return (*self.lost, *self.also)

    @property
    def marked(self) -> frozenset[Steps]:
        """Attributes that stand in the counter-example, by path below the root."""
        own = {(*self.place.path[1:], self.attribute)} if self.lost and self.attribute else set()
        return self.marks | own

    @property
    def shown(self) -> Steps:
        """Where the counter-example leads, below the root: what is lost first, else the place."""
        return self.lost[0].path if self.lost else self.place.path[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowhere:
    """Where a recipient gets nothing of a message that is meant for it.

    holding  conditions under which; joined: only where an object stands in several places, or is pointed at
    reason   key of `prove.REASONS`
    names    elements that the message must have and that may be left out
    """

    holding: frozenset[str]
    reason: str
    names: tuple[str, ...] = ()
    joined: bool = False
