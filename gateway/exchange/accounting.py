"""Accounting of disclosures (45 CFR 164.528): what of a person's health information went to whom, and the suspensions
of the person's right to be told, which agencies may ask for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, Acting, allowed, sign_entry
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.disclosed import Hit, find
from gateway.exchange.export import RevealReason
from gateway.exchange.gateway import Gateway
from gateway.exchange.who_saw import Seen, disclosed, with_arrivals
from gateway.policy.accounting import ORAL_DAYS_MAX, check_suspension, exempt, reaches_back_to, suspended
from gateway.policy.disclosure import Disclosure, Lifting, Suspension, to_bytes
from gateway.policy.match import Certainty, Match
from gateway.policy.person import Person
from gateway.report.period import Period

ACCOUNTING = "accounting"


class SuspensionUnknown(Refused):
    """There is no such suspension of this person's right, or it is lifted."""

    code = "accounting.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One disclosure of health information.

    left_out  why the person is not told of it; "" = it belongs into the account
    """

    seen: Seen
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """possible: how many more may be of this person, by the name alone."""

    lines: tuple[Line, ...]
    suspensions: tuple[Suspension, ...]
    possible: int
    period: Period

    @property
    def told(self) -> tuple[Line, ...]:
        """What the person is told."""
        return tuple(line for line in self.lines if not line.left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAccount:
    """period: None = the last six years. owner: whose disclosures, None = everybody's. by_name: those count too that
    only the same name and birth date point to."""

    person: Person
    period: Period | None = None
    owner: AgencyId | None = None
    by_name: bool = False


async def account(gateway: Gateway, asked: AskedAccount, *, by: Acting, exported: bool = False) -> Account:
    """The account, oldest first. That it was made is an entry, written before.

    Raises what `allowed` raises.
    """
    await gateway.refresh()
    user = allowed(gateway, by, OFFICERS)
    now = gateway.clock.now()
    earliest = reaches_back_to(now)
    period = asked.period or Period(
        text=f"{earliest:%Y-%m-%d}/{now:%Y-%m-%d}", since=earliest, until=now + timedelta(microseconds=1)
    )
    hits = await find(gateway, asked.person)
    health = [
        (said, match)
        for said, match in disclosed(hits, period)
        if said.health and said.kind != "withdrawal" and said.at >= earliest
        if user.agency in {"", said.sender} and asked.owner in {None, said.sender}
    ]
    counted = [each for each in health if _counts(each[1], asked)]
    entry = sign_entry(
        gateway,
        EntryType.EXPORT if exported else EntryType.READ,
        by,
        user,
        at=now,
        parties=(user.agency,) if user.agency else (),
        kind=ACCOUNTING,
        reason=RevealReason.SUBJECT_REQUEST.value,
        count=len(counted),
    )
    await gateway.store.record([entry])
    open_ = _open(hits, gateway.current.day(now))
    seen = await with_arrivals(gateway, counted)
    return Account(
        lines=tuple(_line(gateway, each, open_, gateway.current.day(now)) for each in seen if each.arrival.disclosed),
        suspensions=open_,
        possible=len(health) - len(counted),
        period=period,
    )


def _counts(match: Match, asked: AskedAccount) -> bool:
    return match.certainty is Certainty.SAME or (asked.by_name and _is_named(match))


def _is_named(match: Match) -> bool:
    return match.words == "same name, same birth date"


def _line(gateway: Gateway, seen: Seen, open_: Iterable[Suspension], on: date) -> Line:
    said: Disclosure = seen.disclosure
    held = suspended(open_, said.recipient, on)
    if held is not None:
        return Line(seen=seen, left_out=f"suspended until {held.until}")
    recipient = gateway.current.agencies.get(said.recipient)
    return Line(seen=seen, left_out=exempt(said.purpose, recipient.kind if recipient else None))


def _open(hits: Iterable[Hit], on: date) -> tuple[Suspension, ...]:
    """The suspensions that hold, not lifted: of this person, by number or by the same name and birth date."""
    found = [hit for hit in hits if hit.match.certainty is Certainty.SAME or _is_named(hit.match)]
    lifted = {hit.said.suspension for hit in found if isinstance(hit.said, Lifting)}
    suspensions = [hit.said for hit in found if isinstance(hit.said, Suspension)]
    return tuple(each for each in suspensions if each.id not in lifted and each.holds(on))


# --- suspending -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuspension:
    """agency: who asked for it, and of whose disclosures the person is not told. until: last day; None = as long as an
    oral one may last. document: digest of its written statement, "" = it was only said."""

    person: Person
    agency: AgencyId
    until: date | None = None
    document: str = ""


async def suspend_accounting(gateway: Gateway, new: NewSuspension, *, by: Acting) -> Suspension:
    """Suspend it from today on. Durable when this returns.

    Raises `AgencyUnknown`, `OralTooLong`, `SuspensionOver`, and what `allowed` raises.
    """
    await gateway.refresh()
    if new.agency not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {new.agency}")
    now = gateway.clock.now()
    today = gateway.current.day(now)
    until = new.until or today + timedelta(days=ORAL_DAYS_MAX)
    check_suspension(today, until, written=bool(new.document))
    made = Suspension(
        person=new.person,
        id=gateway.new_id(now),
        agency=new.agency,
        since=today,
        until=until,
        document=new.document,
    )
    await _write(gateway, made, made, "suspend", by)
    return made


async def lift_suspension(gateway: Gateway, whose: Person, id: str, *, by: Acting) -> Suspension:
    """End it today. Raises `SuspensionUnknown` and what `allowed` raises."""
    await gateway.refresh()
    now = gateway.clock.now()
    found = _open(await find(gateway, whose), gateway.current.day(now))
    held = next((each for each in found if each.id == id), None)
    if held is None:
        raise SuspensionUnknown("no such suspension of this person's right holds")
    await _write(gateway, Lifting(person=held.person, suspension=held.id, at=now), held, "lift", by)
    return held


async def _write(gateway: Gateway, said: Suspension | Lifting, of: Suspension, action: str, by: Acting) -> None:
    """The row and the signed entry, which names the agency and not the person."""
    user = allowed(gateway, by, OFFICERS)
    now = gateway.clock.now()
    entry = sign_entry(
        gateway,
        EntryType.ACCOUNTING,
        by,
        user,
        at=now,
        parties=(user.agency,) if user.agency else (),
        suspension=of.id,
        action=action,
        kind="written" if of.document else "oral",
        recipient=of.agency,
        document=of.document or None,
        valid_until=datetime.combine(of.until, time(), UTC) if action == "suspend" else None,
    )
    assert gateway.subjects is not None  # noqa: S101  (a gateway that is run has an index)
    person = said.person
    filed = gateway.subjects.file(person.terms, key=person.key, plaintexts=[to_bytes(said)], now=now)
    await gateway.store.file(filed, [entry])
