"""A county's certificate for the server: asked for, checked, put in place; nothing changes before."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.errors import Refused
from gateway.exchange.own_certificate import install_certificate, request_certificate
from gateway.exchange.rotate_key import Order, Role, Step, discard_key, prepare_key, rotate_key, take_over_due
from gateway.keys.succession import NoNextKey
from gateway.signing.certificate_name import read_name
from gateway.signing.cover import verify_cover
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from tests.exchange.deployed import JAIL, Deployed
from tests.exchange.test_rotate_key import cover_of, keeper, keys_of, said, used
from tests.signing.elsewhere import County

HOST = "gateway.example.gov"
TLS = Order(role=Role.TLS, hosts=(HOST,))


async def test_a_certificate_of_the_county_takes_over_with_its_key(place: Deployed) -> None:
    by, county = await keeper(place), County(place.clock.now())
    before = used(place, Role.TLS)
    asked = await request_certificate(place.gateway, TLS, by=by)
    again = await request_certificate(place.gateway, TLS, by=by)
    assert asked == again
    assert asked.changed.step is Step.REQUESTED
    assert used(place, Role.TLS) == before
    answer = county.answer(asked.pem)
    done = await install_certificate(place.gateway, TLS, answer, by=by)
    assert (done.step, done.key) == (Step.DONE, asked.changed.key)
    assert used(place, Role.TLS) == done.key
    assert keys_of(place).tls_files.certificate.read_bytes() == answer  # its chain behind it
    assert [act for act, _, _ in await said(place)] == ["request", "rotate"]
    assert not list(keys_of(place).directory.glob("tls.next*"))


async def test_it_may_take_over_on_a_day_to_come(place: Deployed) -> None:
    by, county = await keeper(place), County(place.clock.now())
    asked = await request_certificate(place.gateway, TLS, by=by)
    since = place.clock.now() + timedelta(days=3)
    order = Order(role=Role.TLS, hosts=(HOST,), since=since)
    assert (await install_certificate(place.gateway, order, county.answer(asked.pem), by=by)).step is Step.ORDERED
    place.clock.go(days=3)
    (taken,) = await take_over_due(place.gateway)
    assert taken.key == asked.changed.key == used(place, Role.TLS)


async def test_while_it_is_asked_for_nothing_takes_over_and_nobody_else_certifies_it(place: Deployed) -> None:
    by = await keeper(place)
    asked = await request_certificate(place.gateway, TLS, by=by)
    with pytest.raises(NoNextKey):
        await rotate_key(place.gateway, Order(role=Role.TLS), by=by)
    assert (await prepare_key(place.gateway, Order(role=Role.TLS), by=by)).key == asked.changed.key
    assert keys_of(place).certified("tls").next_certificate() is None
    assert (await discard_key(place.gateway, Order(role=Role.TLS), by=by)) is not None
    assert (await discard_key(place.gateway, Order(role=Role.TLS), by=by)) is None
    assert (await rotate_key(place.gateway, Order(role=Role.TLS), by=by)).step is Step.DONE


WRONG: list[dict[str, Any]] = [
    {"days": (-90, -1)},
    {"names": ("other.example.gov",)},
    {"purpose": ExtendedKeyUsageOID.CLIENT_AUTH},
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_certificate_changes_nothing(place: Deployed, wrong: dict[str, Any]) -> None:
    by, county = await keeper(place), County(place.clock.now())
    asked = await request_certificate(place.gateway, TLS, by=by)
    before = keys_of(place).tls_files.certificate.read_bytes()
    with pytest.raises(Refused):
        await install_certificate(place.gateway, TLS, county.answer(asked.pem, **wrong), by=by)
    assert keys_of(place).tls_files.certificate.read_bytes() == before
    assert [act for act, _, _ in await said(place)] == ["request"]
    assert (await install_certificate(place.gateway, TLS, county.answer(asked.pem), by=by)).step is Step.DONE


async def test_a_new_certificate_for_the_key_in_use_takes_the_old_ones_place(place: Deployed) -> None:
    by, county = await keeper(place), County(place.clock.now())
    asked = await request_certificate(place.gateway, TLS, by=by)
    await install_certificate(place.gateway, TLS, county.answer(asked.pem), by=by)
    key, looks = used(place, Role.TLS), keys_of(place).tls_files.looks
    renewed = county.answer(asked.pem, days=(0, 400))
    done = await install_certificate(place.gateway, TLS, renewed, by=by)
    assert (done.step, done.key) == (Step.DONE, key)
    assert keys_of(place).tls_files.certificate.read_bytes() == renewed
    assert keys_of(place).tls_files.looks != looks
    assert [act for act, _, _ in await said(place)] == ["request", "rotate", "renew"]
    assert len([each for each in keys_of(place).list() if each.name == "tls"]) == 3  # the two before are kept


async def test_covers_may_be_signed_with_a_certificate_from_elsewhere(place: Deployed) -> None:
    by, county = await keeper(place), County(place.clock.now())
    order = Order(role=Role.COVER)
    asked = await request_certificate(place.gateway, order, by=by)
    await install_certificate(place.gateway, order, county.answer(asked.pem, purpose=None), by=by)
    cover = await cover_of(place)
    above = TrustedAuthority(
        certificate=county.issuing.public_bytes(Encoding.DER), names=frozenset({read_name("subject:CN=gateway")})
    )
    trust = TrustedKeys(agency=JAIL, authorities=(above,))
    assert verify_cover(cover, trust, now=place.clock.now())
