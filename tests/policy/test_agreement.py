"""The whole agreement stands in one file; every key ends in the Mou, and each mistake has a code of its own."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.agency import Agency, AgencyId, AgencyKind, Unit
from gateway.document.source import Table, read_source
from gateway.finding import Finding
from gateway.policy import fit
from gateway.policy.digest import plain
from gateway.policy.format import AGREEMENT
from gateway.policy.mou import Effect, Goal, How, Kind, Manner, Mou, Report, Section, Storage
from gateway.policy.read import read_mou
from gateway.policy.shape_table import Key, keys_of
from tests.policy.examples import JAIL, POLICE, exchanges

AGENCIES = {
    JAIL: Agency(
        id=JAIL,
        name="Jail",
        kind=AgencyKind.JAIL,
        units=(Unit(id="records", name="Records"), Unit(id="classification", name="Classification")),
    ),
    POLICE: Agency(id=POLICE, name="Police", kind=AgencyKind.POLICE),
}
LAW_PACKS = ("vawa", "42-cfr-2")

WHOLE = """\
mou: TEST-01
version: 2
supersedes: 1
title: For a test
kind: mou
parties: [harlan-county-jail, millbrook-police]
effective: {from: 2026-01-01, until: 2026-12-31, review_by: 2026-06-01}
authority: ["28 CFR 20.33(a)(1)"]
law_packs: [vawa]
goals:
  - {goal: Know ahead., measure: Share of notices in time.}
definitions: {release: A person leaves custody.}
roles: {bike-patrol: Officer on a bicycle.}
purposes: {school-safety: Keep pupils safe.}
courses: {local-privacy: A course of the county.}
access:
  - id: A1
    roles: [patrol-officer, bike-patrol]
    purposes: [release-notification, school-safety]
    categories: [custody-release]
    require: {mfa: true, training: [cjis-security, local-privacy], case_number_for: [school-safety]}
  - {id: A2, effect: deny, roles: [bike-patrol]}
exchanges:
  - id: E1
    exchange: custody-release/1.0
    from: harlan-county-jail
    to: [millbrook-police]
    purpose: release-notification
    role: patrol-officer
    route:
      - {fact: sealed, is: false}
    fields:
      share:
        - message.head
        - person.name
        - {field: offense.charge, unless: offense.juvenile}
        - {field: affiliation.group, when: affiliation.reasonable-suspicion}
      transform:
        person.dob: {do: generalize, to: year, because: Enough.}
        person.id.doc: {do: mask, keep_last: 4, because: Enough.}
        person.id.afis: {do: replace, with: on file, because: Not more.}
        sud.*: {do: remove, because: 42 CFR 2.12., leave: nil-withheld}
      withhold: nil
    deliver: {evidence: signed, within: 15 minutes}
    send_at_least: 48 hours
    before: release.scheduled
    retention: {gateway_copy: 30 days, recipient_copy: P1Y}
    notices: [Look at it.]
    onward_sharing: To nobody.
retention: {audit: 8 years}
reports:
  - {id: late-notices, every: 1 month, to: [liaison, chief@police.example], text: Late ones.}
storage: {place: Records system, host: County, safeguards: Encrypted.}
training: Each year.
breach_notice: Within a day.
third_parties: Nothing is passed on.
audit: At any time.
disputes: Within ten days.
termination: Thirty days.
prose: [{heading: Costs, text: Each party bears its own.}]
contacts:
  - {party: millbrook-police, role: liaison, name: A. Moss, phone: "1", email: a@police.example}
approvals:
  - {party: millbrook-police, by: A. Moss, role: chief, at: 2025-12-12, key: k1, signature: c2ln}
"""


@pytest.fixture(autouse=True)
def _any_manner_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has every key, nil too, which no exchange of NIEM 6.0 takes: that is tested with the manners."""
    monkeypatch.setattr(fit, "unfit_manners", lambda *_: ())


def read(text: str) -> tuple[Mou | None, tuple[Finding, ...]]:
    return read_mou(text.encode(), "test.yaml", exchanges(), agencies=AGENCIES, law_packs=LAW_PACKS)


def whole() -> Mou:
    mou, findings = read(WHOLE)
    assert findings == ()
    assert mou is not None
    return mou


# --- everything that is read is kept -----------------------------------------------------------------------------


def test_access_rules_are_in_the_mou() -> None:
    first, second = whole().access
    assert (first.id, first.effect, first.roles) == ("A1", Effect.PERMIT, ("patrol-officer", "bike-patrol"))
    assert (first.purposes, first.categories) == (("release-notification", "school-safety"), ("custody-release",))
    assert (first.mfa, first.training) == (True, ("cjis-security", "local-privacy"))
    assert first.case_number_for == ("school-safety",)
    assert (second.id, second.effect, second.roles, second.purposes) == ("A2", Effect.DENY, ("bike-patrol",), ())


def test_goals_reports_storage_and_law_packs_are_what_they_are() -> None:
    mou = whole()
    assert mou.goals == (Goal(goal="Know ahead.", measure="Share of notices in time."),)
    assert mou.reports == (
        Report(id="late-notices", every=timedelta(days=30), to=("liaison", "chief@police.example"), text="Late ones."),
    )
    assert mou.storage == Storage(place="Records system", host="County", safeguards="Encrypted.")
    assert mou.law_packs == ("vawa",)
    assert mou.audit_kept == timedelta(days=8 * 365)


def test_words_of_its_own_are_kept_with_what_they_mean() -> None:
    mou = whole()
    assert mou.roles == (Section(heading="bike-patrol", text="Officer on a bicycle.", key="roles"),)
    assert mou.purposes == (Section(heading="school-safety", text="Keep pupils safe.", key="purposes"),)
    assert mou.courses == (Section(heading="local-privacy", text="A course of the county.", key="courses"),)


def test_prose_knows_which_key_it_came_from() -> None:
    assert [(section.key, section.text) for section in whole().prose] == [
        ("training", "Each year."),
        ("breach_notice", "Within a day."),
        ("third_parties", "Nothing is passed on."),
        ("audit", "At any time."),
        ("disputes", "Within ten days."),
        ("termination", "Thirty days."),
        ("", "Each party bears its own."),
    ]


def test_what_stands_in_the_place_of_a_withheld_field_is_in_the_clause() -> None:
    clause = whole().exchanges[0]
    assert clause.manner is Manner.NIL
    removal = next(each for each in clause.transforms if each.how is How.REMOVE)
    assert removal.manner is Manner.NIL_WITHHELD


def test_storage_may_be_one_sentence_as_in_older_files() -> None:
    text = WHOLE.replace("storage: {place: Records system, host: County, safeguards: Encrypted.}", "storage: A room.")
    mou, findings = read(text)
    assert findings == ()
    assert mou is not None
    assert mou.storage == Storage(place="A room.")


def optional_places(value: Any, path: str, declared: dict[str, Key]) -> Iterator[tuple[Any, Any, str]]:
    """Every table of the file with a key that may be left out, and that key's path."""
    if isinstance(value, dict):
        for key, below in value.items():
            at = next((each for each in (f"{path}.{key}".lstrip("."), f"{path}.*") if each in declared), f"{path}.*")
            if at in declared and not declared[at].required:
                yield value, key, at
            yield from optional_places(below, at, declared)
    if isinstance(value, list):
        for each in value:
            yield from optional_places(each, f"{path}[]", declared)


SPOKEN_OF = {
    "roles",
    "purposes",
    "courses",
    "contacts",
    "send_at_least",
    "before",
    "unless",
    "when",
    "access",
    "effect",
}
"""Keys that others need: without them those are wrong."""


def test_no_key_is_read_and_forgotten() -> None:
    # Each key that may be left out, left out, changes the value that is read; a file of JSON is a file of YAML.
    root, _ = read_source(WHOLE.encode(), "")
    assert isinstance(root, Table)
    before, file = whole(), plain(root)
    declared = dict(keys_of(AGREEMENT))
    tried = set()
    for place, key, at in list(optional_places(file, "", declared)):
        if key in SPOKEN_OF or (key == "because" and place["do"] == "remove"):
            continue
        kept = place.pop(key)
        mou, findings = read(json.dumps(file))
        place[key] = kept
        assert findings == (), at
        assert mou is not None
        assert replace(mou, digest="") != replace(before, digest=""), at
        tried.add(at)
    everything = {at for at, key in declared.items() if not key.required and at.split(".")[-1] not in SPOKEN_OF}
    assert everything == tried


def without(text: str, key: str) -> str:
    """The file without a key of its root."""
    kept, skipping = [], False
    for line in text.splitlines(keepends=True):
        if not line.startswith((" ", "-")):
            skipping = line.startswith(f"{key}:")
        if not skipping:
            kept.append(line)
    return "".join(kept)


# --- what is wrong is said, each with its own code and line ------------------------------------------------------

FAULTS = [
    ("training: Each year.", 'training: "Each\\a year."', "mou.bad-text", "training:"),
    ("definitions: {release:", 'definitions: {"rel\\0ease":', "mou.bad-text", "definitions"),
    ("keep_last: 4, because: Enough.", 'keep_last: 4, because: "\\ud800"', "mou.bad-text", "keep_last"),
    ("version: 2\nsupersedes: 1", "version: 2\nsupersedes: 3", "mou.bad-version", "supersedes: 3"),
    ("review_by: 2026-06-01", "review_by: 2027-06-01", "mou.review-after-end", "review_by"),
    ("at: 2025-12-12", "at: 2026-01-02", "mou.effective-before-approval", "at: 2026-01-02"),
    ("law_packs: [vawa]", "law_packs: [vava]", "mou.unknown-law-pack", "law_packs"),
    ("{audit: 8 years}", "{audit: 364 days}", "mou.audit-too-short", "364 days"),
    ("{audit: 8 years}", "{audits: 8 years}", "mou.unknown-key", "audits"),
    ("to: [liaison, ", "to: [liason, ", "mou.unknown-contact", "late-notices"),
    ("every: 1 month", "every: monthly", "mou.bad-duration", "late-notices"),
    ("role: patrol-officer", "role: patrol-oficer", "mou.unknown-role", "role: patrol-oficer"),
    ("roles: [patrol-officer, ", "roles: [patrol-oficer, ", "mou.unknown-role", "roles: [patrol-oficer"),
    ("purpose: release-notification", "purpose: release-notice", "mou.unknown-purpose", "purpose: release-notice"),
    ("purposes: [release-notification, ", "purposes: [release, ", "mou.unknown-purpose", "purposes: [release,"),
    ("case_number_for: [school-safety]", "case_number_for: [supervision]", "mou.unknown-purpose", "case_number_for"),
    ("training: [cjis-security, ", "training: [cjis-secrecy, ", "mou.unknown-course", "cjis-secrecy"),
    ("categories: [custody-release]", "categories: [custody-realese]", "mou.unknown-exchange", "categories"),
    ("categories: [custody-release]", "categories: [police-contact]", "mou.clause-not-permitted", "exchange: custody"),
    ("role: patrol-officer", "role: detective", "mou.clause-not-permitted", "role: detective"),
    ("purpose: release-notification", "purpose: supervision", "mou.clause-not-permitted", "purpose: supervision"),
    ("role: patrol-officer", "role: bike-patrol", "mou.clause-denied", "role: bike-patrol"),
    ("  - {id: A2,", "  - {id: A1,", "mou.rule-twice", "{id: A1,"),
    ("effect: deny", "effect: forbid", "mou.unknown-word", "forbid"),
    ("    categories: [custody-release]\n", "", "mou.missing-key", "- id: A1"),
    ("deny, roles: [bike-patrol]", "deny, roles: []", "mou.empty-list", "id: A2"),
    ("require: {mfa: true", "require: {mfa: maybe", "mou.wrong-type", "mfa: maybe"),
    ("{id: A2, effect: deny,", "{id: A2, effect: deny, require: {mfa: true},", "mou.unknown-key", "id: A2"),
    ("withhold: nil", "withhold: blank", "mou.unknown-word", "withhold: blank"),
    ("leave: nil-withheld", "leave: nothing", "mou.unknown-word", "leave: nothing"),
    ("keep_last: 4", "keep_last: 4, leave: nil", "mou.unknown-key", "leave: nil"),
    ("harlan-county-jail, millbrook-police]", "harlan-county-jail, millbrook-polce]", "mou.unknown-agency", "parties"),
    ("host: County, ", "", "mou.missing-key", "storage"),
    ("storage: {", "storage: [", "yaml.syntax", ""),
    ("{goal: Know ahead., ", "{", "mou.missing-key", "measure"),
    ("definitions: {release: A person leaves custody.}", "definitions: none", "mou.wrong-type", "definitions"),
    ("roles: {bike-patrol:", "roles: {Bike Patrol:", "mou.bad-word", "Bike Patrol"),
    (
        "sud.*: {do: remove, because: 42 CFR 2.12., leave: nil-withheld}",
        "victim.name: {do: pseudonymize}",
        "mou.victim-pseudonymized",
        "victim.name",
    ),
    (
        "sud.*: {do: remove, because: 42 CFR 2.12., leave: nil-withheld}",
        "victim.name.last: {do: pseudonymize}",
        "mou.victim-pseudonymized",
        "victim.name.last",
    ),
    (
        "sud.*: {do: remove, because: 42 CFR 2.12., leave: nil-withheld}",
        "victim-services.provider: {do: mask, keep_last: 0}",
        "mou.victim-services-reduced",
        "victim-services.provider",
    ),
    (
        "sud.*: {do: remove, because: 42 CFR 2.12., leave: nil-withheld}",
        "victim-services.*: {do: pseudonymize}",
        "mou.victim-services-reduced",
        "victim-services",
    ),
    (
        "sud.*: {do: remove, because: 42 CFR 2.12., leave: nil-withheld}",
        "victim-services.*: {do: generalize, to: city-state}",
        "mou.victim-services-reduced",
        "victim-services",
    ),
]


@pytest.mark.parametrize(("old", "new", "code", "at"), FAULTS)
def test_each_fault_has_its_code_its_line_and_its_column(old: str, new: str, code: str, at: str) -> None:
    assert old in WHOLE
    text = WHOLE.replace(old, new, 1)
    mou, findings = read(text)
    assert mou is None
    found = [finding for finding in findings if finding.code == code]
    assert found, findings
    assert all(finding.line and finding.column for finding in found)
    if at:
        lines = {number for number, line in enumerate(text.splitlines(), 1) if at in line}
        assert lines & {finding.line for finding in found}, (lines, found)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("role: patrol-officer", "role: patrol-oficer", "did you mean 'patrol-officer'?"),
        ("purpose: release-notification", "purpose: release-notificaton", "did you mean 'release-notification'?"),
        ("law_packs: [vawa]", "law_packs: [vava]", "did you mean 'vawa'?"),
        ("training: [cjis-security, ", "training: [cjis-securty, ", "did you mean 'cjis-security'?"),
        ("categories: [custody-release]", "categories: [custody-realese]", "did you mean 'custody-release'?"),
        ("jail, millbrook-police]", "jail, millbrook-polce]", "did you mean 'millbrook-police'?"),
        ("to: [liaison, ", "to: [liason, ", "did you mean 'liaison'?"),
        ("roles: [patrol-officer, bike-patrol]", "roles: [patrol-officer, bike-patrl]", "did you mean 'bike-patrol'?"),
        ("goals:", "goal:", "did you mean 'goals'?"),
        ("withhold: nil", "withhold: nill", "did you mean 'nil'?"),
    ],
)
def test_the_nearest_known_word_is_named(old: str, new: str, hint: str) -> None:
    _, findings = read(WHOLE.replace(old, new, 1))
    assert any(hint in finding.text for finding in findings), findings


def test_a_denial_without_words_denies_everything() -> None:
    _, findings = read(WHOLE.replace("effect: deny, roles: [bike-patrol]", "effect: deny", 1))
    assert {finding.code for finding in findings} == {"mou.clause-denied"}


def test_without_access_rules_whoever_the_clauses_name_may_see_it() -> None:
    mou, findings = read(without(WHOLE, "access"))
    assert findings == ()
    assert mou is not None
    assert mou.access == ()


def test_approved_on_the_first_day_is_in_time() -> None:
    assert read(WHOLE.replace("at: 2025-12-12", "at: 2026-01-01"))[1] == ()


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text, codes = WHOLE, set()
    for old, new, code, _ in FAULTS:
        if code in {"mou.unknown-course", "mou.audit-too-short", "mou.unknown-law-pack", "mou.unknown-contact"}:
            text = text.replace(old, new, 1)
            codes.add(code)
    _, findings = read(text)
    assert codes == {finding.code for finding in findings}
    assert [finding.line for finding in findings] == sorted(finding.line or 0 for finding in findings)


# --- units of one agency -----------------------------------------------------------------------------------------


def between_units(kind: str) -> str:
    text = WHOLE.replace("kind: mou", f"kind: {kind}").replace("harlan-county-jail", "harlan-county-jail/records")
    return text.replace("millbrook-police", "harlan-county-jail/classification")


@pytest.mark.parametrize("kind", ["sop", "letter"])
def test_units_of_one_agency_may_agree_on_a_procedure_or_by_letter(kind: str) -> None:
    mou, findings = read(between_units(kind))
    assert findings == ()
    assert mou is not None
    assert mou.kind is Kind(kind)
    assert mou.parties == (AgencyId("harlan-county-jail/records"), AgencyId("harlan-county-jail/classification"))
    assert mou.exchanges[0].sender == "harlan-county-jail/records"


@pytest.mark.parametrize("kind", ["mou", "dsa"])
def test_units_of_one_agency_make_no_agreement_between_agencies(kind: str) -> None:
    assert {finding.code for finding in read(between_units(kind))[1]} == {"mou.one-party"}


def test_one_unit_alone_agrees_with_nobody() -> None:
    text = between_units("sop").replace(
        "parties: [harlan-county-jail/records, harlan-county-jail/classification]",
        "parties: [harlan-county-jail/records]",
    )
    assert "mou.one-party" in {finding.code for finding in read(text)[1]}


def test_between_agencies_the_agency_is_the_party() -> None:
    text = WHOLE.replace("harlan-county-jail", "harlan-county-jail/records")
    assert {finding.code for finding in read(text)[1]} == {"mou.unit-of-an-agency"}


def test_a_unit_nobody_has_is_no_party() -> None:
    text = between_units("sop").replace("/classification", "/clasification")
    findings = read(text)[1]
    assert {finding.code for finding in findings} == {"mou.unknown-agency"}
    assert "did you mean 'classification'?" in findings[0].text
