"""The check of an agreement, before it is in force: each clause is proven, and its lines are looked through.

Pure: the same agreement, exchanges and law give the same check. What law says of a clause and a recipient comes in as
values; recipients of whom it says the same are checked once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.agency import AgencyId
from gateway.document.source import Table
from gateway.finding import Severity
from gateway.iepd.catalog import Field, Steps
from gateway.iepd.package import Iepd, unclassified
from gateway.policy.flaw import Flaw, Wrong
from gateway.policy.flaw_words import Kind, Words, kind
from gateway.policy.law_bind import Bound, restricted
from gateway.policy.mandate import mandated
from gateway.policy.mou import Clause, Effect, How, Mou
from gateway.policy.outcome import Outcome, outcomes
from gateway.policy.prove import Proof, prove
from gateway.policy.pseudonym import KEY_SIZE_BYTES, PseudonymKey
from gateway.policy.remark import Remark, Spot, Spots
from gateway.policy.rules import compile_rules
from gateway.policy.supposing import TooManyFacts, of_message
from gateway.policy.vain import Vain

NO_LAW = Bound()
PROVING_KEY = PseudonymKey(agreement="", period="", secret=bytes(KEY_SIZE_BYTES))
"""Whatever the key of an agreement will be, its tokens have the same form."""

LawOf = Callable[[Clause, AgencyId], Bound]
"""What law says of a clause and one of its recipients."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """One clause, checked for those of its recipients of whom law says the same.

    decided  what becomes of each field
    """

    clause: Clause
    recipients: tuple[AgencyId, ...]
    iepd: Iepd
    law: Bound
    decided: Mapping[Steps, Outcome]
    proof: Proof

    @property
    def vain(self) -> frozenset[Field]:
        """What is lost of lines that give nothing else: each is a promise that is not kept.

        A line gives a label wherever the exchange has it. Where it is lost in one place and arrives in others, the
        line does what it can; and it must not be taken back there, for what one place of an object may not show,
        none may (`identity`): a name withheld in an order against a person would be withheld from the person too.
        """
        lost = self.proof.lost
        found: set[Field] = set()
        for word in self._words() if lost else ():
            given = {each for each in self.iepd.catalog.select(word) if self.decided[each.path].released}
            if given <= lost:
                found |= given
        return frozenset(found)

    def _words(self) -> Iterator[str]:
        """What the lines of the clause that give something give."""
        yield from (item.what for item in self.clause.share)
        yield from (transform.what for transform in self.clause.transforms if transform.how is not How.REMOVE)

    @property
    def ending(self) -> frozenset[Steps]:
        """Fields that are given where the catalog ends and the schema does not: the rules let nothing through there."""
        places = self.proof.root.at_and_below()
        fields = (at.node.field for at in places if at.node.leaf is not None and not at.node.leaf.released)
        return frozenset(each.path for each in fields if each is not None and self.decided[each.path].released)

    @property
    def errors(self) -> frozenset[Kind]:
        """The flaws for which the agreement is refused."""
        vain = self.vain
        return frozenset(
            kind(flaw) for flaw in self.proof.flaws if flaw.wrong is not Wrong.LOST or not vain.isdisjoint(flaw.every)
        )

    @property
    def proven(self) -> bool:
        """Whether what comes out is always valid, and every line gives something."""
        return not self.errors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Check:
    """The whole check. Passed when nothing of it is an error."""

    mou: Mou
    clauses: tuple[Checked, ...]
    remarks: tuple[Remark, ...]

    @property
    def passed(self) -> bool:
        """Whether the agreement may come into force, as far as this goes."""
        return all(each.severity is not Severity.ERROR for each in self.remarks)

    def count(self, severity: Severity) -> int:
        """How many remarks are this bad."""
        return sum(1 for each in self.remarks if each.severity is severity)


def check(
    mou: Mou,
    iepds: Mapping[str, Iepd],
    *,
    law: LawOf = lambda _clause, _recipient: NO_LAW,
    source: Table | None = None,
    begun: Callable[[Clause], None] = lambda _: None,
) -> Check:
    """The check of an agreement that `read_mou` has read with these exchanges.

    source  the file, for lines and columns
    begun   told of each clause before it is looked at, for those who wait
    """
    spots = Spots(source)
    clauses: list[Checked] = []
    remarks: list[Remark] = []
    for clause in mou.exchanges:
        begun(clause)
        iepd = iepds[clause.exchange]
        for recipients, said in _alike(clause, law):
            checked = _checked(mou, clause, recipients, iepd, said)
            clauses.append(checked)
            remarks.extend(_of_clause(mou, checked, spots))
    remarks.extend(_of_exchanges(mou, clauses, iepds))
    remarks.extend(_of_access(mou, spots))
    order = {clause.id: number for number, clause in enumerate(mou.exchanges)}
    ranks = list(Severity)
    remarks.sort(key=lambda each: (ranks.index(each.severity), order.get(each.clause, len(order)), each.line or 0))
    return Check(mou=mou, clauses=tuple(clauses), remarks=tuple(dict.fromkeys(remarks)))


def _alike(clause: Clause, law: LawOf) -> Iterator[tuple[tuple[AgencyId, ...], Bound]]:
    """The recipients, together where law says the same of them."""
    found: list[tuple[list[AgencyId], Bound]] = []
    for recipient in clause.recipients:
        said = law(clause, recipient)
        same = next((each for each, other in found if other.says_as(said)), None)
        if same is None:
            found.append(([recipient], said))
        else:
            same.append(recipient)
    return ((tuple(recipients), said) for recipients, said in found)


def _checked(mou: Mou, clause: Clause, recipients: tuple[AgencyId, ...], iepd: Iepd, law: Bound) -> Checked:
    restrictions = restricted(law, iepd)
    rules = compile_rules(mou, clause, iepd, restrictions, key=PROVING_KEY)
    return Checked(
        clause=clause,
        recipients=recipients,
        iepd=iepd,
        law=law,
        decided=outcomes(clause, iepd.catalog, restrictions, PROVING_KEY),
        # Law lets only some messages go at all: no more than those need be looked at.
        proof=prove(rules, replace(clause, route=(*clause.route, *law.conditions)), iepd),
    )


def _of_clause(mou: Mou, checked: Checked, spots: Spots) -> Iterator[Remark]:
    clause, iepd, law = checked.clause, checked.iepd, checked.law
    if law.blocked:
        yield _blocked(checked, spots)
        return

    def again(other: Clause) -> frozenset[Kind]:
        return _checked(mou, other, checked.recipients, iepd, law).errors

    words = Words(clause=clause, iepd=iepd, proof=checked.proof, vain=checked.vain, errors=checked.errors, again=again)
    for flaw in checked.proof.flaws:
        yield words.remark(flaw, _giving(flaw, clause, iepd, spots))
    yield from Vain(clause, iepd, law.restrictions, _always(checked), spots, checked.ending).remarks()
    yield from mandated(law.mandates, clause, iepd.catalog, dict(checked.decided), spots.clause(clause.id))


def _blocked(checked: Checked, spots: Spots) -> Remark:
    line, column = spots.clause(checked.clause.id)
    to = ", ".join(checked.recipients)
    return Remark(
        code="mou.law-blocked",
        severity=Severity.ERROR,
        clause=checked.clause.id,
        text=f"the law lets no message of {checked.clause.exchange} go to {to}: {checked.law.blocked}",
        ways=(f"take {to} out of the clause",),
        line=line,
        column=column,
    )


def _giving(flaw: Flaw, clause: Clause, iepd: Iepd, spots: Spots) -> Spot:
    """The line that gives what is lost first; the clause's when nothing is."""
    for number, item in enumerate(clause.share):
        if flaw.lost and flaw.lost[0] in iepd.catalog.select(item.what):
            return spots.share(clause.id, number)
    return spots.clause(clause.id)


def _always(checked: Checked) -> frozenset[str]:
    """The conditions that hold for every message that the route takes."""
    proof = checked.proof
    try:
        held = of_message(proof.rules, checked.clause, proof.root.asked)
    except TooManyFacts:
        return frozenset()
    return held[0].intersection(*held[1:]) if held else frozenset()


def _of_exchanges(mou: Mou, clauses: Sequence[Checked], iepds: Mapping[str, Iepd]) -> Iterator[Remark]:
    """Of each exchange: places that no field names, and labels that nobody gets."""
    for exchange in dict.fromkeys(clause.exchange for clause in mou.exchanges):
        iepd = iepds[exchange]
        unnamed = unclassified(iepd, cut=False)
        if unnamed:
            yield Remark(
                code="mou.unclassified",
                severity=Severity.WARNING,  # withheld from everyone: nothing gets out, and a draft may leave places so
                text=f"{len(unnamed)} places of {exchange} have no field in its catalog, and nobody gets them: "
                f"{', '.join(unnamed[:6])}",
                ways=("name and label them in fields.yaml",),
            )
        given = {path for each in clauses if each.iepd is iepd for path, out in each.decided.items() if out.released}
        labels = iepd.catalog.labels()
        given_labels = {each.label for each in iepd.catalog.fields if each.path in given}
        nobody = [label for label in labels if label not in given_labels]
        if nobody:
            yield Remark(
                code="mou.shared-with-nobody",
                severity=Severity.NOTE,
                text=f"of {exchange} this agreement gives nobody: {', '.join(nobody)}",
                fields=tuple(each.name for each in iepd.catalog.fields if each.label in nobody),
            )


def _of_access(mou: Mou, spots: Spots) -> Iterator[Remark]:
    """Purposes that no clause serves, and clauses whose purpose nobody may have."""
    used = {clause.purpose for clause in mou.exchanges}
    permits = [rule for rule in mou.access if rule.effect is Effect.PERMIT]
    for rule in permits:
        idle = sorted(set(rule.purposes) - used)
        if idle:
            yield Remark(
                code="mou.unreachable-purpose",
                severity=Severity.WARNING,
                text=f"access rule {rule.id} speaks of {', '.join(idle)}, and no clause is for that purpose",
            )
    for clause in mou.exchanges if mou.access else ():
        asked = (clause.role, clause.purpose, clause.exchange.partition("/")[0])
        if not any(_speaks(rule.roles, rule.purposes, rule.categories, asked) for rule in permits):
            line, column = spots.clause(clause.id)
            yield Remark(
                code="mou.unreachable-purpose",
                severity=Severity.ERROR,
                clause=clause.id,
                text=f"no access rule lets a {clause.role} see {asked[2]} for {clause.purpose}: nobody gets anything",
                line=line,
                column=column,
            )


def _speaks(
    roles: Iterable[str], purposes: Iterable[str], categories: Iterable[str], asked: tuple[str, str, str]
) -> bool:
    return asked[0] in set(roles) and asked[1] in set(purposes) and asked[2] in set(categories)
