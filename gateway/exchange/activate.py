"""What is in force changes only here: each change goes to the database with its audit entry, in one transaction.

Files in `policies/` and `iepd/` are drafts; these verbs put their bytes into the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.agency import Agency, AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Misconfigured, Refused
from gateway.exchange.destination import Standing, standings
from gateway.exchange.gateway import Gateway
from gateway.finding import Finding, errors
from gateway.iepd.package import Iepd, archive
from gateway.policy.read import read_mou
from gateway.signing.certificate import read_certificate
from gateway.store.interface import (
    Agreement,
    AgreementState,
    Change,
    Credential,
    CredentialKind,
    Exchange,
    Relisted,
)

TOKEN_VALID = timedelta(days=365)

NOT_OVER = (AgreementState.IN_FORCE, AgreementState.SUSPENDED)

STOPPED_FROM = {
    AgreementState.SUSPENDED: (AgreementState.IN_FORCE,),
    AgreementState.IN_FORCE: (AgreementState.SUSPENDED,),
    AgreementState.ENDED: NOT_OVER,
}
"""From which states a version gets into another by `stop_mou`."""


class AgreementRefused(Misconfigured):
    """An agreement's file is not right; `findings` say where."""

    code = "mou.refused"

    def __init__(self, file: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"{file}: {len(findings)} finding{'s' if len(findings) != 1 else ''}")
        self.findings = findings


class AgreementUnknown(Refused):
    """No such version of such an agreement in the database."""

    code = "mou.unknown"


class AgencyUnknown(Refused):
    """No such agency in the database."""

    code = "agency.unknown"


class CredentialTaken(Refused):
    """The certificate speaks for another agency already."""

    code = "credential.taken"


class CredentialRevoked(Refused):
    """The credential was revoked, for good: what is lost or stolen does not come back."""

    code = "credential.revoked"


class CredentialUnknown(Refused):
    """No credential of the agency has such a fingerprint."""

    code = "credential.unknown"


class CredentialAmbiguous(Refused):
    """Several credentials of the agency have fingerprints that begin so."""

    code = "credential.ambiguous"


class VersionPassed(Refused):
    """This version has ended, or a later one is held: an agreement goes forward only."""

    code = "mou.version-passed"


class VersionTaken(Refused):
    """This version of the agreement is in the database with other text: a changed text is a new version."""

    code = "mou.version-taken"


async def register_exchanges(gateway: Gateway, iepds: Sequence[Iepd], *, actor: str) -> None:
    """Take message specifications in; one whose bytes are in the database already changes nothing."""
    held = {exchange.id: exchange.digest for exchange in (await gateway.store.configuration()).exchanges}
    now = gateway.clock.now()
    changes: list[Change] = []
    entries: list[AuditEntry] = []
    for iepd in iepds:
        if held.get(iepd.id) == iepd.digest:
            continue
        changes.append(Exchange(id=iepd.id, digest=iepd.digest, archive=archive(iepd)))
        entries.append(
            make(
                EntryType.REGISTER,
                id=gateway.new_id(now),
                at=now,
                kind="exchange",
                exchange=iepd.id,
                digest=iepd.digest,
                actor=actor,
            )
        )
    await _change(gateway, changes, entries)


async def put_agency(gateway: Gateway, agency: Agency, *, actor: str, action: str = "put") -> None:
    """Add an agency, or change the one with its id. A suspended one stays so: that is `suspend_agency`'s to change."""
    held = gateway.current.agencies.get(agency.id)
    if action == "put" and held is not None:
        agency = replace(agency, suspended=held.suspended)
    now = gateway.clock.now()
    entry = make(
        EntryType.AGENCY,
        id=gateway.new_id(now),
        at=now,
        parties=(agency.id,),
        agency=agency.id,
        action=action,
        kind=agency.kind,
        actor=actor,
    )
    await _change(gateway, [agency], [entry])


async def suspend_agency(gateway: Gateway, id: AgencyId, *, actor: str, suspended: bool = True) -> None:
    """Shut an agency out at once - its credentials and its deliveries - or let it in again."""
    agency = gateway.current.agencies.get(id)
    if agency is None:
        raise AgencyUnknown(f"there is no agency {id}")
    action = "suspend" if suspended else "resume"
    await put_agency(gateway, replace(agency, suspended=suspended), actor=actor, action=action)


async def issue_token(gateway: Gateway, id: AgencyId, *, actor: str) -> str:
    """A new bearer token for an agency: shown once, stored as a digest only. 256 random bits."""
    token = f"gw_{gateway.clock.random(32).hex()}"
    now = gateway.clock.now()
    credential = Credential(
        fingerprint=sha256(token.encode()).hexdigest(),
        kind=CredentialKind.TOKEN,
        agency=id,
        not_before=now,
        not_after=now + TOKEN_VALID,
    )
    await _put_credential(gateway, credential, action="issue", actor=actor)
    return token


async def register_certificate(gateway: Gateway, id: AgencyId, der: bytes, pem: bytes, *, actor: str) -> Credential:
    """Register a client and signing certificate of an agency. Raises `Refused` when it cannot be read."""
    certificate = read_certificate(der)
    fingerprint = sha256(der).hexdigest()
    await gateway.refresh()
    held = gateway.current.credentials.get(fingerprint)
    if held is not None and held.agency != id:
        raise CredentialTaken(f"this certificate is registered for {held.agency}; an agency has a key of its own")
    if held is not None and held.revoked_at is not None:
        raise CredentialRevoked("this certificate was revoked; the agency needs a new key")
    credential = Credential(
        fingerprint=fingerprint,
        kind=CredentialKind.CERTIFICATE,
        agency=id,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        certificate=pem,
    )
    await _put_credential(gateway, credential, action="register", actor=actor)
    return credential


async def revoke_credential(gateway: Gateway, id: AgencyId, prefix: str, *, actor: str) -> Credential:
    """Revoke one credential of an agency, named by how its fingerprint begins; the others go on.

    Raises `AgencyUnknown`, `CredentialUnknown`, `CredentialAmbiguous`, `CredentialRevoked`.
    """
    await gateway.refresh()
    if id not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {id}")
    wanted = prefix.replace(":", "").lower()  # as openssl writes them
    own = (one for one in gateway.current.credentials.values() if one.agency == id)
    found = [one for one in own if wanted and one.fingerprint.startswith(wanted)]
    if not found:
        raise CredentialUnknown(f"no credential of {id} has a fingerprint that begins so; `gateway agency show {id}`")
    if len(found) > 1:
        raise CredentialAmbiguous(f"{len(found)} credentials of {id} begin so; give more of the fingerprint")
    (credential,) = found
    if credential.revoked_at is not None:
        raise CredentialRevoked(f"it was revoked on {credential.revoked_at:%Y-%m-%d} already")
    revoked = replace(credential, revoked_at=gateway.clock.now())
    await _put_credential(gateway, revoked, action="revoke", actor=actor)
    return revoked


async def _put_credential(gateway: Gateway, credential: Credential, *, action: str, actor: str) -> None:
    if credential.agency not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {credential.agency}")
    now = gateway.clock.now()
    entry = make(
        EntryType.CREDENTIAL,
        id=gateway.new_id(now),
        at=now,
        parties=(credential.agency,),
        agency=credential.agency,
        action=action,
        kind=credential.kind,
        fingerprint=credential.fingerprint,
        valid_until=credential.not_after,
        actor=actor,
    )
    await _change(gateway, [credential], [entry])


async def activate_mou(gateway: Gateway, data: bytes, file: str, *, actor: str) -> Agreement:
    """Put an agreement in force; the version before it ends in the same transaction.

    Raises `AgreementRefused` with all findings, `VersionTaken`.
    """
    await gateway.refresh()
    configured = gateway.current
    iepds: Mapping[str, Iepd] = {iepd.id: iepd for iepd in configured.registry}
    mou, findings = read_mou(data, file, iepds)
    unknown = tuple(
        Finding(code="mou.unknown-agency", file=file, path="parties", text=f"{party} is not an agency of this gateway")
        for party in (mou.parties if mou else ())
        if party not in configured.agencies
    )
    if mou is None or errors(findings) or unknown:
        raise AgreementRefused(file, errors(findings) + unknown)
    now = gateway.clock.now()
    held = (await gateway.store.configuration()).agreements
    if any(one.mou == mou.id and one.version == mou.version and one.digest != mou.digest for one in held):
        raise VersionTaken(f"{mou.id} version {mou.version} is held with another text; give the new text a new version")
    if any(one.mou == mou.id and (one.version > mou.version or _over(one, mou.version)) for one in held):
        raise VersionPassed(
            f"{mou.id} version {mou.version} has ended or was replaced; what is to hold is a new version"
        )
    agreement = Agreement(
        mou=mou.id,
        version=mou.version,
        digest=mou.digest,
        state=AgreementState.IN_FORCE,
        body=data,
        changed_at=now,
    )
    before = [one for one in held if one.mou == mou.id and one.version != mou.version and one.state in NOT_OVER]
    changes: list[Change] = [agreement, *(replace(one, state=AgreementState.ENDED, changed_at=now) for one in before)]
    entries = [_agreement_entry(gateway, EntryType.ACTIVATE, agreement, mou.parties, actor, now)]
    entries += [_agreement_entry(gateway, EntryType.END, one, mou.parties, actor, now) for one in before]
    await _change(gateway, changes, entries, _relisted(gateway, mou.id, now))
    return agreement


def _relisted(gateway: Gateway, id: str, now: datetime) -> Relisted | None:
    """What waited under the agreement while it was suspended or over can be read again: pollers have passed it."""
    current = gateway.current
    versions = [one for one in current.agreements if one.mou == id]
    found = standings(versions, current.mous, current.day(now)).values()
    if all(standing is Standing.SEND for standing in found):
        return None
    parties = {party for one in versions if one.state is not AgreementState.DRAFT for party in current.mou(one).parties}
    return Relisted(mou=id, recipients=tuple(sorted(parties)))


def _over(agreement: Agreement, version: int) -> bool:
    return agreement.version == version and agreement.state is AgreementState.ENDED


async def stop_mou(gateway: Gateway, id: str, *, state: AgreementState, actor: str) -> Agreement:
    """Suspend the version in force, end it or a suspended one, or put a suspended one back in force.

    Raises `AgreementUnknown`.
    """
    wanted = STOPPED_FROM[state]
    agreement = next((one for one in gateway.current.agreements if one.mou == id and one.state in wanted), None)
    if agreement is None:
        raise AgreementUnknown(f"there is no version of {id} that is {' or '.join(wanted)}")
    now = gateway.clock.now()
    types = {AgreementState.SUSPENDED: EntryType.SUSPEND, AgreementState.ENDED: EntryType.END}
    parties = gateway.current.mou(agreement).parties
    entry = _agreement_entry(gateway, types.get(state, EntryType.ACTIVATE), agreement, parties, actor, now, state)
    changed = replace(agreement, state=state, changed_at=now)
    relisted = _relisted(gateway, id, now) if state is AgreementState.IN_FORCE else None
    await _change(gateway, [changed], [entry], relisted)
    return changed


def _agreement_entry(
    gateway: Gateway,
    type: EntryType,
    agreement: Agreement,
    parties: tuple[AgencyId, ...],
    actor: str,
    now: datetime,
    state: AgreementState | None = None,
) -> AuditEntry:
    return make(
        type,
        id=gateway.new_id(now),
        at=now,
        parties=parties,
        mou=f"{agreement.mou}@{agreement.version}",
        mou_digest=agreement.digest,
        state=state or agreement.state,
        actor=actor,
    )


async def _change(
    gateway: Gateway, changes: Sequence[Change], entries: Sequence[AuditEntry], relisted: Relisted | None = None
) -> None:
    if changes:
        await gateway.store.change(changes, entries, relisted)
        await gateway.refresh()
