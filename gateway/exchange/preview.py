"""What one recipient would get of a message, without storing or sending anything. Pure."""

from datetime import datetime
from typing import Any

from gateway.agency import AgencyId
from gateway.document.parse import parse
from gateway.errors import Refused
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Case, Denied, Release, decide_one
from gateway.exchange.submission import InvalidMessage
from gateway.finding import errors
from gateway.iepd.facts import Facts, evaluate
from gateway.iepd.header import read as read_header
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.policy.consent import Consents
from gateway.policy.grant import Grant, NoMouInForce, grants, refusals


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

    Raises what parsing and validating raise, `NoMouInForce`, `NotRouted`, `AccessDenied`, `PurposeNotAllowed`,
    `WouldGetNothing`.
    """
    document = parse(body)
    iepd = configured.registry.find(document)
    if findings := errors(validate(document, iepd)):
        raise InvalidMessage(findings)
    facts = evaluate(document, iepd)
    grant = _grant(configured, iepd, facts, to=to, purpose=purpose, role=role, sender=sender, now=now)
    case = Case(
        document=document,
        iepd=iepd,
        sender=grant.clause.sender,
        action=read_header(document, iepd).action,
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
    raise (
        told[0]
        if told
        else NoMouInForce(sender=AgencyId("anybody"), exchange=iepd.id, on=configured.day(now), recipient=to)
    )
