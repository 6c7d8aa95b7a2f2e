"""SharingRules: a clause, compiled against its exchange into one tree of names.

Made once, when an agreement comes into force, and never changed. Every field of the exchange is a leaf of
the tree, those that are withheld too, so that a decision is a walk down and costs the same for ten rules and
for a thousand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.iepd.facts import Facts
from gateway.iepd.package import Iepd
from gateway.policy.condition import LAW, NOT_ANCHORED, Anchored, Asked, anchor, parts
from gateway.policy.growing import Compiling, Growing, other_ids
from gateway.policy.manner import Explanation, explain_withheld, may_be_nil
from gateway.policy.mou import Clause, Mou
from gateway.policy.node import Attribute, Need, Node
from gateway.policy.outcome import outcomes
from gateway.policy.pseudonym import NO_KEY, PseudonymKey
from gateway.policy.restriction import NONE, Restrictions

__all__ = ["Attribute", "Need", "Node", "SharingRules", "compile_rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRules:
    """What one clause lets through of one exchange.

    tag       the exchange's root element
    prefixes  prefix to namespace, as redactions write paths
    facts     facts about the whole message that conditions ask for
    told      conditions asked for that no fact tells: they come with each message
    explanation  where the message can say "withheld"
    structures  namespaces of structures:id
    ids       attributes besides structures:id that are ids
    """

    mou: str
    version: int
    clause: str
    exchange: str
    tag: str
    root: Node
    prefixes: Mapping[str, str]
    facts: tuple[Asked, ...] = ()
    told: frozenset[str] = frozenset()
    explanation: Explanation | None = None
    structures: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()

    def holding(self, facts: Facts) -> frozenset[str]:
        """The conditions that hold for the message as a whole."""
        return frozenset[str]().union(*(each.of(facts.message(each.fact)) for each in self.facts))


def compile_rules(
    mou: Mou, clause: Clause, iepd: Iepd, restrictions: Restrictions = NONE, *, key: PseudonymKey = NO_KEY
) -> SharingRules:
    """The rules of one clause under the law. Raises ValueError for a clause that `read_mou` finds fault with.

    key  for pseudonyms; without one, what the clause would pseudonymize is withheld
    """
    decided = outcomes(clause, iepd.catalog, restrictions, key)
    asked = {condition for outcome in decided.values() for condition in outcome.unless}
    anchors = anchor(asked, {fact.name: fact.each for fact in iepd.facts})
    whole = anchors.pop((), NOT_ANCHORED)
    if whole.put_together:
        anchors[()] = Anchored(put_together=whole.put_together)
    root = Growing()
    for each in iepd.catalog.fields:
        root.plant(each, each.path, decided[each.path])
    law = frozenset(path for path, each in restrictions.items() if any(not one.where for one in each))
    compiling = Compiling(clause=clause, iepd=iepd, anchors=anchors, law=law, may_be_nil=may_be_nil(iepd))
    return SharingRules(
        mou=mou.id,
        version=mou.version,
        clause=clause.id,
        exchange=iepd.id,
        tag=iepd.root,
        root=root.ripe((iepd.root,), iepd.schema.components.elements[iepd.root], compiling),
        prefixes=dict(iepd.namespaces),
        facts=whole.facts,
        told=frozenset(part for condition in asked for part in parts(condition) if part.startswith(LAW)),
        explanation=explain_withheld(iepd),
        structures=tuple(iepd.schema.structures),
        ids=other_ids(iepd),
    )
