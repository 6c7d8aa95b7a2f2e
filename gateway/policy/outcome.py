"""Outcome: what a clause says of one field, and why.

Withheld is what a field is until a clause lists it. A removal beats everything, a transform beats a share, and
every condition on a field counts, whichever line it stands on: there is no order among the lines of a clause.
A restriction of law beats them all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from gateway.iepd.catalog import Catalog, Field
from gateway.policy.mou import Clause, How, Item, Transform
from gateway.policy.restriction import NONE, Restriction, Restrictions
from gateway.policy.transform import change_of, goes_through

WITHHELD = "withheld"
DEFAULT = "default"
CLOSURE = "closure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What becomes of one field.

    how      "" = as it is, the name of a transform, or "withheld"
    clause   id of the clause that decided; "default" when it lists the field nowhere
    unless   conditions: where one of these holds, the field is withheld; "protected", or "not protected"
    change   the lesser form of a value; None when the value cannot be read
    becomes  the element that holds the lesser form, "" = the same
    because  the transform that decided, if one did
    laws     conditions in `unless` that law sets, each with the section that does
    """

    how: str
    clause: str
    unless: frozenset[str] = frozenset()
    change: Callable[[str], str | None] | None = None
    becomes: str = ""
    because: Transform | None = None
    laws: tuple[tuple[str, str], ...] = ()

    @property
    def form(self) -> tuple[object, ...]:
        """What it does to a value, whatever the reason."""
        return () if self.because is None else form(self.because)

    @property
    def released(self) -> bool:
        """Whether anything of the field goes through."""
        return self.how != WITHHELD

    @property
    def plain(self) -> bool:
        """Whether the field goes through as it is, whatever holds."""
        return self.released and self.change is None and not self.unless

    def withheld_in(self, active: frozenset[str]) -> bool:
        """Whether it is withheld where these conditions hold."""
        return self.how == WITHHELD or not self.unless.isdisjoint(active)

    def clause_in(self, active: frozenset[str]) -> str:
        """The clause or section of law that decides where these conditions hold."""
        if not self.laws:
            return self.clause
        return min((law for condition, law in self.laws if condition in active), default=self.clause)


def same_kind(own: Field, other: Field, outcome: Outcome) -> bool:
    """Whether the lesser form that a field takes in one place can be taken by this one, which holds the same object.

    A form is made for a type of value, and one that stands under a name of its own for the places that have it.
    """
    return own.value == other.value and (not outcome.becomes or own.path[-1] == other.path[-1])


OUTSIDE = Outcome(how=WITHHELD, clause=DEFAULT)
"""Of a place the rules know nothing of."""


def strictest(own: Outcome, others: Iterable[tuple[Outcome | None, frozenset[str]]]) -> Outcome:
    """One object, several places: what all of them allow. None = a place that has no such field.

    Two different lesser forms of one value tell more together than each alone, so neither is given.
    """
    result = own
    for other, active in others:
        if other is None:
            continue
        if other.withheld_in(active):
            return Outcome(how=WITHHELD, clause=other.clause_in(active))
        if other.change is None:
            continue
        if result.change is None:
            result = replace(other, unless=own.unless, laws=own.laws)
        elif result.form != other.form:
            return Outcome(how=WITHHELD, clause=other.clause)
    return result


class ConflictingTransforms(ValueError):
    """Two different transforms on one field; `read_mou` reports it, so rules never see it."""


def outcomes(clause: Clause, catalog: Catalog, restrictions: Restrictions = NONE) -> dict[tuple[str, ...], Outcome]:
    """What the clause and the law say of every field of the catalog, by path."""
    shared: dict[tuple[str, ...], set[str]] = {}
    for item in clause.share:
        for field in catalog.select(item.what):
            shared.setdefault(field.path, set()).update(conditions(item))
    transforms: dict[tuple[str, ...], list[Transform]] = {}
    for transform in clause.transforms:
        for field in catalog.select(transform.what):
            transforms.setdefault(field.path, []).append(transform)
    return {
        field.path: _restricted(
            _outcome(clause.id, field, catalog, shared.get(field.path), transforms.get(field.path, [])),
            restrictions.get(field.path, ()),
        )
        for field in catalog.fields
    }


def _restricted(outcome: Outcome, restrictions: tuple[Restriction, ...]) -> Outcome:
    if not restrictions or not outcome.released:
        return outcome
    always = min((each.law for each in restrictions if not each.where), default="")
    if always:
        return Outcome(how=WITHHELD, clause=always)
    laws = tuple((condition, each.law) for each in restrictions for condition in sorted(each.where))
    return replace(outcome, unless=outcome.unless.union(condition for condition, _ in laws), laws=laws)


def conditions(item: Item) -> tuple[str, ...]:
    """Where the field is withheld: "protected" where the fact holds, "not protected" where it does not."""
    return tuple(each for each in (item.unless, item.when and negation(item.when)) if each)


def negation(fact: str) -> str:
    """The condition that a fact does not hold."""
    return f"not {fact}"


def deciding(transforms: list[Transform]) -> Transform | None:
    """The transform that decides among those on one field. Raises ConflictingTransforms."""
    removal = next((transform for transform in transforms if transform.how is How.REMOVE), None)
    if removal is not None or not transforms:
        return removal
    first = transforms[0]
    if any(form(transform) != form(first) for transform in transforms):
        raise ConflictingTransforms("two different transforms on one field")
    return first


def form(transform: Transform) -> tuple[object, ...]:
    """What a transform does, whatever field it names and whatever its reason."""
    return (transform.how, transform.keep_last, transform.to, transform.text)


def _outcome(
    clause: str, field: Field, catalog: Catalog, unless: set[str] | None, transforms: list[Transform]
) -> Outcome:
    transform = deciding(transforms)
    if transform is None:
        if unless is None:
            return OUTSIDE
        return Outcome(how="", clause=clause, unless=frozenset(unless))
    if transform.how is How.REMOVE or not goes_through(transform, field):
        return Outcome(how=WITHHELD, clause=clause, because=transform)
    change, becomes = change_of(transform, field, catalog)
    how = "" if change is None else str(transform.how)
    return Outcome(
        how=how, clause=clause, unless=frozenset(unless or ()), change=change, becomes=becomes, because=transform
    )
