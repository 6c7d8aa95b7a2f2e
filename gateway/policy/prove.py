"""The proof of one clause: whatever valid message comes, what the clause lets out of it is valid too.

For every element of the exchange that the rules can reach, under every set of conditions that they ask for, the
children that may be left are held against the content model: L(h(M)) ⊆ L(M) (`verdict`). What a container needs and
may not have takes the container out, as the cut does, so it may be missing from its own parent, and so on to the root:
there the recipient gets nothing, which is told (`Nowhere`), never found out by surprise.

What is exact: order, choice, numbers, groups, substitution groups, extension, recursion, attributes, and the facts that
a clause asks for, those of objects for each object. What is assumed more freely than it can be, so that the proof may
refuse what would do no harm, but never the other way round:

- facts are taken to be true or false whatever else the message holds, and whatever other facts are;
- any object may stand in any other place of the message too, and what points at it goes when it goes;
- a value may be one that its transform cannot read;
- beyond FACTS_MAX facts of the message or ANCHORED_MAX of an object (`supposing`), each condition may hold at one
  place and not at another.

Not looked at: xs:key and xs:keyref (a place under one is refused), assertions and types of XSD 1.1 (no set has them).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.iepd.catalog import Field
from gateway.iepd.package import Iepd
from gateway.policy.flaw import Flaw, Nowhere, Wrong
from gateway.policy.mou import Clause
from gateway.policy.place import Place, places
from gateway.policy.rules import SharingRules
from gateway.policy.sameness import Sameness
from gateway.policy.supposing import TooManyFacts, of_message
from gateway.policy.walk import Walk

VERSION = "1"
"""Of the proof: it stands in certificates and goes up when the proof finds more or less than before."""

NOTHING_GIVEN = "nothing-given"
LACKING = "lacking"
NO_FIELD = "no-field"
NIL = "nil"
REASONS: Mapping[str, str] = {
    NOTHING_GIVEN: "the agreement gives nothing of it",
    LACKING: "the message as a whole lacks something it must have",
    NO_FIELD: "it holds none of the fields that are given",
    NIL: "the message itself is nil, and says nothing",
}

MANY_CONDITIONS = "many-conditions"
OBJECTS = "objects"
FACTS = "facts"
APPROXIMATIONS: Mapping[str, str] = {
    FACTS: "Facts are taken to be true or false independently of each other and of what else the message holds.",
    OBJECTS: "Any object that can carry an id, ref or uri is taken to stand in other places of the message too.",
    MANY_CONDITIONS: "The clause asks for so many conditions that each is taken to hold or not at every place anew.",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proof:
    """What was found out about one clause.

    root     the exchange, as the rules reach it
    flaws    what may come out wrong, and what is given in vain
    nowhere  where a recipient gets nothing of a message that is routed to it
    looked   pairs of a place and conditions that were looked at
    freely   keys of APPROXIMATIONS that were made use of
    """

    rules: SharingRules
    root: Place
    flaws: tuple[Flaw, ...]
    nowhere: tuple[Nowhere, ...]
    looked: int
    freely: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether whatever comes out is always valid."""
        return all(flaw.wrong is Wrong.LOST for flaw in self.flaws)

    @property
    def lost(self) -> frozenset[Field]:
        """Fields that are given in vain, where conditions say so or always."""
        return frozenset(field for flaw in self.flaws for field in flaw.every)


def prove(rules: SharingRules, clause: Clause, iepd: Iepd) -> Proof:
    """The proof of a clause's rules over its exchange."""
    root = places(rules, iepd.schema.components)
    proving = _Proving(rules, root, iepd)
    try:
        return proving.proof(of_message(rules, clause, root.asked), frozenset())
    except TooManyFacts:
        return proving.proof([frozenset()], root.asked)


class _Proving:
    def __init__(self, rules: SharingRules, root: Place, iepd: Iepd) -> None:
        self._rules, self._root, self._components = rules, root, iepd.schema.components
        self._sameness = Sameness(root, self._components)
        self._strict_nil = any(version >= 6 for version in iepd.schema.structures.values())

    def proof(self, valuations: Sequence[frozenset[str]], unsure: frozenset[str]) -> Proof:
        """The proof over these sets of conditions of the message."""
        apart = Walk(self._root, self._components, unsure=unsure, strict_nil=self._strict_nil)
        joined = Walk(self._root, self._components, self._sameness, unsure=unsure, strict_nil=self._strict_nil)
        nowhere: dict[tuple[str, bool], Nowhere] = {}
        given = False
        for active in valuations:
            promised = next(apart.promised(self._root, active), None) is not None
            given = given or promised
            for where in self._nowhere(apart, joined, active, promised=promised):
                nowhere.setdefault((where.reason, where.joined), where)
        if self._root.element.nillable:
            nowhere[NIL, False] = Nowhere(holding=frozenset(), reason=NIL)
        found = dict(apart.found())
        flaws = list(found.values())
        flaws += [replace(flaw, joined=True) for key, flaw in joined.found() if key not in found]
        if not given:
            flaws.append(Flaw(wrong=Wrong.NOTHING, place=self._root))
        return Proof(
            rules=self._rules,
            root=self._root,
            flaws=tuple(sorted(flaws, key=lambda flaw: (flaw.place.path, flaw.wrong))),
            nowhere=tuple(nowhere.values()),
            looked=apart.looked + joined.looked,
            freely=tuple(self._freely(unsure)),
        )

    def _nowhere(self, apart: Walk, joined: Walk, active: frozenset[str], *, promised: bool) -> Iterator[Nowhere]:
        """Why the recipient may get nothing where these conditions hold."""
        holding = active & self._root.asked
        own, other = apart.root(active), joined.root(active)
        if not promised:
            yield Nowhere(holding=holding, reason=NOTHING_GIVEN)
            return
        if own.goes:
            yield Nowhere(holding=holding, reason=LACKING, names=tuple(sorted(apart.vital)))
        elif other.goes:
            yield Nowhere(holding=holding, reason=LACKING, names=tuple(sorted(joined.vital)), joined=True)
        if not own.leaf:
            yield Nowhere(holding=holding, reason=NO_FIELD)
        elif not other.leaf:
            yield Nowhere(holding=holding, reason=NO_FIELD, joined=True)

    def _freely(self, unsure: frozenset[str]) -> Iterator[str]:
        if unsure:
            yield MANY_CONDITIONS
        elif self._root.asked:
            yield FACTS
        if self._sameness.bearers:
            yield OBJECTS
