"""Emergency: what may leave without an agreement when a life is in danger, and what may not even then. Pure.

No agreement stands behind it, law does. What law withholds stays withheld, unless the section itself speaks of an
emergency: `RELIEFS` names those, each as one more ground (`law.Basis`) on which its rule lets a field go. A rule on
whole messages - sealed, juvenile - has no such ground. `NEVER` holds whatever packs of law a gateway has.

The terms are values in code: two people who act at night must find them as everybody left them (docs/decisions/0019).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from enum import StrEnum
from hashlib import sha256

from gateway.agency import JUSTICE, AgencyId, AgencyKind
from gateway.errors import Refused
from gateway.iepd.catalog import Catalog
from gateway.iepd.facts import FactKind, Facts
from gateway.iepd.package import Iepd
from gateway.message import Dissemination
from gateway.policy.digest import canonical
from gateway.policy.label import any_covers
from gateway.policy.law import Basis, LawRule
from gateway.policy.mou import Clause, How, Item, Kind, Mou, Retention, Transform

EMERGENCY = "EMERGENCY"
"""What stands where an agreement's id would: no agreement may have it."""

TERMS_VERSION = 1
"""Grows with every change of the terms below."""

PURPOSE = "emergency"
WITHDRAWAL = "emergency-withdrawal"
"""Purpose of what takes an emergency release back, when the owner cancels or corrects the message."""

KEPT = timedelta(days=30)
"""How long the recipient may keep it. Whoever needs it longer needs an agreement or a court's order."""

LABELS_MAX = 40


class Reason(StrEnum):
    """Why. The list is short on purpose: what is not on it waits for an agreement."""

    IMMINENT_DANGER = "imminent-danger"  # to the life or health of somebody
    MEDICAL_EMERGENCY = "medical-emergency"  # somebody needs care now, and cannot be asked
    MISSING_PERSON = "missing-person"  # somebody is to be found, whose life or health may be in danger
    ESCAPE = "escape"  # somebody got away from custody


DEFAULT_LABELS = ("person.*", "location.*", "caution.*", "risk.*", "condition.*")
"""What goes when nobody asks for more or less: who it is, where, what to beware of, what the person may not do."""

NEVER = ("victim-services.*", "location.shelter", "communication.privileged")
"""What nobody can ask for, whatever the reason."""

OWN_DATA = "This is your own record, told to you; nothing of it is new to you."

_HEAD = ("action", "earlier", "as_of")
"""What a message says of itself that goes always; not the reason for a correction, which is free text."""

_MARKS = ("message.sealed", "juvenile.mark")
"""Marks that go always: they say no, or nothing goes."""

LAW_PURPOSE: Mapping[Reason, str] = {Reason.MISSING_PERSON: "locate-or-identify"}
"""The purpose by which law judges a reason that it has a word for; any other is `PURPOSE`, which no law speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """One emergency that a section of law speaks of.

    lifts    the section whose withholding gives way
    basis    to whom, and for which labels
    section  what says so
    """

    reason: Reason
    lifts: str
    basis: Basis
    section: str
    text: str


_JUSTICE = tuple(sorted(JUSTICE))
_HEALTH = (AgencyKind.HEALTH,)
_DANGER = "A serious and imminent threat: to whoever is reasonably able to prevent or lessen it."
_CARE = "A medical emergency in which consent cannot be had: to medical personnel, as far as it is needed."
_LEAST = "Health information to whoever can lessen a serious and imminent threat to the patient."
_ESCAPED = "To law enforcement, to identify or apprehend somebody who escaped from lawful custody."


def _relief(reason: Reason, lifts: str, kinds: tuple[AgencyKind, ...], section: str, text: str) -> Relief:
    return Relief(reason=reason, lifts=lifts, basis=Basis(kinds=kinds), section=section, text=text)


RELIEFS = (
    _relief(
        Reason.IMMINENT_DANGER,
        "28 CFR 23.20(f)",
        (),
        "28 CFR 23.20(f)(2)",
        "An assessment of criminal intelligence to anybody, when it is necessary to avoid imminent danger to life.",
    ),
    _relief(
        Reason.IMMINENT_DANGER,
        "28 CFR 23.20(e)",
        _JUSTICE,
        "28 CFR 23.20(e)",
        "Averting imminent danger to life is a law enforcement activity that needs to know.",
    ),
    _relief(Reason.MEDICAL_EMERGENCY, "42 CFR 2.31", _HEALTH, "42 CFR 2.51(a)(1)", _CARE),
    _relief(Reason.MEDICAL_EMERGENCY, "42 CFR 2.13", _HEALTH, "42 CFR 2.51(a)(1)", _CARE),
    _relief(Reason.IMMINENT_DANGER, "45 CFR 164.512(k)(5)", (*_JUSTICE, *_HEALTH), "45 CFR 164.512(j)(1)(i)", _DANGER),
    _relief(
        Reason.IMMINENT_DANGER, "45 CFR 164.512(k)(5)(iii)", (*_JUSTICE, *_HEALTH), "45 CFR 164.512(j)(1)(i)", _DANGER
    ),
    _relief(Reason.MEDICAL_EMERGENCY, "45 CFR 164.512(k)(5)", _HEALTH, "45 CFR 164.512(j)(1)(i)", _LEAST),
    _relief(Reason.MEDICAL_EMERGENCY, "45 CFR 164.512(k)(5)(iii)", _HEALTH, "45 CFR 164.512(j)(1)(i)", _LEAST),
    _relief(Reason.ESCAPE, "45 CFR 164.512(k)(5)", _JUSTICE, "45 CFR 164.512(j)(1)(ii)(B)", _ESCAPED),
    _relief(Reason.ESCAPE, "45 CFR 164.512(k)(5)(iii)", _JUSTICE, "45 CFR 164.512(j)(1)(ii)(B)", _ESCAPED),
)
"""Every emergency that a section speaks of. What stands in no row is withheld as on any other day."""


def relieved(rules: Iterable[LawRule], reason: Reason) -> tuple[LawRule, ...]:
    """The rules of law, each with the grounds that this emergency adds to it."""
    return tuple(_relieve(rule, reason) for rule in rules)


def _relieve(rule: LawRule, reason: Reason) -> LawRule:
    if not rule.withholds or rule.whole:
        return rule
    more = tuple(each.basis for each in RELIEFS if each.reason is reason and each.lifts == rule.section)
    return replace(rule, bases=rule.bases + more) if more else rule


class LabelNotReleased(Refused):
    """A label that is unknown, or that never goes in an emergency."""

    code = "emergency.label"


def check_labels(labels: tuple[str, ...], catalog: Catalog) -> None:
    """Whether these may be asked for. Raises `LabelNotReleased`."""
    if len(labels) > LABELS_MAX:
        raise LabelNotReleased(f"at most {LABELS_MAX} labels; an emergency needs few")
    for label in labels:
        fields = catalog.select(label)
        if any_covers(NEVER, label.removesuffix(".*")) or (fields and all(any_covers(NEVER, x.label) for x in fields)):
            raise LabelNotReleased(f"{label} is never released, whatever the emergency")
        if not fields:
            near = get_close_matches(label, (*catalog.labels(), *catalog.names()), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise LabelNotReleased(f"no field of this exchange is meant by {label}{hint}")


def emergency_mou(
    iepd: Iepd,
    *,
    sender: AgencyId,
    recipient: AgencyId,
    reason: Reason,
    labels: tuple[str, ...] = (),
    notices: tuple[str, ...] = (),
    on: date,
) -> Mou:
    """The terms of one release, in the form in which agreements stand, so that nothing decides but what always does.

    labels  () = `DEFAULT_LABELS`
    """
    named = (iepd.message_paths.get(key) for key in _HEAD)
    head = (iepd.catalog.find(path) for path in named if path is not None)
    share = (*(each.name for each in head if each is not None), *_MARKS, *(labels or DEFAULT_LABELS))
    clause = Clause(
        id=reason.value,
        exchange=iepd.id,
        sender=sender,
        recipients=(recipient,),
        purpose=PURPOSE,
        role="",
        share=tuple(Item(what=what) for what in share),
        transforms=tuple(Transform(what=what, how=How.REMOVE) for what in NEVER),
        retention=Retention(gateway_copy=KEPT, recipient_copy=KEPT),
        notices=notices,
    )
    return Mou(
        id=EMERGENCY,
        version=TERMS_VERSION,
        title="Emergency release",
        kind=Kind.LETTER,
        parties=(sender, recipient),
        since=on,
        until=on,
        exchanges=(clause,),
        digest=TERMS_DIGEST,
    )


def owner_mou(mou: Mou, *, notices: tuple[str, ...]) -> Mou:
    """The same terms, to tell the owner what went: it gets its own data back and may do with it as before."""
    (clause,) = mou.exchanges
    own = replace(
        clause,
        recipients=(clause.sender,),
        notices=notices,
        retention=Retention(gateway_copy=KEPT),
        onward_sharing=OWN_DATA,
    )
    return replace(mou, parties=(clause.sender,), exchanges=(own,))


def withdrawal_mou(mou: Mou) -> Mou:
    """The same, to take back what was released."""
    return replace(mou, exchanges=tuple(replace(each, purpose=WITHDRAWAL, notices=()) for each in mou.exchanges))


def is_release(dissemination: Dissemination) -> bool:
    """Whether it went by an emergency release; what takes one back is none."""
    return dissemination.mou == EMERGENCY and dissemination.purpose == PURPOSE


def is_sealed(facts: Facts, iepd: Iepd) -> bool:
    """Whether a message says that it is sealed or expunged, or does not say that it is not: it is refused whole, pack
    of law or none."""
    marks = (fact for fact in iepd.facts if not fact.each and fact.kind is FactKind.BOOLEAN)
    return any(fact.name.rpartition(".")[2] == "sealed" and facts.message(fact.name) is not False for fact in marks)


def _terms() -> object:
    """All that decides, as JSON has it."""
    return {
        "version": TERMS_VERSION,
        "reasons": [reason.value for reason in Reason],
        "labels": list(DEFAULT_LABELS),
        "never": list(NEVER),
        "law_purpose": {reason.value: purpose for reason, purpose in LAW_PURPOSE.items()},
        "reliefs": [[each.reason.value, each.lifts, list(each.basis.kinds), each.section] for each in RELIEFS],
        "kept_days": KEPT.days,
    }


TERMS_DIGEST = f"sha-256:{sha256(canonical(_terms())).hexdigest()}"
"""Digest of the terms, where an agreement's digest would stand: who decided by which terms is told by it."""
