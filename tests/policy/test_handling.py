"""The handling notice: what whoever opens a record reads before they use it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from gateway.agency import Agency, AgencyId, AgencyKind, Contact
from gateway.policy.handling import NO_TIME, NOTHING_ON, WHOLE, WIDTH, WITHHELD, Handling, handling_notice
from gateway.policy.mou import Kind, Mou, PartyContact, Section, Storage

JAIL, POLICE = AgencyId("harlan-county-jail"), AgencyId("millbrook-police")
AGENCIES = {
    JAIL: Agency(id=JAIL, name="Harlan County Jail", kind=AgencyKind.JAIL),
    POLICE: Agency(id=POLICE, name="Millbrook Police", kind=AgencyKind.POLICE),
}
MOU = Mou(
    id="JAIL-PD-2026-01",
    version=2,
    title="Invented",
    kind=Kind.MOU,
    parties=(JAIL, POLICE),
    since=date(2026, 1, 1),
    until=date(2026, 12, 31),
    exchanges=(),
    digest="sha-256:" + "0" * 64,
)
HANDLING = Handling(
    delivery="019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d",
    sender=JAIL,
    recipient=POLICE,
    exchange="custody-release/1.0",
    mou="JAIL-PD-2026-01",
    mou_version=2,
    clauses=("E1",),
    purpose="release-notification",
    role="patrol-officer",
    keep_until=datetime(2027, 3, 2, 2, 0, tzinfo=UTC),
    onward_sharing="",
    notices=(),
    fields_withheld=True,
    contact="liaison +1-555-010-4400",
)


def text(handling: Handling = HANDLING, mou: Mou | None = MOU, zone: str = "UTC") -> str:
    """The notice as one text, each of its rows on one line."""
    lines = handling_notice(handling, mou, AGENCIES, zone=ZoneInfo(zone))
    assert all(len(line) <= WIDTH for line in lines)
    return "\n".join(lines).replace("\n" + " " * 17, " ").replace("\n    ", " ")


def test_it_says_from_whom_to_whom_under_what_and_what_for() -> None:
    said = text()
    assert "Harlan County Jail (harlan-county-jail)" in said
    assert "Millbrook Police (millbrook-police)" in said
    assert "JAIL-PD-2026-01 version 2, clause E1" in said
    assert "Tell of a release before it happens (release-notification)" in said
    assert "liaison +1-555-010-4400" in said


def test_the_last_day_is_that_of_the_people_who_read_it() -> None:
    assert "2027-03-02. Destroy every copy by then." in text()
    assert "2027-03-01. Destroy every copy by then." in text(zone="America/New_York")
    assert NO_TIME in text(replace(HANDLING, keep_until=None))


def test_where_nothing_is_said_nothing_may_be_passed_on() -> None:
    assert NOTHING_ON in text()
    told = text(replace(HANDLING, onward_sharing="To the district attorney."))
    assert "To the district attorney." in told
    assert NOTHING_ON not in told


def test_whether_something_was_left_out_is_said_either_way() -> None:
    assert WITHHELD in text()
    assert WHOLE in text(replace(HANDLING, fields_withheld=False))


def test_each_notice_and_duty_stands_there_whole() -> None:
    duty = "Whoever opens this must sign in with a second factor and hold the training cjis-security, not expired."
    law = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
    said = text(replace(HANDLING, notices=(law, duty)))
    assert f"  - {law}" in said
    assert f"  - {duty}" in said


def test_what_the_agreement_says_of_third_parties_storage_and_breaches_stands_there() -> None:
    contacts = (
        PartyContact(party=POLICE, contact=Contact(role="after-hours", name="Sgt. Other", phone="+1-555-010-0000")),
        PartyContact(party=JAIL, contact=Contact(role="liaison", name="Lt. Dana Whitcombe", phone="+1-555-010-4400")),
        PartyContact(party=JAIL, contact=Contact(role="after-hours", name="Desk", phone="+1-555-010-4499")),
    )
    mou = replace(
        MOU,
        prose=(
            Section(heading="Third parties", text="Requests go to the jail.", key="third_parties"),
            Section(heading="Notice of a breach", text="Within 24 hours.", key="breach_notice"),
        ),
        storage=Storage(place="The records system", host="Harlan County", safeguards="Encrypted at rest."),
        contacts=contacts,
    )
    said = text(mou=mou)
    assert "Requests go to the jail." in said
    assert "The records system, run by Harlan County. Encrypted at rest." in said
    assert "Within 24 hours. Tell Desk (after-hours): +1-555-010-4499." in said
    assert "Sgt. Other" not in said


def test_an_agreement_that_is_silent_leaves_no_empty_rows() -> None:
    said = text()
    assert "Third parties" not in said
    assert "Storage" not in said
    assert "After a breach" not in said


def test_a_word_of_the_agreements_own_is_explained_by_the_agreement() -> None:
    mou = replace(MOU, roles=(Section(heading="night-watch", text="Who sits at the desk at night", key="roles"),))
    assert "Who sits at the desk at night (night-watch)" in text(replace(HANDLING, role="night-watch"), mou)


def test_without_an_agreement_it_says_so() -> None:
    assert "no agreement: JAIL-PD-2026-01 version 2" in text(mou=None)
