"""Tests for gateway/iepd/label.py and labels.py: what is proposed for a place, and above all what never is."""

from collections.abc import Mapping

import pytest

from gateway.document.names import split
from gateway.iepd.catalog import LEAVES_MAX, leaves
from gateway.iepd.checking import UNCLASSIFIED
from gateway.iepd.label import propose, stem_of, words_of
from gateway.iepd.labels import ASPECTS, PERSON_ASPECTS, PLAIN_RULES, SENSITIVE, SENSITIVE_RULES, STEMS
from gateway.iepd.package import Iepd

from .our_exchanges import NAMES, exchange
from .specifications import SAMPLES, specification


def proposals(iepd: Iepd) -> Mapping[str, str]:
    """Local names of the path to the label."""
    found = propose(iepd.schema.components, iepd.root, leaves(iepd.schema.components, iepd.root))
    return {"/".join(split(step.lstrip("@"))[1] for step in path): label for path, label in found.items()}


def sensitive(label: str) -> bool:
    return any(label == stem or label.startswith(stem + ".") for stem in SENSITIVE) or label == "location.shelter"


def real(name: str) -> Mapping[str, str]:
    if not SAMPLES.is_dir():
        pytest.skip("needs ../shared/niem/samples")
    return proposals(specification(name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PersonBirthDate", "person birth date"),
        ("PersonFBIIdentification", "person fbi identification"),
        ("Location2DGeospatialCoordinate", "location 2 d geospatial coordinate"),
        ("vehicleCMVIndicator", "vehicle cmv indicator"),
    ],
)
def test_a_name_is_read_as_words(name: str, words: str) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize("name", NAMES)
def test_a_place_that_officers_called_sensitive_is_never_proposed_as_a_plain_one(name: str) -> None:
    iepd = exchange(name)
    labels = propose(iepd.schema.components, iepd.root, iepd.leaves)
    told = [field for field in iepd.catalog.fields if sensitive(field.label)]
    assert len(told) > 50
    plain = [(each.text, labels[each.path]) for each in told if not sensitive(labels[each.path])]
    assert [(text, label) for text, label in plain if label != UNCLASSIFIED] == []


@pytest.mark.parametrize("name", NAMES)
def test_most_proposals_are_what_officers_wrote_by_hand(name: str) -> None:
    iepd = exchange(name)
    labels = propose(iepd.schema.components, iepd.root, iepd.leaves)
    same = [field for field in iepd.catalog.fields if labels[field.path] == field.label]
    assert len(same) / len(iepd.catalog.fields) >= 0.95


def test_every_rule_speaks_of_a_known_stem() -> None:
    for rule in (*SENSITIVE_RULES, *PLAIN_RULES):
        assert stem_of(rule.label), rule
    for stem in (*SENSITIVE, *ASPECTS):
        assert stem_of(stem) == stem
    assert all(sentence.endswith(".") for sentence in STEMS.values())


def test_each_rule_of_a_sensitive_stem_is_sensitive() -> None:
    assert [rule for rule in SENSITIVE_RULES if not sensitive(rule.label)] == []


def test_what_a_person_is_to_the_matter_counts_more_than_the_value() -> None:
    labels = proposals(exchange("police-contact"))
    name = "PersonName/PersonSurName"
    assert labels[f"Subject/{name}"] == "person.name"
    assert labels[f"Victim/{name}"] == "victim.name"
    assert labels[f"Witness/{name}"] == "thirdparty.witness.name"
    assert labels[f"Contact/IncidentReportingOfficial/{name}"] == "officer.name"
    assert labels[f"NoContactAssociation/ProtectedPerson/{name}"] == "victim.no-contact.name"


def test_a_role_is_known_by_the_type_where_the_name_does_not_say() -> None:
    labels = real("crash-driver-4.0")
    assert labels["Crash/CrashVehicle/CrashDriver/RoleOfPerson/PersonName/PersonSurName"] == "person.name"
    assert labels["Crash/CrashVehicle/CrashPassenger/RoleOfPerson/PersonName/PersonSurName"].startswith("thirdparty.")


def test_a_person_of_whom_nobody_says_who_they_are_is_unclassified_where_there_are_others() -> None:
    labels = real("fbi-nibrs-4.2")
    assert labels["Report/Person/PersonSexCode"] == UNCLASSIFIED
    assert labels["Report/Victim/RoleOfPerson/PersonSexCode"] == "victim.sex"


def test_a_person_alone_in_a_message_is_its_subject() -> None:
    assert real("superhero-base-iepd")["PersonName/PersonGivenName"] == "person.name"


def test_everything_in_a_record_of_behavioral_health_is_health() -> None:
    labels = real("ojbc-behavioral-health-evalutation-reporting")
    assert {label for label in labels.values() if not sensitive(label)} == set()


@pytest.mark.parametrize(
    ("name", "path", "label"),
    [
        (
            "ojbc-person-health-information-search-results",
            "BehavioralHealthInformation/SubstanceAbuseIndicator",
            "sud.details",
        ),
        (
            "ojbc-person-health-information-search-results",
            "BehavioralHealthInformation/PrescribedMedication/Medication/ItemName",
            "medical.mental-health.medication",
        ),
        ("ojbc-booking-reporting", "Booking/BookingSubject/RoleOfPerson/PersonBirthDate/Date", "person.dob"),
        (
            "ojbc-parole-event-handler",
            "ParoleCase/Supervision/SupervisionPerson/PersonSSNIdentification/IdentificationID",
            "person.id.ssn",
        ),
        ("fbi-nibrs-4.2", "Report/Victim/VictimInjury/InjuryCategoryCode", "victim.medical"),
        ("crash-driver-4.0", "Crash/CrashVehicle/CrashDriver/RoleOfPerson/PersonBirthDate/Date", "person.dob"),
        ("crash-driver-6.0", "Metadata/MetadataAugmentation/CriminalInformationIndicator", "intel.details"),
    ],
)
def test_versions_of_niem_make_no_difference(name: str, path: str, label: str) -> None:
    assert real(name)[path] == label


def test_attributes_that_only_point_are_labelled_as_what_they_stand_at() -> None:
    labels = real("crash-driver-4.0")
    assert labels["Crash/CrashVehicle/CrashDriver/RoleOfPerson/PersonName/PersonSurName/metadata"] == "person.name"


def test_no_specification_has_more_places_than_a_catalog_can_name() -> None:
    assert len(proposals(exchange("supervision-record"))) <= LEAVES_MAX


def test_aspects_of_persons_say_each_thing_once() -> None:
    assert len({rule.label for rule in PERSON_ASPECTS}) == len(PERSON_ASPECTS)
