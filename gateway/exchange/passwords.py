"""Passwords as one process has come to know them, and who guessed wrong how often.

A password is compared by scrypt once; after that it is known by a digest under a key of this process, so that a
request costs nothing more. Wrong ones are counted for each agency and address: five in a quarter of an hour, and that
address waits for ten minutes, while the agency's other systems go on: nobody shuts an agency out by guessing badly.
Whoever guesses holds the agency's token or client key already, for without that nothing is compared.
"""

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from gateway.agency import AgencyId
from gateway.errors import Refused
from gateway.signing.username import UsernameToken, fits_record, name_in
from gateway.store.configuration import Credential

FAILURES_MAX: Final = 5
COUNTED: Final = timedelta(minutes=15)
LOCKED: Final = timedelta(minutes=10)
"""CJIS Security Policy AC-7: five in fifteen minutes, locked for ten."""

PLACES_MAX: Final = 10_000
"""Addresses that are remembered. Each has shown a credential of its agency first, so there are few."""

Place = tuple[AgencyId, str]


class UsernameWrong(Refused):
    """The username or the password is missing or wrong; which of them, is not said."""

    code = "identity.username"


class UsernameLocked(Refused):
    """Too many wrong ones from this address."""

    code = "identity.username-locked"


class Passwords:
    """Of one process; what it knows ends with it."""

    def __init__(self) -> None:
        self._key = b""
        self._known: dict[str, bytes] = {}
        self._failed: dict[Place, list[datetime]] = {}
        self._turns: defaultdict[AgencyId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def check(
        self,
        shown: UsernameToken,
        held: Sequence[Credential],
        place: Place,
        *,
        now: datetime,
        random: Callable[[int], bytes],
    ) -> None:
        """Raises `UsernameWrong`, `UsernameLocked`.

        held  the agency's usernames that may be shown now; there is one at least
        """
        self._key = self._key or random(32)
        mac = hmac.digest(self._key, f"{shown.username}\0{shown.password}".encode(), "sha256")
        # Locked comes before known: else an address that waits could go on guessing at the price of a digest.
        self._check_locked(place, now)
        if self._knows(held, mac):
            return
        async with self._turns[place[0]]:  # one at a time: what waits its turn finds what the one before has learned
            self._check_locked(place, now)
            if self._knows(held, mac):
                return
            fitting = await asyncio.to_thread(_fitting, shown, held)
            if fitting is None:
                self._count(place, now)
                raise UsernameWrong("the username or the password in the UsernameToken is wrong")
            self._known[fitting.fingerprint] = mac
            self._failed.pop(place, None)

    def _knows(self, held: Sequence[Credential], mac: bytes) -> bool:
        return any(hmac.compare_digest(self._known.get(one.fingerprint, b""), mac) for one in held)

    def _check_locked(self, place: Place, now: datetime) -> None:
        failed = [moment for moment in self._failed.get(place, ()) if moment > now - COUNTED]
        if len(failed) >= FAILURES_MAX and now < failed[-1] + LOCKED:
            minutes = int(LOCKED.total_seconds() // 60)
            raise UsernameLocked(f"too many wrong passwords from this address; it can try again in {minutes} minutes")

    def _count(self, place: Place, now: datetime) -> None:
        failed = self._failed.pop(place, [])
        self._failed[place] = [*(moment for moment in failed if moment > now - COUNTED), now]
        if len(self._failed) > PLACES_MAX:
            del self._failed[next(iter(self._failed))]  # the one that was wrong longest ago


def _fitting(shown: UsernameToken, held: Sequence[Credential]) -> Credential | None:
    """Compared with one at least, so that a name that is not there takes no less time."""
    named = [one for one in held if name_in(one.secret) == shown.username]
    found = None
    for one in named or held[:1]:
        if fits_record(shown.username, shown.password, one.secret):
            found = one
    return found
