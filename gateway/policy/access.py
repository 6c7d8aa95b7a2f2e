"""Access: who may see which records for which reason. The rules of an agreement, indexed, and one decision.

Roles x purposes x categories: a rule applies where all three do. A denial beats every permission, whatever its
conditions and wherever it stands; there is no order among rules; what no rule permits is denied. Rules open no way
of their own: a request needs a clause that gives this recipient this exchange for this purpose, because without one
nobody agreed on fields. An agreement without rules permits exactly the roles its clauses name.

Everything that hangs on the agreement alone is worked out once (`Access`), so that a decision is two look-ups, for
ten rules and for a thousand; only what is known of a person is looked at when it is asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from gateway.agency import AgencyId
from gateway.policy.mou import AccessRule, Clause, Effect, Mou


class Lack(StrEnum):
    """Why somebody may not see something."""

    NO_CLAUSE = "no-clause"  # nobody agreed to give this recipient this exchange
    PURPOSE = "purpose-not-agreed"  # not for this purpose
    ROLE = "role-not-permitted"  # no rule permits this role for this purpose and kind of record
    DENIED = "denied-by-rule"
    MFA = "second-factor-missing"
    TRAINING = "training-missing"
    TRAINING_EXPIRED = "training-expired"
    CASE_NUMBER = "case-number-missing"


_SAID = {
    Lack.NO_CLAUSE: "no clause gives this exchange to this recipient",
    Lack.PURPOSE: "no clause gives it for this purpose",
    Lack.ROLE: "no rule permits this role for this purpose and kind of record",
    Lack.DENIED: "the rule denies it",
    Lack.MFA: "the person did not sign in with a second factor",
    Lack.TRAINING: "the person does not hold this training",
    Lack.TRAINING_EXPIRED: "the person's training has expired",
    Lack.CASE_NUMBER: "no case number was given",
}


class DemandKind(StrEnum):
    """What a rule may ask of a person."""

    MFA = "mfa"
    TRAINING = "training"
    CASE_NUMBER = "case-number"


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """One thing a rule asks of a person before it permits. `course`: of a training."""

    kind: DemandKind
    course: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of whoever asks. What is not known is missing.

    training     course to the last day it counts
    case_number  whether one was given; the number itself never gets here
    """

    mfa: bool = False
    training: Mapping[str, date] = field(default_factory=dict)
    case_number: bool = False


NOBODY_KNOWN = Person()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One person at one agency asks for what another agency sends."""

    sender: AgencyId
    recipient: AgencyId
    exchange: str
    purpose: str
    role: str
    on: date
    person: Person = NOBODY_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason against. `rule`: the rule that gives it; `course`: of a training."""

    lack: Lack
    rule: str = ""
    course: str = ""

    @property
    def text(self) -> str:
        """In words."""
        course = f" ({self.course})" if self.course else ""
        return f"{self.rule}: {_SAID[self.lack]}{course}" if self.rule else _SAID[self.lack] + course


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to a request.

    mou      agreement that decided; of a denial by several, the first
    rules    ids of the rules that decided; of the clauses, where the agreement has no rules
    reasons  every reason against; () when permitted
    """

    permitted: bool
    mou: str = ""
    rules: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one agreement says of one role, one purpose and one kind of record.

    denials  ids of the rules that deny
    permits  ids of the rules that permit, each with what it demands, by id
    """

    mou: str
    denials: tuple[str, ...] = ()
    permits: tuple[tuple[str, frozenset[Demand]], ...] = ()

    @property
    def open(self) -> bool:
        """Whether somebody may, on whatever condition."""
        return bool(self.permits) and not self.denials

    @cached_property
    def ways(self) -> tuple[tuple[str, frozenset[Demand]], ...]:
        """The permissions that matter: one that demands all another does, and more, adds nothing."""
        kept: list[tuple[str, frozenset[Demand]]] = []
        for rule, demands in sorted(self.permits, key=lambda each: (len(each[1]), each[0])):
            if not any(other <= demands for _, other in kept):
                kept.append((rule, demands))
        return tuple(kept)

    @cached_property
    def settled(self) -> Verdict | None:
        """The answer, when it is the same for everyone."""
        if self.open and not self.ways[0][1]:
            free = tuple(rule for rule, demands in self.permits if not demands)
            return Verdict(permitted=True, mou=self.mou, rules=free)
        if self.permits and self.ways[0][1]:
            return None
        reasons = _denied(self.denials)
        if not self.permits:
            reasons += (Reason(lack=Lack.ROLE),)
        return Verdict(permitted=False, mou=self.mou, rules=self.denials, reasons=reasons)

    @cached_property
    def _answers(self) -> tuple[tuple[tuple[Demand, ...], Verdict], ...]:
        """What each permission demands, and the answer when it is met."""
        denied = Verdict(permitted=False, mou=self.mou, rules=self.denials, reasons=_denied(self.denials))
        return tuple(
            (tuple(sorted(demands)), denied if self.denials else Verdict(permitted=True, mou=self.mou, rules=(rule,)))
            for rule, demands in self.permits
        )

    def verdict(self, person: Person, on: date) -> Verdict:
        """The answer for one person on one day."""
        if self.settled is not None:
            return self.settled
        for demands, answer in self._answers:
            for demand in demands:
                if _lack(demand, person, on) is not None:
                    break
            else:
                return answer
        lacking = (
            Reason(lack=lack, rule=rule, course=demand.course)
            for rule, demands in self.permits
            for demand in sorted(demands)
            if (lack := _lack(demand, person, on)) is not None
        )
        return Verdict(permitted=False, mou=self.mou, rules=self.denials, reasons=(*_denied(self.denials), *lacking))


def _denied(rules: tuple[str, ...]) -> tuple[Reason, ...]:
    return tuple(Reason(lack=Lack.DENIED, rule=rule) for rule in rules)


def _lack(demand: Demand, person: Person, on: date) -> Lack | None:
    if demand.kind is DemandKind.MFA:
        return None if person.mfa else Lack.MFA
    if demand.kind is DemandKind.CASE_NUMBER:
        return None if person.case_number else Lack.CASE_NUMBER
    until = person.training.get(demand.course)
    if until is None:
        return Lack.TRAINING
    return None if on <= until else Lack.TRAINING_EXPIRED


@dataclass(frozen=True, slots=True)
class Cells:
    """All roles of one agreement, for one purpose and one kind of record. `others`: whoever no rule names."""

    by_role: Mapping[str, Cell]
    others: Cell

    def of(self, role: str) -> Cell:
        """What is said of a role."""
        return self.by_role.get(role, self.others)


Way = tuple[AgencyId, AgencyId, str, str]
"""Sender, recipient, exchange, purpose."""


class Access:
    """One agreement's rules of access, made ready. Does not ask on which days the agreement is in force."""

    def __init__(self, mou: Mou) -> None:
        self.mou = mou
        self.ways: Mapping[Way, Cells] = _ruled(mou) if mou.access else _named(mou)
        self._given = frozenset(way[:3] for way in self.ways)

    def cell(self, clause: Clause, role: str | None = None) -> Cell:
        """What is said of a role, the clause's own when not given, for the purpose and kind of record of a clause."""
        cells = self.ways[clause.sender, clause.recipients[0], clause.exchange, clause.purpose]
        return cells.of(clause.role if role is None else role)

    def decide(self, request: Request) -> Verdict:
        """The answer of this agreement alone."""
        found = self.ways.get((request.sender, request.recipient, request.exchange, request.purpose))
        given = (request.sender, request.recipient, request.exchange) in self._given
        return decide(() if found is None else (found,), request, given=given)


def decide(cells: Iterable[Cells], request: Request, *, given: bool) -> Verdict:
    """The answer of several agreements, each of which speaks for itself: one that permits is enough.

    cells  of each agreement with a clause for this sender, recipient, exchange and purpose
    given  whether there is a clause for another purpose
    """
    denials = []
    for each in cells:
        verdict = each.of(request.role).verdict(request.person, request.on)
        if verdict.permitted:
            return verdict
        denials.append(verdict)
    if not denials:
        return _PURPOSE if given else _NO_CLAUSE
    if len(denials) == 1:
        return denials[0]
    return Verdict(
        permitted=False,
        mou=denials[0].mou,
        rules=tuple(rule for verdict in denials for rule in verdict.rules),
        reasons=tuple(reason for verdict in denials for reason in verdict.reasons),
    )


_NO_CLAUSE = Verdict(permitted=False, reasons=(Reason(lack=Lack.NO_CLAUSE),))
_PURPOSE = Verdict(permitted=False, reasons=(Reason(lack=Lack.PURPOSE),))


def category(exchange: str) -> str:
    """The kind of record an exchange carries: its id without the version."""
    return exchange.partition("/")[0]


# --- from rules to cells -----------------------------------------------------------------------------------------


def _ruled(mou: Mou) -> dict[Way, Cells]:
    """Of an agreement with rules. Ways for one purpose and kind of record share their table of roles."""
    tables: dict[tuple[str, str], Cells] = {}
    ways: dict[Way, Cells] = {}
    for clause in mou.exchanges:
        about = (category(clause.exchange), clause.purpose)
        if about not in tables:
            tables[about] = _cells(mou, *about)
        for recipient in clause.recipients:
            ways[clause.sender, recipient, clause.exchange, clause.purpose] = tables[about]
    return ways


def _cells(mou: Mou, kind: str, purpose: str) -> Cells:
    """One pass over the rules, however many roles they name."""
    everyone: list[AccessRule] = []
    by_role: dict[str, list[AccessRule]] = {}
    for rule in sorted(mou.access, key=lambda each: each.id):
        if _about(rule, rule.categories, kind) and _about(rule, rule.purposes, purpose):
            for role in dict.fromkeys(rule.roles):
                by_role.setdefault(role, []).append(rule)
            if not rule.roles and rule.effect is Effect.DENY:
                everyone.append(rule)
    others = _cell(mou.id, everyone, purpose)
    return Cells({role: _cell(mou.id, [*own, *everyone], purpose) for role, own in by_role.items()}, others)


def _cell(mou: str, rules: list[AccessRule], purpose: str) -> Cell:
    return Cell(
        mou=mou,
        denials=tuple(sorted(rule.id for rule in rules if rule.effect is Effect.DENY)),
        permits=tuple((rule.id, demands_of(rule, purpose)) for rule in rules if rule.effect is Effect.PERMIT),
    )


def _about(rule: AccessRule, named: tuple[str, ...], word: str) -> bool:
    """Whether a rule speaks of this. One that names nothing permits nothing and denies everything."""
    return word in named or (not named and rule.effect is Effect.DENY)


def demands_of(rule: AccessRule, purpose: str) -> frozenset[Demand]:
    """What a permission asks of a person who asks for this purpose."""
    asked = [Demand(DemandKind.TRAINING, course) for course in rule.training]
    if rule.mfa:
        asked.append(Demand(DemandKind.MFA))
    if purpose in rule.case_number_for:
        asked.append(Demand(DemandKind.CASE_NUMBER))
    return frozenset(asked)


def _named(mou: Mou) -> dict[Way, Cells]:
    """Of an agreement without rules: the roles that its clauses name."""
    found: dict[Way, dict[str, list[str]]] = {}
    for clause in sorted(mou.exchanges, key=lambda each: each.id):
        for recipient in clause.recipients:
            way = (clause.sender, recipient, clause.exchange, clause.purpose)
            found.setdefault(way, {}).setdefault(clause.role, []).append(clause.id)
    nobody, nothing = Cell(mou=mou.id), frozenset[Demand]()
    return {
        way: Cells(
            {role: Cell(mou=mou.id, permits=tuple((id, nothing) for id in ids)) for role, ids in roles.items()}, nobody
        )
        for way, roles in found.items()
    }
