"""What every store owes: `gateway/store/interface.py`, each promise on SQLite and on PostgreSQL.

Deliveries, inboxes, the log and failing writes have files of their own beside this one: `test_promises_*.py`.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.store.configuration import (
    Agreement,
    AgreementState,
    Approval,
    ConfigurationChanged,
    Credential,
    CredentialKind,
    Exchange,
)
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.log import StoredEntry
from gateway.store.messages import Known, Stored
from gateway.user import User, UserId, UserRole
from tests.store.examples import (
    FUSION,
    JAIL,
    NOW,
    POLICE,
    PROBATION,
    acceptance,
    agency,
    entry,
    refused,
)

MINUTE = timedelta(minutes=1)


# --- facts and configuration --------------------------------------------------------------------------------------


async def test_a_fact_stands_once_set(store: Store, second: Store) -> None:
    assert await store.fact("keys") is None
    assert await store.set_fact("keys", "one") == "one"
    assert await second.set_fact("keys", "other") == "one"
    assert await second.fact("keys") == "one"


async def test_each_change_of_the_configuration_is_one_version(store: Store, second: Store) -> None:
    assert await store.configuration_version() == 0
    assert await store.change([agency(JAIL)], [entry(type="agency")]) == 1
    assert await second.change([agency(POLICE)], []) == 2
    assert await store.configuration_version() == await second.configuration_version() == 2


async def test_the_configuration_reads_as_it_was_put(store: Store) -> None:
    credential = Credential(
        fingerprint="ab" * 32,
        kind=CredentialKind.CERTIFICATE,
        agency=JAIL,
        not_before=NOW,
        not_after=NOW + timedelta(days=365),
        certificate=b"-----BEGIN CERTIFICATE-----",
    )
    agreement = Agreement(
        mou="JAIL-PD-2026-01", version=1, digest="sha-256:00", state=AgreementState.DRAFT, body=b"mou", changed_at=NOW
    )
    exchange = Exchange(id="custody-release/1.0", digest="sha-256:11", archive=b"PK\x03\x04")
    person = User(
        id=UserId("dana.whitcombe"),
        agency=JAIL,
        roles=frozenset({UserRole.SIGNATORY, UserRole.COMPLIANCE_OFFICER}),
        public_key="ef" * 32,
        since=NOW,
    )
    approval = Approval(
        mou=agreement.mou, version=1, digest=agreement.digest, party=JAIL, user=person.id, at=NOW, signature="c2ln"
    )
    # The credential comes before the agency that it names: the order of changes in one call does not matter.
    await store.change([credential, approval, agency(JAIL), agreement, exchange, person], [])
    in_force = replace(agreement, state=AgreementState.IN_FORCE, changed_at=NOW + MINUTE)
    revoked = replace(credential, revoked_at=NOW)
    suspended = replace(agency(JAIL), suspended=True)
    shut_out, again = replace(person, disabled_at=NOW), replace(approval, signature="YWdhaW4=")
    await store.change([in_force, revoked, suspended, replace(exchange, archive=b"PK"), shut_out, again], [])
    configuration = await store.configuration()
    assert configuration.version == 2
    assert configuration.agencies == (suspended,)
    assert configuration.credentials == (revoked,)
    assert configuration.agreements == (in_force,)
    assert configuration.exchanges == (replace(exchange, archive=b"PK"),)
    assert configuration.users == (shut_out,)
    assert configuration.approvals == (again,)


async def test_a_change_that_cannot_be_stored_changes_nothing(store: Store) -> None:
    orphan = Credential(
        fingerprint="cd" * 32, kind=CredentialKind.TOKEN, agency=POLICE, not_before=NOW, not_after=NOW + MINUTE
    )
    written = entry(type="agency")
    with pytest.raises(StoreUnavailable):
        await store.change([agency(JAIL), orphan], [written])
    assert await store.configuration_version() == 0
    assert (await store.configuration()).agencies == ()
    assert await store.entry(written.id) is None


async def test_a_change_decided_under_a_configuration_that_is_gone_changes_nothing(store: Store) -> None:
    version = await store.change([agency(JAIL)], [])
    await store.change([agency(JAIL)], [], under=version)
    late = entry(type="agency")
    with pytest.raises(ConfigurationChanged):
        await store.change([agency(POLICE)], [late], under=version)
    assert await store.configuration_version() == version + 1
    assert [each.id for each in (await store.configuration()).agencies] == [JAIL]
    assert await store.entry(late.id) is None


# --- accept -------------------------------------------------------------------------------------------------------


async def test_an_accepted_message_is_there_with_all_that_belongs_to_it(store: Store, second: Store) -> None:
    wanted = acceptance(PROBATION, POLICE, size_bytes=9_000)
    assert await store.accept(wanted) is Stored.STORED
    message = await second.message(wanted.message.id)
    assert message is not None
    assert (message.message, message.original, message.receipt) == (wanted.message, wanted.original, wanted.receipt)
    records = await second.disseminations(wanted.message.id)
    assert [record.dissemination.recipient for record in records] == [PROBATION, POLICE] == sorted([PROBATION, POLICE])
    for record, new in zip(records, wanted.disseminations, strict=True):
        assert (record.dissemination, record.payload, record.cover) == (new.dissemination, new.payload, new.cover)
        assert record.delivery == new.delivery
        assert (record.sender, record.exchange) == (JAIL, "custody-release/1.0")
        assert await second.delivery(record.delivery.id) == record
    assert await second.entries_of(wanted.message.id) == tuple(
        StoredEntry(entry=each, index=None) for each in wanted.entries
    )


async def test_a_message_to_nobody_can_be_stored(store: Store) -> None:
    wanted = replace(acceptance(), disseminations=())
    assert await store.accept(wanted) is Stored.STORED
    assert await store.disseminations(wanted.message.id) == ()


@pytest.mark.parametrize("size_bytes", [200_000, 1_000_000, 8_000_000])
async def test_what_is_larger_than_any_buffer_on_the_way_to_the_database_is_stored(
    store: Store, second: Store, size_bytes: int
) -> None:
    one = acceptance(POLICE, PROBATION, size_bytes=size_bytes)
    bad = refused(size_bytes=size_bytes)
    async with asyncio.timeout(50):
        assert await store.accept(one) is Stored.STORED
        await store.refuse(bad)
        many = [acceptance(size_bytes=size_bytes // 8) for _ in range(40)]
        assert set(await asyncio.gather(*map(store.accept, many))) == {Stored.STORED}
    for each in (one, *many):
        record = await second.message(each.message.id)
        assert record is not None
        assert record.original == each.original


async def test_a_second_message_with_the_senders_id_is_known_and_writes_nothing(store: Store, second: Store) -> None:
    first, repeat = acceptance(sender_id="jms-1"), acceptance(sender_id="jms-1")
    assert await store.accept(first) is Stored.STORED
    assert await second.accept(repeat) is Stored.KNOWN
    assert await second.known(JAIL, "jms-1") == Known(
        message=first.message.id, content_digest=first.content_digest, receipt=first.receipt
    )
    assert await store.message(repeat.message.id) is None
    assert await store.entries_of(repeat.message.id) == ()


async def test_ids_of_senders_are_their_own(store: Store) -> None:
    first = acceptance(sender_id="1")
    other = acceptance(sender_id="1")
    other = replace(other, message=replace(other.message, sender=POLICE))
    assert await store.accept(first) is Stored.STORED
    assert await store.accept(other) is Stored.STORED
    assert await store.known(FUSION, "1") is None


async def test_a_message_decided_under_an_old_configuration_is_stale_and_writes_nothing(
    store: Store, second: Store
) -> None:
    wanted = acceptance(sender_id="jms-1")
    await second.change([agency(POLICE)], [])
    assert await store.accept(wanted) is Stored.STALE
    assert await store.known(JAIL, "jms-1") is None
    assert await store.entries_of(wanted.message.id) == ()
    assert await store.accept(replace(wanted, configuration=1)) is Stored.STORED


async def test_a_repeat_is_known_even_when_the_configuration_changed(store: Store) -> None:
    await store.accept(acceptance(sender_id="jms-1"))
    await store.change([agency(POLICE)], [])
    assert await store.accept(acceptance(sender_id="jms-1")) is Stored.KNOWN


async def test_one_known_or_stale_or_broken_message_fails_nobody_else_in_its_batch(store: Store) -> None:
    await store.change([agency(POLICE)], [])
    old = acceptance(sender_id="old", configuration=1)
    assert await store.accept(old) is Stored.STORED
    wanted = [acceptance(configuration=1) for _ in range(40)]
    wanted[3] = acceptance(sender_id="old", configuration=1)
    wanted[5] = acceptance(configuration=0)
    wanted[7] = replace(wanted[7], message=replace(wanted[7].message, id=old.message.id))  # breaks a constraint
    twins = [acceptance(sender_id="twin", configuration=1) for _ in range(3)]
    results = await asyncio.gather(*map(store.accept, wanted + twins), return_exceptions=True)
    assert results[3] is Stored.KNOWN
    assert results[5] is Stored.STALE
    assert isinstance(results[7], StoreUnavailable)
    assert Counter(results[40:]) == {Stored.STORED: 1, Stored.KNOWN: 2}
    others = [place for place in range(40) if place not in (3, 5, 7)]
    assert {results[place] for place in others} == {Stored.STORED}
    for place in others:
        assert await store.message(wanted[place].message.id) is not None
    assert (await store.message(old.message.id)).receipt == old.receipt


async def test_of_many_nodes_that_accept_the_same_id_one_stores_it(store: Store, second: Store) -> None:
    wanted = [acceptance(sender_id=f"jms-{number % 10}") for number in range(80)]
    results = await asyncio.gather(
        *((store if number % 3 else second).accept(each) for number, each in enumerate(wanted))
    )
    assert Counter(results) == {Stored.STORED: 10, Stored.KNOWN: 70}
    assert (await store.counts()).messages == 10


async def test_no_message_is_accepted_under_a_configuration_that_is_gone(store: Store, second: Store) -> None:
    """Acceptances race with changes: each is STORED under the version that stood, or STALE."""
    order: list[tuple[str, object]] = []

    async def accept_some() -> None:
        for _ in range(15):
            version = await store.configuration_version()
            result = await store.accept(acceptance(configuration=version))
            order.append(("accepted" if result is Stored.STORED else "stale", version))
            if result is Stored.STALE:
                assert await store.configuration_version() > version

    async def change_some() -> None:
        for _ in range(15):
            version = await second.change([agency(POLICE)], [])
            # From here on nobody may be accepted under an older version.
            late = await second.accept(acceptance(configuration=version - 1))
            assert late is Stored.STALE

    await asyncio.gather(accept_some(), accept_some(), change_some())
    assert await store.configuration_version() == 15


async def test_a_refusal_does_not_occupy_an_id(store: Store) -> None:
    wanted = refused()
    await store.refuse(wanted)
    await store.refuse(replace(refused(), original=None))
    (found,) = await store.entries_of(wanted.id)
    assert found.entry == wanted.entries[0]
    assert (await store.counts()).messages == 0


async def test_messages_are_listed_newest_first_in_pages(store: Store) -> None:
    wanted = [acceptance() for _ in range(5)]
    for each in wanted:
        await store.accept(each)
    other = acceptance()
    await store.accept(replace(other, message=replace(other.message, sender=POLICE)))
    newest_first = tuple(each.message for each in reversed(wanted))
    page = await store.messages(JAIL, None, 2)
    assert page == newest_first[:2]
    assert await store.messages(JAIL, page[-1].id, 10) == newest_first[2:]
    assert len(await store.messages(None, None, 10)) == 6
    assert await store.messages(None, other.message.id, 1) == newest_first[:1]
