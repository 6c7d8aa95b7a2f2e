"""Admission: how much one address, one agency, and all of them together may ask of one process.

Rates are token buckets: so many requests a second, and as many again at once after a quiet second. They are kept in
each process by itself, as its share of what the settings allow for one gateway's processes together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.agency import AgencyId
from gateway.config import Limits
from gateway.errors import Refused, Unavailable

KEYS_MAX = 10_000
"""Addresses remembered at once; the one heard of longest ago is forgotten, and has then a whole second's worth."""


class TooManyRequests(Refused):
    """This caller asks faster, or more at once, than one may; the others are not to wait for it."""

    code = "request.too-many"


class TooMuchAtOnce(Unavailable):
    """The bodies that are being read take all the memory that is meant for them."""

    code = "request.busy"


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Rate:
    """Token buckets by key. `burst` is what a key may take at once after a pause."""

    def __init__(self, per_second: float, *, burst: float, keys_max: int = KEYS_MAX) -> None:
        self._per_second = per_second
        self._burst = max(burst, 1.0)
        self._keys_max = keys_max
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str, now: float) -> bool:
        """One more of this key, at this second of a clock that never goes back; False when that is too many."""
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now)
        bucket.level = min(self._burst, bucket.level + (now - bucket.at) * self._per_second)
        bucket.at = now
        taken = bucket.level >= 1
        if taken:
            bucket.level -= 1
        self._buckets[key] = bucket  # last in order: heard of most recently
        if len(self._buckets) > self._keys_max:
            del self._buckets[next(iter(self._buckets))]
        return taken


@dataclass(slots=True, kw_only=True)
class Admission:
    """The counts of one process.

    share  of what the settings allow: one divided by how many processes take requests
    now    seconds of a clock that never goes back
    """

    limits: Limits
    now: Callable[[], float]
    share: float = 1.0
    _addresses: Rate = field(init=False)
    _agencies: Rate = field(init=False)
    _under_way: dict[str, int] = field(init=False, default_factory=dict)
    _body_bytes: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        by_address = self.limits.requests_per_address_per_second * self.share
        by_agency = self.limits.requests_per_agency_per_second * self.share
        self._addresses = Rate(by_address, burst=2 * by_address)
        self._agencies = Rate(by_agency, burst=2 * by_agency)

    def arrive(self, address: str) -> None:
        """A request of anybody at this address. Raises `TooManyRequests`."""
        if not self._addresses.take(address, self.now()):
            raise TooManyRequests("this address asks faster than one may; wait a moment and try again")

    def request(self) -> "Admitted":
        """One request, from its head to its answer."""
        return Admitted(self)

    def enter(self, agency: AgencyId) -> None:
        """One more of this agency's. Raises `TooManyRequests`."""
        if self._under_way.get(agency, 0) >= self.limits.in_flight_per_agency_max:
            raise TooManyRequests("too many requests of this agency are under way; wait for their answers")
        if not self._agencies.take(agency, self.now()):
            raise TooManyRequests("this agency asks faster than one may; wait a moment and try again")
        self._under_way[agency] = self._under_way.get(agency, 0) + 1

    def hold(self, size_bytes: int) -> None:
        """So many more bytes of bodies are in memory. Raises `TooMuchAtOnce`."""
        self._body_bytes += size_bytes
        if self._body_bytes > self.limits.bodies_bytes_max:
            raise TooMuchAtOnce("too many large requests are being read at once; try again in a moment")

    def leave(self, agency: str, body_bytes: int) -> None:
        """A request of this agency ("" = of nobody known) is over, and its body with it."""
        self._body_bytes -= body_bytes
        if agency:
            left = self._under_way[agency] - 1
            if left:
                self._under_way[agency] = left
            else:
                del self._under_way[agency]


class Admitted:
    """What one request was given, until it is over."""

    __slots__ = ("_admission", "_agency", "_body_bytes")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._agency = ""
        self._body_bytes = 0

    def enter(self, agency: AgencyId) -> None:
        """Whose it is, once that is known. Raises `TooManyRequests`."""
        self._admission.enter(agency)
        self._agency = agency

    def hold(self, size_bytes: int) -> None:
        """So many more bytes of its body are in memory. Raises `TooMuchAtOnce`."""
        self._body_bytes += size_bytes
        self._admission.hold(size_bytes)

    def leave(self) -> None:
        """It is over."""
        self._admission.leave(self._agency, self._body_bytes)
