"""What one recipient would get of a message, without storing or sending anything. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from gateway.agency import AgencyId
from gateway.document.parse import parse
from gateway.errors import Refused
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Case, Denied, Release, decide_one
from gateway.exchange.submission import InvalidMessage
from gateway.finding import errors
from gateway.iepd.facts import Facts, evaluate
from gateway.iepd.header import find_impossible
from gateway.iepd.header import read as read_header
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.policy.consent import Consents
from gateway.policy.grant import Grant, NoMouInForce, NotRouted, grants, matches, refusals
from gateway.policy.mou import Clause, Condition, Mou


class WouldGetNothing(Refused):
    """The recipient would get nothing; the code says why."""

    code = "policy.not-releasable"


class UnknownName(Refused):
    """A name that nothing in force uses: most likely misspelled. `nearest` is "" when none is like it."""

    code = "policy.unknown-name"
    what = "name"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.nearest = name, next(iter(get_close_matches(name, sorted(set(known)), n=1)), "")
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        super().__init__(f"no {self.what} {name} is known{hint}")


class UnknownAgency(UnknownName):
    """No agency has this id."""

    code, what = "agency.unknown", "agency"


class UnknownPurpose(UnknownName):
    """No agreement in force has this purpose."""

    code, what = "policy.unknown-purpose", "purpose"


class UnknownRole(UnknownName):
    """No agreement in force has this role."""

    code, what = "policy.unknown-role", "role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A condition of a clause's route that the message does not meet."""

    mou: Mou
    clause: Clause
    condition: Condition


class RouteDoesNotHold(Refused):
    """There is an agreement, and the message is not one that it routes. Says which fact is wanted to be what; what the
    message says is content."""

    code = "policy.not-routed"

    def __init__(self, unmet: tuple[Unmet, ...]) -> None:
        self.unmet = unmet
        wanted = (
            f"{each.mou.id} version {each.mou.version}, clause {each.clause.id} wants {each.condition.fact} to be "
            + " or ".join(map(in_words, each.condition.values))
            for each in unmet
        )
        super().__init__("no route holds: " + "; ".join(wanted))


def in_words(value: bool | str) -> str:
    """A wanted value as the agreement's file writes it."""
    return str(value).lower() if isinstance(value, bool) else value


def preview(
    configured: Configured,
    body: bytes,
    *,
    to: AgencyId,
    purpose: str,
    role: str = "",
    sender: AgencyId | None = None,
    consents: Consents = (),
    now: datetime,
) -> Release:
    """The release to this recipient for this purpose, by the first clause that gives it.

    sender    when None, whoever an agreement lets send this to the recipient
    consents  what was found for the persons in the message

    Raises what parsing and validating raise, `UnknownName`, `NoMouInForce`, `AccessDenied`, `PurposeNotAllowed`,
    `RouteDoesNotHold`,
    `WouldGetNothing`.
    """
    _check_names(configured, to=to, purpose=purpose, role=role, sender=sender)
    document = parse(body)
    iepd = configured.registry.find(document)
    if findings := errors(validate(document, iepd)):
        raise InvalidMessage(findings)
    header = read_header(document, iepd)
    if findings := find_impossible(document, iepd, header, now=now):
        raise InvalidMessage(findings)
    facts = evaluate(document, iepd)
    grant = _grant(configured, iepd, facts, to=to, purpose=purpose, role=role, sender=sender, now=now)
    case = Case(
        document=document,
        iepd=iepd,
        sender=grant.clause.sender,
        action=header.action,
        only=frozenset({to}),
        consents=consents,
    )
    made = decide_one(case, configured, facts, grant, now=now)
    if isinstance(made, Denied):
        raise WouldGetNothing(f"{to} would get nothing: {made.code}")
    return made


def _grant(
    configured: Configured,
    iepd: Iepd,
    facts: Facts,
    *,
    to: AgencyId,
    purpose: str,
    role: str,
    sender: AgencyId | None,
    now: datetime,
) -> Grant:
    """The grant of the first sender that has one; else the refusal of the one that comes nearest."""
    refused: list[Refused] = []
    for each in configured.in_force.senders(iepd.id) if sender is None else (sender,):
        asked: dict[str, Any] = {
            "sender": each,
            "exchange": iepd.id,
            "on": configured.day(now),
            "only": frozenset({to}),
            "purpose": purpose,
            "role": role or None,
        }
        found = grants(configured.in_force, facts=facts, **asked)
        if found:
            return found[0]
        refused += [refusal.error for refusal in refusals(configured.in_force, (), **asked)]
    told = [error for error in refused if type(error) is not NoMouInForce] or refused
    if told and isinstance(told[0], NotRouted):
        raise RouteDoesNotHold(_unmet(_meant(configured, told[0], purpose, role), facts))
    nobody = NoMouInForce(sender=AgencyId("anybody"), exchange=iepd.id, on=configured.day(now), recipient=to)
    raise told[0] if told else nobody


def _meant(configured: Configured, error: NotRouted, purpose: str, role: str) -> list[tuple[Mou, Clause]]:
    """The clauses whose routes were asked."""
    spoken = configured.in_force.spoken(error.sender, error.exchange, error.on)
    given = spoken.grants.get(error.recipient or AgencyId(""), ())
    return [
        (each.mou, each.clause) for each in given if purpose == each.clause.purpose and role in {"", each.clause.role}
    ]


def _check_names(configured: Configured, *, to: AgencyId, purpose: str, role: str, sender: AgencyId | None) -> None:
    """A misspelled name would be answered as if there were no agreement."""
    clauses = [clause for mou in configured.in_force.mous for clause in mou.exchanges]
    for agency in (to, *((sender,) if sender is not None else ())):
        if agency not in configured.agencies:
            raise UnknownAgency(agency, configured.agencies)
    if purpose not in (purposes := {clause.purpose for clause in clauses}):
        raise UnknownPurpose(purpose, purposes)
    if role not in (roles := {"", *(clause.role for clause in clauses)}):
        raise UnknownRole(role, roles)


def _unmet(clauses: Iterable[tuple[Mou, Clause]], facts: Facts) -> tuple[Unmet, ...]:
    return tuple(
        Unmet(mou=mou, clause=clause, condition=condition)
        for mou, clause in clauses
        for condition in clause.route
        if not matches((condition,), facts)
    )
