"""The configuration in the store: agencies, credentials, agreements, exchanges, people, laws; and consents."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.agency import Agency, AgencyId
from gateway.audit.entry import AuditEntry
from gateway.errors import Unavailable
from gateway.policy.consent import Consent
from gateway.user import User, UserId


class ConfigurationChanged(Unavailable):
    """Somebody else changed the configuration meanwhile: what was decided under the one before may no longer hold."""

    code = "configuration.changed"


class CredentialKind(StrEnum):
    """How an agency's system proves who it is."""

    TOKEN = "token"  # bearer token; the fingerprint is SHA-256 of it
    USERNAME = "username"  # of a wsse:UsernameToken, asked for beside one of the others
    CERTIFICATE = "certificate"  # client and signing certificate; the fingerprint is SHA-256 of its DER


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential of an agency. Revoked and expired ones stay, for the record.

    fingerprint  64 hex digits
    certificate  PEM, b"" for a token
    secret       of a username: it and its password, as `signing.username.password_record` keeps them; its digest is the
                 fingerprint
    """

    fingerprint: str
    kind: CredentialKind
    agency: AgencyId
    not_before: datetime
    not_after: datetime
    certificate: bytes = b""
    revoked_at: datetime | None = None
    secret: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyAuthority:
    """An authority that certifies for an agency, which others may share: what it issues speaks for the agency when it
    has one of these names. It vouches for the agency's servers too. Revoked ones stay, for the record.

    fingerprint    64 hex digits, of its certificate's DER
    names          as `signing.certificate_name` writes them
    certificate    PEM
    intermediates  PEM, authorities below it; b"" when there is none
    """

    agency: AgencyId
    fingerprint: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    certificate: bytes
    intermediates: bytes = b""
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """The newest revocation list of an authority, DER, as it was verified. issuer: `signing.crl.issuer_id`."""

    issuer: str
    body: bytes
    stored_at: datetime


class AgreementState(StrEnum):
    """Life of an MOU version."""

    DRAFT = "draft"  # registered, decides nothing
    TRIAL = "trial"  # decided and counted; nothing leaves
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One version of one MOU as the database holds it: the file's bytes and its digest."""

    mou: str
    version: int
    digest: str
    state: AgreementState
    body: bytes
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's signed approval of one version of an agreement, for one party.

    signature  base64, of `signing.act.Act` "approve"; it was verified before it came here
    """

    mou: str
    version: int
    digest: str
    party: AgencyId
    user: UserId
    at: datetime
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A person's signed word that an approval counts no more: one of this account for this party, given no later.

    by         who took it back, who may be somebody else of the party
    signature  base64, of `signing.act.Act` "withdraw"
    """

    mou: str
    version: int
    digest: str
    party: AgencyId
    user: UserId
    by: UserId
    at: datetime
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A registered message specification: a zip of its folder and schemas, and its edition (`Iepd.edition`)."""

    id: str
    digest: str
    archive: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One version of one law pack: the file's bytes and its digest. Of several versions the latest binds; the others
    stay, for decisions that were made under them."""

    id: str
    version: int
    digest: str
    body: bytes
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything in force at one version of the configuration; `version` grows by one with each change."""

    version: int
    agencies: tuple[Agency, ...]
    credentials: tuple[Credential, ...]
    agreements: tuple[Agreement, ...]
    exchanges: tuple[Exchange, ...]
    users: tuple[User, ...] = ()
    approvals: tuple[Approval, ...] = ()
    laws: tuple[Law, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    authorities: tuple[AgencyAuthority, ...] = ()
    revocation_lists: tuple[RevocationList, ...] = ()


Change = (
    Agency
    | Credential
    | AgencyAuthority
    | RevocationList
    | Agreement
    | Exchange
    | User
    | Approval
    | Withdrawal
    | Consent
    | Law
)
"""Put: a new one, or the new state of the one with the same key: the id of an agency, exchange, user or consent; a
fingerprint, with its agency of an authority; the issuer of a revocation list; mou and version; mou, version, party and
user of an approval or a withdrawal; id and version of a law. A consent is not part of the configuration's snapshot, but
its change makes a new version like any other: nothing is stored that was decided under a revoked one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relisted:
    """An agreement under which what waits in these inboxes was held and may be read from now on."""

    mou: str
    recipients: tuple[AgencyId, ...]


class Configurations(Protocol):
    """What is in force, who may act, and who consented to what."""

    async def fact(self, name: str) -> str | None:
        """A named fact of the deployment, such as the key directory's fingerprint."""

    async def set_fact(self, name: str, value: str) -> str:
        """Set it if it is not set yet; gives the value that now stands."""

    async def configuration_version(self) -> int:
        """Cheap enough to ask for each message."""

    async def configuration(self) -> Configuration:
        """A consistent snapshot."""

    async def change(
        self,
        changes: Sequence[Change],
        entries: Sequence[AuditEntry],
        relisted: Relisted | None = None,
        *,
        under: int | None = None,
    ) -> int:
        """Apply all changes, write the entries, and give the new version. With it, WAITING deliveries of `relisted` get
        new positions in the same order, above all that were ever answered: no poller has passed them.

        under  the version that the changes were decided under: `ConfigurationChanged`, and nothing written, when it is
               gone; None = they hold whatever else changed
        """

    async def consents(self, subjects: Collection[str]) -> tuple[Consent, ...]:
        """Every consent of the persons with these blind indexes, by id; those that ended or were revoked too."""

    async def consent(self, id: str) -> Consent | None:
        """One consent."""

    async def consents_of(self, holder: AgencyId | None, before: str | None, limit: int) -> tuple[Consent, ...]:
        """Newest first, by key; of everybody when no holder is named."""
