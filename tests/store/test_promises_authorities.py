"""Authorities of agencies and their revocation lists are in the snapshot; a later state takes the place of the one
before, and two agencies may have the same authority."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.agency import AgencyId
from gateway.store.configuration import AgencyAuthority, Change, ConfigurationChanged, RevocationList
from gateway.store.interface import Store, StoreUnavailable
from tests.store.examples import JAIL, NOW, agency, entry
from tests.store.test_promises_failing import break_at, mend

OURS = AgencyAuthority(
    agency=JAIL,
    fingerprint="ab" * 32,
    names=("dns:gw.jail.example", "subject:CN=gateway,O=jail"),
    not_before=NOW,
    not_after=NOW + timedelta(days=30),
    certificate=b"PEM",
    intermediates=b"more PEM",
)
LIST = RevocationList(issuer="cd" * 32, body=b"\x30\x00DER", stored_at=NOW)


async def test_an_authority_and_its_list_are_in_the_snapshot(store: Store) -> None:
    other = agency(id=AgencyId("another-jail"))
    theirs = replace(OURS, agency=other.id, names=("dns:gw.another.example",), intermediates=b"")
    await store.change([LIST, OURS, theirs, agency(), other], ())
    found = await store.configuration()
    assert {each.agency: each for each in found.authorities} == {OURS.agency: OURS, theirs.agency: theirs}
    assert found.revocation_lists == (LIST,)


async def test_a_later_state_takes_its_place(store: Store) -> None:
    await store.change([OURS, agency(), LIST], ())
    gone, newer = replace(OURS, revoked_at=NOW, names=("uri:x",)), replace(LIST, body=b"newer", stored_at=NOW)
    await store.change([gone, newer], ())
    found = await store.configuration()
    assert (found.authorities, found.revocation_lists) == ((gone,), (newer,))


async def test_two_lists_at_once_never_go_back(store: Store) -> None:
    version = await store.configuration_version()
    await store.change([replace(LIST, body=b"newest")], (), under=version)
    with pytest.raises(ConfigurationChanged):
        await store.change([replace(LIST, body=b"older")], (), under=version)
    assert (await store.configuration()).revocation_lists[0].body == b"newest"


@pytest.mark.parametrize("change", [(OURS,), (LIST,)], ids=["authority", "list"])
async def test_a_change_that_fails_leaves_what_was_before_and_no_entry(
    store: Store, change: tuple[Change, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.change([agency()], ())
    before = await store.configuration()
    break_at(monkeypatch, "change.before-commit")
    with pytest.raises(StoreUnavailable):
        await store.change(change, (entry(type="written"),))
    mend(monkeypatch)
    assert await store.configuration() == before
    assert (await store.counts()).unsequenced == 0


async def test_a_list_that_was_stored_unseen_is_the_one_that_is_held(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.change([agency(), OURS, LIST], ())
    newer = replace(LIST, body=b"newer")
    break_at(monkeypatch, "change.after-commit")
    with pytest.raises(StoreUnavailable):
        await store.change([newer], (entry(type="written"),))
    mend(monkeypatch)
    assert (await store.configuration()).revocation_lists == (newer,)
    assert (await store.counts()).unsequenced == 1
