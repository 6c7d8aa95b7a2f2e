"""What people signed, as an outsider verifies it with the evidence alone. Every other kind of act: `conftest.place`."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.audit import verifier
from gateway.audit.catalog import KEYS
from gateway.audit.tree import leaf_hash
from gateway.delivery.delivery import Delivery, State
from gateway.exchange.acting import NotAllowed
from gateway.exchange.attesting import attest, list_asked
from gateway.exchange.holds import lift_hold, place_hold
from gateway.exchange.requeue import discard, requeue
from gateway.exchange.selection import About
from gateway.report.period import read_period
from gateway.retention.hold import Cause, Scope
from gateway.user import UserRole
from tests.exchange.deployed import POLICE, Deployed
from tests.exchange.officers import officer
from tests.exchange.purging import ana
from tests.exchange.tampered import Evidence, verify
from tests.exchange.test_destroy_early import early, got
from tests.exchange.test_export import ordered, package
from tests.exchange.test_purge import COURT, sent
from tests.signing.parties import rsa_key


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


@pytest.mark.parametrize(
    ("type", "nth"), [("hold", 0), ("release", 0), ("destroy", 0), ("destroy", -1), ("approve", 0)]
)
async def test_nothing_that_a_signed_entry_says_may_be_another_word(evidence: Evidence, type: str, nth: int) -> None:
    entry = evidence.body([at for at in range(len(evidence.entries)) if evidence.body(at)["type"] == type][nth])
    public = bytes.fromhex(evidence.files[f"people/{entry['fingerprint']}.key"].decode().strip())
    verifier.check_act(entry, public)
    for key in entry.keys() - set(verifier.SIGNATURES):
        for altered in (entry | {key: "another"}, {name: value for name, value in entry.items() if name != key}):
            with pytest.raises((verifier.Failed, KeyError)):
                verifier.check_act(altered, public)
    with pytest.raises(verifier.Failed, match="does not fit"):
        verifier.check_act(entry | {"count": 7_000, "outcome": "done"}, public)


TWO: dict[str, str] = {
    "type": "expunge",
    "actor": "ana",
    "fingerprint": "aa",
    "signature": "",
    "second": "bo",
    "second_fingerprint": "bb",
    "second_signature": "",
}


@pytest.mark.parametrize(
    "entry",
    [
        TWO | {"second": "ana"},
        TWO | {"second_fingerprint": "aa"},
        *({key: value for key, value in TWO.items() if key != left} for left in TWO if "sign" in left),
        {"type": "expunge", "actor": "ana", "fingerprint": "aa", "signature": ""},
        {
            "type": "destroy",
            "kind": "intent",
            "reason": "expunged",
            "actor": "ana",
            "fingerprint": "aa",
            "signature": "",
        },
        {"type": "tampered", "action": "resume", "actor": "ana", "fingerprint": "aa", "signature": ""},
        {"type": "hold", "actor": "ana", "fingerprint": "aa", "signature": "", "second": "bo"},
        {"type": "approve", "actor": "ana", "fingerprint": "aa"},
    ],
)
def test_one_person_is_not_two_and_nobody_is_not_one(entry: dict[str, str]) -> None:
    verifier.check_signers(TWO)
    with pytest.raises(verifier.Failed, match=r"two people|no person"):
        verifier.check_signers(entry)


def test_the_verifier_knows_which_entries_are_always_signed() -> None:
    always = {type.value for type, (must, _) in KEYS.items() if "signature" in must.split()}
    assert always == set(verifier.SIGNED)


def given(evidence: Evidence, type: str) -> tuple[int, str, str]:
    """Where the first entry of this type stands, who signed it, and by which key."""
    at = evidence.number(type)
    entry = evidence.body(at)
    return evidence.index(at), entry["actor"], entry["fingerprint"]


def public_file(raw: bytes, folder: Path) -> Path:
    """The public half of a person's key, as they hand it out."""
    file = folder / "ana.pub"
    key = Ed25519PublicKey.from_public_bytes(raw)
    file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


async def test_whose_a_key_is_can_be_given_by_hand(evidence: Evidence, tmp_path: Path) -> None:
    _, user, key = given(evidence, "hold")
    public = tmp_path / "ana.pub"
    raw = bytes.fromhex(evidence.files[f"people/{key}.key"].decode().strip())
    public.write_bytes(
        Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    assert "people" not in verify(evidence, tmp_path).texts
    for said in (key, str(public)):
        verdict = verify(evidence, tmp_path, "--person", f"{user}={said}")
        assert (verdict.status, verdict.failed) == (0, {})
        assert " signatures are by the key that the person has, as given by hand" in verdict.texts["people"]


async def test_what_somebody_else_signed_under_a_persons_name_is_found(evidence: Evidence, tmp_path: Path) -> None:
    index, user, key = given(evidence, "hold")
    another = "--person", f"{user}={'0' * 64}"
    first = min(
        evidence.index(at)
        for at in range(len(evidence.entries))
        if user in (evidence.body(at).get("actor"), evidence.body(at).get("second"))
        and "signature" in evidence.body(at)
    )
    assert first <= index
    assert verify(evidence, tmp_path, *another).failed == {"people": first}
    assert verify(evidence, tmp_path, *another, "--person", f"{user}={key}").failed == {}  # they have had two


async def test_a_signature_of_a_given_person_is_not_vouched_for_without_their_key(
    evidence: Evidence, tmp_path: Path
) -> None:
    """Who forges an act names the true key, which everybody may know, and leaves it out of the package."""
    index, user, key = given(evidence, "hold")
    del evidence.files[f"people/{key}.key"]
    verdict = verify(evidence, tmp_path, "--person", f"{user}={key}")
    assert verdict.failed.keys() == {"people"}
    assert "left out" in verdict.texts["people"]
    assert (verdict.failed["people"] or 0) <= index


async def test_what_is_altered_is_found_by_the_key_that_was_given_when_the_package_has_none(
    evidence: Evidence, tmp_path: Path
) -> None:
    at, (_, user, key) = evidence.number("hold"), given(evidence, "hold")
    raw = bytes.fromhex(evidence.files.pop(f"people/{key}.key").decode().strip())
    public = public_file(raw, tmp_path)
    assert verify(evidence, tmp_path, "--person", f"{user}={public}").failed == {}
    entry, trust = evidence.body(at), verifier.Trust()
    trust.people = {user: {key: raw}}
    found = verifier.Package.__new__(verifier.Package)
    found.names, found.trust, found.verified = set(), trust, set()
    found.person(entry, "")
    assert found.verified == {user}
    with pytest.raises(verifier.Failed, match="does not fit"):
        found.person(entry | {"reason": "another"}, "")
    unsigned = {name: value for name, value in entry.items() if name != "signature"}
    with pytest.raises(verifier.NotMade, match="has not signed"):
        found.person(unsigned, "")


async def test_a_person_who_has_signed_nothing_is_said_so(evidence: Evidence, tmp_path: Path) -> None:
    _, user, key = given(evidence, "hold")
    assert verify(evidence, tmp_path, "--person", f"{user}x={key}").failed == {"people": None}


@pytest.mark.parametrize("said", ["ana", "ana=", "=00", "ana={rsa}", "ana={text}"])
async def test_a_person_that_is_not_given_rightly_is_said_so(evidence: Evidence, tmp_path: Path, said: str) -> None:
    rsa, text = tmp_path / "rsa.pem", tmp_path / "text"
    rsa.write_bytes(rsa_key(2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    text.write_text("no key")
    words = "--person", said.format(rsa=rsa, text=text)
    assert set(verify(evidence, tmp_path, *words).failed) == {"key"}


async def test_the_whole_log_s_package_has_everybody_s_key(place: Deployed, tmp_path: Path) -> None:
    await place_hold(place.gateway, Scope(agency=POLICE), cause=Cause.LITIGATION, authority=COURT, by=await ana(place))
    await ordered(place)
    _, data = await package(place, About(), by=None)
    keys, authority = place.gateway.keys, place.authority.certificate_pem
    evidence = Evidence.read(data, log=keys.log_signer, receipts=keys.receipt_signer, authority=authority)
    verdict = verify(evidence, tmp_path)
    assert (verdict.status, verdict.failed) == (0, {})
    signed = [at for at in range(len(evidence.entries)) if "signature" in evidence.body(at)]
    assert verdict.texts["acts"].startswith(f"{len(signed)} signatures of people fit")
    at = evidence.number("hold")
    evidence.files[f"people/{evidence.body(at)['fingerprint']}.key"] = b"00" * 32
    assert verify(evidence, tmp_path).failed == {"acts": evidence.index(at)}


# --- mending a delivery ---------------------------------------------------------------------------------------------


@pytest.fixture
async def stuck(place: Deployed) -> Delivery:
    """What did not arrive at the police."""
    message = await sent(place)
    made = [each.delivery for each in await place.gateway.store.disseminations(message)]
    waiting = next(each for each in made if each.recipient == POLICE)
    moved = replace(waiting, state=State.UNDELIVERABLE)
    assert await place.gateway.store.move(moved, expected=waiting.state, entries=())
    return moved


async def test_whoever_signs_for_a_delivery_can_be_held_to_it(place: Deployed, stuck: Delivery) -> None:
    by = await officer(place.gateway, roles=frozenset({UserRole.OPERATOR}))
    await requeue(place.gateway, stuck.id, by=by)
    await discard(place.gateway, stuck.id, by=by, reason="obsolete")
    signed = [each for each in await place.log() if each["type"] in {"requeue", "discard"}]
    assert [(each["type"], each["actor"]) for each in signed] == [("requeue", by.user), ("discard", by.user)]
    for entry in signed:
        verifier.check_act(entry, bytes.fromhex(by.public_key))
        with pytest.raises(verifier.Failed):
            verifier.check_act(entry | {"delivery": stuck.message}, bytes.fromhex(by.public_key))


async def test_nobody_of_an_agency_signs_for_the_operator(place: Deployed, stuck: Delivery) -> None:
    by = await officer(place.gateway, POLICE, roles=frozenset({UserRole.OPERATOR}))
    with pytest.raises(NotAllowed):
        await discard(place.gateway, stuck.id, by=by, reason="obsolete")
    found = await place.gateway.store.delivery(stuck.id)
    assert found is not None
    assert found.delivery.state is State.UNDELIVERABLE
    assert "discard" not in await place.said(stuck.message)


# --- a log whose maker hides that somebody signed -------------------------------------------------------------------


@pytest.mark.parametrize(
    "hide",
    [
        lambda body: body.replace('"signature"', '"\\u0073ignature"'),
        lambda body: body.replace('"reason":', '"reason":"other","reason":'),
        lambda body: body.replace(",", ", ", 1),
    ],
    ids=["escaped", "twice", "spaced"],
)
async def test_an_entry_written_in_another_way_than_the_log_s_is_found(
    place: Deployed, tmp_path: Path, hide: Callable[[str], str]
) -> None:
    await place_hold(place.gateway, Scope(agency=POLICE), cause=Cause.LITIGATION, authority=COURT, by=await ana(place))
    await ordered(place)
    _, data = await package(place, About(), by=None)
    keys, authority = place.gateway.keys, place.authority.certificate_pem
    evidence = Evidence.read(data, log=keys.log_signer, receipts=keys.receipt_signer, authority=authority)
    at = evidence.number("hold")
    body = hide(evidence.entries[at]["body"])
    assert body != evidence.entries[at]["body"]
    evidence.entries[at] |= {"body": body, "leaf": leaf_hash(body.encode()).hex()}
    assert "acts" in verify(evidence, tmp_path).failed


def test_what_is_hidden_in_the_line_is_read_all_the_same() -> None:
    """The line of a log may write its letters in any way; what counts is the body in it."""
    body = '{"actor":"ana","at":"","type":"approve"}'
    line = json.dumps({"body": body, "index": 0, "leaf": leaf_hash(body.encode()).hex()})
    line = line.replace("approve", "\\u0061pprove")
    found = verifier.Package.__new__(verifier.Package)
    found.names, found.trust, found.tallies = set(), verifier.Trust(), {"acts": verifier.Tally("acts")}
    assert verifier.Log([], found.signed_body).read(iter([line]), 1).startswith("1 entries read")
    assert (found.tallies["acts"].bad, found.tallies["acts"].index) == (1, 0)
