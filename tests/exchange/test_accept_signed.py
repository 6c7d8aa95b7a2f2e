"""Messages under a WS-Security signature: one signature makes one message, and the log names its certificate."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from gateway.exchange.activate import put_agency, register_certificate
from gateway.exchange.forget_signatures import MARGIN, forget_signatures
from gateway.exchange.revoke import revoke_credential
from gateway.exchange.submission import IdConflict, InvalidMessage, SignatureReplayed
from gateway.signing.certificate import pem_to_der
from gateway.signing.proof import Proof
from gateway.signing.shape import SignatureMissing
from gateway.signing.signature import NotSigner
from gateway.store.interface import StoreUnavailable
from gateway.store.messages import Acceptance, Stored
from tests.exchange.deployed import JAIL, Deployed, release, sample


async def proof(place: Deployed, number: int = 1) -> Proof:
    """A proof by a certificate that is registered for the jail."""
    held = [one for one in place.gateway.current.credentials.values() if one.agency == JAIL and one.certificate]
    if held:
        der = pem_to_der(held[0].certificate)
    else:
        issued = place.authority.new_agency_key(JAIL, JAIL, now=place.clock.now())
        der = pem_to_der(issued.certificate)
        await register_certificate(place.gateway, JAIL, der, actor="test")
    digest = sha256(str(number).encode()).digest()
    return Proof(digest=digest, certificate=der, until=place.clock.now() + timedelta(minutes=5))


async def test_one_signature_makes_one_message(place: Deployed) -> None:
    made = await proof(place)
    await place.accept(release(), "HCJ-1", proof=made)
    with pytest.raises(SignatureReplayed) as refused:
        await place.accept(release(), "HCJ-2", proof=made)
    assert refused.value.code == "signature.replayed"
    assert (await place.gateway.store.counts()).messages == 1
    assert [each["code"] for each in await place.log() if each["type"] == "refuse"] == ["signature.replayed"]


async def test_a_repeat_under_its_id_gets_the_first_receipt_and_delivers_nothing_again(place: Deployed) -> None:
    made = await proof(place)
    first = await place.accept(release(), "HCJ-1", proof=made)
    again = await place.accept(release(), "HCJ-1", proof=made)
    assert (again.id, again.receipt, again.repeated) == (first.id, first.receipt, True)
    anew = await place.accept(release(), "HCJ-1", proof=await proof(place, 2))  # signed anew: the old one is stale
    assert anew.repeated
    assert len(await place.gateway.store.deliveries(None, None, None, 100)) == len(first.recipients)


async def test_an_id_with_other_content_stays_refused_though_it_is_signed(place: Deployed) -> None:
    await place.accept(release(), "HCJ-1", proof=await proof(place))
    with pytest.raises(IdConflict):
        await place.accept(sample("fullest"), "HCJ-1", proof=await proof(place, 2))


async def test_a_refused_message_does_not_use_up_its_signature(place: Deployed) -> None:
    made = await proof(place)
    with pytest.raises(InvalidMessage):
        await place.accept(release().replace(b"2025-12-01T08:00:00-05:00", b"yesterday"), "HCJ-1", proof=made)
    assert not (await place.accept(release(), "HCJ-2", proof=made)).repeated


async def test_shown_twice_at_once_it_makes_one_message(place: Deployed) -> None:
    made = await proof(place)
    tries = (place.accept(release(), f"HCJ-{number}", proof=made) for number in range(6))
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in done) == 1
    assert {type(each) for each in done if isinstance(each, BaseException)} == {SignatureReplayed}


async def test_the_log_names_the_certificate(place: Deployed) -> None:
    made = await proof(place)
    await place.accept(release(), "HCJ-1", proof=made)
    with pytest.raises(SignatureReplayed):
        await place.accept(release(), "HCJ-2", proof=made)
    told_of = ("receive", "refuse")
    named = [(each["type"], each.get("fingerprint")) for each in await place.log() if each["type"] in told_of]
    assert named == [("receive", made.fingerprint), ("refuse", made.fingerprint)]


async def test_an_agency_that_signs_may_do_so_around_its_message(place: Deployed) -> None:
    made = await proof(place)
    await put_agency(place.gateway, replace(place.gateway.current.agencies[JAIL], signs=True), actor="test")
    with pytest.raises(SignatureMissing, match="WS-Security"):
        await place.accept(release(), "HCJ-1")
    assert (await place.accept(release(), "HCJ-1", proof=made)).id


async def test_a_certificate_that_was_revoked_meanwhile_speaks_for_nobody(place: Deployed) -> None:
    """The edge verified under a configuration that is gone by the time the message is decided."""
    made = await proof(place)
    await revoke_credential(place.gateway, JAIL, made.fingerprint[:16], actor="test")
    with pytest.raises(NotSigner):
        await place.accept(release(), "HCJ-1", proof=made)
    assert (await place.gateway.store.counts()).messages == 0


async def test_a_signed_message_that_was_stored_unseen_is_answered_when_it_comes_again(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await proof(place)
    store, real = place.gateway.store, place.gateway.store.accept

    async def stored_unseen(acceptance: Acceptance) -> Stored:
        await real(acceptance)
        raise StoreUnavailable("the connection broke")

    monkeypatch.setattr(store, "accept", stored_unseen)
    with pytest.raises(StoreUnavailable):
        await place.accept(release(), "HCJ-1", proof=made)
    monkeypatch.setattr(store, "accept", real)
    assert (await place.accept(release(), "HCJ-1", proof=made)).repeated
    with pytest.raises(SignatureReplayed):
        await place.accept(release(), "HCJ-2", proof=made)


async def test_a_signature_is_remembered_longer_than_it_is_fresh_and_then_forgotten(place: Deployed) -> None:
    made = await proof(place)
    await place.accept(release(), "HCJ-1", proof=made)
    place.clock.moment = made.until + MARGIN
    assert await forget_signatures(place.gateway) == 0
    place.clock.go(seconds=1)
    assert await forget_signatures(place.gateway) == 1
    assert (await place.gateway.store.counts()).signatures == 0
