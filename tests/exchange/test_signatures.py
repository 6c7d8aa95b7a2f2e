"""What people signed, as an outsider verifies it with the evidence alone. Every other kind of act: `conftest.place`."""

from pathlib import Path

import pytest

from gateway.audit import verifier
from gateway.exchange.attesting import attest, list_asked
from gateway.exchange.holds import lift_hold, place_hold
from gateway.exchange.selection import About
from gateway.report.period import read_period
from gateway.retention.hold import Cause, Scope
from tests.exchange.deployed import POLICE, Deployed
from tests.exchange.purging import ana
from tests.exchange.tampered import Evidence, verify
from tests.exchange.test_destroy_early import early, got
from tests.exchange.test_export import ordered, package
from tests.exchange.test_purge import COURT, sent


@pytest.fixture
async def evidence(place: Deployed) -> Evidence:
    """A package of a month in which a hold came and went, a record was expunged, and its recipient attested to it."""
    message = await sent(place)
    await got(place, message)
    officer = await ana(place)
    placed = await place_hold(place.gateway, Scope(agency=POLICE), cause=Cause.LITIGATION, authority=COURT, by=officer)
    place.clock.go(minutes=1)
    await lift_hold(place.gateway, placed.hold.id, by=officer)
    await early(place, message)
    (asked,) = [
        each for each in await list_asked(place.gateway, open_only=True) if each.attestation.recipient == POLICE
    ]
    await attest(place.gateway, asked.attestation.notice, by=await ana(place, POLICE))
    await ordered(place)
    _, data = await package(place, About(period=read_period("2026-03")))
    keys, authority = place.gateway.keys, place.authority.certificate_pem
    return Evidence.read(data, log=keys.log_signer, receipts=keys.receipt_signer, authority=authority)


async def test_holds_attestations_and_accounts_are_verified_by_those_who_signed_them(
    evidence: Evidence, tmp_path: Path
) -> None:
    verdict = verify(evidence, tmp_path)
    assert (verdict.status, verdict.failed) == (0, {})
    signed = [at for at in range(len(evidence.entries)) if "signature" in evidence.body(at)]
    assert {"hold", "release", "destroy"} <= {evidence.body(at)["type"] for at in signed}
    assert verdict.texts["acts"].startswith(f"{len(signed) + 1} ")  # an early destruction has two


@pytest.mark.parametrize(("type", "nth"), [("hold", 0), ("release", 0), ("destroy", -1)])
async def test_the_signature_of_another_act_is_found(evidence: Evidence, type: str, nth: int) -> None:
    entry = evidence.body([at for at in range(len(evidence.entries)) if evidence.body(at)["type"] == type][nth])
    public = bytes.fromhex(evidence.files[f"people/{entry['fingerprint']}.key"].decode().strip())
    verifier.check_act(entry, public)
    for changed in ({"hold": "0" * 32}, {"dissemination": "0" * 32}, {"at": "2026-03-03T12:00:59.00Z"}):
        if changed.keys() & entry.keys():
            with pytest.raises(verifier.Failed, match="does not fit"):
                verifier.check_act(entry | changed, public)


def test_what_the_verifier_does_not_know_is_said_and_not_passed() -> None:
    with pytest.raises(verifier.NotMade, match="sign-in"):
        verifier.check_act({"type": "sign-in", "actor": "ana", "at": "", "signature": ""}, bytes(32))
