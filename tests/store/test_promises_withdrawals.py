"""An approval that was taken back is in the snapshot; a later one of the same person takes its place."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.agency import AgencyId
from gateway.store.configuration import Withdrawal
from gateway.store.interface import Store
from gateway.user import User, UserId, UserRole

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def test_a_withdrawal_is_kept_with_who_took_back_whose(store: Store) -> None:
    people = [
        User(
            id=UserId(name),
            agency=AgencyId("jail"),
            roles=frozenset({UserRole.SIGNATORY}),
            public_key="ab" * 32,
            since=NOW,
        )
        for name in ("ana", "bo")
    ]
    first = Withdrawal(
        mou="S-1",
        version=1,
        digest="sha-256:" + "0" * 64,
        party=AgencyId("jail"),
        user=UserId("ana"),
        by=UserId("bo"),
        at=NOW,
        signature="signed",
    )
    await store.change([first, *people], ())
    assert (await store.configuration()).withdrawals == (first,)
    later = replace(first, by=UserId("ana"), at=NOW + timedelta(days=1), signature="again")
    await store.change([later], ())
    assert (await store.configuration()).withdrawals == (later,)
