"""Accounting of disclosures: what a person is told, what law leaves out, and what an agency may have kept back."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.agency import AgencyId, AgencyKind, Endpoint, EndpointKind
from gateway.exchange.accounting import (
    Account,
    AskedAccount,
    NewSuspension,
    SuspensionUnknown,
    account,
    lift_suspension,
    suspend_accounting,
)
from gateway.exchange.acting import Acting
from gateway.exchange.activate import AgencyUnknown
from gateway.exchange.disclosed import find
from gateway.exchange.inbox import acknowledge, inbox_page
from gateway.policy.accounting import (
    CUSTODY,
    OralTooLong,
    SuspensionOver,
    check_suspension,
    described,
    exempt,
    reaches_back_to,
    suspended,
)
from gateway.policy.disclosure import Disclosure, Suspension, to_bytes
from gateway.policy.person import Person
from tests.exchange.deployed import JAIL, PROSECUTOR, Deployed, agreement, sample
from tests.exchange.gateways import SetClock
from tests.exchange.officers import activate_mou, officer
from tests.exchange.people import CALVIN, by

STATEMENT = "sha-256:" + "ab" * 32


async def disclosed(place: Deployed) -> None:
    """A message with health data of Calvin Tansley's, received by the prosecutor under an agreement that shares it."""
    share = "message.head, message.sealed, juvenile.mark, person.*, release.*, medical.*"
    await activate_mou(place.gateway, agreement("JAIL-DA-9", JAIL, PROSECUTOR, share=share), "file")
    await place.connect(PROSECUTOR, Endpoint(kind=EndpointKind.INBOX))
    await place.accept(sample("fullest").replace(b"covered-entity", b"corrections-record"), "one")
    for item in await inbox_page(place.gateway, PROSECUTOR, after=0, limit=50):
        await acknowledge(place.gateway, PROSECUTOR, item.delivery)


async def ask(place: Deployed, person: Person = CALVIN, **more: object) -> Account:
    asked = AskedAccount(person=person, **more)  # type: ignore[arg-type]
    return await account(place.gateway, asked, by=await officer(place.gateway))


def recipients(made: Account) -> set[str]:
    return {line.seen.disclosure.recipient for line in made.told}


async def test_an_account_has_what_was_received_of_health_data_and_nothing_else(place: Deployed) -> None:
    await disclosed(place)
    made = await ask(place)
    assert recipients(made) == {PROSECUTOR}
    for line in made.told:
        assert line.seen.disclosure.health
        assert all(label.startswith(("medical", "sud")) for label in line.seen.disclosure.health)
        assert line.seen.arrival.at is not None
    assert (made.suspensions, made.possible) == ((), 0)


async def test_what_never_left_is_no_disclosure(place: Deployed) -> None:
    await place.accept(sample("fullest"))
    assert (await ask(place)).lines == ()


async def test_an_account_goes_back_six_years_and_no_further(place: Deployed) -> None:
    await disclosed(place)
    place.clock.moment = place.clock.moment.replace(year=place.clock.moment.year + 6)
    assert recipients(await ask(place)) == {PROSECUTOR}
    place.clock.go(seconds=1)
    assert (await ask(place)).lines == ()


async def test_what_goes_to_custodians_for_custody_is_left_out_and_the_operator_sees_it(place: Deployed) -> None:
    await disclosed(place)
    assert [line.left_out for line in (await ask(place)).lines] == [""]
    # As if it had gone to a jail for care there: what is left out is a matter of purpose and kind.
    (row,) = [
        each for each in await find(place.gateway, CALVIN) if isinstance(each.said, Disclosure) and each.said.health
    ]
    assert isinstance(row.said, Disclosure)
    in_custody = replace(row.said, recipient=JAIL, purpose="custody-safety")
    assert place.gateway.subjects is not None
    filed = place.gateway.subjects.file(
        CALVIN.terms, key=CALVIN.key, plaintexts=[to_bytes(in_custody)], now=place.clock.now()
    )
    await place.gateway.store.file(filed, [])
    made = await ask(place)
    assert sorted(line.left_out for line in made.lines) == ["", CUSTODY]
    assert recipients(made) == {PROSECUTOR}


async def suspend(
    place: Deployed, *, agency: AgencyId = PROSECUTOR, days: int | None = 60, document: str = STATEMENT
) -> Suspension:
    until = None if days is None else place.clock.now().date() + timedelta(days=days)
    new = NewSuspension(person=CALVIN, agency=agency, until=until, document=document)
    return await suspend_accounting(place.gateway, new, by=await officer(place.gateway))


async def test_while_it_is_suspended_the_account_leaves_it_out_and_the_operator_sees_the_flag(place: Deployed) -> None:
    await disclosed(place)
    made = await suspend(place)
    held = await ask(place)
    assert held.told == ()
    assert held.suspensions == (made,)
    assert {line.left_out for line in held.lines} == {f"suspended until {made.until}"}
    place.clock.go(days=60)
    assert (await ask(place)).told == ()
    place.clock.go(days=1)
    after = await ask(place)
    assert recipients(after) == {PROSECUTOR}
    assert after.suspensions == ()


async def test_a_suspension_is_of_one_agency_and_one_person(place: Deployed) -> None:
    await disclosed(place)
    await suspend(place, agency=JAIL)
    assert recipients(await ask(place)) == {PROSECUTOR}
    other = NewSuspension(person=by("SID=FR9"), agency=PROSECUTOR, until=date(2099, 1, 1), document=STATEMENT)
    await suspend_accounting(place.gateway, other, by=await officer(place.gateway))
    assert recipients(await ask(place)) == {PROSECUTOR}


async def test_a_suspension_found_by_another_number_of_the_person_holds(place: Deployed) -> None:
    await disclosed(place)
    await suspend(place)
    assert (await ask(place, by("DOC=563317"))).told == ()


async def test_an_oral_one_is_good_for_thirty_days(place: Deployed) -> None:
    made = await suspend(place, days=None, document="")
    assert made.until - made.since == timedelta(days=30)
    with pytest.raises(OralTooLong):
        await suspend(place, days=31, document="")
    with pytest.raises(SuspensionOver):
        await suspend(place, days=-1)


async def test_it_is_lifted_once_and_both_acts_are_signed_and_name_nobody(place: Deployed) -> None:
    await disclosed(place)
    made = await suspend(place)
    someone: Acting = await officer(place.gateway)
    await lift_suspension(place.gateway, CALVIN, made.id, by=someone)
    assert recipients(await ask(place)) == {PROSECUTOR}
    with pytest.raises(SuspensionUnknown):
        await lift_suspension(place.gateway, CALVIN, made.id, by=someone)
    entries = [each for each in await place.log() if each["type"] == "accounting"]
    assert [(each["action"], each["suspension"], each["recipient"]) for each in entries] == [
        ("suspend", made.id, PROSECUTOR),
        ("lift", made.id, PROSECUTOR),
    ]
    assert all(each["signature"] and each["actor"] == "officer-1" and "subject" not in each for each in entries)
    assert "FR1190284" not in str(entries)


async def test_only_the_person_s_own_suspension_is_lifted(place: Deployed) -> None:
    made = await suspend(place)
    with pytest.raises(SuspensionUnknown):
        await lift_suspension(place.gateway, by("SID=FR9"), made.id, by=await officer(place.gateway))


async def test_an_agency_that_is_not_there_suspends_nothing(place: Deployed) -> None:
    with pytest.raises(AgencyUnknown):
        await suspend(place, agency=AgencyId("nobody"))


async def test_who_is_known_by_name_only_has_possible_ones_until_somebody_says_so(place: Deployed) -> None:
    await disclosed(place)
    named = by(name="Tansley, Calvin", born="1991-03-17")
    asked = await ask(place, named)
    assert (asked.lines, asked.possible) == ((), 1)
    assert recipients(await ask(place, named, by_name=True)) == {PROSECUTOR}
    other = by(name="Tansley, Calvin", born="1991-03-18")
    assert (await ask(place, other, by_name=True)).lines == ()


async def test_that_an_account_was_made_is_written(place: Deployed) -> None:
    await disclosed(place)
    made = await ask(place)
    (entry,) = [each for each in await place.log() if each.get("kind") == "accounting" and each["type"] == "read"]
    assert (entry["reason"], entry["count"]) == ("subject-request", len(made.lines))


# --- rules ---


def test_exempt_is_what_goes_to_a_custodian_for_custody() -> None:
    assert exempt("health-care", AgencyKind.JAIL) == CUSTODY
    assert exempt("health-care", AgencyKind.PROBATION) == ""
    assert exempt("release-planning", AgencyKind.JAIL) == ""
    assert exempt("health-care", None) == ""


def test_a_written_statement_may_suspend_as_long_as_it_states() -> None:
    check_suspension(date(2026, 1, 1), date(2029, 1, 1), written=True)
    check_suspension(date(2026, 1, 1), date(2026, 1, 31), written=False)
    with pytest.raises(OralTooLong):
        check_suspension(date(2026, 1, 1), date(2026, 2, 1), written=False)


def test_of_several_suspensions_the_longest_counts() -> None:
    first = Suspension(person=CALVIN, id="1", agency=JAIL, since=date(2026, 1, 1), until=date(2026, 2, 1))
    longer = replace(first, id="2", until=date(2026, 3, 1))
    assert suspended([first, longer], JAIL, date(2026, 1, 15)) == longer
    assert suspended([first, longer], PROSECUTOR, date(2026, 1, 15)) is None
    assert suspended([first, longer], JAIL, date(2026, 3, 2)) is None


def test_six_years_before_a_leap_day_is_a_day_too() -> None:
    clock = SetClock()
    clock.moment = clock.moment.replace(year=2028, month=2, day=29)
    assert reaches_back_to(clock.moment).date() == date(2022, 2, 28)


def test_a_description_is_in_words() -> None:
    assert described(("medical.need", "medical.mental-health.need", "sud.treatment")) == (
        "medical: need, mental health: need; substance use disorder: treatment"
    )
