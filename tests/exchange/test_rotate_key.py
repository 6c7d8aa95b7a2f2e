"""Keys change while the gateway works: what the old ones signed counts, each step is signed and in the log once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.audit.receipt import make_receipt
from gateway.clock import timestamp
from gateway.exchange.acting import NotAllowed
from gateway.exchange.receipt_check import Kept, ReceiptKeyRetired, check_receipt, read_ours
from gateway.exchange.rotate_key import Order, Role, Step, prepare_key, rotate_key, take_over_due
from gateway.exchange.selection import About
from gateway.keys.files import KeyStore
from gateway.keys.secret_file import KeysBusy, KeyUnreadable
from gateway.signing.certificate import pem_to_der
from gateway.signing.cover import verify_cover
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from gateway.store.interface import StoreUnavailable
from gateway.user import UserRole
from gateway.worker import Rhythm, run_worker
from tests.exchange.deployed import JAIL, POLICE, Deployed, release
from tests.exchange.officers import officer
from tests.exchange.test_export import checked, package, sent

KEEPER = frozenset({UserRole.OPERATOR})


async def keeper(place: Deployed) -> Any:
    return await officer(place.gateway, number=7, roles=KEEPER)


async def rotate(place: Deployed, role: Role, **more: Any) -> Any:
    return await rotate_key(place.gateway, Order(role=role, **more), by=await keeper(place))


async def said(place: Deployed) -> list[tuple[str, str, str]]:
    """What the log says of keys: act, which, by whom."""
    return [(each["action"], each["kind"], each["actor"]) for each in await place.log() if each["type"] == "key"]


@pytest.mark.parametrize("role", Role)
async def test_a_person_s_order_changes_the_key_and_is_signed_in_the_log(place: Deployed, role: Role) -> None:
    before = [each.fingerprint for each in place.gateway.keys.list()]
    done = await rotate(place, role)
    assert done.step is Step.DONE
    assert not done.given_ahead
    assert done.key in {each.fingerprint for each in place.gateway.keys.list()} - set(before)
    (entry,) = [each for each in await place.log() if each["type"] == "key"]
    assert (entry["action"], entry["kind"], entry["key"]) == ("rotate", role.value, done.key)
    assert entry["signature"]
    assert (entry.get("valid_until") is None) is (role is Role.RECEIPT)


async def test_who_may_not_changes_nothing(place: Deployed) -> None:
    of_the_jail = await officer(place.gateway, JAIL)
    for act in (prepare_key, rotate_key):
        with pytest.raises(NotAllowed):
            await act(place.gateway, Order(role=Role.COVER), by=of_the_jail)
    assert await said(place) == []
    assert len(place.gateway.keys.list()) == 8


async def test_a_prepared_key_waits_until_it_is_ordered_and_each_step_is_entered_once(place: Deployed) -> None:
    by = await keeper(place)
    signer = place.gateway.keys.cover_signer
    for _ in range(2):
        made = await prepare_key(place.gateway, Order(role=Role.COVER), by=by)
    assert (made.step, made.since) == (Step.PREPARED, None)
    assert await take_over_due(place.gateway) == ()
    moment = place.clock.now() + timedelta(days=30)
    for _ in range(2):
        done = await rotate(place, Role.COVER, since=moment)
    assert (done.step, done.since, done.key) == (Step.ORDERED, moment, made.key)
    assert await take_over_due(place.gateway) == ()
    assert place.gateway.keys.cover_signer is signer
    assert (await prepare_key(place.gateway, Order(role=Role.COVER), by=by)).step is Step.ORDERED
    place.clock.go(days=30)
    (taken,) = await take_over_due(place.gateway)
    assert (taken.key, taken.step) == (made.key, Step.DONE)
    assert place.gateway.keys.cover_signer is not signer
    assert await take_over_due(place.gateway) == ()
    who = by.user
    assert await said(place) == [("prepare", "cover", who), ("rotate", "cover", who), ("take-over", "cover", "worker")]


async def test_another_day_is_another_order(place: Deployed) -> None:
    day = place.clock.now() + timedelta(days=30)
    await rotate(place, Role.TLS, since=day)
    done = await rotate(place, Role.TLS, since=day + timedelta(days=1))
    assert done.since == day + timedelta(days=1)
    assert (await rotate(place, Role.TLS)).step is Step.DONE  # after all at once
    assert [act for act, _, _ in await said(place)] == ["rotate"] * 3
    assert await take_over_due(place.gateway) == ()


async def test_the_last_order_is_the_one_that_the_log_says_last(place: Deployed) -> None:
    first, second = (place.clock.now() + timedelta(days=days) for days in (30, 40))
    for day in (first, second, first, first):
        await rotate(place, Role.TLS, since=day)
    entries = [each for each in await place.log() if each["type"] == "key"]
    assert [each["valid_from"] for each in entries] == [timestamp(each) for each in (first, second, first)]


async def test_a_key_that_is_changed_at_once_because_it_was_stolen_is_told_so(place: Deployed) -> None:
    await rotate(place, Role.CLIENT, since=place.clock.now() + timedelta(minutes=1))
    place.clock.go(minutes=2)  # its moment has come, and no worker was there
    assert (await rotate(place, Role.CLIENT, reason="compromised")).step is Step.DONE
    assert [each["reason"] for each in await place.log() if each["type"] == "key"] == ["scheduled", "compromised"]


async def test_a_worker_lets_a_key_take_over_when_its_day_has_come(place: Deployed) -> None:
    await rotate(place, Role.COVER, since=place.clock.now() + timedelta(hours=1))
    signer, stop = place.gateway.keys.cover_signer, asyncio.Event()
    rhythm = Rhythm(keys=0.01)
    working = asyncio.create_task(run_worker(place.gateway, stop, sends={}, rhythm=rhythm))
    try:
        await asyncio.sleep(0.1)
        assert place.gateway.keys.cover_signer is signer
        place.clock.go(hours=2)
        async with asyncio.timeout(20):
            while place.gateway.keys.cover_signer is signer:  # noqa: ASYNC110  (nothing tells)
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await working


async def test_covers_by_the_old_key_verify_with_the_old_certificate_and_new_ones_with_the_one_given_ahead(
    place: Deployed,
) -> None:
    old_parts = dict(keys_of(place).public_parts())
    first = await cover_of(place)
    await prepare_key(place.gateway, Order(role=Role.COVER), by=await keeper(place))
    ahead = keys_of(place).public_parts()
    await rotate(place, Role.COVER)
    second = await cover_of(place, given="Dana")
    old, new = (pinned(part) for part in (old_parts["cover.pem"], ahead["cover.next.pem"]))
    now = place.clock.now()
    assert verify_cover(first, old, now=now)
    assert verify_cover(second, new, now=now)
    for data, trust in ((first, new), (second, old)):
        with pytest.raises(Exception, match="not one registered"):
            verify_cover(data, trust, now=now)
    name = "uri:urn:gateway:gateway.test cover"
    above = TrustedAuthority(certificate=pem_to_der(old_parts["authority.pem"]), names=frozenset({name}))
    by_authority = TrustedKeys(agency=JAIL, authorities=(above,))
    assert verify_cover(second, by_authority, now=now)


async def test_evidence_from_before_and_after_every_change_is_verified_by_the_verifier_alone(place: Deployed) -> None:
    before = await sent(place)
    for role in Role:
        await rotate(place, role)
    await rotate(place, Role.COVER)  # once more, so that its certificate is of the new authority
    after = await sent(place, release(given="Dana"))
    parts = keys_of(place).public_parts()
    words = ["--key", parts["log.vkey"].decode().strip()]
    for name, content in parts.items():
        if name.startswith("receipt"):
            words += ["--receipt-key", content.decode().strip()]
        if name.startswith("authority"):
            (place.directory / name).write_bytes(content)
            words += ["--authority", str(place.directory / name)]
    for message in (before, after):
        _, data = await package(place, About(message=message))
        found = checked(place, data, *words)
        assert not [check for check in found.values() if not isinstance(check, str)], found
        assert {"covers", "certificates", "receipts", "statement"} <= set(found)


async def test_without_the_old_keys_the_verifier_says_what_is_not_of_the_new_ones(place: Deployed) -> None:
    before = await sent(place)
    await rotate(place, Role.RECEIPT)
    _, data = await package(place, About(message=before))
    found = checked(place, data)
    assert {name for name, check in found.items() if not isinstance(check, str)} == {"receipts"}


async def test_receipts_by_the_old_key_are_kept_and_none_is_dated_after_it_gave_way(place: Deployed) -> None:
    accepted = await place.accept(release())
    await place.log()
    stolen, at = place.gateway.keys.receipt_signer, place.clock.now()
    await rotate(place, Role.RECEIPT)
    place.clock.go(minutes=5)
    assert (await check_receipt(place.gateway, accepted.receipt)).kept is Kept.KEPT
    later = await place.accept(release(given="Dana"))
    await place.log()
    assert (await check_receipt(place.gateway, later.receipt)).kept is Kept.KEPT
    assert read_ours(later.receipt, place.gateway.keys.receipt_keys.every()).received_at > at
    forged = make_receipt(
        stolen,
        origin=place.gateway.settings.name,
        message=later.id,
        sender=JAIL,
        received_at=place.clock.now(),
        digest="sha-256:" + "0" * 64,
        leaf_hash=bytes(32),
    )
    with pytest.raises(ReceiptKeyRetired):
        await check_receipt(place.gateway, forged)


@pytest.mark.parametrize("stored", [False, True], ids=["not-stored", "stored-although"])
@pytest.mark.parametrize("role", Role)
async def test_an_entry_that_cannot_be_written_stops_the_change_and_the_same_again_finishes_it(
    place: Deployed, role: Role, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    by, old = await keeper(place), used(place, role)
    record = place.gateway.store.record

    async def failing(entries: Any) -> None:
        if stored:
            await record(entries)
        raise StoreUnavailable("the wire is cut")

    with monkeypatch.context() as cut:
        cut.setattr(place.gateway.store, "record", failing)
        with pytest.raises(StoreUnavailable):
            await rotate_key(place.gateway, Order(role=role), by=by)
    assert used(place, role) == old
    assert await take_over_due(place.gateway) == ()
    await rotate_key(place.gateway, Order(role=role), by=by)
    assert used(place, role) != old
    assert await said(place) == [("rotate", role.value, by.user)]


@pytest.mark.parametrize("role", Role)
async def test_a_disk_that_is_full_stops_the_change_and_a_worker_finishes_what_was_ordered(
    place: Deployed, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = used(place, role)
    with monkeypatch.context() as full:
        full.setattr(type(place.gateway.keys.succession(role.file)), "take_over", no_room)
        with pytest.raises(KeyUnreadable):
            await rotate(place, role)
    assert used(place, role) == old
    (taken,) = await take_over_due(place.gateway)
    assert used(place, role) == taken.key
    assert [act for act, _, _ in await said(place)] == ["rotate", "take-over"]


async def test_a_worker_does_nothing_while_somebody_changes_keys(place: Deployed) -> None:
    await rotate(place, Role.COVER, since=place.clock.now() + timedelta(hours=1))
    place.clock.go(hours=2)
    with place.gateway.keys.alone():
        assert await take_over_due(place.gateway) == ()
        with pytest.raises(KeysBusy):
            await rotate(place, Role.TLS)
    assert len(await take_over_due(place.gateway)) == 1


async def test_a_copy_of_the_keys_from_before_is_not_what_a_new_process_signs_with(place: Deployed) -> None:
    """A process that started before goes on with the key of now, one that starts later has no other."""
    running = place.gateway.keys.cover_signer
    await rotate(place, Role.COVER)
    async with place.second() as other:
        assert other.keys.cover_signer.certificate_der == place.gateway.keys.cover_signer.certificate_der
    assert running.certificate_der != place.gateway.keys.cover_signer.certificate_der


def used(place: Deployed, role: Role) -> str:
    return next(each.fingerprint for each in place.gateway.keys.list() if each.name == role.file)


def no_room(*_: object) -> None:
    raise KeyUnreadable("the disk is full")


def keys_of(place: Deployed) -> KeyStore:
    keys = place.gateway.keys
    assert isinstance(keys, KeyStore)
    return keys


def pinned(part: bytes) -> TrustedKeys:
    return TrustedKeys(agency=JAIL, pins=frozenset({pem_to_der(part)}))


async def cover_of(place: Deployed, **more: Any) -> bytes:
    accepted = await place.accept(release(**more))
    for each in await place.gateway.store.disseminations(accepted.id):
        if each.delivery.recipient == POLICE:
            return each.cover
    raise AssertionError("nothing went to the police")
