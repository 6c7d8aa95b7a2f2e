"""Legal holds: place one, lift one. From the moment it is placed nothing that it covers is destroyed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from gateway.audit.catalog import EntryType
from gateway.clock import timestamp
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, Acting, NotAllowed, allowed, sign_entry
from gateway.exchange.gateway import Gateway
from gateway.exchange.planning import all_due, siblings_of
from gateway.policy.emergency import EMERGENCY
from gateway.policy.reading import nearest
from gateway.retention.hold import AUTHORITY_LENGTH_MAX, Cause, Hold, Scope
from gateway.retention.kept import Kept
from gateway.retention.plan import free


class HoldRefused(Refused):
    """The hold is not one: it says on nobody's authority it stands, or ends before it begins."""

    code = "hold.refused"


class HoldUnknown(Refused):
    """No hold has this id, or it was released before."""

    code = "hold.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A hold, how many payloads it keeps that are due now, and the run that began before it, if any: what that one
    names is gone."""

    hold: Hold
    due: int
    running: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """A released hold, and how many payloads are due at once because of it."""

    hold: Hold
    due: int


class HoldsNothing(Refused):
    """What a hold names is not here: it would look like a hold and keep nothing."""

    code = "hold.holds-nothing"


async def place_hold(
    gateway: Gateway, scope: Scope, *, cause: Cause, authority: str, by: Acting, until: datetime | None = None
) -> Placed:
    """Place it. It holds when this returns; a run that was written down before goes on.

    Raises `HoldRefused`, `HoldsNothing` and what `allowed` raises: somebody of an agency may hold what that agency sent
    or gets.
    """
    await gateway.refresh()
    now = gateway.clock.now()
    person = allowed(gateway, by, OFFICERS)
    if person.agency != OPERATOR and scope.agency != person.agency:
        raise NotAllowed(f"{person.id} speaks for {person.agency}: name it as the agency whose records are held")
    if not authority.strip() or len(authority) > AUTHORITY_LENGTH_MAX or not authority.isprintable():
        raise HoldRefused(f"a hold says who ordered it, on one line of at most {AUTHORITY_LENGTH_MAX} characters")
    if until is not None and until <= now:
        raise HoldRefused("a hold ends later than it begins")
    await _check(gateway, scope)
    hold = Hold(
        id=gateway.new_id(now),
        scope=scope,
        cause=cause,
        authority=authority.strip(),
        by=person.id,
        agency=person.agency,
        at=now,
        until=until,
    )
    signed = sign_entry(
        gateway,
        EntryType.HOLD,
        by,
        person,
        digest=digest_of(hold),
        at=now,
        hold=hold.id,
        reason=cause.value,
        until=until,
        message=scope.message,
        holder=scope.agency,
        mou=_version(scope),
    )
    await gateway.store.place_hold(hold, (signed,))
    running = await gateway.store.unfinished()
    _, kept_back = await _free(gateway, (hold,), now)
    return Placed(hold=hold, due=kept_back.get(hold.id, 0), running=running[0].id if running else "")


async def _check(gateway: Gateway, scope: Scope) -> None:
    """That what it names is here: one slip of the pen, and what a court ordered to be kept is destroyed."""
    current = gateway.current
    mous = {EMERGENCY, *(one.mou for one in current.agreements)}
    mous |= {f"{one.mou}@{one.version}" for one in current.agreements}
    for what, word, known in (
        ("agreement", scope.mou, mous),
        ("agency", scope.agency, set(current.agencies)),
        ("record type", scope.exchange, set(current.iepds)),
    ):
        if word and word not in known:
            raise HoldsNothing(f"there is no {what} {word} here{nearest(word, known)}")
    if scope.message and not await gateway.store.entries_about({scope.message}):
        raise HoldsNothing("the log knows no message with this id; it is the gateway's own id that is asked for")


async def lift_hold(gateway: Gateway, id: str, *, by: Acting) -> Lifted:
    """Release it. What it held is looked at again at once: it is due as it would have been.

    Raises `HoldUnknown`, and what `allowed` raises: whoever's agency placed it, or the gateway's operator.
    """
    await gateway.refresh()
    now = gateway.clock.now()
    hold = next((each for each in await gateway.store.holds() if each.id == id), None)
    if hold is None or hold.released_at is not None:
        raise HoldUnknown("no hold that stands has this id; see: gateway retention hold list")
    person = allowed(gateway, by, OFFICERS, OPERATOR, hold.agency)
    signed = sign_entry(
        gateway,
        EntryType.RELEASE,
        by,
        person,
        digest=digest_of(hold),
        at=now,
        hold=hold.id,
        reason=hold.cause.value,
        message=hold.scope.message,
        holder=hold.scope.agency,
        mou=_version(hold.scope),
    )
    lifted = replace(hold, released_at=now, released_by=person.id)
    before, _ = await _free(gateway, await gateway.store.holds(), now)
    await gateway.store.place_hold(lifted, (signed,))
    after, _ = await _free(gateway, await gateway.store.holds(), now)
    return Lifted(hold=lifted, due=len(after) - len(before))


def digest_of(hold: Hold) -> str:
    """What is signed: the hold as it was placed."""
    scope = hold.scope
    text = {
        "id": hold.id,
        "message": scope.message,
        "mou": scope.mou,
        "agency": scope.agency,
        "exchange": scope.exchange,
        "since": timestamp(scope.since) if scope.since else None,
        "until": timestamp(scope.until) if scope.until else None,
        "cause": hold.cause.value,
        "authority": hold.authority,
        "ends": timestamp(hold.until) if hold.until else None,
    }
    return f"sha-256:{sha256(json.dumps(text, sort_keys=True, separators=(',', ':')).encode()).hexdigest()}"


def _version(scope: Scope) -> str | None:
    """The log names versions of agreements; the digest is over all of the scope."""
    return scope.mou if scope.mou and "@" in scope.mou else None


async def _free(gateway: Gateway, holds: Iterable[Hold], now: datetime) -> tuple[tuple[Kept, ...], dict[str, int]]:
    due = await all_due(gateway, now)
    return free(due, holds, await siblings_of(gateway, due), now)
