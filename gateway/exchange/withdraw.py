"""Taking an approval back before the version is in force: a signed act of the party, honored by every activation."""

from gateway.agency import AgencyId, agency_of
from gateway.audit.catalog import EntryType
from gateway.errors import Refused
from gateway.exchange.acting import Acting, allowed, sign_entry
from gateway.exchange.activate import change, decided_anew
from gateway.exchange.agreements import SIGNS, AgreementUnknown
from gateway.exchange.configured import Configured
from gateway.exchange.gateway import Gateway
from gateway.signing.act import Act, sign_act
from gateway.store.configuration import Agreement, AgreementState, Approval, Withdrawal
from gateway.user import UserId

OPEN = (AgreementState.DRAFT, AgreementState.TRIAL)
"""States in which approvals are still asked for. What is in force is suspended or ended instead."""


class ApprovalUnknown(Refused):
    """There is no such approval to take back."""

    code = "mou.approval-unknown"


class TooLate(Refused):
    """The version was put in force on these approvals; it can be suspended or ended."""

    code = "mou.approval-used"


@decided_anew
async def withdraw_approval(
    gateway: Gateway, id: str, version: int | None, *, party: AgencyId, of: UserId | None = None, by: Acting
) -> Withdrawal:
    """One person's approval for a party counts no more. That person may approve again later.

    version  None = the only one that is a draft or on trial
    of       whose approval; None = that of whoever acts. Another person of the party may take it back too: whoever
             approved may have left.

    Raises `AgreementUnknown`, `ApprovalUnknown`, `TooLate` and what `allowed` raises.
    """
    agreement = _open(gateway.current, id, version)
    person = allowed(gateway, by, SIGNS, agency_of(party))
    approval = _approval(gateway.current, agreement, party, of or person.id)
    now = gateway.clock.now()
    subject = f"{agreement.mou}@{agreement.version}"
    parties = tuple(dict.fromkeys(map(agency_of, _parties(gateway.current, agreement, party))))
    signed = sign_entry(
        gateway,
        EntryType.WITHDRAW,
        by,
        person,
        at=now,
        parties=parties,
        mou=subject,
        mou_digest=agreement.digest,
        user=approval.user,
    )
    act = Act(
        act=EntryType.WITHDRAW.value,
        subject=f"{subject} {approval.user}",
        digest=agreement.digest,
        agency=person.agency,
        user=person.id,
        at=now,
    )
    withdrawal = Withdrawal(
        mou=agreement.mou,
        version=agreement.version,
        digest=agreement.digest,
        party=party,
        user=approval.user,
        by=person.id,
        at=now,
        signature=sign_act(act, by.sign),
    )
    await change(gateway, [withdrawal], [signed])
    return withdrawal


def _open(configured: Configured, id: str, version: int | None) -> Agreement:
    versions = [one for one in configured.agreements if one.mou == id and version in {None, one.version}]
    found = [one for one in versions if one.state in OPEN]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise AgreementUnknown(f"{len(found)} versions of {id} wait for approvals; say which with --version")
    if versions:
        newest = max(versions, key=lambda one: one.version)
        raise TooLate(f"{id} version {newest.version} is {newest.state}; `gateway mou suspend` or `end` stops it")
    raise AgreementUnknown(f"there is no version of {id} that waits for approvals; `gateway mou list` shows all")


def _approval(configured: Configured, agreement: Agreement, party: AgencyId, user: UserId) -> Approval:
    key = (agreement.mou, agreement.version, party, user)
    for each in configured.approvals:
        if (each.mou, each.version, each.party, each.user) == key:
            return each
    raise ApprovalUnknown(f"{user} has not approved {agreement.mou} version {agreement.version} for {party}")


def _parties(configured: Configured, agreement: Agreement, party: AgencyId) -> tuple[AgencyId, ...]:
    """Those who may read of it: a draft is not read for this, so whoever has approved it so far, and this party."""
    approved = (
        each.party for each in configured.approvals if (each.mou, each.version) == (agreement.mou, agreement.version)
    )
    return (party, *approved)
