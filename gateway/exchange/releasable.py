"""What of one message may go in an emergency, and what of it went, counted. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.agency import AgencyId
from gateway.document.parse import Document
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Release
from gateway.finding import errors
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.message import MessageId
from gateway.policy.consent import lacking
from gateway.policy.emergency import LAW_PURPOSE, PURPOSE, Reason, emergency_mou, is_sealed, relieved
from gateway.policy.grant import Grant, matches
from gateway.policy.law import parties
from gateway.policy.law_bind import bind
from gateway.policy.redact import NotReleasable, cut
from gateway.policy.rules import compile_rules
from gateway.policy.special import shared_counts

__all__ = ["Emergency", "decide_emergency", "shared_counts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """What is asked for.

    labels   () = those of every emergency
    because  what a person wrote of it: kept sealed, never in the log
    """

    message: MessageId
    to: AgencyId
    reason: Reason
    labels: tuple[str, ...] = ()
    because: str = ""


def decide_emergency(
    configured: Configured, document: Document, iepd: Iepd, *, sender: AgencyId, asked: Emergency, now: datetime
) -> Release | None:
    """What may go, valid; None = nothing may."""
    facts = evaluate(document, iepd)
    if is_sealed(facts, iepd):
        return None
    day = configured.day(now)
    mou = emergency_mou(
        iepd,
        sender=sender,
        recipient=asked.to,
        reason=asked.reason,
        labels=asked.labels,
        notices=(_notice(asked.reason),),
        on=day,
    )
    (clause,) = mou.exchanges
    between = parties(configured.agencies.get(sender), configured.agencies.get(asked.to))
    law = relieved(configured.laws.binding(day, (), between.states), asked.reason)
    judged = replace(clause, purpose=LAW_PURPOSE.get(asked.reason, PURPOSE))
    bound = bind(law, judged, iepd, between)
    if bound.blocked or not matches(bound.conditions, facts):
        return None
    # Nobody consented to this: a consent names a recipient and a purpose, and neither was foreseen.
    holding = lacking(bound.consents, ())
    try:
        kept = cut(document, compile_rules(mou, clause, iepd, bound.restrictions), facts, iepd, holding=holding)
    except NotReleasable:
        return None
    if errors(validate(kept.document, iepd)):
        return None
    grant = Grant(mou=mou, clause=clause, recipient=asked.to)
    return Release(grant=grant, cut=kept, handed=bound.handed(document.root, facts, holding), urgent=True)


def _notice(reason: Reason) -> str:
    return (
        f"Released in an emergency ({reason}), under no agreement. Use it for this emergency and for nothing else, and "
        "destroy every copy when the emergency is over."
    )
