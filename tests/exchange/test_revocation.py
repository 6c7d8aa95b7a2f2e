"""Revocation lists name what counts no more; an authority ends when nobody needs it, or cuts off who does."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.agency import AgencyId
from gateway.alert.condition import found
from gateway.exchange.acting import NotAllowed
from gateway.exchange.activate import AgencyUnknown, register_certificate, suspend_agency
from gateway.exchange.gateway import NotIdentified
from gateway.exchange.look import look
from gateway.exchange.revocation import (
    AuthorityStillNeeded,
    CertificateInUse,
    CertificateUnknown,
    NoOldAuthority,
    RevocationList,
    make_lists,
    retire_authority,
    revoke_issued,
    revoke_of_agency,
)
from gateway.exchange.revoke import revoke_credential
from gateway.exchange.rotate_key import CERTIFIED, Order, Role, discard_key, prepare_key
from gateway.keys.certified import fingerprint_of
from gateway.signing.certificate import pem_to_der
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import JAIL, POLICE, Deployed
from tests.exchange.officers import officer
from tests.exchange.test_rotate_key import keeper, keys_of, rotate


async def issued(place: Deployed, agency: AgencyId = JAIL) -> x509.Certificate:
    """A certificate of the authority in use, registered."""
    pem = place.authority.new_agency_key(agency, agency, now=place.clock.now()).certificate
    await register_certificate(place.gateway, agency, pem_to_der(pem), actor="test")
    return x509.load_pem_x509_certificate(pem)


async def the_list(place: Deployed, **more: Any) -> RevocationList:
    (only,) = await make_lists(place.gateway, **more)
    return only


def reasons(made: RevocationList) -> dict[int, str | None]:
    """Serial numbers, and why."""
    said: dict[int, str | None] = {}
    for each in x509.load_pem_x509_crl(made.pem):
        try:
            said[each.serial_number] = each.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
        except x509.ExtensionNotFound:
            said[each.serial_number] = None
    return said


async def test_what_was_revoked_and_who_is_shut_out_is_on_the_list(place: Deployed) -> None:
    lost, good, theirs = await issued(place), await issued(place), await issued(place, POLICE)
    assert reasons(await the_list(place)) == {}
    await revoke_credential(place.gateway, JAIL, fingerprint_of(lost), actor="test")
    await suspend_agency(place.gateway, POLICE, actor="test")
    made = await the_list(place)
    assert reasons(made) == {lost.serial_number: None, theirs.serial_number: "certificateHold"}
    assert good.serial_number not in made.serials
    await suspend_agency(place.gateway, POLICE, actor="test", suspended=False)
    assert (await the_list(place)).serials == (lost.serial_number,)
    read = x509.load_pem_x509_crl(made.pem)
    assert read.is_signature_valid(place.authority.certificate.public_key())  # type: ignore[arg-type]
    assert read.issuer == place.authority.certificate.subject
    assert read.next_update_utc == made.until == place.clock.now() + timedelta(days=7)


async def test_each_list_is_an_entry_with_its_digest_and_its_end(place: Deployed) -> None:
    made = await the_list(place)
    signed = await the_list(place, by=await keeper(place))
    plain, by_a_person = [each for each in await place.log() if each["type"] == "key"]
    assert (plain["action"], plain["actor"], plain["key"]) == ("crl", "cli", made.authority)
    assert "signature" not in plain
    assert by_a_person["signature"]
    assert by_a_person["key"] == signed.authority
    assert keys_of(place).lists.kept()[0][1].number == signed.number


async def test_a_list_that_cannot_be_entered_is_not_given(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(entries: Any) -> None:
        raise StoreUnavailable("the wire is cut")

    with monkeypatch.context() as cut:
        cut.setattr(place.gateway.store, "record", failing)
        with pytest.raises(StoreUnavailable):
            await the_list(place)
    assert keys_of(place).lists.kept() == ()
    await the_list(place)


async def test_a_certificate_is_revoked_by_how_its_fingerprint_begins(place: Deployed) -> None:
    by, theirs = await keeper(place), await issued(place)
    assert await revoke_issued(place.gateway, fingerprint_of(theirs)[:20].upper(), "compromised", by=by)
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(theirs.public_bytes(Encoding.DER))
    unregistered = x509.load_pem_x509_certificate(
        place.authority.new_agency_key(JAIL, JAIL, now=place.clock.now()).certificate
    )
    for _ in range(2):
        assert await revoke_issued(place.gateway, fingerprint_of(unregistered), "compromised", by=by)
    own = keys_of(place).certificate("cover")
    with pytest.raises(CertificateInUse):
        await revoke_issued(place.gateway, fingerprint_of(own), "compromised", by=by)
    for prefix in ("", "zz", "0" * 64):
        with pytest.raises(CertificateUnknown):
            await revoke_issued(place.gateway, prefix, "compromised", by=by)
    made = reasons(await the_list(place))
    assert made == {theirs.serial_number: None, unregistered.serial_number: "keyCompromise"}
    acts = [each["action"] for each in await place.log() if each["type"] == "key"]
    assert acts == ["revoke", "crl"]  # once, though it was asked for twice


async def test_every_certificate_of_an_agency_is_revoked_at_once(place: Deployed) -> None:
    by, one, two, other = await keeper(place), await issued(place), await issued(place), await issued(place, POLICE)
    assert len(await revoke_of_agency(place.gateway, JAIL, by=by)) == 2
    assert set((await the_list(place)).serials) == {one.serial_number, two.serial_number}
    assert other.serial_number not in (await the_list(place)).serials
    assert await revoke_of_agency(place.gateway, JAIL, by=by) == ()
    with pytest.raises(AgencyUnknown):
        await revoke_of_agency(place.gateway, AgencyId("nobody"), by=by)


async def test_a_key_that_was_stolen_is_on_the_list_when_it_is_changed(place: Deployed) -> None:
    stolen, changed = keys_of(place).certificate("cover"), keys_of(place).certificate("tls")
    await rotate(place, Role.COVER, reason="compromised")
    await rotate(place, Role.TLS)
    assert reasons(await the_list(place)) == {stolen.serial_number: "keyCompromise"}
    assert changed.serial_number not in (await the_list(place)).serials


async def test_who_may_not_revokes_nothing(place: Deployed) -> None:
    of_the_jail, theirs = await officer(place.gateway, JAIL), await issued(place)
    for act in (
        revoke_issued(place.gateway, fingerprint_of(theirs), "compromised", by=of_the_jail),
        revoke_of_agency(place.gateway, JAIL, by=of_the_jail),
        make_lists(place.gateway, by=of_the_jail),
        retire_authority(place.gateway, by=of_the_jail, cut_off=True),
    ):
        with pytest.raises(NotAllowed):
            await act
    assert place.gateway.identify_certificate(theirs.public_bytes(Encoding.DER)).id == JAIL


# --- an authority's end ---------------------------------------------------------------------------------------------


async def test_certificates_of_the_old_authority_count_until_it_is_retired(place: Deployed) -> None:
    by, theirs = await keeper(place), await issued(place)
    der = theirs.public_bytes(Encoding.DER)
    with pytest.raises(NoOldAuthority):
        await retire_authority(place.gateway, by=by, cut_off=True)
    await rotate(place, Role.AUTHORITY)
    assert place.gateway.identify_certificate(der).id == JAIL
    assert len(place.gateway.keys.authorities) == 2
    new = await issued(place)
    with pytest.raises(AuthorityStillNeeded, match="own cover"):
        await retire_authority(place.gateway, by=by, cut_off=True)
    for role in (Role.COVER, Role.TLS, Role.CLIENT):
        await rotate(place, role)
    with pytest.raises(AuthorityStillNeeded, match=JAIL):
        await retire_authority(place.gateway, by=by, cut_off=False)
    assert place.gateway.identify_certificate(der).id == JAIL
    done = await retire_authority(place.gateway, by=by, cut_off=True)
    assert done.cut_off == (JAIL,)
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(der)
    assert place.gateway.identify_certificate(new.public_bytes(Encoding.DER)).id == JAIL
    assert len(place.gateway.keys.authorities) == 1
    retire, revoke = [
        each for each in await place.log() if each.get("action") in ("retire", "revoke") and each["actor"] == by.user
    ]
    assert (retire["key"], retire["count"], bool(retire["signature"])) == (done.authority, 1, True)
    assert (revoke["type"], revoke["agency"], revoke["fingerprint"]) == ("credential", JAIL, fingerprint_of(theirs))


async def test_an_authority_is_needed_by_a_key_that_takes_over_later(place: Deployed) -> None:
    by, keys = await keeper(place), place.gateway.keys
    await prepare_key(place.gateway, Order(role=Role.COVER), by=by)
    await rotate(place, Role.AUTHORITY)
    for role in CERTIFIED:  # certified anew, by the new authority
        own = keys.certified(role.file)
        own.renew(keys.authority.issue_own(role, own.current().key.public_key(), now=place.clock.now()))
    with pytest.raises(AuthorityStillNeeded, match="next cover"):
        await retire_authority(place.gateway, by=by, cut_off=True)
    await discard_key(place.gateway, Order(role=Role.COVER), by=by)
    assert (await retire_authority(place.gateway, by=by, cut_off=True)).cut_off == ()


async def test_both_authorities_have_a_list_until_the_old_one_is_retired(place: Deployed) -> None:
    by, old = await keeper(place), await issued(place)
    await revoke_credential(place.gateway, JAIL, fingerprint_of(old), actor="test")
    for role in (Role.AUTHORITY, Role.COVER, Role.TLS, Role.CLIENT):
        await rotate(place, role)
    new = await issued(place, POLICE)
    await revoke_credential(place.gateway, POLICE, fingerprint_of(new), actor="test")
    of_new, of_old = await make_lists(place.gateway)
    assert (of_new.serials, of_old.serials) == ((new.serial_number,), (old.serial_number,))
    assert of_new.subject != of_old.subject
    await retire_authority(place.gateway, by=by, cut_off=False)
    assert len(await make_lists(place.gateway)) == 1


@pytest.mark.parametrize("stored", [False, True], ids=["not-stored", "stored-although"])
async def test_a_retirement_that_fails_is_finished_by_the_same_again(
    place: Deployed, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    by, theirs = await keeper(place), await issued(place)
    for role in (Role.AUTHORITY, Role.COVER, Role.TLS, Role.CLIENT):
        await rotate(place, role)
    change = place.gateway.store.change

    async def failing(*args: Any, **named: Any) -> int:
        if stored:
            await change(*args, **named)
        raise StoreUnavailable("the wire is cut")

    with monkeypatch.context() as cut:
        cut.setattr(place.gateway.store, "change", failing)
        with pytest.raises(StoreUnavailable):
            await retire_authority(place.gateway, by=by, cut_off=True)
    assert len(place.gateway.keys.authorities) == 2  # its key is there: nothing is half done
    await retire_authority(place.gateway, by=by, cut_off=True)
    assert len(place.gateway.keys.authorities) == 1
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(theirs.public_bytes(Encoding.DER))
    assert [each["action"] for each in await place.log() if each["type"] == "key"].count("retire") == 1


# --- alerts ---------------------------------------------------------------------------------------------------------


async def alerted(place: Deployed) -> set[tuple[str, str]]:
    seen = await look(place.gateway, place.clock.now())
    return {(each.subject, each.weight.value) for each in found(seen) if each.code.value == "key.expires"}


async def test_a_list_that_gets_old_is_told_and_one_that_was_never_made_is_not(place: Deployed) -> None:
    assert await alerted(place) == set()
    await the_list(place)
    assert await alerted(place) == set()
    place.clock.go(days=6, hours=1)
    assert await alerted(place) == {("crl", "warning")}
    place.clock.go(days=1)
    assert await alerted(place) == {("crl", "critical")}
    await the_list(place)
    assert await alerted(place) == set()


async def test_next_keys_and_old_authorities_are_told_before_they_end_and_old_covers_are_not(place: Deployed) -> None:
    await rotate(place, Role.COVER)
    await rotate(place, Role.AUTHORITY)
    place.clock.go(days=3652 - 20)
    told = {subject for subject, _ in await alerted(place)}
    assert told >= {"ca.old", "cover", "tls", "client"}
    assert "cover.old" not in told
