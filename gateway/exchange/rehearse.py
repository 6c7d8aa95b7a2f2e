"""A message tried: read, judged and decided as if it had been submitted; nothing comes of it but an entry of the log.

The same functions as in `accept`, so that what is said here is what would happen now. Two things are left out, because
an agency could learn by them what is not its own (decision 34): consents on file are not asked, as if nobody had given
one; and a payload with pseudonyms in it is not shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.document.canonical import declared_prefixes, exclusive
from gateway.errors import Refused, Tampered
from gateway.exchange.accept import check_reach, judge, read_message, running_for
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Denied, Release
from gateway.exchange.gateway import AgencySuspended, Gateway
from gateway.exchange.submission import NoRecipient, Submission, listed
from gateway.exchange.trial import decide_all
from gateway.policy.journal import counts
from gateway.policy.mou import How

PAYLOADS_SIZE_BYTES_MAX = 8 * 1024 * 1024
"""Payloads are shown until there are so many bytes of them; an answer has a bound, however many partners there are."""

PSEUDONYMS = "pseudonyms"
"""Why a payload is not shown: whoever sees the pseudonym of any value it likes can undo those that others hold."""

SIZE = "size"
"""Why a payload is not shown: the answer would be too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldReceive:
    """What one partner would receive, or why nothing. The field names of one that is refused are empty.

    mou              "id@version"
    shared           places that would go as they are
    withheld         per label, places that would not go; so `reduced`, of those that would go in a lesser form
    withdrawal       only that the earlier message is void
    consent_decides  law lets some of the withheld go where the person consented, which is not asked here
    payload          the cut message as it would be delivered; None = it is not shown, for `omitted`
    """

    agency: AgencyId
    code: str = ""
    mou: str = ""
    clauses: tuple[str, ...] = ()
    purpose: str = ""
    role: str = ""
    shared: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    reduced: Mapping[str, int] = field(default_factory=dict)
    withdrawal: bool = False
    consent_decides: bool = False
    payload: bytes | None = None
    omitted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What would become of the message. entry: id of the audit entry that says it was tried."""

    exchange: str
    at: datetime
    recipients: tuple[WouldReceive, ...]
    entry: str


async def rehearse(gateway: Gateway, submission: Submission) -> Rehearsed:
    """Say what would become of the message now. That it was tried is written before anything is said.

    Raises what `accept` would raise; and `Unavailable` when the entry cannot be written.
    """
    now = gateway.clock.now()
    await gateway.refresh()
    configured = gateway.current
    try:
        exchange, recipients = await _decided(gateway, configured, submission, now)
    except (Refused, Tampered) as error:
        told = error.outcomes if isinstance(error, NoRecipient) else ()
        refused = tuple(each.agency for each in told)
        await _record(gateway, submission, configured, now, exchange=None, code=error.code, refused=refused)
        raise
    entry = await _record(
        gateway,
        submission,
        configured,
        now,
        exchange=exchange,
        recipients=tuple(each.agency for each in recipients if not each.code),
        refused=tuple(each.agency for each in recipients if each.code),
    )
    return Rehearsed(exchange=exchange, at=now, recipients=recipients, entry=entry)


async def _decided(
    gateway: Gateway, configured: Configured, submission: Submission, now: datetime
) -> tuple[str, tuple[WouldReceive, ...]]:
    agency = configured.agencies[submission.sender]
    if agency.suspended:
        raise AgencySuspended(agency.id)
    run = running_for(submission)
    read = await run(lambda: read_message(submission, agency, configured, gateway.keys.digest_key, now))
    judged = await judge(gateway, configured, submission, read, now=now, consents=False)
    # What is on trial is not told, as it is not told to whoever submits: only what would reach somebody.
    decided = await run(lambda: decide_all(judged.case, configured, now=now))
    check_reach(judged.case, decided)
    return read.iepd.id, await run(lambda: _shown(decided.decisions, configured))


def _shown(decisions: tuple[Release | Denied, ...], configured: Configured) -> tuple[WouldReceive, ...]:
    shown: list[WouldReceive] = []
    left = PAYLOADS_SIZE_BYTES_MAX
    for decision in decisions:
        if isinstance(decision, Denied):
            shown.append(WouldReceive(agency=decision.recipient, code=decision.code))
            continue
        payload, omitted = _payload(decision)
        if payload is not None and len(payload) > left:
            payload, omitted = None, SIZE
        left -= len(payload or b"")
        shown.append(_would(decision, configured, payload, omitted))
    return tuple(shown)


def _payload(release: Release) -> tuple[bytes | None, str]:
    """The bytes as they would be delivered, never signed: a signature would be evidence of what never happened."""
    if any(transform.how is How.PSEUDONYMIZE for transform in release.grant.clause.transforms):
        return None, PSEUDONYMS
    root = release.cut.document.root
    return exclusive(root, prefixes=declared_prefixes(root)), ""


def _would(release: Release, configured: Configured, payload: bytes | None, omitted: str) -> WouldReceive:
    grant = release.grant
    withheld, reduced = counts(release.cut.redactions)
    return WouldReceive(
        agency=grant.recipient,
        mou=f"{grant.mou.id}@{grant.mou.version}",
        clauses=(grant.clause.id,),
        purpose=grant.clause.purpose,
        role=grant.clause.role,
        shared=release.cut.shared,
        withheld=dict(withheld),
        reduced=dict(reduced),
        withdrawal=release.withdrawal,
        consent_decides=not release.withdrawal and bool(configured.bound(grant).consents),
        payload=payload,
        omitted=omitted,
    )


async def _record(
    gateway: Gateway,
    submission: Submission,
    configured: Configured,
    now: datetime,
    *,
    exchange: str | None,
    code: str | None = None,
    recipients: tuple[AgencyId, ...] = (),
    refused: tuple[AgencyId, ...] = (),
) -> str:
    """Written before it is answered: whoever tries messages finds out what agreements do, and that is to be seen."""
    id = gateway.new_id(now)
    entry = make(
        EntryType.SANDBOX,
        id=id,
        at=now,
        parties=(submission.sender,),
        sender=submission.sender,
        channel=submission.channel,
        exchange=exchange,
        code=code,
        recipients=listed(recipients, configured.agencies) or None,
        refused=listed(refused, configured.agencies) or None,
        count=len(recipients) + len(refused) or None,
        configuration=configured.version,
        size_bytes=len(submission.body),
    )
    await gateway.store.record([entry])
    return id
