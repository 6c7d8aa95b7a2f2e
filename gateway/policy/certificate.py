"""Certificate: what a check found, in few words that can be kept for good and compared.

It holds no text for people: what stands in it is the same whenever the same agreement is checked with the same
exchanges and the same law by the same version of the proof.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from gateway.finding import Severity
from gateway.policy.check import Check, Checked
from gateway.policy.digest import canonical
from gateway.policy.law_bind import Bound
from gateway.policy.prove import VERSION

FORM = "mou-check/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate. data: canonical JSON; digest: "sha-256:<hex>" of it."""

    passed: bool
    data: bytes
    digest: str


def certificate(check: Check) -> Certificate:
    """The certificate of a check."""
    data = canonical(content(check))
    return Certificate(passed=check.passed, data=data, digest=f"sha-256:{sha256(data).hexdigest()}")


def content(check: Check) -> dict[str, Any]:
    """What is certified, as JSON values: texts, whole numbers, true and false."""
    mou = check.mou
    return {
        "form": FORM,
        "proof": VERSION,
        "mou": f"{mou.id}@{mou.version}",
        "digest": mou.digest,
        "exchanges": {each.iepd.id: each.iepd.digest for each in check.clauses},
        "clauses": [_clause(each) for each in check.clauses],
        "verdict": "passed" if check.passed else "refused",
        "findings": {str(severity): check.count(severity) for severity in Severity},
        "codes": sorted({each.code for each in check.remarks if each.severity is Severity.ERROR}),
    }


def _clause(checked: Checked) -> dict[str, Any]:
    proof = checked.proof
    fates = [outcome.how for outcome in checked.decided.values()]
    return {
        "clause": checked.clause.id,
        "exchange": checked.iepd.id,
        "recipients": sorted(checked.recipients),
        "purpose": checked.clause.purpose,
        "role": checked.clause.role,
        "proven": checked.proven,
        "given_in_vain": sorted(field.name for field in proof.lost),
        "places": proof.looked,
        "fields": {
            "shared": fates.count(""),
            "reduced": sum(1 for how in fates if how not in {"", "withheld"}),
            "withheld": fates.count("withheld"),
        },
        "laws": sorted(set(_laws(checked.law))),
        "taken_freely": list(proof.freely),
        "nothing_released": [
            {
                "reason": where.reason,
                "conditions": sorted(where.holding),
                "elements": list(where.names),
                "same_object": where.joined,
            }
            for where in proof.nowhere
        ],
    }


def _laws(law: Bound) -> Iterator[str]:
    """Sections that say something of what is let out."""
    yield from {each.law for found in law.restrictions.values() for each in found}
    yield from (section for _, section in law.route)
    yield from (mandate.law for mandate in law.mandates)
    if law.blocked:
        yield law.blocked
