"""The listings of retention as tables: what expires, what was destroyed, what is held, who has not attested."""

from collections.abc import Sequence
from datetime import datetime

from gateway.exchange.attesting import list_asked
from gateway.exchange.destruction import digest_of, every_run
from gateway.exchange.gateway import Gateway
from gateway.exchange.head import log_head
from gateway.exchange.planning import all_due
from gateway.message import MessageId
from gateway.report.period import Period
from gateway.report.table import Cell, Table, columns
from gateway.retention.hold import Hold, covers
from gateway.retention.kept import Kept
from gateway.store.retention import Fate

LISTED_MAX = 100_000


async def due_table(gateway: Gateway, until: datetime, *, within: str = "") -> Table:
    """What is due by then, by class and day: counts, not payloads."""
    now = gateway.clock.now()
    due = await all_due(gateway, until, limit=LISTED_MAX)
    holds = [hold for hold in await gateway.store.holds() if hold.stands(now)]
    held = await _held(gateway, due, holds)
    groups: dict[tuple[str, str, str, str], list[Kept]] = {}
    for each in due:
        key = (each.due_at.date().isoformat(), each.kind.value, each.exchange, each.mou)
        groups.setdefault(key, []).append(each)
    rows: list[tuple[Cell, ...]] = [
        (*key, len(mine), sum(each.id in held for each in mine), min(each.due_at for each in mine))
        for key, mine in sorted(groups.items())
    ]
    return Table(
        name="retention due",
        title="What is due for destruction",
        question="What expires in this time, and what is held back by an order?",
        columns=columns(
            day="Due on (UTC)",
            kind="Kind",
            exchange="Record type",
            mou="Agreement",
            count="Payloads",
            held="Of these held",
            first="First",
        ),
        rows=tuple(rows),
        log=await log_head(gateway),
        made_at=now,
        filters=(("within", within),) if within else (),
        note="there is more: the listing ends here" if len(due) >= LISTED_MAX else "",
    )


async def _held(gateway: Gateway, due: Sequence[Kept], holds: Sequence[Hold]) -> set[str]:
    if not holds:
        return set()
    parts: dict[str, list[Kept]] = {}
    messages = sorted({each.message for each in due})
    for start in range(0, len(messages), 1000):
        for fate in await gateway.store.kept_of(messages[start : start + 1000]):
            parts.setdefault(fate.kept.message, []).append(fate.kept)
    return {each.id for each in due if any(covers(hold.scope, parts[each.message]) for hold in holds)}


async def message_table(gateway: Gateway, message: MessageId) -> Table:
    """Each payload of one message: until when it is kept, or when it was destroyed, and by which run."""
    fates = await gateway.store.kept_of([message])
    return Table(
        name="retention due",
        title="How long this message is kept",
        question="Until when is what we have of this message kept, or when was it destroyed?",
        columns=columns(
            kind="Kind",
            recipient="Recipient",
            mou="Agreement",
            due_at="Due",
            destroyed_at="Destroyed",
            run="Run",
            id="Payload",
            key="Key",
        ),
        rows=tuple(_fate(each) for each in fates),
        log=await log_head(gateway),
        made_at=gateway.clock.now(),
        filters=(("message", message),),
    )


def _fate(fate: Fate) -> tuple[Cell, ...]:
    kept = fate.kept
    return (
        kept.kind.value,
        kept.recipient,
        kept.mou,
        kept.due_at,
        fate.destroyed_at,
        fate.run or None,
        kept.id,
        kept.key_id,
    )


async def certificates_table(gateway: Gateway, period: Period | None) -> Table:
    """Runs of a period, with the digest of each certificate as the log names it."""
    since, until = (period.since, period.until) if period else (None, None)
    rows: list[tuple[Cell, ...]] = [
        (
            run.id,
            run.at,
            run.why.value,
            run.count,
            run.operator.name,
            run.second.name if run.second else None,
            len(run.whole),
            run.done_at,
            digest_of(run) if run.certificate else None,
        )
        async for run in every_run(gateway, since, until)
    ]
    unfinished = sum(row[7] is None for row in rows)
    return Table(
        name="retention certificates",
        title="Destruction certificates",
        question="What was destroyed, when, why and by whom? Show the certificates.",
        columns=columns(
            run="Certificate",
            at="Begun",
            reason="Reason",
            count="Payloads",
            operator="By",
            second="Second person",
            buckets="Buckets destroyed whole",
            done_at="Certified",
            digest="Digest of the certificate",
        ),
        rows=tuple(rows),
        log=await log_head(gateway),
        made_at=gateway.clock.now(),
        period=period,
        note=f"{unfinished} runs are not finished: the next run, or a worker's start, finishes them"
        if unfinished
        else "",
    )


async def holds_table(gateway: Gateway, *, every: bool) -> Table:
    """Holds that stand; with `every`, those that ended too."""
    now = gateway.clock.now()
    holds = [hold for hold in await gateway.store.holds() if every or hold.stands(now)]
    return Table(
        name="retention hold list",
        title="Legal holds",
        question="What is on legal hold, and on whose authority?",
        columns=columns(
            hold="Hold",
            scope="Covers",
            cause="Cause",
            authority="Authority",
            by="Placed by",
            agency="For",
            at="Placed",
            until="Ends",
            released_at="Released",
            released_by="Released by",
        ),
        rows=tuple(_hold(hold) for hold in holds),
        log=await log_head(gateway),
        made_at=now,
        filters=(("all", "yes"),) if every else (),
    )


def _hold(hold: Hold) -> tuple[Cell, ...]:
    return (
        hold.id,
        scope_words(hold),
        hold.cause.value,
        hold.authority,
        hold.by,
        hold.agency or None,
        hold.at,
        hold.until,
        hold.released_at,
        hold.released_by,
    )


def scope_words(hold: Hold) -> str:
    """What a hold covers, in words."""
    scope = hold.scope
    named = (
        ("message", scope.message),
        ("agreement", scope.mou),
        ("agency", scope.agency),
        ("record type", scope.exchange),
        ("received from", scope.since.date().isoformat() if scope.since else None),
        ("received before", scope.until.date().isoformat() if scope.until else None),
    )
    return ", ".join(f"{word} {value}" for word, value in named if value)


async def attestations_table(gateway: Gateway, *, every: bool) -> Table:
    """Who was asked to attest an early destruction and has not; with `every`, who has too."""
    asked = await list_asked(gateway, open_only=not every)
    rows: list[tuple[Cell, ...]] = [
        (
            each.attestation.notice,
            each.attestation.recipient,
            each.attestation.owner,
            each.attestation.message,
            each.arrived,
            each.attestation.asked_at,
            each.attestation.attest_by,
            each.open_for.days,
            each.overdue_by.days,
            each.attestation.attested_at,
            each.attestation.attested_by or None,
            each.attestation.document or None,
        )
        for each in asked
    ]
    return Table(
        name="retention attestations",
        title="Attestations of early destruction",
        question="Which past recipients have not attested that their copies are destroyed, and for how long?",
        columns=columns(
            notice="Notice",
            recipient="Recipient",
            owner="Owner",
            message="Message",
            delivery="Notice is",
            asked_at="Asked",
            attest_by="To attest by",
            open_days="Days open",
            overdue_days="Days overdue",
            attested_at="Attested",
            attested_by="By",
            paper="Paper",
        ),
        rows=tuple(rows),
        log=await log_head(gateway),
        made_at=gateway.clock.now(),
        filters=(("all", "yes"),) if every else (),
    )
