"""Law packs: rules of law as values, keyed to labels and to where data comes from. A rule can withhold; none can add.

A pack is one file (`law_read.py`), so that a state's counsel can write one. What packs say of one clause and one
recipient is worked out when agreements come into force (`law_bind.py`), not with each message.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256

from gateway.agency import Agency, AgencyKind, Duty
from gateway.policy.condition import Origin
from gateway.policy.digest import canonical
from gateway.policy.label import any_covers
from gateway.policy.mou import Deadline

FEDERAL = "federal"


class Binds(StrEnum):
    """When a pack binds."""

    ALWAYS = "always"
    PARTY = "party"  # where the sender or the recipient is of its state; and where it is named
    NAMED = "named"  # where the gateway's settings or an agreement names it


class Mandates(StrEnum):
    """What a law that orders fields to be shared says of all others."""

    AT_LEAST = "at-least"  # nothing
    NO_MORE = "no-more"  # they need a basis of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """One ground on which the law lets a field go. All that it names must be so; () and "" ask for nothing.

    labels    it lets only these go
    kinds     the recipient is one of these
    purposes  the clause is for one of these
    duties    the recipient has all of these
    consent   the person consented to this recipient and purpose
    fact      last word of a fact that must hold where the field stands, "reasonable-suspicion"
    """

    labels: tuple[str, ...] = ()
    kinds: tuple[AgencyKind, ...] = ()
    purposes: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    consent: bool = False
    fact: str = ""

    @property
    def settled(self) -> bool:
        """Whether it is decided by the clause and the recipient alone."""
        return not self.consent and not self.fact


@dataclass(frozen=True, slots=True, kw_only=True)
class LawRule:
    """One rule. It speaks of a field where all that it names is so; () and "" name nothing.

    section   what a redaction is explained by, "42 CFR 2.31"
    text      the rule in one sentence
    labels    fields it speaks of; exempt: those of them it does not speak of
    origins   where their data comes from; unknown: it speaks also of what comes from nobody knows where
    when      last word of a fact that holds where they stand, "juvenile"
    kinds     recipients; purposes, exchanges (without version): clauses; sender_duties: senders
    withholds, whole  whether it withholds these fields, or the whole message; bases: unless one of them is there
    mandate   whether it orders these fields to be shared
    deadline  how long before which moment a notice is due
    notice    text that travels with the data
    no_onward the recipient may pass nothing on
    keep      the longest time the recipient may keep it
    """

    id: str
    section: str
    text: str
    labels: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    unknown: bool = True
    when: str = ""
    kinds: tuple[AgencyKind, ...] = ()
    purposes: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    sender_duties: tuple[Duty, ...] = ()
    withholds: bool = False
    whole: bool = False
    bases: tuple[Basis, ...] = ()
    mandate: Mandates | None = None
    deadline: Deadline | None = None
    notice: str = ""
    no_onward: bool = False
    keep: timedelta | None = None
    since: date = date.min
    until: date = date.max

    def speaks_of(self, label: str) -> bool:
        """Whether it speaks of fields with this label, as far as labels go."""
        return any_covers(self.labels, label) and not any_covers(self.exempt, label)


@dataclass(frozen=True, slots=True, kw_only=True)
class LawPack:
    """One law, or what of it a gateway can decide.

    jurisdiction  "federal", or a state's two letters
    since, until  first and last day it holds
    """

    id: str
    title: str
    jurisdiction: str
    version: int
    since: date
    until: date
    source: str
    binds: Binds
    rules: tuple[LawRule, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """What law asks of a sender and a recipient. kind: None = nobody knows what the recipient is."""

    sender_duties: frozenset[Duty] = frozenset()
    kind: AgencyKind | None = None
    duties: frozenset[Duty] = frozenset()
    states: frozenset[str] = frozenset()


def parties(sender: Agency | None, recipient: Agency | None) -> Parties:
    """What law asks of two agencies; None = an agency nobody knows."""
    states = {agency.jurisdiction for agency in (sender, recipient) if agency is not None}
    return Parties(
        sender_duties=sender.duties if sender is not None else frozenset(),
        kind=recipient.kind if recipient is not None else None,
        duties=recipient.duties if recipient is not None else frozenset(),
        states=frozenset(states - {""}),
    )


class Laws:
    """All packs a gateway holds.

    named   those its settings name
    digest  "sha-256:<hex>" of the packs and of which are named: what a decision was made under
    """

    def __init__(self, packs: Iterable[LawPack] = (), named: Iterable[str] = ()) -> None:
        self.packs = tuple(sorted(packs, key=lambda pack: pack.id))
        self.named = frozenset(named)
        self.ids = frozenset(pack.id for pack in self.packs)
        whole = [[pack.id, pack.version, pack.digest, pack.id in self.named] for pack in self.packs]
        self.digest = f"sha-256:{sha256(canonical(whole)).hexdigest()}"
        days = [(each.since, each.until) for each in self.packs]
        days += [(rule.since, rule.until) for each in self.packs for rule in each.rules]
        self._turns = sorted({turn for since, until in days for turn in _turns(since, until)})

    def pack(self, id: str) -> LawPack | None:
        """The pack with this id."""
        return next((pack for pack in self.packs if pack.id == id), None)

    def binding(self, on: date, also: Iterable[str], states: frozenset[str]) -> tuple[LawRule, ...]:
        """The rules that bind on this day. `also`: packs that the agreement names."""
        named = self.named.union(also)
        return tuple(
            rule
            for pack in self.packs
            if pack.since <= on <= pack.until and _binds(pack, named, states)
            for rule in pack.rules
            if rule.since <= on <= rule.until
        )

    def spans(self, since: date, until: date) -> tuple[tuple[date, date], ...]:
        """The days from first to last, in spans during each of which the same law holds."""
        starts = [since, *(day for day in self._turns if since < day <= until)]
        ends = [*(day - timedelta(days=1) for day in starts[1:]), until]
        return tuple(zip(starts, ends, strict=True))


def _turns(since: date, until: date) -> tuple[date, ...]:
    return (since,) if until == date.max else (since, until + timedelta(days=1))


def _binds(pack: LawPack, named: frozenset[str], states: frozenset[str]) -> bool:
    if pack.binds is Binds.ALWAYS or pack.id in named:
        return True
    return pack.binds is Binds.PARTY and pack.jurisdiction in states


def speaks(rule: LawRule, *, purpose: str, category: str, between: Parties) -> bool:
    """Whether a rule speaks of a clause and a recipient at all; of which fields is another question.

    category  an exchange without its version. A recipient nobody knows is of every kind.
    """
    return (
        (not rule.kinds or between.kind is None or between.kind in rule.kinds)
        and (not rule.purposes or purpose in rule.purposes)
        and (not rule.exchanges or category in rule.exchanges)
        and between.sender_duties.issuperset(rule.sender_duties)
    )


def open_bases(rule: LawRule, label: str, *, purpose: str, between: Parties) -> tuple[Basis, ...]:
    """The grounds on which a rule may let a field go, as far as clause and recipient tell."""
    return tuple(
        basis
        for basis in rule.bases
        if (not basis.labels or any_covers(basis.labels, label))
        and (not basis.kinds or between.kind in basis.kinds)
        and (not basis.purposes or purpose in basis.purposes)
        and between.duties.issuperset(basis.duties)
    )
