"""What is in force changes by audited acts, each one transaction with its entry."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from gateway.agency import Agency, AgencyId, AgencyKind
from gateway.audit import verifier
from gateway.exchange import agreements
from gateway.exchange.acting import NotAllowed, fingerprint
from gateway.exchange.activate import (
    AgencyUnknown,
    CredentialRevoked,
    issue_token,
    put_agency,
    register_certificate,
    register_exchanges,
    suspend_agency,
)
from gateway.exchange.agreements import AgreementRefused, AgreementUnknown, VersionPassed, VersionTaken
from gateway.exchange.gateway import AgencySuspended, NotIdentified
from gateway.exchange.revoke import CredentialAmbiguous, CredentialUnknown, revoke_credential
from gateway.exchange.submission import NoRecipient
from gateway.signing.certificate import CertificateUnreadable, pem_to_der
from gateway.store.configuration import AgreementState, Credential, CredentialKind
from gateway.user import UserRole
from tests.exchange.deployed import JAIL, POLICE, SHELTER, Deployed, agreement, draft, exchanges, release
from tests.exchange.officers import activate_mou, approve_for_all, officer, stop_mou

NEW = AgencyId("harlan-county-court")


@pytest.fixture
async def before(place: Deployed) -> int:
    """How many entries there are before the test's act."""
    return len(await place.log())


async def entries(place: Deployed, before: int) -> list[dict[str, Any]]:
    """Those of the test's own act; not those about people and approvals, which tests of their own look at."""
    return [each for each in (await place.log())[before:] if each["type"] not in {"user", "approve"}]


# --- exchanges and agencies ---------------------------------------------------------------------------------------


async def test_an_exchange_that_is_held_already_changes_nothing(place: Deployed, before: int) -> None:
    version = place.gateway.current.version
    await register_exchanges(place.gateway, list(exchanges().values()), actor="test")
    assert place.gateway.current.version == version
    assert await entries(place, before) == []


async def test_an_agency_is_added_and_changed_under_its_id(place: Deployed, before: int) -> None:
    court = Agency(id=NEW, name="Harlan County Court", kind=AgencyKind.COURT)
    await put_agency(place.gateway, court, actor="clerk")
    await put_agency(place.gateway, replace(court, name="Court of Harlan County"), actor="clerk")
    assert place.gateway.current.agencies[NEW].name == "Court of Harlan County"
    said = await entries(place, before)
    assert [(each["type"], each["agency"], each["actor"]) for each in said] == [("agency", NEW, "clerk")] * 2
    assert "Court of" not in str(said)


async def test_a_suspended_agency_keeps_its_credentials_and_cannot_use_them(place: Deployed, before: int) -> None:
    token = await issue_token(place.gateway, JAIL, actor="test")
    assert place.gateway.identify_token(token).id == JAIL
    await suspend_agency(place.gateway, JAIL, actor="test")
    with pytest.raises(AgencySuspended):
        place.gateway.identify_token(token)
    await suspend_agency(place.gateway, JAIL, actor="test", suspended=False)
    assert place.gateway.identify_token(token).id == JAIL
    actions = [each["action"] for each in await entries(place, before) if each["type"] == "agency"]
    assert actions == ["suspend", "resume"]


async def test_a_suspended_agency_whose_file_is_put_once_more_stays_suspended(place: Deployed) -> None:
    jail = place.gateway.current.agencies[JAIL]
    await suspend_agency(place.gateway, JAIL, actor="test")
    await put_agency(place.gateway, jail, actor="test")
    assert place.gateway.current.agencies[JAIL].suspended


async def test_an_agency_nobody_knows_can_be_given_nothing(place: Deployed) -> None:
    for act in (suspend_agency, issue_token):
        with pytest.raises(AgencyUnknown):
            await act(place.gateway, AgencyId("nobody"), actor="test")  # type: ignore[operator]


# --- credentials --------------------------------------------------------------------------------------------------


async def test_a_token_is_held_as_a_digest_only_and_ends_after_a_year(place: Deployed, before: int) -> None:
    token = await issue_token(place.gateway, JAIL, actor="test")
    configuration = await place.gateway.store.configuration()
    (held,) = [one for one in configuration.credentials if one.kind is CredentialKind.TOKEN]
    assert token not in repr(configuration)
    assert token.removeprefix("gw_") not in repr(configuration)
    (entry,) = await entries(place, before)
    assert (entry["type"], entry["fingerprint"], entry["agency"]) == ("credential", held.fingerprint, JAIL)
    place.clock.go(days=364)
    assert place.gateway.identify_token(token).id == JAIL
    place.clock.go(days=2)
    with pytest.raises(NotIdentified):
        place.gateway.identify_token(token)


async def test_a_new_token_leaves_the_old_one_good(place: Deployed) -> None:
    old, new = [await issue_token(place.gateway, JAIL, actor="test") for _ in range(2)]
    assert old != new
    assert {place.gateway.identify_token(each).id for each in (old, new)} == {JAIL}


async def test_a_certificate_speaks_for_the_agency_it_is_registered_for(place: Deployed, before: int) -> None:
    issued = place.authority.new_agency_key(JAIL, "Jail", now=place.clock.now())
    der = pem_to_der(issued.certificate)
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(der)
    held = await register_certificate(place.gateway, JAIL, der, actor="test")
    assert place.gateway.identify_certificate(der).id == JAIL
    assert place.gateway.current.trust(JAIL).pins == {der}
    assert place.gateway.current.trust(POLICE).pins == frozenset()
    (entry,) = await entries(place, before)
    assert (entry["kind"], entry["fingerprint"]) == ("certificate", held.fingerprint)
    place.clock.go(days=2000)
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(der)


async def test_what_is_no_certificate_is_not_registered(place: Deployed, before: int) -> None:
    with pytest.raises(CertificateUnreadable):
        await register_certificate(place.gateway, JAIL, b"not DER", actor="test")
    assert await entries(place, before) == []


async def test_a_token_is_no_certificate(place: Deployed) -> None:
    token = await issue_token(place.gateway, JAIL, actor="test")
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(token.encode())


@pytest.mark.parametrize("token", ["", "gw_", "gw_" + "0" * 64, "Bearer", "\N{SNOWMAN}"])
async def test_a_token_nobody_issued_speaks_for_nobody(place: Deployed, token: str) -> None:
    with pytest.raises(NotIdentified):
        place.gateway.identify_token(token)


# --- agreements ---------------------------------------------------------------------------------------------------


async def test_an_agreement_counts_from_the_moment_it_is_activated(place: Deployed, before: int) -> None:
    with pytest.raises(NoRecipient):
        await place.accept(release(), sender=SHELTER)
    before = len(await place.log())
    made = await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE), "file")
    assert made.state is AgreementState.IN_FORCE
    accepted = await place.accept(release(), sender=SHELTER)
    assert [each.agency for each in accepted.recipients] == [POLICE]
    checked, entry = (await entries(place, before))[:2]
    assert (checked["type"], checked["outcome"], checked["mou_digest"]) == ("check", "passed", made.digest)
    assert (entry["type"], entry["mou"], entry["mou_digest"], entry["actor"]) == (
        "activate",
        "S-1@1",
        made.digest,
        "officer-1",
    )
    assert set(entry["parties"]) == {SHELTER, POLICE}


async def test_a_new_version_ends_the_one_before_in_the_same_act(place: Deployed) -> None:
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE), "file")
    await approve_for_all(place.gateway, agreement("S-1", SHELTER, POLICE, version=2))
    before = len(await place.log())
    version = place.gateway.current.version
    await agreements.activate_mou(
        place.gateway, agreement("S-1", SHELTER, POLICE, version=2), "file", by=await officer(place.gateway)
    )
    states = {one.version: one.state for one in place.gateway.current.agreements if one.mou == "S-1"}
    assert states == {1: AgreementState.ENDED, 2: AgreementState.IN_FORCE}
    assert place.gateway.current.version == version + 1
    assert [(each["type"], each["mou"]) for each in await entries(place, before)] == [
        ("check", "S-1@2"),
        ("activate", "S-1@2"),
        ("end", "S-1@1"),
    ]


async def test_an_ended_version_stays_ended_and_a_new_one_takes_its_place(place: Deployed) -> None:
    text = agreement("S-1", SHELTER, POLICE)
    await activate_mou(place.gateway, text, "file")
    await stop_mou(place.gateway, "S-1", state=AgreementState.ENDED)
    with pytest.raises(VersionPassed):
        await activate_mou(place.gateway, text, "file")
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE, version=2), "file")
    assert [each.agency for each in (await place.accept(release(), sender=SHELTER)).recipients] == [POLICE]
    with pytest.raises(VersionPassed):
        await activate_mou(place.gateway, text, "file")


async def test_another_text_under_the_same_version_is_refused(place: Deployed) -> None:
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE), "file")
    before = len(await place.log())
    with pytest.raises(VersionTaken):
        await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE, share="message.head"), "file")
    assert await entries(place, before) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda text: text.replace(b"title:", b"titel: x\ntitle:"), "mou.unknown-key"),
        (lambda text: text.replace(b"person.name", b"person.shoe-size"), "mou.unknown-field"),
        (lambda text: text.replace(POLICE.encode(), b"nobody-at-all"), "mou.unknown-agency"),
        (lambda _: b"{", "yaml.syntax"),
    ],
)
async def test_an_agreement_that_is_wrong_is_refused_with_findings_and_changes_nothing(
    place: Deployed, before: int, wrong: Any, code: str
) -> None:
    version = place.gateway.current.version
    with pytest.raises(AgreementRefused) as refused:
        await activate_mou(place.gateway, wrong(agreement("S-1", SHELTER, POLICE)), "file.yaml")
    assert code in {each.code for each in refused.value.findings}
    assert {each.file for each in refused.value.findings} == {"file.yaml"}
    assert place.gateway.current.version == version
    assert await entries(place, before) == []


async def test_suspended_and_resumed(place: Deployed, before: int) -> None:
    await stop_mou(place.gateway, "JAIL-PROB-2026-02", state=AgreementState.SUSPENDED)
    assert len((await place.accept(release())).recipients) == 2
    await stop_mou(place.gateway, "JAIL-PROB-2026-02", state=AgreementState.IN_FORCE)
    assert len((await place.accept(release())).recipients) == 3
    types = [each["type"] for each in await entries(place, before) if each["type"] in {"suspend", "check", "activate"}]
    assert types == ["suspend", "check", "activate"]


async def test_a_suspended_agreement_can_be_ended(place: Deployed) -> None:
    await stop_mou(place.gateway, "JAIL-PROB-2026-02", state=AgreementState.SUSPENDED)
    ended = await stop_mou(place.gateway, "JAIL-PROB-2026-02", state=AgreementState.ENDED)
    assert ended.state is AgreementState.ENDED


async def test_a_new_version_replaces_a_suspended_one(place: Deployed) -> None:
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE), "file")
    await stop_mou(place.gateway, "S-1", state=AgreementState.SUSPENDED)
    await activate_mou(place.gateway, agreement("S-1", SHELTER, POLICE, version=2), "file")
    states = {one.version: one.state for one in place.gateway.current.agreements if one.mou == "S-1"}
    assert states == {1: AgreementState.ENDED, 2: AgreementState.IN_FORCE}


@pytest.mark.parametrize(
    ("id", "state"),
    [
        ("NOBODY-1", AgreementState.ENDED),
        ("JAIL-PROB-2026-02", AgreementState.IN_FORCE),  # it is in force: there is nothing to resume
    ],
)
async def test_what_is_not_there_cannot_be_stopped_or_resumed(place: Deployed, id: str, state: AgreementState) -> None:
    with pytest.raises(AgreementUnknown):
        await stop_mou(place.gateway, id, state=state)


async def test_an_ended_agreement_is_not_resumed(place: Deployed) -> None:
    await stop_mou(place.gateway, "JAIL-PROB-2026-02", state=AgreementState.ENDED)
    with pytest.raises(AgreementUnknown):
        await stop_mou(place.gateway, "JAIL-PROB-2026-02", state=AgreementState.IN_FORCE)


async def test_every_shipped_draft_is_in_force_with_the_bytes_it_has(place: Deployed) -> None:
    held = {one.mou: one for one in place.gateway.current.agreements}
    assert len(held) == 5
    for id, one in held.items():
        assert one.body == draft(id)
        assert place.gateway.current.mou(one).digest == one.digest


async def test_a_change_counts_in_every_process_within_its_next_look(place: Deployed) -> None:
    async with place.second() as other:
        token = await issue_token(other, JAIL, actor="test")
    with pytest.raises(NotIdentified):
        place.gateway.identify_token(token)
    assert await place.gateway.refresh()
    assert not await place.gateway.refresh()
    place.clock.go(seconds=timedelta(minutes=2).total_seconds())
    assert place.gateway.identify_token(token).id == JAIL


async def test_a_revoked_credential_lets_nobody_in_and_is_an_entry(place: Deployed) -> None:
    lost, kept = [await issue_token(place.gateway, JAIL, actor="test") for _ in range(2)]
    fingerprint = sha256(lost.encode()).hexdigest()
    await revoke_credential(place.gateway, JAIL, fingerprint[:12], actor="test")
    with pytest.raises(NotIdentified):
        place.gateway.identify_token(lost)
    assert place.gateway.identify_token(kept).id == JAIL
    (entry,) = [each for each in await place.log() if each["type"] == "credential" and each["action"] == "revoke"]
    assert (entry["agency"], entry["fingerprint"], entry["kind"]) == (JAIL, fingerprint, "token")


async def test_of_two_credentials_that_begin_alike_none_is_revoked(place: Deployed) -> None:
    now = place.clock.now()
    for last in "01":
        credential = Credential(
            fingerprint="ab" * 31 + "c" + last,
            kind=CredentialKind.TOKEN,
            agency=JAIL,
            not_before=now,
            not_after=now + timedelta(days=1),
        )
        await place.gateway.store.change([credential], [])
    with pytest.raises(CredentialAmbiguous):
        await revoke_credential(place.gateway, JAIL, "AB:AB", actor="test")
    with pytest.raises(CredentialUnknown):
        await revoke_credential(place.gateway, POLICE, "ab" * 31 + "c0", actor="test")
    revoked = await revoke_credential(place.gateway, JAIL, "ab" * 31 + "c0", actor="test")
    assert revoked.revoked_at == now


async def test_a_revoked_certificate_is_not_registered_again(place: Deployed) -> None:
    issued = place.authority.new_agency_key(JAIL, JAIL, now=place.clock.now())
    der = pem_to_der(issued.certificate)
    registered = await register_certificate(place.gateway, JAIL, der, actor="test")
    await revoke_credential(place.gateway, JAIL, registered.fingerprint, actor="test")
    with pytest.raises(CredentialRevoked):
        await register_certificate(place.gateway, JAIL, der, actor="test")
    with pytest.raises(NotIdentified):
        place.gateway.identify_certificate(der)


async def test_an_agreement_between_units_is_kept_and_logged_for_their_agency_and_lets_nothing_through(
    place: Deployed, before: int
) -> None:
    text = agreement("S-1", AgencyId("harlan-county-jail/records"), AgencyId("harlan-county-jail/classification"))
    await activate_mou(place.gateway, text.replace(b"kind: mou", b"kind: sop"), "file")
    said = [(each["type"], each["parties"]) for each in await entries(place, before)]
    assert said == [("check", [JAIL]), ("activate", [JAIL])]
    assert all("/" not in each.agency for each in (await place.accept(release())).recipients)


async def test_an_agency_is_signed_by_an_officer_and_its_credential_by_whoever_runs_the_gateway(
    place: Deployed, before: int
) -> None:
    by = await officer(place.gateway)
    runs = await officer(place.gateway, number=7, roles=frozenset({UserRole.OPERATOR}))
    court = Agency(id=NEW, name="Harlan County Court", kind=AgencyKind.COURT)
    with pytest.raises(NotAllowed):
        await put_agency(place.gateway, court, by=runs)
    await put_agency(place.gateway, court, by=by)
    await put_agency(place.gateway, replace(court, name="Court of Harlan County"), by=runs)  # binds no other law
    for changed in (replace(court, kind=AgencyKind.JAIL), replace(court, state="NY")):
        with pytest.raises(NotAllowed):
            await put_agency(place.gateway, changed, by=runs)
    await issue_token(place.gateway, NEW, by=runs)
    said = [each for each in await entries(place, before) if each["type"] in {"agency", "credential"}]
    keys = {each.user: each.public_key for each in (by, runs)}
    assert [each["actor"] for each in said] == [by.user, runs.user, runs.user]
    for each in said:
        verifier.check_act(each, bytes.fromhex(keys[each["actor"]]))
    assert said[2]["key"] == fingerprint(runs.public_key)
    assert said[2]["fingerprint"] in place.gateway.current.credentials
