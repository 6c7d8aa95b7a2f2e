"""What holds of a proof: what it passes is sent as promised, and what it refuses really goes wrong."""

from dataclasses import replace

from lxml import etree

from gateway.document.names import split, structures_version
from gateway.document.parse import Document, parse, to_bytes
from gateway.finding import Severity
from gateway.iepd.catalog import Field
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.policy.flaw import Flaw, Wrong
from gateway.policy.mou import How, Transform
from gateway.policy.outcome import DEFAULT
from gateway.policy.prove import LACKING, NIL, NO_FIELD, NOTHING_GIVEN, Proof, prove
from gateway.policy.redact import NotReleasable, cut
from gateway.policy.specimen import CannotBeMade, Specimens, Supposed
from tests.policy.strategies import Policy

MENDS_MAX = 40


def proof_of(policy: Policy, iepd: Iepd) -> Proof:
    return prove(policy.rules(iepd), policy.clause, iepd)


def mended(policy: Policy, iepd: Iepd, *, losses: bool = True) -> tuple[Policy, Proof]:
    """The policy without what comes out wrong, and without what it gives in vain; it may give nothing then."""
    proof = proof_of(policy, iepd)
    for _ in range(MENDS_MAX):
        wrong = [flaw for flaw in proof.flaws if losses or flaw.wrong is not Wrong.LOST]
        names = {field.name for flaw in wrong for field in flaw.lost or flaw.place.fields()}
        if not names:
            break
        removed = tuple(Transform(what=name, how=How.REMOVE) for name in sorted(names))
        policy = replace(policy, clause=replace(policy.clause, transforms=(*policy.clause.transforms, *removed)))
        proof = proof_of(policy, iepd)
    return policy, proof


def passed_holds(document: Document, policy: Policy, proof: Proof, iepd: Iepd) -> bool:
    """Assert what a passed proof promises of this message. Whether anything of it was sent."""
    joined = has_identities(document)
    facts = evaluate(document, iepd)
    rules = proof.rules
    try:
        kept = cut(document, rules, facts, iepd, holding=policy.holding)
    except NotReleasable:
        holding = policy.holding | rules.holding(facts)
        assert any(
            (where.joined and joined)
            or (not where.joined and where.reason in {LACKING, NO_FIELD})
            or (where.reason == NIL and _nil(document))
            or (where.reason == NOTHING_GIVEN and where.holding <= holding)
            for where in proof.nowhere
        ), "a recipient gets nothing where the proof says so, and nowhere else"
        return False
    findings = [each for each in validate(parse(to_bytes(kept.document)), iepd) if each.severity is Severity.ERROR]
    assert findings == [], "what goes out is valid"
    if not joined:
        missing = [field.name for field in promised(proof) if count(document, field) > count(kept.document, field)]
        assert missing == [], "what is promised without a condition arrives"
    return True


def promised(proof: Proof) -> list[Field]:
    """Fields that go through as they are, whatever holds; those of a lesser form stand under another name. A mark that
    no line gives goes with its data, and is no promise."""
    outcomes = proof.rules.root.outcomes()
    given = (field for field, out in outcomes if out.plain and out.clause != DEFAULT and field.kind != "identity")
    return [field for field in given if field not in proof.lost]


def count(document: Document, field: Field) -> int:
    elements = [document.root]
    path, attribute = (field.path[:-1], field.path[-1][1:]) if field.is_attribute else (field.path, "")
    for step in path:
        elements = [child for element in elements for child in element.iterchildren(step)]
    return sum(1 for each in elements if not attribute or attribute in each.attrib)


def has_identities(document: Document) -> bool:
    return any(
        structures_version(split(str(name))[0]) is not None and split(str(name))[1] in {"id", "ref", "uri"}
        for element in document.root.iter(etree.Element)
        for name in element.attrib
    )


def _nil(document: Document) -> bool:
    return any(split(str(name))[1] == "nil" for name in document.root.attrib)


def replayed(flaw: Flaw, proof: Proof, iepd: Iepd) -> str:
    """What really becomes of the counter-example: "lost", "invalid", "not made", or "fine", which it must not be."""
    try:
        document = Specimens(iepd).make(flaw.shown, flaw.children, flaw.marked)
    except CannotBeMade:
        return "not made"
    given = [each for each in validate(parse(to_bytes(document)), iepd) if each.severity is Severity.ERROR]
    if given:
        return "not made"
    holding = flaw.holding.union(*(culprit.conditions for culprit in flaw.culprits))
    facts = Supposed(document, iepd.fact_tests, holding)
    law = frozenset(each for each in holding if each.startswith("law:"))
    try:
        kept = cut(document, proof.rules, facts, iepd, holding=law)
    except NotReleasable:
        return "lost" if flaw.wrong in {Wrong.LOST, Wrong.NOTHING} else "nothing"
    if flaw.wrong is Wrong.LOST:
        lost = [field for field in flaw.lost if count(document, field) > count(kept.document, field)]
        return "lost" if lost else "fine"
    found = [each for each in validate(parse(to_bytes(kept.document)), iepd) if each.severity is Severity.ERROR]
    return "invalid" if found else "fine"
