"""Rows of what is kept, of holds and of runs, to values and back, for both databases; as in `rows.py`."""

import json

from gateway.agency import AgencyId
from gateway.message import DeliveryId, DisseminationId, MessageId
from gateway.retention.certificate import Person
from gateway.retention.hold import Cause, Hold, Scope
from gateway.retention.kept import Kept, Kind
from gateway.retention.plan import Why
from gateway.store.agency_text import json_text
from gateway.store.retention import Attestation, Fate, Run
from gateway.store.rows import Row, micros, micros_or_none, moment, moment_or_none
from gateway.user import UserId


def kept_row(kept: Kept) -> Row:
    """id, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, key_index"""
    return (
        kept.id,
        kept.kind.value,
        kept.message,
        kept.sender,
        kept.recipient,
        kept.exchange,
        kept.mou,
        kept.clause,
        micros(kept.at),
        micros(kept.counts_from),
        micros(kept.due_at),
        kept.bucket,
        kept.index,
    )


def kept_of(row: Row) -> Kept:
    """What `kept_row` made."""
    key, kind, message, sender, recipient, exchange, mou, clause, at, counts_from, due_at, bucket, index = row[:13]
    return Kept(
        id=key,
        kind=Kind(kind),
        message=MessageId(message),
        sender=AgencyId(sender),
        recipient=AgencyId(recipient),
        exchange=exchange,
        mou=mou,
        clause=clause,
        at=moment(at),
        counts_from=moment(counts_from),
        due_at=moment(due_at),
        bucket=bucket,
        index=index,
    )


def fate_of(row: Row) -> Fate:
    """The columns of `kept_row`, then run and destroyed_at."""
    return Fate(kept=kept_of(row), run=row[13] or "", destroyed_at=moment_or_none(row[14]))


def hold_row(hold: Hold) -> Row:
    """id, message, mou, agency, exchange, since, before, cause, authority, placed_by, speaks_for, at, ends_at,
    released_at, released_by"""
    scope = hold.scope
    return (
        hold.id,
        scope.message,
        scope.mou,
        scope.agency,
        scope.exchange,
        micros_or_none(scope.since),
        micros_or_none(scope.until),
        hold.cause.value,
        hold.authority,
        hold.by,
        hold.agency,
        micros(hold.at),
        micros_or_none(hold.until),
        micros_or_none(hold.released_at),
        hold.released_by,
    )


def hold_of(row: Row) -> Hold:
    """What `hold_row` made."""
    key, message, mou, agency, exchange, since, before, cause, authority, by, *rest = row
    speaks_for, at, ends_at, released_at, released_by = rest
    return Hold(
        id=key,
        scope=Scope(
            message=MessageId(message) if message else None,
            mou=mou,
            agency=AgencyId(agency) if agency else None,
            exchange=exchange,
            since=moment_or_none(since),
            until=moment_or_none(before),
        ),
        cause=Cause(cause),
        authority=authority,
        by=UserId(by),
        agency=AgencyId(speaks_for),
        at=moment(at),
        until=moment_or_none(ends_at),
        released_at=moment_or_none(released_at),
        released_by=UserId(released_by) if released_by else None,
    )


def run_row(run: Run) -> Row:
    """id, why, at, actor, agency, fingerprint, second, second_agency, second_fingerprint, entry, whole, plan, count,
    done_at, certificate"""
    second = run.second or Person(name="")
    return (
        run.id,
        run.why.value,
        micros(run.at),
        run.operator.name,
        run.operator.agency,
        run.operator.fingerprint,
        second.name,
        second.agency,
        second.fingerprint,
        run.entry,
        json_text(run.whole),
        run.plan,
        run.count,
        micros_or_none(run.done_at),
        run.certificate,
    )


def run_of(row: Row) -> Run:
    """What `run_row` made."""
    key, why, at, actor, agency, fingerprint, second, second_agency, second_fingerprint, *rest = row
    entry, whole, plan, count, done_at, certificate = rest
    other = Person(name=second, agency=second_agency, fingerprint=second_fingerprint)
    return Run(
        id=key,
        why=Why(why),
        at=moment(at),
        operator=Person(name=actor, agency=agency, fingerprint=fingerprint),
        second=other if second else None,
        entry=entry,
        whole=tuple(json.loads(whole)),
        plan=plan,
        count=count,
        done_at=moment_or_none(done_at),
        certificate=certificate,
    )


def attestation_row(asked: Attestation) -> Row:
    """notice, delivery, run, message, owner, recipient, asked_at, attest_by, attested_at, attested_by, document"""
    return (
        asked.notice,
        asked.delivery,
        asked.run,
        asked.message,
        asked.owner,
        asked.recipient,
        micros(asked.asked_at),
        micros(asked.attest_by),
        micros_or_none(asked.attested_at),
        asked.attested_by or None,
        asked.document or None,
    )


def attestation_of(row: Row) -> Attestation:
    """What `attestation_row` made."""
    notice, delivery, run, message, owner, recipient, asked_at, attest_by, attested_at, attested_by, document = row
    return Attestation(
        notice=DisseminationId(notice),
        delivery=DeliveryId(delivery),
        run=run,
        message=MessageId(message),
        owner=AgencyId(owner),
        recipient=AgencyId(recipient),
        asked_at=moment(asked_at),
        attest_by=moment(attest_by),
        attested_at=moment_or_none(attested_at),
        attested_by=attested_by or "",
        document=document or "",
    )
