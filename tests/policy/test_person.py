"""Who of a message is in the disclosure index, and who never is."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document.parse import Document, parse, to_bytes
from gateway.document.path import Locator
from gateway.message import Redaction
from gateway.policy.match import Certainty, by_name, by_number
from gateway.policy.person import (
    NOBODY,
    Person,
    day,
    heard,
    is_in,
    name_term,
    number_term,
    person,
    persons_in,
    split_name,
)
from gateway.policy.sound import SOUND_LENGTH_MAX, alikeness, sound
from tests.policy.examples import JAIL, exchanges, sample, samples
from tests.policy.ledger import Case, ledger

CUSTODY, CONTACT, SUPERVISION = "custody-release/1.0", "police-contact/1.0", "supervision-record/1.0"
CALVIN = Person(numbers=("sid:FR1190284",), names=("TANSLEY|CALVIN",), born="1991-03-17")


def found(document: Document, exchange: str = CUSTODY) -> list[Person]:
    return [each.person for each in persons_in(document, exchanges()[exchange], sender=JAIL)]


def changed(exchange: str, name: str, *pairs: tuple[str, str]) -> Document:
    text = to_bytes(sample(exchange, name)).decode()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return parse(text.encode())


def test_a_subject_is_known_by_all_its_numbers_the_strongest_first_and_by_every_name() -> None:
    (only,) = found(sample(CUSTODY, "fullest.xml"))
    assert only.numbers == ("fbi:4417TN9", "sid:FR1190284", "doc:563317", "booking:harlan-county-jail/HCJ2026004417")
    assert only.names == ("TANSLEY|CALVIN", "ROURKE|CAL")
    assert (only.born, only.key) == ("1991-03-17", "fbi:4417TN9")
    assert only.terms == (*only.numbers, "sound:3524|2415", "sound:62|24")


@pytest.mark.parametrize("exchange", [CUSTODY, CONTACT, SUPERVISION])
def test_nobody_but_subjects_is_found(exchange: str) -> None:
    iepd = exchanges()[exchange]
    for name in samples(iepd):
        document = sample(exchange, name)
        people = found(document, exchange)
        assert people, name
        names = {each for one in people for each in one.names}
        for role in ("Victim", "VictimToNotify", "HouseholdMember", "Witness", "ProtectedPerson", "SupervisingOfficer"):
            for element in document.root.iter(f"{{*}}{role}"):
                parts = [element.findtext(f".//{{*}}{part}") or "" for part in ("PersonSurName", "PersonGivenName")]
                assert name_term(*parts) not in names


def test_a_person_in_two_places_of_a_message_is_one() -> None:
    people = found(sample(CONTACT, "persons-linked-by-uri.xml"), CONTACT)
    assert [each.names for each in people] == [("TANSLEY|CALVIN",), ("PELL|GORDON",)]


def test_of_two_subjects_each_is_found() -> None:
    assert [each.names[0] for each in found(sample(CONTACT, "fullest.xml"), CONTACT)] == [
        "TANSLEY|CALVIN",
        "PELL|GORDON",
    ]


VICTIM = "<cr:VictimToNotify"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(('structures:id="fairbrook"', 'structures:ref="tansley"'), id="one object"),
        pytest.param(('structures:id="fairbrook"', 'structures:uri="#t%61nsley"'), id="one object, in other letters"),
        pytest.param((">Fairbrook<", ">TANSLEY<"), id="one name and birthday"),
    ],
)
def test_a_subject_who_is_a_victim_of_the_same_message_is_not_in_the_index(change: tuple[str, str]) -> None:
    text = to_bytes(sample(CUSTODY, "fullest.xml")).decode()
    head, mark, victim = text.partition(VICTIM)
    assert mark
    victim, end, tail = victim.partition("</cr:VictimToNotify>")
    victim = victim.replace(*change)
    if change[1] == ">TANSLEY<":
        given = parse(text.encode()).root.findtext(".//{*}VictimToNotify//{*}PersonGivenName")
        born = parse(text.encode()).root.findtext(".//{*}VictimToNotify//{*}PersonBirthDate/{*}Date")
        victim = victim.replace(f">{given}<", ">calvin<").replace(f">{born}<", ">1991-03-17<")
    assert found(parse((head + mark + victim + end + tail).encode())) == []


def test_an_exchange_that_calls_its_fields_otherwise_has_nobody_to_find() -> None:
    assert persons_in(Case().message(), ledger(), sender=JAIL) == ()


def test_a_booking_number_is_one_of_its_agency() -> None:
    iepd = exchanges()[CUSTODY]
    document = sample(CUSTODY, "fullest.xml")
    ((here,), (there,)) = (persons_in(document, iepd, sender=each) for each in (JAIL, "river-county-jail"))  # type: ignore[arg-type]
    assert set(here.person.numbers) ^ set(there.person.numbers) == {
        "booking:harlan-county-jail/HCJ2026004417",
        "booking:river-county-jail/HCJ2026004417",
    }


def test_of_several_subjects_one_who_was_withheld_whole_was_not_disclosed() -> None:
    iepd = exchanges()[CONTACT]
    first, second = persons_in(sample(CONTACT, "fullest.xml"), iepd, sender=JAIL)
    locator = Locator({uri: prefix for prefix, uri in iepd.namespaces.items() if prefix})
    leaves = [each for each in second.element.iter() if not len(each) and (each.text or "").strip()]
    gone = [Redaction(locator.locate(each), "f", "l", "withheld", "default") for each in leaves]
    assert is_in(first, gone, locator)
    assert not is_in(second, gone, locator)
    assert is_in(second, gone[1:], locator)
    assert is_in(second, [*gone[1:], gone[0]._replace(outcome="mask")], locator)


# --- writing and sound ---


@given(st.text(max_size=30), st.sampled_from(["sid", "fbi", "doc"]))
def test_a_number_written_another_way_is_the_same_term(text: str, kind: str) -> None:
    term = number_term(kind, text)
    plain = term.removeprefix(f"{kind}:")
    assert number_term(kind, plain) == term
    assert number_term(kind, f" 0{plain.lower()}- ") == term


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_name_written_another_way_is_the_same_term(last: str, given: str) -> None:
    term = name_term(last, given)
    if term:
        assert name_term(*term.split("|")) == term
        assert name_term(f" {term.split('|')[0].lower()} ", term.split("|")[1].title()) == term
        assert split_name("{}, {}".format(*term.split("|"))) == term


@pytest.mark.parametrize("full", ["Whitcombe, Dana", "whitcombe,dana marie", "Dana Whitcombe", "Dana Marie Whitcombe"])
def test_a_full_name_is_taken_apart(full: str) -> None:
    assert split_name(full) == "WHITCOMBE|DANA"


@pytest.mark.parametrize("full", ["", "Dana", ",", "Whitcombe,"])
def test_half_a_name_is_none(full: str) -> None:
    assert split_name(full) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Catherine", "Katherine"),
        ("Whitcomb", "Whitcombe"),
        ("Philips", "Fillips"),
        ("Knight", "Nite"),
        ("O'Neill", "ONeil"),
        ("Müller", "Muller"),
        ("Schmidt", "Schmitt"),
    ],
)
def test_names_that_sound_alike_have_one_sound(one: str, other: str) -> None:
    assert sound(one) == sound(other)


def test_a_sound_stays_what_it_was_for_rows_are_kept_for_years() -> None:
    names = ("Tansley", "Calvin", "Aya", "Wright", "Pfister", "")
    assert [sound(name) for name in names] == ["3524", "2415", "0", "63", "1236", ""]


@given(st.text(max_size=30))
def test_a_sound_is_short_and_says_nothing_but_the_sound(text: str) -> None:
    assert len(sound(text)) <= SOUND_LENGTH_MAX
    assert set(sound(text)) <= set("0123456")
    assert sound(text.upper()) == sound(text)


@given(st.text(max_size=20), st.text(max_size=20))
def test_alikeness_is_of_both_and_full_only_for_the_same(one: str, other: str) -> None:
    assert alikeness(one, other) == alikeness(other, one)
    assert 0 <= alikeness(one, other) <= 100


# --- who is one person ---


def test_the_same_number_makes_it_the_same_person() -> None:
    other = Person(numbers=("sid:FR1190284", "doc:7"), names=("TANNER|CAL",), born="1990-01-01")
    match = by_number(CALVIN, other)
    assert match is not None
    assert (match.certainty, match.words) == (Certainty.SAME, "SID")


def test_a_stronger_number_that_differs_makes_it_a_possibility() -> None:
    one = Person(numbers=("fbi:1", "sid:FR1"))
    match = by_number(one, Person(numbers=("fbi:2", "sid:FR1")))
    assert match is not None
    assert (match.certainty, match.words) == (Certainty.POSSIBLE, "SID, but another FBI number")
    brothers = by_number(Person(numbers=("sid:FR1", "booking:x/9")), Person(numbers=("sid:FR2", "booking:x/9")))
    assert brothers is not None
    assert brothers.certainty is Certainty.POSSIBLE


def test_a_weaker_number_that_differs_does_not() -> None:
    match = by_number(Person(numbers=("fbi:1", "sid:FR1")), Person(numbers=("fbi:1", "sid:TX9")))
    assert match is not None
    assert match.certainty is Certainty.SAME


def test_nothing_in_common_is_no_match() -> None:
    assert by_number(CALVIN, Person(numbers=("sid:FR1190285",))) is None
    assert by_number(CALVIN, NOBODY) is by_name(CALVIN, NOBODY) is None


@pytest.mark.parametrize(
    ("name", "born", "words"),
    [
        ("TANSLEY|CALVIN", "1991-03-17", "same name, same birth date"),
        ("TANSLEY|CALVIN", "", "same name, birth date not known"),
        ("TANSLY|CALVIN", "1991-03-17", "name 88 % alike, same birth date"),
        ("TANSLEY|CALVIN", "1991-03-11", "same name, birth date differs in one part"),
    ],
)
def test_a_name_makes_it_a_possibility_and_says_why(name: str, born: str, words: str) -> None:
    match = by_name(CALVIN, Person(names=(name,), born=born))
    assert match is not None
    assert (match.certainty, match.words) == (Certainty.POSSIBLE, words)


def test_day_and_month_exchanged_are_near() -> None:
    match = by_name(replace(CALVIN, born="1991-03-07"), Person(names=CALVIN.names, born="1991-07-03"))
    assert match is not None
    assert match.words == "same name, birth date with day and month exchanged"


@pytest.mark.parametrize(("name", "born"), [("TANSLEY|CALVIN", "1975-11-02"), ("PELL|GORDON", "1991-03-17")])
def test_another_birthday_or_another_name_is_somebody_else(name: str, born: str) -> None:
    assert by_name(CALVIN, Person(names=(name,), born=born)) is None


numbers = st.lists(st.sampled_from([f"{kind}:{n}" for kind in ("fbi", "sid", "doc") for n in range(3)]), max_size=5)
people = st.builds(person, numbers)


@given(people, people)
def test_a_match_is_one_of_both(one: Person, other: Person) -> None:
    there, back = by_number(one, other), by_number(other, one)
    assert (there and there.certainty) == (back and back.certainty)


@given(st.lists(people, min_size=2, max_size=4))
def test_who_shares_no_number_is_never_the_same_person(several: list[Person]) -> None:
    for one, other in combinations(several, 2):
        if set(one.numbers).isdisjoint(other.numbers):
            assert by_number(one, other) is None


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_same_name_is_always_heard_as_the_same(last: str, given: str) -> None:
    term = name_term(last, given)
    if term:
        assert heard(term) == heard(name_term(last.upper(), f" {given.lower()} ") or term)


@pytest.mark.parametrize(("text", "expected"), [("1991-03-17T08:00:00Z", "1991-03-17"), ("17.3.1991", ""), ("", "")])
def test_a_day_is_read_of_a_date_or_a_moment(text: str, expected: str) -> None:
    assert day(text) == expected
