"""The life of an agreement: approved as a draft, tried, put in force, suspended, ended. Each act is a person's, signed.

An agreement is a draft from its first approval on. It may be tried: messages are decided under it and counted, and
nothing leaves. It is put in force when every party has approved these very words; the version before it then ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.agency import AgencyId, agency_of
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.errors import Misconfigured, Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.activate import STANDING, change, decided_anew
from gateway.exchange.configured import Configured
from gateway.exchange.destination import Standing, standings
from gateway.exchange.gateway import Gateway
from gateway.exchange.proven import passed
from gateway.exchange.recall import recall_ended
from gateway.finding import Finding, errors
from gateway.iepd.package import Iepd
from gateway.policy.approval import Approved, Lack, lacking
from gateway.policy.diff import is_widening
from gateway.policy.mou import Mou
from gateway.policy.read import read_mou
from gateway.signing.act import Act, ActSignatureWrong, sign_act, verify_act
from gateway.store.configuration import Agreement, AgreementState, Approval, Change, Relisted
from gateway.user import User, UserRole

SIGNS = (UserRole.SIGNATORY, UserRole.COMPLIANCE_OFFICER, UserRole.PRIVACY_OFFICER)
"""Who may approve for their agency."""

STOPPED_FROM = {
    AgreementState.SUSPENDED: (AgreementState.IN_FORCE,),
    AgreementState.IN_FORCE: (AgreementState.SUSPENDED,),
    AgreementState.ENDED: (*STANDING, AgreementState.TRIAL),
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


class VersionAmbiguous(Refused):
    """Several versions of the agreement are in such a state, and it was not said which is meant."""

    code = "mou.which-version"


class VersionPassed(Refused):
    """This version has ended, or a later one is held: an agreement goes forward only."""

    code = "mou.version-passed"


class VersionTaken(Refused):
    """This version of the agreement is in the database with other text: a changed text is a new version."""

    code = "mou.version-taken"


class NotApproved(Refused):
    """Not every party has approved this version; `lacks` says who."""

    code = "mou.not-approved"

    def __init__(self, mou: Mou, lacks: tuple[Lack, ...]) -> None:
        needs = "; ".join(f"{each.party}: {each.people} more ({each.because})" for each in lacks)
        super().__init__(f"{mou.id} version {mou.version} is not approved by all: {needs}")
        self.lacks = lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An agreement's file, read against what is in force, and whether the database holds this version."""

    mou: Mou
    body: bytes
    held: Agreement | None
    others: tuple[Agreement, ...]


@decided_anew
async def approve_mou(gateway: Gateway, data: bytes, file: str, *, party: AgencyId, by: Acting) -> Approval:
    """One person's approval for a party they speak for. The version becomes a draft in the database if it was not held.

    Raises `AgreementRefused`, `VersionTaken`, `VersionPassed` and what `allowed` raises.
    """
    draft = read_draft(gateway.current, data, file)
    if party not in draft.mou.parties:
        raise AgreementUnknown(f"{party} is not a party of {draft.mou.id}")
    user = allowed(gateway, by, SIGNS, agency_of(party))
    now = gateway.clock.now()
    signed = sign_entry(
        gateway,
        EntryType.APPROVE,
        by,
        user,
        at=now,
        parties=_told(draft.mou),
        mou=_subject(draft.mou),
        mou_digest=draft.mou.digest,
    )
    approval = Approval(
        mou=draft.mou.id,
        version=draft.mou.version,
        digest=draft.mou.digest,
        party=party,
        user=user.id,
        at=now,
        signature="",
    )
    approval = replace(approval, signature=sign_act(act_of(approval, user.agency), by.sign))
    changes: list[Change] = [approval]
    if draft.held is None:
        changes.append(_agreement(draft, AgreementState.DRAFT, now))
    await change(gateway, changes, [signed])
    return approval


@decided_anew
async def try_mou(gateway: Gateway, data: bytes, file: str, *, by: Acting) -> Agreement:
    """Put a version on trial: real messages are decided under it and counted, and nothing leaves.

    Raises what `activate_mou` does, but for approvals.
    """
    draft = read_draft(gateway.current, data, file)
    if draft.held is not None and draft.held.state is not AgreementState.DRAFT:
        raise VersionPassed(f"{draft.mou.id} version {draft.mou.version} is {draft.held.state} already")
    user = _decides(gateway, by, draft.mou)
    now = gateway.clock.now()
    checked = _checked(gateway, draft.mou, draft.body, file, user, now)
    tried = _agreement(draft, AgreementState.TRIAL, now)
    await change(gateway, [tried], [checked, _entry(gateway, EntryType.ACTIVATE, tried, draft.mou, by, user, now)])
    return tried


@decided_anew
async def activate_mou(gateway: Gateway, data: bytes, file: str, *, by: Acting) -> Agreement:
    """Put an agreement in force; the version before it ends in the same transaction.

    Raises `AgreementRefused` with all findings, `VersionTaken`, `VersionPassed`, `NotApproved`, `CheckFailed`, and what
    `allowed` raises.
    """
    draft = read_draft(gateway.current, data, file)
    mou = draft.mou
    user = _decides(gateway, by, mou)
    now = gateway.clock.now()
    if lacks := lacks_of(gateway.current, mou, now):
        raise NotApproved(mou, lacks)
    checked = _checked(gateway, mou, draft.body, file, user, now)
    agreement = _agreement(draft, AgreementState.IN_FORCE, now)
    await _end_trials(gateway, draft, mou, by, user, now)
    before = [one for one in draft.others if one.state in STANDING]
    ended = [replace(one, state=AgreementState.ENDED, changed_at=now) for one in before]
    changes: list[Change] = [agreement, *ended]
    entries = [checked, _entry(gateway, EntryType.ACTIVATE, agreement, mou, by, user, now)]
    entries += [_entry(gateway, EntryType.END, one, mou, by, user, now) for one in ended]
    await change(gateway, changes, entries, relisted(gateway, mou.id, now))
    return agreement


async def _end_trials(gateway: Gateway, draft: Draft, mou: Mou, by: Acting, user: User, now: datetime) -> None:
    """End other versions that are on trial, and recall what waits for test endpoints under them, before this one comes
    into force: afterwards it would go out under this one like whatever a version in force had decided. If the gateway
    stops in between, the trial is over and nothing else has changed."""
    tried = [one for one in draft.others if one.state is AgreementState.TRIAL]
    ended = [replace(one, state=AgreementState.ENDED, changed_at=now) for one in tried]
    entries = [_entry(gateway, EntryType.END, one, mou, by, user, now) for one in ended]
    await change(gateway, ended, entries)
    if ended:
        await recall_ended(gateway)


@decided_anew
async def stop_mou(
    gateway: Gateway, id: str, *, state: AgreementState, by: Acting, version: int | None = None
) -> Agreement:
    """Suspend the version in force, end one in force, suspended or on trial, or put a suspended one back in force.
    What comes back is checked again: law may have changed meanwhile.

    Raises `AgreementUnknown`, `VersionAmbiguous`, `CheckFailed` and what `allowed` raises.
    """
    agreement = _to_stop(gateway.current, id, STOPPED_FROM[state], version)
    mou = gateway.current.mou(agreement)
    user = _decides(gateway, by, mou)
    now = gateway.clock.now()
    types = {AgreementState.SUSPENDED: EntryType.SUSPEND, AgreementState.ENDED: EntryType.END}
    changed = replace(agreement, state=state, changed_at=now)
    entries = [_entry(gateway, types.get(state, EntryType.ACTIVATE), changed, mou, by, user, now)]
    waiting = None
    if state is AgreementState.IN_FORCE:
        entries.insert(0, _checked(gateway, mou, agreement.body, _subject(mou), user, now))
        waiting = relisted(gateway, id, now)
    await change(gateway, [changed], entries, waiting)
    return changed


def _to_stop(configured: Configured, id: str, states: Sequence[AgreementState], version: int | None) -> Agreement:
    """The one version in one of these states."""
    known = [one for one in configured.agreements if one.mou == id]
    found = [one for one in known if one.state in states and version in {None, one.version}]
    told = "; ".join(f"version {one.version} is {one.state}" for one in known)
    if not found:
        what = "no such version is there" if version is None else f"version {version} is not"
        raise AgreementUnknown(
            f"{id}: only what is {' or '.join(states)} can be, and {what}: {told or 'gateway mou list shows all'}"
        )
    if len(found) > 1:
        raise VersionAmbiguous(f"several versions of {id} may be meant, say which: {told}")
    return found[0]


def relisted(gateway: Gateway, id: str, now: datetime) -> Relisted | None:
    """What waited under the agreement while it was suspended or over can be read again: pollers have passed it."""
    current = gateway.current
    decided = [one for one in current.agreements if one.mou == id and one.state is not AgreementState.DRAFT]
    found = standings(decided, current.mous, current.day(now)).values()
    if all(standing is Standing.SEND for standing in found):
        return None
    parties = {party for one in decided for party in current.mou(one).parties}
    return Relisted(mou=id, recipients=tuple(sorted(parties)))


def read_draft(configured: Configured, data: bytes, file: str) -> Draft:
    """The agreement in a file. Raises `AgreementRefused`, `VersionTaken`, `VersionPassed`."""
    iepds: Mapping[str, Iepd] = {iepd.id: iepd for iepd in configured.registry}
    mou, findings = read_mou(data, file, iepds, agencies=configured.agencies, law_packs=configured.laws.ids)
    if mou is None or errors(findings):
        raise AgreementRefused(file, errors(findings))
    versions = [one for one in configured.agreements if one.mou == mou.id]
    held = next((one for one in versions if one.version == mou.version), None)
    if held is not None and held.digest != mou.digest:
        raise VersionTaken(f"{mou.id} version {mou.version} is held with another text; give the new text a new version")
    later = any(one.version > mou.version and one.state is not AgreementState.DRAFT for one in versions)
    if later or (held is not None and held.state is AgreementState.ENDED):
        raise VersionPassed(
            f"{mou.id} version {mou.version} has ended or was replaced; what is to hold is a new version"
        )
    others = tuple(one for one in versions if one.version != mou.version)
    return Draft(mou=mou, body=data, held=held, others=others)


def lacks_of(configured: Configured, mou: Mou, now: datetime) -> tuple[Lack, ...]:
    """Which approvals are still missing; () when it may be put in force."""
    return lacking(mou, approvals_of(configured, mou), widened=widened(configured, mou, now))


def approvals_of(configured: Configured, mou: Mou) -> tuple[Approved, ...]:
    """Who has approved this version. A row in the database is no approval: each is verified with its person's key."""
    return tuple(
        Approved(party=one.party, user=one.user, digest=one.digest)
        for one in configured.approvals
        if (one.mou, one.version) == (mou.id, mou.version) and _is_signed(one, configured.users.get(one.user))
    )


def act_of(approval: Approval, agency: AgencyId) -> Act:
    """What is signed for a party, beside the entry of the log: an approval counts by its row alone. agency: that the
    person speaks for."""
    return Act(
        act=EntryType.APPROVE.value,
        subject=f"{approval.mou}@{approval.version}",
        digest=approval.digest,
        agency=agency,
        user=approval.user,
        at=approval.at,
    )


def _is_signed(approval: Approval, user: User | None) -> bool:
    """Whether this person of the party signed it."""
    if user is None or user.agency != agency_of(approval.party):
        return False
    try:
        verify_act(act_of(approval, user.agency), approval.signature, user.public_key)
    except ActSignatureWrong:
        return False
    return True


def widened(configured: Configured, mou: Mou, now: datetime) -> frozenset[AgencyId]:
    """Parties whose data this version releases more of than the one in force or suspended; none of a first version."""
    standing = next((one for one in configured.agreements if one.mou == mou.id and one.state in STANDING), None)
    if standing is None:
        return frozenset()
    before = configured.mou(standing)
    law = configured.restrictions(now)
    senders = {clause.sender for version in (before, mou) for clause in version.exchanges}
    return frozenset(
        sender
        for sender in senders
        if is_widening(_sent_by(before, sender), _sent_by(mou, sender), configured.iepds, law)
    )


def _sent_by(mou: Mou, sender: AgencyId) -> Mou:
    return replace(mou, exchanges=tuple(clause for clause in mou.exchanges if clause.sender == sender))


def _decides(gateway: Gateway, by: Acting, mou: Mou) -> User:
    return allowed(gateway, by, OFFICERS, OPERATOR, *map(agency_of, mou.parties))


def _checked(gateway: Gateway, mou: Mou, body: bytes, file: str, user: User, now: datetime) -> AuditEntry:
    """The entry of a passed check: the certificate can be made again from the same words, exchanges and law."""
    current = gateway.current
    certified = passed(current, mou, body, file, on=current.day(now))
    return make(
        EntryType.CHECK,
        id=gateway.new_id(now),
        at=now,
        parties=_told(mou),
        mou=_subject(mou),
        mou_digest=mou.digest,
        digest=certified.digest,
        laws=current.laws.digest,
        outcome="passed",
        actor=user.id,
    )


def _agreement(draft: Draft, state: AgreementState, now: datetime) -> Agreement:
    mou = draft.mou
    return Agreement(mou=mou.id, version=mou.version, digest=mou.digest, state=state, body=draft.body, changed_at=now)


def _told(mou: Mou) -> tuple[AgencyId, ...]:
    """Who may read entries about an agreement: its parties, units' agencies once."""
    return tuple(dict.fromkeys(map(agency_of, mou.parties)))


def _subject(mou: Mou | Agreement) -> str:
    return f"{mou.id if isinstance(mou, Mou) else mou.mou}@{mou.version}"


def _entry(
    gateway: Gateway, type: EntryType, agreement: Agreement, mou: Mou, by: Acting, user: User, now: datetime
) -> AuditEntry:
    return sign_entry(
        gateway,
        type,
        by,
        user,
        at=now,
        parties=_told(mou),
        mou=_subject(agreement),
        mou_digest=agreement.digest,
        state=agreement.state,
    )
