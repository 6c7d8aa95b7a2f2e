"""fields.yaml names every place of a message that can hold a value, once, and nothing else."""

import re
from collections import Counter
from typing import Any

import pytest
from lxml import etree

from gateway.document.parse import parse
from gateway.iepd.binding import type_mark
from gateway.iepd.facts import evaluate
from gateway.iepd.package import unclassified

from .our_exchanges import NAMES, exchange, fields, folder, leaves, samples

LABEL = re.compile(r"[a-z][a-z-]*(\.[a-z][a-z-]*)+")
PREFIXES = {
    "affiliation", "arrest", "booking", "caution", "communication", "condition", "contact", "employment", "intel",
    "investigation", "juvenile", "location", "medical", "message", "monitoring", "need", "offense", "officer", "person",
    "release", "risk", "sentence", "sud", "supervision", "thirdparty", "vehicle", "victim", "victim-services",
}  # fmt: skip
MESSAGE_PATHS = {
    "action": "ec:MessageActionCode",
    "earlier": "ec:MessageEarlierID",
    "reason": "ec:MessageReasonText",
    "as_of": "ec:MessageAsOfDateTime",
}


def _entries(name: str) -> list[dict[str, Any]]:
    return fields(name)["fields"]


@pytest.mark.parametrize("name", NAMES)
def test_every_leaf_of_the_schema_has_exactly_one_entry_and_every_entry_exists(name: str) -> None:
    known = Counter(leaf.path for leaf in leaves(name))
    assert Counter(entry["path"] for entry in _entries(name)) == known
    assert set(known.values()) == {1}


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_says_path_field_label_and_title(name: str) -> None:
    for entry in _entries(name):
        assert set(entry) == {"path", "field", "label", "title", "type"}
        assert LABEL.fullmatch(entry["label"]), entry["label"]
        assert entry["label"].partition(".")[0] in PREFIXES, entry["label"]
        assert entry["title"][:1].isupper(), entry["title"]


@pytest.mark.parametrize("name", NAMES)
def test_no_two_entries_have_the_same_field_name_or_title(name: str) -> None:
    for key in ("field", "title"):
        counts = Counter(entry[key] for entry in _entries(name))
        assert [value for value, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_only_the_message_action_and_its_date_are_required(name: str) -> None:
    required = {leaf.path for leaf in leaves(name) if not leaf.optional}
    assert required == {"ec:MessageActionCode", "ec:MessageAsOfDateTime"}


@pytest.mark.parametrize("name", NAMES)
def test_the_message_paths_are_those_of_the_head(name: str) -> None:
    assert fields(name)["message"] == MESSAGE_PATHS
    assert set(MESSAGE_PATHS.values()) <= {entry["path"] for entry in _entries(name)}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_field_has_the_same_label_in_all_exchanges(name: str) -> None:
    labels = {entry["field"]: entry["label"] for each in NAMES for entry in _entries(each)}
    assert [e["field"] for e in _entries(name) if labels[e["field"]] != e["label"]] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_persons_name_is_labelled_by_the_role_it_has(name: str) -> None:
    label = {entry["path"]: entry["label"] for entry in _entries(name)}
    roles = {
        "Subject": "person.name",
        "HouseholdMember": "thirdparty.household.name",
        "VictimToNotify": "victim.name",
        "Victim": "victim.name",
        "Witness": "thirdparty.witness.name",
    }
    own = fields(name)["root"].partition(":")[0]
    found = {role: label.get(f"{own}:{role}/nc:PersonName/nc:PersonSurName") for role in roles}
    assert {role: each for role, each in found.items() if each} == {
        role: each for role, each in roles.items() if found[role]
    }
    assert (
        label["ec:NoContactAssociation/ec:ProtectedPerson/nc:PersonName/nc:PersonSurName"] == "victim.no-contact.name"
    )


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_complete_and_their_missing_answer_fits_their_kind(name: str) -> None:
    kinds: dict[str, type] = {"boolean": bool, "text": str, "date": str}
    facts = fields(name)["facts"]
    for fact in facts:
        assert set(fact) == {"fact", "title", "each", "test", "kind", "missing"}
        assert isinstance(fact["missing"], kinds[fact["kind"]])
    assert len({fact["fact"] for fact in facts}) == len(facts)
    assert {"sealed", "juvenile", "protected"} <= {fact["fact"] for fact in facts}


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_asks_of_places_that_exist(name: str) -> None:
    known = {step for leaf in leaves(name) for step in leaf.path.split("/")}
    for fact in fields(name)["facts"]:
        asked = re.findall(r"\w+:\w+", re.sub(r"'[^']*'", "", f"{fact['each']} {fact['test']}"))
        assert set(asked) <= known, fact["fact"]


@pytest.mark.parametrize("name", NAMES)
def test_the_gateway_loads_the_exchange_and_finds_every_field_classified(name: str) -> None:
    loaded = exchange(name)
    assert loaded.id == f"{name}/1.0"
    assert unclassified(loaded) == ()
    assert len(loaded.catalog.fields) == len(_entries(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_word_that_names_a_field_and_a_label_means_one_field(name: str) -> None:
    catalog = exchange(name).catalog
    assert [word for word in catalog.names() if len(catalog.select(word)) != 1] == []


NOTHING_SAID = {
    "custody-release": """<cr:Subject/><j:Booking/><j:Offense/><cr:VictimToNotify/><cr:HouseholdMember/>
        <cr:Communication/>""",
    "supervision-record": """<sr:Subject/><sr:Residence/><sr:HouseholdMember/><j:Offense/><sr:Victim/>
        <sr:ConfidentialNote/>""",
    "police-contact": """<pc:Contact/><pc:Subject/><pc:Victim/><pc:Witness/><pc:HouseholdMember/>
        <pc:Investigation/>""",
}
STRICT_EVERYWHERE = {"sealed", "juvenile", "protected", "household.juvenile"}
STRICT = {
    "custody-release": STRICT_EVERYWHERE | {"booking.sealed", "offense.juvenile", "privileged"},
    "supervision-record": STRICT_EVERYWHERE | {"residence.shelter", "offense.juvenile", "privileged"},
    "police-contact": STRICT_EVERYWHERE | {"subject.juvenile", "witness.juvenile", "investigation.active"},
}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_said_is_taken_as_the_stricter(name: str) -> None:
    found = _facts(name, NOTHING_SAID[name])
    assert {fact for fact, answers in found.items() if answers and answers[0] is True} == STRICT[name]
    assert not any(answer for fact, answers in found.items() if fact not in STRICT[name] for answer in answers)


def _facts(name: str, content: str) -> dict[str, list[bool | str]]:
    """Every fact of a message with this content, for each object it is asked of."""
    namespaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in fields(name)["namespaces"].items())
    root = fields(name)["root"]
    return _answers(name, f"<{root}{namespaces}>{content}</{root}>".encode())


def _facts_of_sample(name: str, sample: str) -> dict[str, list[bool | str]]:
    return _answers(name, (folder(name) / "samples" / f"{sample}.xml").read_bytes())


def _answers(name: str, data: bytes) -> dict[str, list[bool | str]]:
    document, iepd = parse(data), exchange(name)
    facts = evaluate(document, iepd)
    return {
        fact.name: [facts.of(each, fact.name) for each in document.root.findall("/".join(fact.each))]
        if fact.each
        else [facts.message(fact.name)]
        for fact in iepd.facts
    }


AS_OF = "<ec:MessageAsOfDateTime>2026-12-01T08:00:00-05:00</ec:MessageAsOfDateTime>"


def _subject(born: str = "", juvenile: str = "", role: str = "cr:Subject") -> str:
    date = f"<nc:PersonBirthDate>{born}</nc:PersonBirthDate>" if born else ""
    mark = f"<ec:PersonJuvenileIndicator>{juvenile}</ec:PersonJuvenileIndicator>" if juvenile else ""
    return f"<{role}>{date}{mark}</{role}>"


UNTOLD = ("12012-06-01", "-2012-06-01", "0212-06-01", "2012-06-01T24:00:00", "2012-06", "unknown")


@pytest.mark.parametrize(
    ("born", "juvenile", "answer"),
    [
        ("<nc:Date>2008-12-01</nc:Date>", "", False),
        ("<nc:Date>2008-12-02</nc:Date>", "", True),
        ("<nc:DateTime>2008-12-02T00:00:00</nc:DateTime>", "", True),
        ("<nc:DateTime>2008-12-01T00:00:00</nc:DateTime>", "", False),
        ("<nc:Date>\n 2008-12-01 </nc:Date>", "", False),
        ("<nc:Date>\n 2008-12-02 </nc:Date>", "", True),
        # With a time zone it may have been the day after.
        ("<nc:Date>2008-11-30Z</nc:Date>", "", False),
        ("<nc:Date>2008-12-01Z</nc:Date>", "", True),
        ("<nc:Date>2008-11-30-05:00</nc:Date>", "", False),
        ("<nc:Date>2008-12-01-05:00</nc:Date>", "", True),
        ("<nc:DateTime>2008-11-30T23:59:59.5+05:00</nc:DateTime>", "", False),
        ("<nc:DateTime>2008-12-01T00:00:00Z</nc:DateTime>", "", True),
        # Where the day cannot be told it is not taken for an adult's.
        ("<nc:DateTime>2008-12-01T24:00:00</nc:DateTime>", "", True),
        ("<nc:Date>12008-12-02</nc:Date>", "", True),
        ("<nc:Date>-2008-12-02</nc:Date>", "", True),
        ("<nc:Date>0208-12-02</nc:Date>", "", True),
        ("<nc:Date>2008-12</nc:Date>", "", True),
        ("<nc:Date>2008</nc:Date>", "", True),
        ("<nc:Date>unknown</nc:Date>", "", True),
        ("<nc:Date/>", "", True),
        ("<nc:Date>2038-12-02</nc:Date>", "", True),
        # The mark does not outweigh a date of birth that says otherwise or cannot be read.
        *((f"<nc:Date>{born}</nc:Date>", "false", True) for born in UNTOLD),
        *((f"<nc:Date>2012-06-01{zone}</nc:Date>", "false", True) for zone in ("Z", "+01:00", "-05:00")),
        ("<nc:DateTime>2012-06-01T05:00:00Z</nc:DateTime>", "false", True),
        ("<nc:Date>1991-03-17Z</nc:Date>", "false", False),
        ("<nc:Date/>", "false", False),
        ("<nc:Date>1991-03-17</nc:Date>", "true", True),
        ("<nc:Date>2012-03-17</nc:Date>", "false", True),
        ("", "false", False),
        ("", "0", False),
        ("", "1", True),
        ("", "", True),
    ],
)
def test_a_juvenile_is_known_by_mark_or_age_and_when_in_doubt(born: str, juvenile: str, answer: bool) -> None:
    assert _facts("custody-release", AS_OF + _subject(born, juvenile))["juvenile"] == [answer]


@pytest.mark.parametrize("as_of", ["", "12026-12-01T08:00:00Z", "-2026-12-01T08:00:00Z", "today"])
def test_without_a_day_to_count_up_to_nobody_is_an_adult(as_of: str) -> None:
    head = f"<ec:MessageAsOfDateTime>{as_of}</ec:MessageAsOfDateTime>"
    assert _facts("custody-release", head + _subject("<nc:Date>1991-03-17</nc:Date>"))["juvenile"] == [True]
    padded = "<ec:MessageAsOfDateTime>\n 2026-12-01T08:00:00-05:00 </ec:MessageAsOfDateTime>"
    assert _facts("custody-release", padded + _subject("<nc:Date>1991-03-17</nc:Date>"))["juvenile"] == [False]


def test_one_juvenile_among_the_subjects_makes_a_police_contact_a_juvenile_one() -> None:
    adult, child = _subject("<nc:Date>1991-03-17</nc:Date>", "", "pc:Subject"), _subject("", "true", "pc:Subject")
    found = _facts("police-contact", AS_OF + adult + child)
    assert found["juvenile"] == [True]
    assert found["subject.juvenile"] == [False, True]
    for born in (*UNTOLD, "2012-06-01Z"):
        marked = _subject(f"<nc:Date>{born}</nc:Date>", "false", "pc:Subject")
        found = _facts("police-contact", AS_OF + adult + marked)
        assert (found["juvenile"], found["subject.juvenile"]) == ([True], [False, True]), born
    assert _facts("police-contact", AS_OF + adult)["juvenile"] == [False]


def test_an_offense_at_seventeen_is_a_juvenile_offense_of_an_adult() -> None:
    offense = "<j:Offense><nc:ActivityDate><nc:Date>{}</nc:Date></nc:ActivityDate></j:Offense>"
    content = (
        AS_OF + _subject("<nc:Date>1991-03-17</nc:Date>") + offense.format("2009-03-16") + offense.format("2009-03-17")
    )
    found = _facts("custody-release", content)
    assert found["offense.juvenile"] == [True, False]
    zoned = AS_OF + _subject("<nc:Date>1991-03-16Z</nc:Date>") + offense.format("2009-03-16")
    assert _facts("custody-release", zoned)["offense.juvenile"] == [True]
    assert found["juvenile"] == [False]


@pytest.mark.parametrize(("born", "committed"), [("11991-03-17", "2019-03-17"), ("1991-03-17", "12019-03-17")])
def test_an_offense_whose_age_cannot_be_told_is_a_juvenile_one_whatever_it_says(born: str, committed: str) -> None:
    date = f"<nc:ActivityDate><nc:Date>{committed}</nc:Date></nc:ActivityDate>"
    mark = "<j:JuvenileOffenderIndicator>false</j:JuvenileOffenderIndicator>"
    content = AS_OF + _subject(f"<nc:Date>{born}</nc:Date>", "false") + f"<j:Offense>{date}{mark}</j:Offense>"
    assert _facts("custody-release", content)["offense.juvenile"] == [True]


@pytest.mark.parametrize(
    ("name", "role", "fact"),
    [
        ("custody-release", "cr:HouseholdMember", "household.juvenile"),
        ("supervision-record", "sr:Subject", "juvenile"),
        ("supervision-record", "sr:HouseholdMember", "household.juvenile"),
        ("police-contact", "pc:HouseholdMember", "household.juvenile"),
        ("police-contact", "pc:Witness", "witness.juvenile"),
    ],
)
def test_everybody_whose_date_of_birth_cannot_be_told_is_a_juvenile(name: str, role: str, fact: str) -> None:
    for born in (*UNTOLD, "2012-06-01Z", "2012-06-01+01:00"):
        content = AS_OF + _subject(f"<nc:Date>{born}</nc:Date>", "false", role)
        assert _facts(name, content)[fact] == [True], born
    assert _facts(name, AS_OF + _subject("<nc:Date>1991-03-17Z</nc:Date>", "false", role))[fact] == [False]


def test_a_sealed_booking_seals_the_notice() -> None:
    record = "<ec:RecordSealedIndicator>false</ec:RecordSealedIndicator>"
    booking = "<j:Booking><j:BookingSealedIndicator>{}</j:BookingSealedIndicator></j:Booking>"
    assert _facts("custody-release", record + booking.format("true"))["sealed"] == [True]
    assert _facts("custody-release", record + booking.format("false"))["sealed"] == [False]


def test_only_a_home_marked_current_gives_the_city() -> None:
    home = "<sr:Residence><nc:Address><nc:AddressCityName>{}</nc:AddressCityName></nc:Address>{}</sr:Residence>"
    mark = "<sr:ResidenceCurrentIndicator>{}</sr:ResidenceCurrentIndicator>"
    old, new = home.format("Ashgrove", mark.format("false")), home.format("Millbrook", mark.format("true"))
    assert _facts("supervision-record", old + new)["residence.city"] == ["Millbrook"]
    assert _facts("supervision-record", old + home.format("Port Ellery", ""))["residence.city"] == [""]


def test_facts_of_the_fullest_release_notice() -> None:
    found = _facts_of_sample("custody-release", "fullest")
    assert found["sealed"] == [False]
    assert found["juvenile"] == [False]
    assert found["high-risk"] == [True]
    assert found["release.planned"] == [True]
    assert found["release.scheduled"] == ["2025-12-03"]
    assert found["residence.city"] == ["Millbrook"]
    assert found["protected"] == [True]
    assert found["sud.origin"] == ["part2-program"]
    assert found["privileged"] == [True]


def test_facts_of_the_juvenile_samples() -> None:
    for name in NAMES:
        found = _facts_of_sample(name, "juvenile")
        assert found["juvenile"] == [True]
        assert found["sealed"] == [True]


def test_facts_of_the_fullest_supervision_record() -> None:
    found = _facts_of_sample("supervision-record", "fullest")
    assert found["residence.city"] == ["Millbrook"]
    assert found["supervision.level"] == ["maximum"]
    assert found["monitored"] == [True]
    assert found["residence.shelter"] == [False]


def test_facts_of_the_fullest_police_contact() -> None:
    found = _facts_of_sample("police-contact", "fullest")
    assert found["contact.kind"] == ["traffic-stop"]
    assert found["contact.city"] == ["Millbrook"]
    assert found["arrest.made"] == [True]
    assert found["subject.juvenile"] == [False, False]
    assert found["investigation.active"] == [True]


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_together_use_most_of_the_fields(name: str) -> None:
    used = {_path_of(name, leaf) for path in samples(name) for leaf in etree.parse(path).iter("{*}*") if not len(leaf)}
    entries = {entry["path"] for entry in _entries(name)}
    assert len(used & entries) > len(entries) * 0.4


def _path_of(name: str, element: etree._Element) -> str:
    prefixes = {uri: prefix for prefix, uri in fields(name)["namespaces"].items()}
    steps = [etree.QName(each) for each in (element, *element.iterancestors())][:-1]
    return "/".join(f"{prefixes[str(step.namespace)]}:{step.localname}" for step in reversed(steps))


@pytest.mark.parametrize("name", NAMES)
def test_the_catalog_is_bound_to_the_schema_set_that_it_stands_beside(name: str) -> None:
    """After a change of schema: gateway iepd add FOLDER --confirm --as NAME writes digest and types anew."""
    iepd = exchange(name)
    assert fields(name)["schema_set"] == iepd.digest
    assert {entry["path"]: entry["type"] for entry in _entries(name)} == {
        field.text: type_mark(field.value) for field in iepd.catalog.fields
    }
    assert iepd.warnings == ()
