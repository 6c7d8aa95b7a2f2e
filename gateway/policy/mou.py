"""Mou: one version of one agreement, as a value; its clauses, and what they say of fields.

The paper and the rule are one file: what the gateway enforces (parties, dates, clauses) and what only
people read (definitions, contacts, prose) stand together, so that counsel keeps no second document.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gateway.agency import AgencyId, Contact


class Kind(StrEnum):
    """What sort of paper it is."""

    MOU = "mou"  # memorandum of understanding between agencies
    DSA = "dsa"  # data sharing agreement
    SOP = "sop"  # standard operating procedure; may bind units of one agency
    LETTER = "letter"  # letter of agreement, also between units of one agency


class Evidence(StrEnum):
    """What counts as delivered."""

    TRANSPORT = "transport"  # the recipient's system answered without an error
    SIGNED = "signed"  # the recipient's system answered with its signature


class How(StrEnum):
    """What becomes of a field that does not go through as it is."""

    MASK = "mask"  # four asterisks and the last characters
    GENERALIZE = "generalize"  # a coarser value
    PSEUDONYMIZE = "pseudonymize"  # a token: the same for the same value, within one agreement and one period
    REPLACE = "replace"  # a fixed value
    REMOVE = "remove"  # withheld, whatever else the clause says


class Grain(StrEnum):
    """How coarse a generalized value is."""

    YEAR = "year"  # of a date
    MONTH = "month"  # of a date
    DAY = "day"  # of a date with time
    CITY_STATE = "city-state"  # of an address: its city, county, state and country go through, the rest does not
    FIVE_YEARS = "5-years"  # of an age: the youngest of its band of five years, 37 as 35
    TEN_YEARS = "10-years"  # of an age: the youngest of its band of ten years, 37 as 30
    TENTH_DEGREE = "tenth-degree"  # of a latitude or longitude: a grid of about 11 kilometers
    HUNDREDTH_DEGREE = "hundredth-degree"  # of a latitude or longitude: a grid of about 1 kilometer


class Manner(StrEnum):
    """What stands where a field was withheld."""

    DROP = "drop"  # nothing
    NIL = "nil"  # the element, empty, with xsi:nil
    NIL_WITHHELD = "nil-withheld"  # the same, with metadata that gives nc:EmptyReasonCode "withheld"


class Effect(StrEnum):
    """What an access rule does; a denial beats every permission."""

    PERMIT = "permit"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """Who may see which records for which reason. Empty tuples of a denial stand for everyone and everything.

    categories     kinds of record: an exchange without its version, "custody-release"
    mfa            the person signed in with a second factor
    training       courses the person must hold, "cjis-security"
    case_number_for  purposes that need a case number
    """

    id: str
    effect: Effect = Effect.PERMIT
    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    mfa: bool = False
    training: tuple[str, ...] = ()
    case_number_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Holds when the message's fact is one of these values."""

    fact: str
    values: tuple[bool | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of an allow-list.

    what    label ("person.name"), labels below a word ("medical.*"), or name of a field
    unless  the field is withheld where this fact holds; "" = no condition
    when    the field is withheld where this fact does not hold; "" = no condition
    """

    what: str
    unless: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """How the fields named by `what` are reduced.

    keep_last  characters that stay, of a mask
    to         grain, of a generalization
    text       fixed value, of a replacement
    because    reason, in the words of the agreement
    manner     of a removal: what stands in its place; None = as the clause says
    """

    what: str
    how: How
    keep_last: int = 0
    to: Grain | None = None
    text: str = ""
    because: str = ""
    manner: Manner | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A notice is due this long before a moment the message names (a fact)."""

    at_least: timedelta
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long copies are kept: ours from delivery, the recipient's from receipt. None = the agreement is silent."""

    gateway_copy: timedelta | None = None
    recipient_copy: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """What one sender gives these recipients of one exchange, for one purpose.

    role      who at the recipient may see it
    route     all must hold for a message to go
    within    longest time to delivery
    notices   texts that travel in the Cover
    onward_sharing  what the recipient may pass on; "" = nothing
    manner    what stands where a field is withheld, unless its transform says otherwise
    """

    id: str
    exchange: str
    sender: AgencyId
    recipients: tuple[AgencyId, ...]
    purpose: str
    role: str
    route: tuple[Condition, ...] = ()
    share: tuple[Item, ...] = ()
    transforms: tuple[Transform, ...] = ()
    evidence: Evidence = Evidence.TRANSPORT
    within: timedelta | None = None
    deadline: Deadline | None = None
    retention: Retention = Retention()
    notices: tuple[str, ...] = ()
    onward_sharing: str = ""
    manner: Manner = Manner.DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyContact:
    """Whom to call at a party about this agreement."""

    party: AgencyId
    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's word for one party. Stands outside the digest, because it is given over the digest."""

    party: AgencyId
    by: str
    role: str
    at: date
    key: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and a text that only people read. key: the key of the file it comes from, "" = it brought its own
    heading."""

    heading: str
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the parties want to reach, and how they will know."""

    goal: str
    measure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that comes of the agreement: which, how often, to whom (e-mail addresses or roles of contacts).

    text  what it says, in words
    """

    id: str
    every: timedelta
    to: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Where the recipient keeps what it gets, who runs that place, and under which safeguards. "" = it is not said."""

    place: str
    host: str = ""
    safeguards: str = ""


AUDIT_KEPT = timedelta(days=7 * 365)
"""How long records of disclosure are kept where an agreement is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mou:
    """One version of one agreement.

    access      who may see what for which purpose; empty = those whom the clauses name, for the clauses' purposes
    law_packs   packs of law the parties name besides those that bind them anyway
    roles       words of its own for roles, and what they mean; purposes and courses likewise
    audit_kept  how long records of disclosure are kept, at least a year
    supersedes  the version it takes the place of, 0 = none
    since       first day; until = last day, that day included
    digest      "sha-256:<hex>" of the canonical JSON of the file without its approvals
    """

    id: str
    version: int
    title: str
    kind: Kind
    parties: tuple[AgencyId, ...]
    since: date
    until: date
    exchanges: tuple[Clause, ...]
    digest: str
    supersedes: int = 0
    review_by: date | None = None
    authority: tuple[str, ...] = ()
    contacts: tuple[PartyContact, ...] = ()
    definitions: tuple[Section, ...] = ()
    prose: tuple[Section, ...] = ()
    approvals: tuple[Approval, ...] = ()
    access: tuple[AccessRule, ...] = ()
    law_packs: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    reports: tuple[Report, ...] = ()
    storage: Storage | None = None
    roles: tuple[Section, ...] = ()
    purposes: tuple[Section, ...] = ()
    courses: tuple[Section, ...] = ()
    audit_kept: timedelta = AUDIT_KEPT

    def in_force(self, on: date) -> bool:
        """Whether the day lies between its first and last."""
        return self.since <= on <= self.until

    def clause(self, id: str) -> Clause | None:
        """The clause with this id."""
        return next((clause for clause in self.exchanges if clause.id == id), None)
