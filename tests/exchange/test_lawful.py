"""Law at work: what agreements and law let out together, and what a recipient can tell of what they do not."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.agency import AgencyId, Duty
from gateway.app import drafts
from gateway.exchange.acting import NotAllowed
from gateway.exchange.activate import put_agency
from gateway.exchange.agreements import AgreementRefused
from gateway.exchange.configured import Configured, LawUnknown, compile_configuration, nothing
from gateway.exchange.inbox import inbox_page
from gateway.exchange.lawful import LawsRefused
from gateway.exchange.laws import LawVersionPassed, add_laws
from gateway.exchange.submission import NoRecipient
from gateway.keys.blind import blind
from gateway.message import Action
from gateway.policy.consent import Consent
from gateway.policy.grant import Grant
from gateway.signing.cover import Cover, read_cover
from gateway.store.configuration import Agreement, AgreementState, Configuration, Exchange
from gateway.store.messages import DisseminationRecord as Record
from tests.compiled import compiled_once
from tests.exchange.deployed import (
    FUSION,
    JAIL,
    POLICE,
    PROBATION,
    RELEASE,
    SHELTER,
    Deployed,
    agreement,
    release,
    sample,
)
from tests.exchange.deployed import exchanges as compiled_exchanges
from tests.exchange.officers import activate_mou, officer
from tests.laws import shipped_packs, stored_laws

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def of_juvenile(body: bytes) -> bytes:
    return body.replace(b"JuvenileIndicator>false", b"JuvenileIndicator>true")


def sealed(body: bytes) -> bytes:
    return body.replace(b"SealedIndicator>false", b"SealedIndicator>true")


async def made_for(place: Deployed, recipient: AgencyId, message: str) -> Record:
    records = await place.gateway.store.disseminations(message)  # type: ignore[arg-type]
    return next(each for each in records if each.dissemination.recipient == recipient)


async def payload_and_cover(place: Deployed, recipient: AgencyId, message: str) -> tuple[bytes, Cover]:
    record = await made_for(place, recipient, message)
    payload = place.gateway.payloads.open(record.payload, aad=record.dissemination.id.encode())
    return payload, read_cover(record.cover)


# --- a juvenile never looks different from no record ----------------------------------------------------------------


async def view(place: Deployed, agency: AgencyId) -> tuple[object, ...]:
    """All that an agency's systems can read: its inbox, and the entries it is a party of."""
    page = await inbox_page(place.gateway, agency, after=0, limit=200)
    entries = [entry for entry in await place.log() if agency in entry["parties"] or entry.get("recipient") == agency]
    return page, entries


@pytest.mark.parametrize("hidden", [of_juvenile, sealed])
async def test_a_recipient_sees_the_same_as_if_there_were_no_record(place: Deployed, hidden: object) -> None:
    """JAIL-PROB-2026-02 asks nothing about juveniles: it is the law that keeps them back."""
    await place.accept(release(), "HCJ-0")
    await place.accept(release(), "HCJ-1")
    before = await view(place, PROBATION)
    with pytest.raises(NoRecipient) as refused:
        await place.accept(hidden(release(given="Tobias")), "HCJ-2")  # type: ignore[operator]
    assert refused.value.outcomes == ()
    assert await view(place, PROBATION) == before
    await place.accept(release(), "HCJ-3")
    page = await inbox_page(place.gateway, PROBATION, after=0, limit=200)
    first, second, third = (item.position for item in page)
    assert third - second == second - first  # no gap in the inbox either


async def test_who_asks_for_the_recipient_by_name_is_told_what_any_route_would_tell(place: Deployed) -> None:
    codes = set()
    for number, body in enumerate((of_juvenile(release()), sealed(release()), of_juvenile(sealed(release())))):
        with pytest.raises(NoRecipient) as refused:
            await place.accept(body, f"HCJ-{number}", only=frozenset({PROBATION}))
        codes |= {(each.agency, each.code) for each in refused.value.outcomes}
    assert codes == {(PROBATION, "policy.not-routed")}


async def test_a_record_that_was_sealed_since_is_taken_back_without_telling_more(place: Deployed) -> None:
    await place.accept(sample("fullest"), "HCJ-OUT-90211")
    accepted = await place.accept(sealed(release(Action.CANCEL, "HCJ-OUT-90211", given="Hidden")), "HCJ-2")
    told = [each for each in accepted.recipients if each.outcome == "accepted"]
    assert len(told) == 4
    for each in told:
        payload, cover = await payload_and_cover(place, each.agency, accepted.id)
        assert cover.action is Action.CANCEL
        assert b"Hidden" not in payload
        assert b"SealedIndicator" not in payload


# --- consents -------------------------------------------------------------------------------------------------------


@dataclass
class Consents:
    """Whoever keeps consents, in memory."""

    held: tuple[Consent, ...] = ()
    asked: int = 0

    async def __call__(self, subjects: frozenset[str]) -> Iterable[Consent]:
        self.asked += 1
        return [each for each in self.held if each.subject in subjects]


async def with_treatment(place: Deployed, purpose: str = "health-care") -> Consents:
    """An agreement that shares substance use data with probation, and somebody who keeps consents."""
    text = agreement("A-1", JAIL, PROBATION, share="message.head, person.name, sud.*, medical.need").decode()
    text = text.replace("purpose: release-notification", f"purpose: {purpose}")
    text = text.replace("    deliver:", "    onward_sharing: To the court.\n    deliver:")
    await activate_mou(place.gateway, text.encode(), "A-1")
    consents = Consents()
    place.gateway.find_consents = consents
    return consents


def signed(place: Deployed, term: str = "sid:FR1190284", purpose: str = "health-care") -> Consent:
    return Consent(
        id="019cae6b-6600-7c17-8c17-000000000017",
        subject=blind(place.gateway.keys.digest_key, term),
        holder=JAIL,
        labels=("sud.*",),
        recipient=PROBATION,
        purpose=purpose,
        since=date(2026, 1, 1),
        until=date(2026, 12, 31),
        document="sha-256:" + "7" * 64,
    )


async def test_with_a_consent_a_programs_record_goes_with_its_notice_and_no_further(place: Deployed) -> None:
    consents = await with_treatment(place)
    consents.held = (signed(place),)
    accepted = await place.accept(sample("fullest"), "HCJ-1")
    payload, cover = await payload_and_cover(place, PROBATION, accepted.id)
    assert b"Rivergate Recovery Program" in payload
    assert b"Insulin" not in payload
    assert cover.onward_sharing == ""
    notice, consent = cover.notices
    assert notice == "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
    assert "019cae6b-6600-7c17-8c17-000000000017" in consent
    assert "health-care" in consent


@pytest.mark.parametrize("change", ["none", "other person", "other purpose", "revoked", "ended", "nobody keeps any"])
async def test_without_a_consent_that_counts_it_does_not(place: Deployed, change: str) -> None:
    consents = await with_treatment(place)
    one = signed(place)
    consents.held = {
        "other person": (signed(place, "sid:FR1190285"),),
        "other purpose": (signed(place, purpose="supervision"),),
        "revoked": (replace(one, revoked=place.clock.now()),),
        "ended": (replace(one, until=place.clock.now().date() - timedelta(days=1)),),
    }.get(change, ())
    if change == "nobody keeps any":
        place.gateway.find_consents = None
    accepted = await place.accept(sample("fullest"), "HCJ-1")
    payload, cover = await payload_and_cover(place, PROBATION, accepted.id)
    assert b"Rivergate" not in payload
    assert b"Opioid" not in payload
    assert cover.notices == ()
    assert cover.onward_sharing == "To the court."
    record = await made_for(place, PROBATION, accepted.id)
    sections = {each.clause for each in record.dissemination.redactions if each.label.startswith("sud.")}
    assert sections == {"42 CFR 2.31"}


async def test_a_consents_days_are_days_where_the_agencies_are(place: Deployed) -> None:
    consents = await with_treatment(place)
    tomorrow = place.clock.now().date() + timedelta(days=1)
    consents.held = (replace(signed(place), since=tomorrow),)
    place.clock.moment = datetime.combine(tomorrow, time(3), tzinfo=UTC)
    place.gateway.current = replace(place.gateway.current, zone=ZoneInfo("America/Chicago"))
    early = await place.accept(sample("fullest"), "HCJ-1")
    place.clock.moment += timedelta(hours=4)
    late = await place.accept(sample("fullest"), "HCJ-2")
    assert b"Rivergate" not in (await payload_and_cover(place, PROBATION, early.id))[0]
    assert b"Rivergate" in (await payload_and_cover(place, PROBATION, late.id))[0]


async def test_where_no_consent_could_open_anything_nobody_is_asked(place: Deployed) -> None:
    consents = Consents()
    place.gateway.find_consents = consents
    await place.accept(sample("fullest"), "HCJ-1")
    assert consents.asked == 0
    await with_treatment(place)
    place.gateway.find_consents = consents
    await place.accept(sample("fullest"), "HCJ-2")
    assert consents.asked == 1


# --- what is asked of the recipient ---------------------------------------------------------------------------------


async def test_a_tip_is_accepted_as_a_tip_with_a_short_life(place: Deployed) -> None:
    text = agreement("A-1", JAIL, FUSION, share="message.head, person.name, affiliation.*").decode()
    text = text.replace("purpose: release-notification", "purpose: threat-assessment")
    await activate_mou(place.gateway, text.encode(), "A-1")
    tip = sample("fullest").replace(b">criminal-intelligence-file<", b">tip<")
    accepted = await place.accept(tip, "HCJ-1")
    payload, cover = await payload_and_cover(place, FUSION, accepted.id)
    assert b"Quarry Road Crew" in payload
    assert cover.keep_until == place.clock.now() + timedelta(days=90)
    assert any("tip" in notice for notice in cover.notices)
    # Out of a file, without a suspicion on record, it does not go; nor does the notice.
    accepted = await place.accept(sample("fullest"), "HCJ-2")
    payload, cover = await payload_and_cover(place, FUSION, accepted.id)
    assert b"Quarry Road Crew" not in payload
    assert cover.keep_until == place.clock.now() + timedelta(days=365)
    assert cover.notices == ()


async def test_each_dissemination_records_the_law_it_was_decided_under(place: Deployed) -> None:
    await place.accept(release(), "HCJ-1")
    entries = [entry for entry in await place.log() if entry["type"] == "disseminate"]
    assert {entry["laws"] for entry in entries} == {shipped_packs().digest}


# --- what is in force -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def configured() -> Configured:
    with compiled_once():
        return drafts(NOW)


def stored(configured: Configured, *agreements: Agreement) -> Configuration:
    return Configuration(
        version=configured.version + 1,
        agencies=tuple(configured.agencies.values()),
        credentials=(),
        agreements=agreements or configured.agreements,
        exchanges=tuple(Exchange(id=each.id, digest=each.edition, archive=b"") for each in configured.iepds.values()),
        laws=stored_laws(),
    )


def compiled(configured: Configured, *agreements: Agreement) -> Configured:
    before = replace(nothing(configured.iepds.values()), mous=configured.mous)
    return compile_configuration(stored(configured, *agreements), before=before)


def test_when_the_law_changes_within_an_agreements_time_each_day_has_its_own_law(configured: Configured) -> None:
    early = [replace(each, changed_at=datetime(2026, 1, 2, tzinfo=UTC)) for each in configured.agreements]
    made = compiled(configured, *early)
    (contact,) = (mou for mou in configured.mous.values() if mou.id == "PD-JAIL-2026-05")
    spans = [mou for mou in made.in_force.mous if mou.id == contact.id]
    assert [(mou.since, mou.until) for mou in spans] == [
        (contact.since, date(2026, 2, 15)),
        (date(2026, 2, 16), contact.until),
    ]
    assert {mou.digest for mou in spans} == {contact.digest}
    notices = [
        {each.notice for each in made.bound(Grant(mou=mou, clause=mou.exchanges[0], recipient=JAIL)).handlings}
        for mou in spans
    ]
    assert notices[0] != notices[1]


def test_days_before_an_agreement_was_put_in_force_are_not_compiled(configured: Configured) -> None:
    assert {mou.since for mou in configured.in_force.mous} == {date(2026, 2, 16)}


def test_another_duty_of_one_agency_makes_only_its_own_rules_anew(configured: Configured) -> None:
    fusion = replace(configured.agencies[FUSION], duties=frozenset[Duty]())
    changed = stored(configured)
    agencies = tuple(fusion if each.id == FUSION else each for each in changed.agencies)
    after = compile_configuration(replace(changed, agencies=agencies), before=configured)
    same = {key.clause + key.mou for key in after.compiled if after.compiled[key] is configured.compiled.get(key)}
    made = {key.clause + key.mou for key in after.compiled if key not in configured.compiled}
    (mou,) = (mou for mou in configured.mous.values() if mou.id == "JAIL-FUSION-2026-03")
    assert made == {"E1" + mou.digest}
    assert len(same) == len(after.compiled) - 1


def test_an_agreement_that_names_a_law_nobody_has_stops_everything(configured: Configured) -> None:
    mous = {key: replace(mou, law_packs=("fr-9",)) for key, mou in configured.mous.items()}
    with pytest.raises(LawUnknown, match="fr-9"):
        compile_configuration(stored(configured), before=replace(configured, mous=mous))


async def test_such_an_agreement_is_not_put_in_force(place: Deployed) -> None:
    text = agreement("A-1", JAIL, POLICE).replace(b"kind: mou", b"kind: mou\nlaw_packs: [fr-9, ny-149]")
    with pytest.raises(AgreementRefused) as refused:
        await activate_mou(place.gateway, text, "A-1")
    assert [(each.code, "fr-9" in each.text) for each in refused.value.findings] == [("mou.unknown-law-pack", True)]


async def test_the_law_of_a_draft_can_be_asked_without_putting_it_in_force(place: Deployed) -> None:
    current = place.gateway.current
    mou = next(mou for mou in current.mous.values() if mou.id == "JAIL-PROB-2026-02")
    clause = replace(mou.exchanges[0], purpose="supervision")
    said = current.law(mou, clause, PROBATION, on=NOW.date())
    iepd = compiled_exchanges()[RELEASE]
    name = iepd.catalog.select("victim.no-contact.name")[0]
    assert {each.law for each in said.restrictions[name.path]} == {"34 U.S.C. 12291(b)(2)(D)"}


# --- packs of a deployment's own ------------------------------------------------------------------------------------

PACK = """\
law: fr-photo
title: Photos
jurisdiction: FR
version: 1
effective: {from: 2026-01-01}
source: Franklin Code 9
binds: party
rules:
  - {id: one, section: Franklin Code 9, text: Photos go to nobody., labels: [person.photo], withhold: always}
"""


async def put(place: Deployed, text: str, name: str = "fr.yaml") -> None:
    await add_laws(place.gateway, [(name, text.encode())], by=await officer(place.gateway))


def withholding(place: Deployed) -> set[str]:
    """The sections that withhold photos of the jail's first agreement from police."""
    mou = next(mou for mou in place.gateway.current.in_force.mous if mou.id == "JAIL-PD-2026-01")
    said = place.gateway.current.bound(Grant(mou=mou, clause=mou.exchanges[0], recipient=POLICE))
    photo = compiled_exchanges()[RELEASE].catalog.select("person.photo")
    return {each.law for field in photo for each in said.restrictions.get(field.path, ())}


async def test_a_states_own_pack_binds_its_agencies_from_the_next_decision_on(place: Deployed) -> None:
    assert withholding(place) == set()
    await put(place, PACK)
    assert withholding(place) == {"Franklin Code 9"}
    entry = (await place.log())[-1]
    assert (entry["type"], entry["kind"], entry["law"]) == ("register", "law", "fr-photo@1")
    assert "signature" in entry


async def test_of_two_versions_of_a_pack_the_later_binds_and_both_are_kept(place: Deployed) -> None:
    await put(place, PACK)
    await put(
        place,
        PACK.replace("version: 1", "version: 2")
        .replace("Franklin Code 9\nbinds", "Code\nbinds")
        .replace("section: Franklin Code 9", "section: Franklin Code 10"),
    )
    assert withholding(place) == {"Franklin Code 10"}
    held = (await place.gateway.store.configuration()).laws
    assert [law.version for law in held if law.id == "fr-photo"] == [1, 2]


async def test_a_pack_goes_forward_only_and_the_same_once_more_changes_nothing(place: Deployed) -> None:
    await put(place, PACK)
    version = place.gateway.current.version
    await put(place, PACK)
    assert place.gateway.current.version == version
    with pytest.raises(LawVersionPassed):
        await put(place, PACK.replace("Photos go to nobody.", "Photos go nowhere."))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PACK.replace("binds: party", "binds: often"), "law.unknown-word"),
        (PACK.replace("withhold: always", "share: always"), "law.unknown-key"),
    ],
)
async def test_a_pack_that_is_wrong_is_refused_with_findings_and_changes_nothing(
    place: Deployed, text: str, code: str
) -> None:
    version = place.gateway.current.version
    with pytest.raises(LawsRefused) as refused:
        await put(place, text)
    assert code in {each.code for each in refused.value.findings}
    assert {each.file for each in refused.value.findings} == {"fr.yaml"}
    await place.gateway.refresh()
    assert withholding(place) == set()
    assert place.gateway.current.version - version <= 1  # the officer's account, nothing else


async def test_only_an_officer_of_the_operator_puts_law_in_force(place: Deployed) -> None:
    with pytest.raises(NotAllowed):
        await add_laws(place.gateway, [("fr.yaml", PACK.encode())], by=await officer(place.gateway, JAIL))


def test_settings_cannot_name_a_pack_that_is_not_there() -> None:
    with pytest.raises(LawsRefused) as refused:
        shipped_packs(["ny-194"])
    assert [each.code for each in refused.value.findings] == ["law.unknown"]
    assert "ny-149" in refused.value.findings[0].text
    assert shipped_packs(["ny-149"]).named == {"ny-149"}


async def test_a_state_of_an_agency_is_kept(place: Deployed) -> None:
    await put_agency(place.gateway, replace(place.gateway.current.agencies[SHELTER], state="NY"), actor="test")
    async with place.second() as gateway:
        assert gateway.current.agencies[SHELTER].jurisdiction == "NY"
        assert gateway.current.agencies[JAIL].jurisdiction == "FR"
    assert AgreementState.IN_FORCE in {each.state for each in place.gateway.current.agreements}
