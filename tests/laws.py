"""The law packs that come with the gateway, as a configuration would have them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

from gateway.exchange.lawful import laws_of, read_pack
from gateway.folders import shipped_laws
from gateway.policy.law import Laws
from gateway.store.configuration import Law


@cache
def stored_laws() -> tuple[Law, ...]:
    """As rows of the database."""
    read = [(read_pack(file, data), data) for file, data in shipped_laws().items()]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return tuple(
        Law(id=pack.id, version=pack.version, digest=pack.digest, body=data, changed_at=moment) for pack, data in read
    )


def shipped_packs(named: Iterable[str] = ()) -> Laws:
    """As a value."""
    return laws_of(stored_laws(), named=frozenset(named))
