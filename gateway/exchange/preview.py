"""What one recipient would get of a message, without storing or sending anything. Pure."""

from datetime import datetime

from gateway.agency import AgencyId
from gateway.document.parse import parse
from gateway.errors import Refused
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Case, Denied, Release, decide_one
from gateway.exchange.submission import InvalidMessage
from gateway.finding import errors
from gateway.iepd.facts import evaluate
from gateway.iepd.header import read as read_header
from gateway.iepd.validate import validate
from gateway.policy.consent import Consents
from gateway.policy.grant import Grant, NoMouInForce, PurposeNotAllowed, matches


class WouldGetNothing(Refused):
    """The recipient would get nothing; the code says why."""

    code = "policy.not-releasable"


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

    Raises what parsing and validating raise, `NoMouInForce`, `PurposeNotAllowed`, `WouldGetNothing`.
    """
    document = parse(body)
    iepd = configured.registry.find(document)
    if findings := errors(validate(document, iepd)):
        raise InvalidMessage(findings)
    facts = evaluate(document, iepd)
    clauses = [
        (mou, clause)
        for mou in configured.in_force.mous
        for clause in mou.exchanges
        if clause.exchange == iepd.id
        and to in clause.recipients
        and sender in {None, clause.sender}
        and mou.in_force(now.date())
    ]
    routed = [(mou, clause) for mou, clause in clauses if matches(clause.route, facts)]
    if not routed:
        raise NoMouInForce(sender=sender or AgencyId("anybody"), exchange=iepd.id, on=now.date(), recipient=to)
    meant = [(mou, clause) for mou, clause in routed if purpose == clause.purpose and role in {"", clause.role}]
    if not meant:
        raise PurposeNotAllowed(recipient=to, exchange=iepd.id)
    mou, clause = meant[0]
    case = Case(
        document=document,
        iepd=iepd,
        sender=clause.sender,
        action=read_header(document, iepd).action,
        only=frozenset({to}),
        consents=consents,
    )
    made = decide_one(case, configured, facts, Grant(mou=mou, clause=clause, recipient=to), now=now)
    if isinstance(made, Denied):
        raise WouldGetNothing(f"{to} would get nothing: {made.code}")
    return made
