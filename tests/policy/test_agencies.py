"""Agency files."""

from dataclasses import fields
from pathlib import Path

import pytest

from gateway.agency import AgencyKind, Duty, Endpoint, EndpointKind
from gateway.folders import read_tree, shipped
from gateway.policy.agencies import read_agency
from gateway.policy.reading import UNKNOWN_NAMED_MAX

GOOD = """\
agency: millbrook-police
name: Millbrook Police Department
kind: police
ori: FR0440100
units: [{id: patrol, name: Patrol Division}]
contacts: [{role: liaison, name: A. Moss, phone: "+1-555-010-0001"}]
endpoint: {kind: rest, url: "https://exchange.police.example/messages", signature: enveloped}
signs: true
state: NY
duties: [cfr23, chri-agreement]
"""


def test_the_six_shipped_agencies_are_read() -> None:
    found = {}
    for file, data in read_tree(shipped().policies / "agencies").items():
        agency, findings = read_agency(data, file)
        assert agency is not None, findings
        assert file == f"{agency.id}.yaml"
        found[str(agency.id)] = agency
    assert {id: str(agency.kind) for id, agency in found.items()} == {
        "harlan-county-jail": "jail",
        "millbrook-police": "police",
        "harlan-probation": "probation",
        "tri-county-fusion": "fusion-center",
        "harlan-district-attorney": "prosecutor",
        "harborlight-services": "victim-services",
    }
    assert found["harborlight-services"].duties == {Duty.VICTIM_SERVICE_PROVIDER}
    assert all(agency.contacts for agency in found.values())


def test_everything_in_the_file_is_in_the_agency() -> None:
    agency, findings = read_agency(GOOD.encode(), "a.yaml")
    assert findings == ()
    assert agency is not None
    assert (agency.kind, agency.ori, agency.signs) == (AgencyKind.POLICE, "FR0440100", True)
    assert agency.endpoint.kind is EndpointKind.REST
    assert not agency.endpoint.test
    assert agency.endpoint.url == "https://exchange.police.example/messages"
    assert agency.units[0].id == "patrol"
    assert agency.jurisdiction == "NY"
    assert agency.duties == {Duty.CFR23, Duty.CHRI_AGREEMENT}


def test_an_endpoint_is_a_test_system_when_the_file_says_so() -> None:
    agency, findings = read_agency(GOOD.replace("kind: rest,", "kind: rest, test: true,").encode(), "a.yaml")
    assert findings == ()
    assert agency is not None
    assert agency.endpoint.test


def test_a_soap_endpoint_may_take_mtom() -> None:
    text = GOOD.replace("signature: enveloped", "mtom: true")
    agency, findings = read_agency(text.replace("kind: rest,", "kind: soap,").encode(), "a.yaml")
    assert findings == ()
    assert agency is not None
    assert agency.endpoint.mtom
    agency, findings = read_agency(text.encode(), "a.yaml")
    assert agency is None
    assert [(finding.code, finding.line) for finding in findings] == [("agency.endpoint", 7)]


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("kind: police", "kind: polise", "agency.unknown-word", 3),
        ("agency: millbrook-police", "agency: Millbrook", "agency.bad-agency", 1),
        ("ori: FR0440100", "ori: fr44", "agency.bad-text", 4),
        ("signs: true", "signs: maybe", "agency.wrong-type", 8),
        ("signs: true", "sings: true", "agency.unknown-key", 8),
        ("state: NY", "state: New York", "agency.bad-text", 9),
        ("duties: [cfr23,", "duties: [cfr32,", "agency.unknown-word", 10),
        ('url: "https://exchange.police.example/messages"', 'url: "ftp://x"', "agency.bad-text", 7),
        ('url: "https:', 'url: "http:', "agency.endpoint", 7),
        ("kind: rest,", "kind: inbox,", "agency.endpoint", 7),
        ("kind: rest,", "kind: soap,", "agency.endpoint", 7),
        (', url: "https://exchange.police.example/messages"', "", "agency.endpoint", 7),
        ("signs: true", "duties: [healer]", "agency.unknown-word", 8),
        ("[{id: patrol, name: Patrol Division}]", "[{id: a, name: A}, {id: a, name: B}]", "agency.named-twice", 5),
        ("name: Millbrook Police Department\n", "", "agency.missing-key", 1),
    ],
)
def test_each_fault_has_its_code_and_its_line(old: str, new: str, code: str, line: int) -> None:
    assert old in GOOD
    agency, findings = read_agency(GOOD.replace(old, new, 1).encode(), "a.yaml")
    assert agency is None
    assert (code, line) in {(finding.code, finding.line) for finding in findings}


def test_of_very_many_unknown_keys_some_are_named_and_the_others_counted() -> None:
    extra = "".join(f"unheard-of-{number}: x\n" for number in range(UNKNOWN_NAMED_MAX + 7))
    agency, findings = read_agency(extra.encode(), "a.yaml")
    unknown = [finding for finding in findings if finding.code == "agency.unknown-key"]
    assert agency is None
    assert len(unknown) == UNKNOWN_NAMED_MAX + 1
    assert unknown[-1].text == "7 more keys are not known here"
    assert unknown[-1].line == UNKNOWN_NAMED_MAX + 1


def test_addresses_of_answers_are_read() -> None:
    more = (
        "reply_to: [{url: https://rms.example/a}, {url: http://127.0.0.1/b, private_network: true, client_key: false}]"
    )
    agency, findings = read_agency((GOOD + more).encode(), "a.yaml")
    assert agency is not None, findings
    assert [(each.url, each.client_key, each.private_network) for each in agency.reply_to] == [
        ("https://rms.example/a", True, False),
        ("http://127.0.0.1/b", False, True),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "[{url: ftp://rms.example/}]",
        "[{url: http://rms.example/}]",
        "[{url: https://rms.example/}, {url: https://rms.example/}]",
        "[{url: https://rms.example/, kind: soap}]",
        "[{}]",
        "[" + ", ".join(f"{{url: https://rms.example/{number}}}" for number in range(11)) + "]",
    ],
)
def test_what_is_no_address_for_answers_is_refused(wrong: str) -> None:
    agency, findings = read_agency(f"{GOOD}reply_to: {wrong}".encode(), "a.yaml")
    assert agency is None
    assert findings


def test_every_key_of_an_endpoint_is_explained() -> None:
    told = (Path(__file__).parents[2] / "policies" / "README.md").read_text(encoding="utf-8")
    for key in fields(Endpoint):
        assert f"| `{key.name}` |" in told
