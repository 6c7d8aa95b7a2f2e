"""Emergency release: two people, one message, one agency, at once; its owner told; nothing that law keeps back."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.agency import AgencyId, Endpoint, EndpointKind, SignatureForm
from gateway.audit import verifier
from gateway.clock import timestamp
from gateway.delivery.outcome import Outcome, acknowledged
from gateway.document.canonical import sha256_text
from gateway.document.parse import parse
from gateway.errors import Refused
from gateway.exchange import emergency as verb
from gateway.exchange.accept import accept
from gateway.exchange.acting import Acting, NotAllowed, NotTheirKey
from gateway.exchange.activate import AgencyUnknown, suspend_agency
from gateway.exchange.emergencies import Asked, ReleaseUnknown, list_emergencies, read_because
from gateway.exchange.emergency import (
    BECAUSE_LENGTH_MAX,
    BecauseRefused,
    NothingReleased,
    OwnData,
    Released,
    SecondPersonNeeded,
    Superseded,
    release_in_emergency,
)
from gateway.exchange.gateway import AgencySuspended
from gateway.exchange.inbox import inbox_notice, inbox_page, inbox_payload
from gateway.exchange.relay import Relay
from gateway.exchange.releasable import Emergency
from gateway.exchange.status import MessageUnknown, status
from gateway.exchange.submission import Submission
from gateway.iepd.validate import validate
from gateway.message import Action, MessageId
from gateway.policy.emergency import EMERGENCY, KEPT, TERMS_DIGEST, LabelNotReleased, Reason
from gateway.signing.cover import read_cover
from gateway.signing.enveloped import has_signature
from gateway.store.configuration import AgreementState
from gateway.store.messages import DisseminationRecord
from gateway.transport.interface import Parcel
from gateway.user import UserId, UserRole
from tests.exchange.deployed import (
    CONTACT,
    FUSION,
    JAIL,
    POLICE,
    PROBATION,
    PROSECUTOR,
    SHELTER,
    Deployed,
    exchanges,
    release,
    sample,
)
from tests.exchange.officers import officer, stop_mou

OFFICER = frozenset({UserRole.PRIVACY_OFFICER})
SUPERVISOR = frozenset({UserRole.SUPERVISOR})
UNKNOWN = MessageId("019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d")


async def first(place: Deployed, agency: AgencyId = JAIL) -> Acting:
    return await officer(place.gateway, agency, number=11, roles=OFFICER)


async def second(place: Deployed, agency: AgencyId = JAIL) -> Acting:
    return await officer(place.gateway, agency, number=12, roles=SUPERVISOR)


async def go(place: Deployed, message: str, to: AgencyId = SHELTER, **asked: Any) -> Released:
    """Released by two people of the jail."""
    wanted = Emergency(message=MessageId(message), to=to, **({"reason": Reason.IMMINENT_DANGER} | asked))
    return await release_in_emergency(place.gateway, wanted, first=await first(place), second=await second(place))


async def sent(place: Deployed, body: bytes = b"", sender: AgencyId = JAIL) -> str:
    return (await place.accept(body or sample("fullest"), sender=sender)).id


async def record(place: Deployed, delivery: str) -> DisseminationRecord:
    found = await place.gateway.store.delivery(delivery)  # type: ignore[arg-type]
    assert found is not None
    return found


def payload(place: Deployed, made: DisseminationRecord) -> bytes:
    return place.gateway.payloads.open(made.payload, aad=made.dissemination.id.encode())


async def entry(place: Deployed, type: str = "emergency") -> dict[str, Any]:
    return next(each for each in reversed(await place.log()) if each["type"] == type)


# --- what goes ------------------------------------------------------------------------------------------------------


async def test_an_agency_without_an_agreement_gets_it_valid_and_ahead_of_the_queue(place: Deployed) -> None:
    released = await go(place, await sent(place))
    made = await record(place, released.delivery)
    assert made.delivery.urgent
    content = payload(place, made)
    assert b"Calvin" in content
    assert validate(parse(content), exchanges()["custody-release/1.0"]) == ()
    assert await inbox_payload(place.gateway, SHELTER, released.delivery) == content
    (item,) = await inbox_page(place.gateway, SHELTER, after=0, limit=10)
    assert (item.delivery, item.urgent, item.mou) == (released.delivery, True, "EMERGENCY@1")


@pytest.mark.parametrize(("exchange", "sender"), [(CONTACT, POLICE), ("supervision-record/1.0", PROBATION)])
async def test_each_of_our_exchanges_can_be_released(place: Deployed, exchange: str, sender: AgencyId) -> None:
    id = await sent(place, sample("smallest", exchange), sender)
    people = {"first": await first(place, sender), "second": await second(place, sender)}
    asked = Emergency(message=MessageId(id), to=SHELTER, reason=Reason.MISSING_PERSON)
    released = await release_in_emergency(place.gateway, asked, **people)
    assert released.counts["person.name"] >= 1


async def test_only_what_was_asked_for_goes(place: Deployed) -> None:
    released = await go(place, await sent(place), labels=("person.name", "caution.flags"))
    assert set(released.counts) <= {"person.name", "caution.flags", "message.head", "message.sealed", "juvenile.mark"}
    assert released.counts["person.name"] >= 1


async def test_the_reason_given_for_a_message_is_free_text_and_stays(place: Deployed) -> None:
    released = await go(place, await sent(place))
    assert b"MessageActionReason" not in payload(place, await record(place, released.delivery))
    assert b"MessageReason" not in payload(place, await record(place, released.delivery))


async def test_of_victim_services_privilege_and_shelters_nothing_goes_whatever_is_asked(place: Deployed) -> None:
    id = await sent(place)
    for label in ("victim-services.*", "victim-services.provider", "communication.privileged", "location.shelter"):
        with pytest.raises(LabelNotReleased, match="never released"):
            await go(place, id, labels=("person.name", label))
    released = await go(place, id, to=POLICE, labels=("person.*", "victim.*", "condition.*", "location.*"))
    assert not [label for label in released.counts if label.startswith(("victim", "communication"))]


async def test_a_label_nobody_knows_is_refused_with_the_nearest(place: Deployed) -> None:
    with pytest.raises(LabelNotReleased, match=r"did you mean person\.name\?"):
        await go(place, await sent(place), labels=("person.nam",))


@pytest.mark.parametrize("mark", [b"RecordSealedIndicator", b"PersonJuvenileIndicator"])
async def test_a_sealed_or_juvenile_record_is_refused_whole_and_alike(place: Deployed, mark: bytes) -> None:
    # Decided as of an acceptance: no agreement lets such a message in, so it is told as it would lie in the store.
    body = sample("fullest")
    marked = body.replace(b"<ec:" + mark + b">false", b"<ec:" + mark + b">true")
    assert marked != body
    current = place.gateway.current
    asked = Emergency(message=UNKNOWN, to=POLICE, reason=Reason.IMMINENT_DANGER)
    iepd = exchanges()["custody-release/1.0"]
    for content, may in ((body, True), (marked, False)):
        made = verb.decide_emergency(current, parse(content), iepd, sender=JAIL, asked=asked, now=place.clock.now())
        assert (made is not None) is may


async def test_a_refused_one_is_recorded_and_nobody_gets_anything(place: Deployed, monkeypatch: Any) -> None:
    id = await sent(place)
    before = len(await place.gateway.store.disseminations(MessageId(id)))
    monkeypatch.setattr(verb, "decide_emergency", lambda *_, **__: None)
    with pytest.raises(NothingReleased):
        await go(place, id)
    said = await entry(place, "withhold")
    assert (said["code"], said["recipient"], said["kind"]) == ("emergency.not-releasable", SHELTER, "emergency")
    assert len(await place.gateway.store.disseminations(MessageId(id))) == before


# --- what travels with it -------------------------------------------------------------------------------------------


async def test_the_cover_says_that_no_agreement_but_an_emergency_stands_behind_it(place: Deployed) -> None:
    released = await go(place, await sent(place))
    cover = read_cover((await record(place, released.delivery)).cover)
    assert (cover.mou, cover.mou_version, cover.mou_digest, cover.clauses) == (
        EMERGENCY,
        1,
        TERMS_DIGEST,
        ("imminent-danger",),
    )
    assert (cover.purpose, cover.onward_sharing, cover.fields_withheld) == ("emergency", "", True)
    assert cover.keep_until == place.clock.now() + KEPT
    assert "Released in an emergency (imminent-danger), under no agreement." in cover.notices[0]
    notice = await inbox_notice(place.gateway, SHELTER, released.delivery)
    assert "no agreement: EMERGENCY version 1" in notice


async def test_the_owner_gets_the_same_and_is_told_who_to_whom_and_why(place: Deployed) -> None:
    released = await go(place, await sent(place))
    given, told = await record(place, released.delivery), await record(place, released.owner_delivery)
    assert (told.delivery.recipient, told.delivery.urgent) == (JAIL, True)
    assert payload(place, told) == payload(place, given)
    cover = read_cover(told.cover)
    assert (cover.sender, cover.recipient, cover.keep_until) == (JAIL, JAIL, None)
    for said in (SHELTER, "imminent-danger", "officer-11", "officer-12", timestamp(place.clock.now())):
        assert said in cover.notices[0]
    assert [item.delivery for item in await inbox_page(place.gateway, JAIL, after=0, limit=5)] == [told.delivery.id]


async def test_a_signature_in_the_recipients_payload_does_not_get_into_the_owners(place: Deployed) -> None:
    url = "https://records.example.gov/in"
    await place.connect(POLICE, Endpoint(kind=EndpointKind.REST, url=url, signature=SignatureForm.ENVELOPED))
    released = await go(place, await sent(place), to=POLICE)
    assert has_signature(parse(payload(place, await record(place, released.delivery))))
    assert not has_signature(parse(payload(place, await record(place, released.owner_delivery))))


async def test_the_owners_system_sees_it_in_the_state_of_its_message(place: Deployed) -> None:
    id = await sent(place)
    before = await status(place.gateway, JAIL, id)
    assert before.emergencies == ()
    released = await go(place, id)
    after = await status(place.gateway, JAIL, id)
    assert after.deliveries == before.deliveries
    (told,) = after.emergencies
    assert (told.at, told.reason, told.delivery.recipient) == (place.clock.now(), "imminent-danger", SHELTER)
    assert told.delivery.delivery == released.delivery


async def test_a_repeat_of_the_message_is_answered_as_it_was_first(place: Deployed) -> None:
    answer = await place.accept(sample("fullest"), "HCJ-1")
    await go(place, answer.id)
    await go(place, answer.id, to=POLICE)
    again = await place.accept(sample("fullest"), "HCJ-1")
    assert again == replace(answer, repeated=True)


# --- two people -----------------------------------------------------------------------------------------------------


async def test_both_signed_what_went(place: Deployed) -> None:
    released = await go(place, await sent(place))
    said = await entry(place)
    given = await record(place, released.delivery)
    assert said["cover_digest"] == sha256_text(given.cover)
    assert read_cover(given.cover).payload_digest == given.dissemination.payload_digest
    for actor, second in (("actor", ""), ("second", "second_")):
        public = place.gateway.current.users[UserId(said[actor])].public_key
        verifier.check_act(said, bytes.fromhex(public), second)
    assert said["actor"] != said["second"]


async def test_one_person_is_not_two(place: Deployed) -> None:
    id = await sent(place)
    both = await officer(place.gateway, JAIL, number=13, roles=OFFICER | SUPERVISOR)
    asked = Emergency(message=MessageId(id), to=SHELTER, reason=Reason.ESCAPE)
    with pytest.raises(SecondPersonNeeded):
        await release_in_emergency(place.gateway, asked, first=both, second=both)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({UserRole.SUPERVISOR}, {UserRole.SUPERVISOR}),
        ({UserRole.SIGNATORY, UserRole.OPERATOR}, {UserRole.SUPERVISOR}),
        ({UserRole.PRIVACY_OFFICER}, {UserRole.COMPLIANCE_OFFICER}),
    ],
    ids=lambda roles: "+".join(sorted(roles)),
)
async def test_both_need_their_role(place: Deployed, one: set[UserRole], other: set[UserRole]) -> None:
    id = await sent(place)
    acting = [
        await officer(place.gateway, JAIL, number=number, roles=frozenset(roles))
        for number, roles in ((21, one), (22, other))
    ]
    asked = Emergency(message=MessageId(id), to=SHELTER, reason=Reason.ESCAPE)
    with pytest.raises(NotAllowed):
        await release_in_emergency(place.gateway, asked, first=acting[0], second=acting[1])


async def test_whoever_wants_the_data_does_not_release_it_to_itself(place: Deployed) -> None:
    id = await sent(place)
    asked = Emergency(message=MessageId(id), to=POLICE, reason=Reason.ESCAPE)
    for one, other in ((POLICE, JAIL), (JAIL, POLICE)):
        with pytest.raises(NotAllowed):
            await release_in_emergency(
                place.gateway, asked, first=await first(place, one), second=await second(place, other)
            )
    operators = {"first": await first(place, AgencyId("")), "second": await second(place, AgencyId(""))}
    assert (await release_in_emergency(place.gateway, asked, **operators)).recipient == POLICE


async def test_somebody_elses_key_opens_nothing(place: Deployed) -> None:
    id = await sent(place)
    one, other = await first(place), await second(place)
    asked = Emergency(message=MessageId(id), to=SHELTER, reason=Reason.ESCAPE)
    with pytest.raises(NotTheirKey):
        await release_in_emergency(place.gateway, asked, first=one, second=replace(other, public_key=one.public_key))


# --- to whom, and of what -------------------------------------------------------------------------------------------


async def test_to_whom_and_of_what_is_looked_at_first(place: Deployed) -> None:
    id = await sent(place)
    for message, to, error in (
        (UNKNOWN, SHELTER, MessageUnknown),
        (id, AgencyId("nobody"), AgencyUnknown),
        (id, JAIL, OwnData),
    ):
        with pytest.raises(error):
            await go(place, message, to=to)
    with pytest.raises(BecauseRefused):
        await go(place, id, because="x" * (BECAUSE_LENGTH_MAX + 1))


async def test_a_suspended_agency_gets_nothing(place: Deployed) -> None:
    id = await sent(place)
    await suspend_agency(place.gateway, POLICE, actor="test")
    with pytest.raises(AgencySuspended):
        await go(place, id, to=POLICE)


async def test_an_agreement_that_is_suspended_does_not_hold_it_back(place: Deployed) -> None:
    id = await sent(place)
    released = await go(place, id, to=POLICE)
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.SUSPENDED)
    assert [item.delivery for item in await inbox_page(place.gateway, POLICE, after=0, limit=5)] == [released.delivery]
    assert await inbox_payload(place.gateway, POLICE, released.delivery)


class Taking:
    """Takes whatever comes."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    async def send(self, parcel: Parcel, *, deadline: timedelta) -> Outcome:
        self.parcels.append(parcel)
        return acknowledged()

    async def close(self) -> None: ...


async def test_it_is_pushed_to_recipient_and_owner_although_their_agreement_has_ended(place: Deployed) -> None:
    id = await sent(place)
    for agency in (POLICE, JAIL):
        await place.connect(agency, Endpoint(kind=EndpointKind.REST, url=f"https://{agency}.example.gov/in"))
    released = await go(place, id, to=POLICE)
    await stop_mou(place.gateway, "JAIL-PD-2026-01", state=AgreementState.ENDED)
    taking, trouble = Taking(), []
    relay = Relay(place.gateway, {EndpointKind.REST: taking}, report=trouble.append)
    while await relay.fill():
        await relay.drain(timedelta(seconds=5))
    assert trouble == []
    pushed = {parcel.delivery: parcel for parcel in taking.parcels}
    assert set(pushed) == {released.delivery, released.owner_delivery}  # what the agreement decided is recalled
    assert pushed[released.delivery].payload == pushed[released.owner_delivery].payload
    entry_of = [each for each in await place.log() if each["type"] == "deliver"]
    assert {each["mou"] for each in entry_of} == {"EMERGENCY@1"}


async def test_what_was_corrected_or_canceled_is_not_released(place: Deployed) -> None:
    answer = await place.accept(release(), "HCJ-1")
    place.clock.go(minutes=1)
    newer = await place.accept(release(Action.CORRECT, "HCJ-1", given="Kelvin"), "HCJ-2")
    with pytest.raises(Superseded):
        await go(place, answer.id)
    assert (await go(place, newer.id)).counts["person.name"] >= 1


async def test_what_a_node_whose_clock_is_behind_canceled_is_not_released(place: Deployed) -> None:
    async with place.second() as ahead:
        earlier = await accept(ahead, Submission(sender=JAIL, sender_id="HCJ-1", body=release()))
    canceled = await place.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-2")
    assert canceled.id > earlier.id
    with pytest.raises(Superseded):
        await go(place, earlier.id)


async def test_a_decision_under_another_configuration_is_made_again(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await sent(place)
    store, tries = place.gateway.store, []
    release_it = store.release

    async def first_is_late(wanted: Any) -> Any:
        if not tries:
            tries.append(wanted)
            async with place.second() as other:
                await suspend_agency(other, POLICE, actor="test")
        return await release_it(wanted)

    monkeypatch.setattr(store, "release", first_is_late)
    with pytest.raises(AgencySuspended):
        await go(place, id, to=POLICE)
    assert tries


# --- what comes after ------------------------------------------------------------------------------------------------


async def test_a_cancellation_reaches_whoever_got_it_and_does_not_come_back_to_the_owner(place: Deployed) -> None:
    answer = await place.accept(release(), "HCJ-1")
    released = await go(place, answer.id)
    place.clock.go(minutes=1)
    canceled = await place.accept(release(Action.CANCEL, "HCJ-1"), "HCJ-2")
    assert {each.agency: each.outcome for each in canceled.recipients}[SHELTER] == "accepted"
    assert JAIL not in {each.agency for each in canceled.recipients}
    records = await place.gateway.store.disseminations(canceled.id)
    (word,) = [each for each in records if each.dissemination.recipient == SHELTER]
    assert (word.dissemination.mou, word.dissemination.purpose) == (EMERGENCY, "emergency-withdrawal")
    assert b"Calvin" not in payload(place, word)
    assert (await record(place, released.delivery)).delivery.state == "recalled"
    assert (await record(place, released.owner_delivery)).delivery.state == "waiting"
    told = await status(place.gateway, JAIL, canceled.id)
    assert SHELTER in {each.recipient for each in told.deliveries}
    assert told.emergencies == ()


async def test_where_an_agreement_gave_something_too_it_goes_on_deciding(place: Deployed) -> None:
    answer = await place.accept(release(), "HCJ-1")
    place.clock.go(minutes=1)
    await go(place, answer.id, to=POLICE)
    place.clock.go(minutes=1)
    corrected = await place.accept(release(Action.CORRECT, "HCJ-1", given="Kelvin"), "HCJ-2")
    records = await place.gateway.store.disseminations(corrected.id)
    (word,) = [each for each in records if each.dissemination.recipient == POLICE]
    assert word.dissemination.mou == "JAIL-PD-2026-01"
    assert b"Kelvin" in payload(place, word)


# --- the report -----------------------------------------------------------------------------------------------------


async def test_the_entry_is_the_owners_to_read_and_holds_codes_and_counts_only(place: Deployed) -> None:
    released = await go(place, await sent(place), because="Calvin was seen with a gun at 4 Elm Street")
    said = await entry(place)
    assert (said["parties"], said["sender"], said["recipient"]) == ([JAIL], JAIL, SHELTER)
    assert (said["reason"], said["counts"], said["owner_delivery"]) == (
        "imminent-danger",
        released.counts,
        released.owner_delivery,
    )
    assert said["withheld"] == released.withheld
    assert "Elm Street" not in json.dumps(await place.log())
    assert "Calvin" not in json.dumps(await place.log())


async def test_the_report_has_a_row_for_each_release_and_can_be_narrowed(place: Deployed) -> None:
    id = await sent(place)
    start = place.clock.now()
    for number, to in enumerate((SHELTER, POLICE, PROSECUTOR, FUSION)):
        await go(place, id, to=to, reason=Reason.ESCAPE if number % 2 else Reason.IMMINENT_DANGER)
        place.clock.go(hours=1)
    rows = await list_emergencies(place.gateway, Asked(), actor="test")
    assert [row.recipient for row in rows] == [SHELTER, POLICE, PROSECUTOR, FUSION]
    assert {(row.first, row.second) for row in rows} == {
        ("officer-11.harlan-county-jail", "officer-12.harlan-county-jail")
    }
    hour = timedelta(hours=1)
    for asked, wanted in (
        (Asked(since=start + hour, until=start + 3 * hour), [POLICE, PROSECUTOR]),
        (Asked(to=FUSION), [FUSION]),
        (Asked(reason=Reason.ESCAPE), [POLICE, FUSION]),
        (Asked(owner=POLICE), []),
    ):
        assert [row.recipient for row in await list_emergencies(place.gateway, asked, actor="test")] == wanted
    assert (await place.gateway.store.counts()).emergencies == 4


async def test_what_was_written_is_read_by_an_officer_of_the_owner_under_their_name(place: Deployed) -> None:
    released = await go(place, await sent(place), because="He said he would shoot.")
    id = released.dissemination
    assert await read_because(place.gateway, id, by=await first(place)) == "He said he would shoot."
    said = await entry(place, "read")
    assert (said["kind"], said["dissemination"], said["actor"]) == ("because", id, "officer-11.harlan-county-jail")
    with pytest.raises(NotAllowed):
        await read_because(place.gateway, id, by=await first(place, POLICE))
    silent = await go(place, released.message)
    with pytest.raises(ReleaseUnknown):
        await read_because(place.gateway, silent.dissemination, by=await first(place))


def test_every_refusal_has_a_code_of_its_own() -> None:
    errors: tuple[type[Refused], ...] = (
        SecondPersonNeeded, BecauseRefused, OwnData, Superseded, NothingReleased, LabelNotReleased, ReleaseUnknown,
    )  # fmt: skip
    assert len({error.code for error in errors}) == len(errors)
