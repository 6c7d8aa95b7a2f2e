"""What is in force changes only here: each change goes to the database with its audit entry, in one transaction.

Files in `policies/` and `iepd/` are drafts; these verbs put their bytes into the database.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.agency import Agency, AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Misconfigured, Refused
from gateway.exchange.gateway import Gateway
from gateway.finding import Finding, errors
from gateway.iepd.package import Iepd, archive
from gateway.iepd.registry import Registry
from gateway.policy.read import read_mou
from gateway.signing.certificate import read_certificate
from gateway.store.interface import (
    Agreement,
    AgreementState,
    Change,
    Configuration,
    Credential,
    CredentialKind,
    Exchange,
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


class ExchangeInUse(Refused):
    """An agreement that was ever in force does not fit the exchange as it would be; `findings` say where."""

    code = "exchange.in-use"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("agreements do not fit the new form of the exchange; register it under a new version")
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


class VersionPassed(Refused):
    """This version has ended, or a later one is held: an agreement goes forward only."""

    code = "mou.version-passed"


class VersionTaken(Refused):
    """This version of the agreement is in the database with other text: a changed text is a new version."""

    code = "mou.version-taken"


async def register_exchanges(gateway: Gateway, iepds: Sequence[Iepd], *, actor: str) -> None:
    """Take message specifications in; one that the database holds as it is changes nothing.

    Raises `ExchangeInUse` when an agreement speaks of a field that the new catalog does not have or nobody confirmed,
    and `RootTaken`: after either, no process could read the configuration any more.
    """
    stored = await gateway.store.configuration()
    held = {exchange.id: exchange.digest for exchange in stored.exchanges}
    new = [iepd for iepd in iepds if held.get(iepd.id) != iepd.edition]
    await gateway.refresh()
    _refuse_conflicts(stored, {**gateway.current.iepds, **{iepd.id: iepd for iepd in new}}, {each.id for each in new})
    now = gateway.clock.now()
    changes = [Exchange(id=iepd.id, digest=iepd.edition, archive=archive(iepd)) for iepd in new]
    entries = [
        make(
            EntryType.REGISTER,
            id=gateway.new_id(now),
            at=now,
            kind="exchange",
            exchange=iepd.id,
            digest=iepd.edition,
            count=len(iepd.catalog.fields),
            actor=actor,
        )
        for iepd in new
    ]
    await _change(gateway, changes, entries)


def _refuse_conflicts(stored: Configuration, iepds: Mapping[str, Iepd], changed: Set[str]) -> None:
    """Ended agreements too: what went out under them must stay explainable and correctable."""
    Registry.of(iepds.values())
    wrong: list[Finding] = []
    for one in stored.agreements:
        if one.state is not AgreementState.DRAFT:
            mou, findings = read_mou(one.body, f"{one.mou} version {one.version}", iepds)
            if mou is None or any(clause.exchange in changed for clause in mou.exchanges):
                wrong.extend(errors(findings))
    if wrong:
        raise ExchangeInUse(tuple(wrong))


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
    await _change(gateway, changes, entries)
    return agreement


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
    await _change(gateway, [changed], [entry])
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


async def _change(gateway: Gateway, changes: Sequence[Change], entries: Sequence[AuditEntry]) -> None:
    if changes:
        await gateway.store.change(changes, entries)
        await gateway.refresh()
