"""Who saw X: found however it is written, told apart from others, and never asked without a trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import Endpoint, EndpointKind
from gateway.exchange.acting import NotAllowed
from gateway.exchange.disclosed import PersonUnnamed, sought
from gateway.exchange.export import RevealReason
from gateway.exchange.inbox import acknowledge, inbox_page
from gateway.exchange.who_saw import Asked, NobodyFound, Seen, messages_of, who_saw
from gateway.policy.match import Certainty
from gateway.policy.person import Person
from gateway.report.period import read_period
from gateway.store.interface import StoreUnavailable
from gateway.user import UserRole
from tests.exchange.deployed import CONTACT, JAIL, POLICE, PROBATION, Deployed, release, sample
from tests.exchange.officers import OPERATOR, officer
from tests.exchange.people import CALVIN, by
from tests.store.test_promises_failing import break_at


async def ask(place: Deployed, person: Person = CALVIN, *, agency: str = OPERATOR, **more: object) -> tuple[Seen, ...]:
    asked = Asked(person=person, reason=RevealReason.AUDIT, **more)  # type: ignore[arg-type]
    return await who_saw(place.gateway, asked, by=await officer(place.gateway, agency))  # type: ignore[arg-type]


def told(seen: tuple[Seen, ...]) -> list[tuple[str, str]]:
    return sorted((each.disclosure.recipient, each.match.words) for each in seen)


@pytest.mark.parametrize("written", ["SID=FR1190284", "sid=fr 119-0284", "Sid= FR.1190284 ", "SID=0FR1190284"])
async def test_a_number_finds_the_person_however_it_is_written(place: Deployed, written: str) -> None:
    answer = await place.accept(sample("fullest"))
    seen = await ask(place, by(written))
    assert {each.disclosure.recipient for each in seen} == {
        each.agency for each in answer.recipients if each.outcome == "accepted"
    }
    assert {(each.match.certainty, each.match.words) for each in seen} == {(Certainty.SAME, "SID")}
    assert {each.disclosure.message for each in seen} == {answer.id}


async def test_numbers_lead_on_to_rows_that_have_others(place: Deployed) -> None:
    text = sample("fullest").decode()
    await place.accept(text.encode(), "one")
    # Another agency's system knows the same person by the DOC number alone, and writes that otherwise.
    other = text.replace(">FR1190284<", ">-<").replace(">4417TN9<", ">-<").replace("0563317", "563-317")
    assert other.count("563-317") == 1
    later = await place.accept(other.replace("HCJ-2026-004417", "HCJ-2026-009999").encode(), "two")
    words = {each.disclosure.message == later.id: each.match.words for each in await ask(place)}
    assert words == {False: "SID", True: "linked by DOC number"}
    assert {each.match.certainty for each in await ask(place)} == {Certainty.SAME}


async def test_a_misspelled_name_finds_possible_persons_and_says_how_alike_they_are(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    seen = await ask(place, by(name="Tanslay, Kalvin", born="1991-03-17"))
    assert seen
    assert {each.match.certainty for each in seen} == {Certainty.POSSIBLE}
    assert all("alike, same birth date" in each.match.words for each in seen)
    assert await ask(place, by(name="Tanslay, Kalvin", born="1991-03-17"), certain=True) == ()


async def test_two_with_one_name_and_birthday_are_shown_as_possible_and_never_as_one(place: Deployed) -> None:
    text = sample("fullest").decode()
    namesake = text
    for old, new in (("FR1190284", "FR7770001"), ("4417TN9", "9990XX1"), ("563317", "888001"), ("004417", "009999")):
        assert old in namesake
        namesake = namesake.replace(old, new)
    first = await place.accept(text.encode(), "one")
    second = await place.accept(namesake.encode(), "two")
    for written, message in (("SID=FR1190284", first.id), ("SID=FR7770001", second.id)):
        assert {each.disclosure.message for each in await ask(place, by(written))} == {message}
    both = await ask(place, by(name="Tansley, Calvin", born="1991-03-17"))
    assert {each.disclosure.message for each in both} == {first.id, second.id}
    assert {(each.match.certainty, each.match.words) for each in both} == {
        (Certainty.POSSIBLE, "same name, same birth date")
    }


async def test_rows_without_a_number_are_possible_by_the_name_that_the_number_led_to(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    smallest = await place.accept(release(), "two")
    possible = [each for each in await ask(place) if each.match.certainty is Certainty.POSSIBLE]
    assert {each.disclosure.message for each in possible} == {smallest.id}
    assert {each.match.words for each in possible} == {"same name, birth date not known"}


async def test_nobody_is_found_who_was_never_sent(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    assert await ask(place, by("SID=FR1190285")) == ()
    assert await ask(place, by(name="Fairbrook, Nora", born="1990-01-01")) == ()


async def test_a_victim_is_found_by_nothing(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    for subject in ("SID=FR1032277", "FBI=7730FK2"):
        assert await ask(place, by(subject)) == ()


async def test_an_agency_s_officer_is_told_of_its_own_data_only(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    await place.accept(sample("fullest", CONTACT), sender=POLICE)
    assert {each.disclosure.sender for each in await ask(place)} == {JAIL, POLICE}
    assert {each.disclosure.sender for each in await ask(place, agency=JAIL)} == {JAIL}
    assert await ask(place, agency=PROBATION) == ()


async def test_who_is_no_officer_is_told_nothing(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    clerk = await officer(place.gateway, number=7, roles=frozenset({UserRole.OPERATOR}))
    with pytest.raises(NotAllowed):
        await who_saw(place.gateway, Asked(person=CALVIN, reason=RevealReason.AUDIT), by=clerk)


async def test_that_it_was_asked_is_written_first_with_the_reason_and_without_the_person(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    seen = await ask(place)
    (entry,) = [each for each in await place.log() if each.get("kind") == "who-saw"]
    assert (entry["type"], entry["reason"], entry["count"]) == ("read", "audit", len(seen))
    assert entry["actor"] == "officer-1"
    assert "subject" not in entry
    assert "FR1190284" not in str(entry)


async def test_what_cannot_be_written_is_not_told(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.accept(sample("fullest"))
    await officer(place.gateway)
    break_at(monkeypatch, "record.before-commit")
    with pytest.raises(StoreUnavailable):
        await ask(place)


async def test_what_became_of_each_is_read_from_the_log(place: Deployed) -> None:
    await place.connect(POLICE, Endpoint(kind=EndpointKind.INBOX))
    await place.accept(sample("fullest"))
    assert {(each.arrival.state, each.arrival.disclosed) for each in await ask(place)} == {("waiting", False)}
    (item,) = await inbox_page(place.gateway, POLICE, after=0, limit=10)
    place.clock.go(minutes=5)
    await acknowledge(place.gateway, POLICE, item.delivery)
    states = {each.disclosure.recipient: each.arrival for each in await ask(place)}
    assert (states[POLICE].state, states[POLICE].at) == ("delivered", place.clock.now())
    assert {each.state for recipient, each in states.items() if recipient != POLICE} == {"waiting"}


async def test_a_period_narrows_it(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    assert await ask(place, period=read_period("2026-03"))
    assert await ask(place, period=read_period("2026-04")) == ()


@pytest.mark.parametrize(
    ("subjects", "name", "born"),
    [
        ((), "", ""),
        (("FR1190284",), "", ""),
        (("SSN=123",), "", ""),
        (("SID=-",), "", ""),
        (("BOOKING=2231",), "", ""),
        (("BOOKING=2231@",), "", ""),
        ((), "Calvin", ""),
        ((), "Tansley, Calvin", "17.3.1991"),
        ((), "", "1991-03-17"),
    ],
)
def test_whoever_is_not_named_is_not_looked_for_and_no_value_is_repeated(
    subjects: tuple[str, ...], name: str, born: str
) -> None:
    with pytest.raises(PersonUnnamed) as refused:
        sought(subjects, name=name, born=born)
    for value in ("FR1190284", "123", "2231", "Calvin", "Tansley"):
        assert value not in refused.value.text


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=12))
def test_whatever_is_asked_is_a_person_or_a_sentence(subject: str, name: str, born: str) -> None:
    try:
        found = sought([subject] if subject else [], name=name, born=born)
    except PersonUnnamed:
        return
    assert found.terms


async def test_a_booking_number_is_looked_for_at_its_agency(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    assert await ask(place, by("BOOKING=HCJ-2026-004417@harlan-county-jail"))
    assert await ask(place, by("BOOKING=HCJ-2026-004417@millbrook-police")) == ()


async def test_the_messages_of_a_person_are_those_that_are_certainly_theirs(place: Deployed) -> None:
    first = await place.accept(sample("fullest"), "one")
    await place.accept(release(), "two")
    place.clock.go(minutes=1)
    theirs = await place.accept(sample("fullest", CONTACT), sender=POLICE)
    everything = await messages_of(place.gateway, CALVIN, by=await officer(place.gateway))
    assert everything == (first.id, theirs.id)
    assert await messages_of(place.gateway, CALVIN, by=await officer(place.gateway, JAIL)) == (first.id,)
    with pytest.raises(NobodyFound):
        await messages_of(place.gateway, by("SID=FR9"), by=await officer(place.gateway))


async def test_asking_for_the_messages_of_a_person_is_written_down_also_when_there_are_none(place: Deployed) -> None:
    await place.accept(sample("fullest"), "one")
    await messages_of(place.gateway, CALVIN, by=await officer(place.gateway))
    with pytest.raises(NobodyFound):
        await messages_of(place.gateway, by("SID=FR9"), by=await officer(place.gateway))
    asked = [each for each in await place.log() if each["type"] == "read" and each["kind"] == "who-saw"]
    assert [each["count"] for each in asked] == [1, 0]
    assert all(each["signature"] for each in asked)


async def test_nothing_is_told_of_the_messages_of_a_person_when_the_log_cannot_be_written(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.accept(sample("fullest"), "one")
    asker = await officer(place.gateway)
    break_at(monkeypatch, "record.before-commit")
    with pytest.raises(StoreUnavailable):
        await messages_of(place.gateway, CALVIN, by=asker)
