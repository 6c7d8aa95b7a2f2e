"""Look: what the store, the configuration and the key directory say, for the conditions of alerts to judge."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from gateway.agency import AgencyId
from gateway.alert.condition import Expiry, Limits, ListTerm, Seen, Term
from gateway.exchange.activate import STANDING
from gateway.exchange.answers.accounted import intelligence_due
from gateway.exchange.authorities import lists_of
from gateway.exchange.configured import Configured
from gateway.exchange.gateway import Gateway
from gateway.retention.kept import Kept
from gateway.retention.plan import free
from gateway.store.configuration import AgencyAuthority, AgreementState, Credential
from gateway.store.log import StoredEntry

RUNNING = (*STANDING, AgreementState.TRIAL)
"""States in which an agreement's days matter to somebody."""

FORGOTTEN = timedelta(days=30)
"""A credential that ended so long ago, with none after it, is no longer in anybody's use."""

REVOCATION_LIST = "crl"
LIST_AHEAD = timedelta(days=1)
"""A list is renewed every day and holds for a week: one that has a day left was not."""

EMERGENCIES_MAX = 1000

COUNTED_MAX = 1000
"""What is more is told as this many: somebody has to look in any case."""

RUN_GRACE = timedelta(days=1)
"""A run that a day did not bring is overdue."""


async def look(gateway: Gateway, now: datetime) -> Seen:
    """Everything but what only the watching process knows: its clock, its sequencer, its reading of the log.

    Raises `StoreUnavailable`.
    """
    await gateway.refresh()
    current, alerts = gateway.current, gateway.settings.alerts
    counts = await gateway.store.counts()
    span = await gateway.store.log_span()
    reviewed = await reviewed_until(gateway)
    began = reviewed or (span[0] if span else None)
    released = await gateway.store.emergencies(began, None, "", EMERGENCIES_MAX)
    retention_due, unattested = await _destruction(gateway, now)
    return Seen(
        now=now,
        today=current.day(now),
        limits=Limits(mou=timedelta(days=alerts.mou_days), certificate=timedelta(days=alerts.certificate_days)),
        deliveries=counts.deliveries,
        replies=counts.replies,
        oldest=counts.oldest,
        unsequenced_since=counts.unsequenced_since,
        newest_entry=span[1] if span else None,
        terms=tuple(_terms(current)),
        expiries=(*_own(gateway), *_held(current, now)),
        lists=tuple(_lists(current, now)),
        late=await _late(gateway, now),
        intelligence_due=await intelligence_due(gateway, now),
        retention_due=retention_due,
        unattested=unattested,
        reviewed=began,
        emergencies=len(released),
    )


async def reviewed_until(gateway: Gateway) -> datetime | None:
    """Until when the log was reviewed; None when it never was."""
    last = await gateway.store.reviews(None, 1)
    return until_of(last[0]) if last else None


def until_of(review: StoredEntry) -> datetime:
    """The end of what a review looked through."""
    return datetime.fromisoformat(json.loads(review.entry.body)["until"])


async def _late(gateway: Gateway, now: datetime) -> tuple[tuple[str, int], ...]:
    """Deliveries under way whose deadline is past, by recipient."""
    overdue = await gateway.store.overdue(now, since=None, until=None, limit=COUNTED_MAX)
    return tuple(sorted(Counter(str(each.recipient) for each in overdue).items()))


async def _destruction(gateway: Gateway, now: datetime) -> tuple[int, int]:
    """What a run should have destroyed by now and no hold keeps; and attestations that are late."""
    grace = RUN_GRACE + timedelta(hours=gateway.settings.retention.run_every_hours)
    due = await gateway.store.due(now - grace, None, COUNTED_MAX)
    if due:
        siblings: defaultdict[str, list[Kept]] = defaultdict(list)
        for fate in await gateway.store.kept_of({each.message for each in due}):
            siblings[fate.kept.message].append(fate.kept)
        due, _ = free(due, await gateway.store.holds(), {key: tuple(each) for key, each in siblings.items()}, now)
    asked = await gateway.store.attestations(open_only=True)
    return len(due), sum(each.attest_by < now for each in asked)


def _terms(current: Configured) -> Iterator[Term]:
    for one in current.agreements:
        if one.state in RUNNING:
            mou = current.mous[one.mou, one.version]
            yield Term(mou=f"{one.mou}@{one.version}", until=mou.until, review_by=mou.review_by)


def _own(gateway: Gateway) -> Iterator[Expiry]:
    """The gateway's own certificates - in use, next, and of authorities before - and its revocation lists."""
    for file in gateway.keys.list():
        if file.expires is not None and file.counts:
            yield Expiry(name=file.subject, at=file.expires, own=True)
    for _, listed in gateway.keys.lists.kept():
        yield Expiry(name=REVOCATION_LIST, at=listed.until, own=True, ahead=LIST_AHEAD)


def _held(current: Configured, now: datetime) -> Iterator[Expiry]:
    """Of each agency and kind the credential that lasts longest: one that was replaced may end."""
    last: dict[tuple[str, str], Credential | AgencyAuthority] = {}
    for one in _counting((*current.credentials.values(), *current.authorities), now):
        kind = one.kind if isinstance(one, Credential) else "authority"
        held = last.get((one.agency, kind))
        if held is None or held.not_after < one.not_after:
            last[one.agency, kind] = one
    for one in last.values():
        if _is_let_in(current, one.agency):
            yield Expiry(name=one.agency, at=one.not_after, own=False)


def _counting(held: Iterable[Credential | AgencyAuthority], now: datetime) -> Iterator[Credential | AgencyAuthority]:
    return (one for one in held if one.revoked_at is None and one.not_after > now - FORGOTTEN)


def _lists(current: Configured, now: datetime) -> Iterator[ListTerm]:
    """Of every authority that has a list; one that never had any is shown, and nobody's to be reminded of."""
    for agency in {one.agency for one in current.authorities}:
        if _is_let_in(current, agency):
            for each in lists_of(current, agency, now):
                if each.crl is not None:
                    yield ListTerm(agency=agency, since=each.crl.this_update, until=each.crl.next_update)


def _is_let_in(current: Configured, id: AgencyId) -> bool:
    agency = current.agencies.get(id)
    return agency is not None and not agency.suspended
