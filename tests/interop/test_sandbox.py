"""The sandbox over the wire: REST, SOAP 1.1 and 1.2, and `gateway send --try` say the same; and nothing comes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from gateway.api.schemas import Rehearsed
from gateway.document.canonical import exclusive
from gateway.soap.envelope import Version
from gateway.soap.service import SERVICE, action_of
from gateway.soap.wsdl import SCHEMA
from tests.cli.deployment import command
from tests.interop.live import JAIL, POLICE, PROBATION, Live

SAMPLES = Path(__file__).resolve().parents[2] / "iepd/custody-release/1.0/samples"
FULLEST = SAMPLES / "fullest.xml"
INVALID = min((SAMPLES / "invalid").glob("*.xml"))


@pytest.fixture
def headers(live: Live) -> dict[str, str]:
    live.ask(JAIL, "/v1/inbox")
    return {"Authorization": f"Bearer {live.tokens[JAIL]}"}


def post(live: Live, path: str, data: bytes, headers: dict[str, str]) -> requests.Response:
    return requests.post(f"{live.url}{path}", data, headers=headers, verify=str(live.authority), timeout=30)


def tried(live: Live, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    xml = headers | {"Content-Type": "application/xml"}
    answer = post(live, f"/v1/sandbox/messages{query}", FULLEST.read_bytes(), xml)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    Rehearsed.model_validate(found)
    return found


def would(found: dict[str, Any], agency: str) -> dict[str, Any]:
    return next(dict(each) for each in found["recipients"] if each["agency"] == agency)


def test_rest_says_what_each_partner_would_receive_and_keeps_nothing(live: Live, headers: dict[str, str]) -> None:
    before = live.ask(POLICE, "/v1/inbox").json()
    found = tried(live, headers)
    police, probation = would(found, POLICE), would(found, PROBATION)
    assert police["outcome"] == probation["outcome"] == "would-receive"
    assert (police["mou"], police["clauses"]) == ("JAIL-PD-2026-01@1", ["E1"])
    assert police["withheld"] != probation["withheld"]
    assert police["payload"] != probation["payload"]
    assert etree.fromstring(police["payload"].encode()).tag == etree.parse(FULLEST).getroot().tag
    assert live.ask(POLICE, "/v1/inbox").json() == before
    assert live.ask(JAIL, f"/v1/messages/{found['entry']}").status_code == 404


def test_rest_narrows_and_refuses_as_for_a_real_one(live: Live, headers: dict[str, str]) -> None:
    assert [each["agency"] for each in tried(live, headers, f"?to={POLICE}")["recipients"]] == [POLICE]
    xml = headers | {"Content-Type": "application/xml"}
    wrong = post(live, "/v1/sandbox/messages", INVALID.read_bytes(), xml)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "message.invalid")
    assert wrong.json()["findings"] == post(live, "/v1/messages", INVALID.read_bytes(), xml).json()["findings"]
    assert post(live, "/v1/sandbox/messages?too=x", b"<a/>", xml).json()["code"] == "request.parameter"
    nobody = post(live, "/v1/sandbox/messages", b"<a/>", {"Content-Type": "application/xml"})
    assert nobody.status_code == 401


@pytest.mark.parametrize("version", list(Version))
def test_soap_says_the_same(live: Live, headers: dict[str, str], version: Version) -> None:
    message = etree.tostring(etree.parse(FULLEST).getroot()).decode()
    body = f'<g:Preview xmlns:g="{SERVICE}"><g:Payload>{message}</g:Payload></g:Preview>'
    envelope = f'<s:Envelope xmlns:s="{version.value}"><s:Body>{body}</s:Body></s:Envelope>'
    more = {"Content-Type": version.content_type, "SOAPAction": f'"{action_of("Preview")}"'}
    answer = post(live, "/soap", envelope.encode(), headers | more)
    assert answer.status_code == 200, answer.text
    response = etree.fromstring(answer.content).find(f".//{{{SERVICE}}}PreviewResponse")
    assert response is not None
    etree.XMLSchema(etree.fromstring(SCHEMA.encode())).assertValid(etree.fromstring(etree.tostring(response)))
    by_rest = tried(live, headers)
    for each in response.findall(f"{{{SERVICE}}}Would"):
        said = would(by_rest, each.findtext(f"{{{SERVICE}}}Agency", ""))
        assert each.findtext(f"{{{SERVICE}}}Outcome") == said["outcome"]
        assert each.findtext(f"{{{SERVICE}}}Code", "") == said["code"]
        for name in ("Withheld", "Reduced"):
            counts = {
                row.findtext(f"{{{SERVICE}}}Label"): int(row.findtext(f"{{{SERVICE}}}Places", ""))
                for row in each.findall(f"{{{SERVICE}}}{name}")
            }
            assert counts == said[name.lower()]
        payload = each.find(f"{{{SERVICE}}}Payload")
        assert (payload is None) == (said["payload"] is None)
        if payload is not None:
            assert exclusive(payload[0]) == exclusive(etree.fromstring(said["payload"].encode()))


def test_a_person_tries_a_file_by_command(live: Live, headers: dict[str, str]) -> None:
    to = ("--url", live.url, "--ca", live.authority, "--token", live.tokens[JAIL])
    done = command("send", FULLEST, *to, "--try")
    assert done.exit_code == 0, done.output
    assert "nothing was kept" in done.stdout
    assert f"→ {POLICE} by JAIL-PD-2026-01@1 E1" in done.stdout
    assert "withheld:" in done.stdout
    as_json = json.loads(command("send", FULLEST, *to, "--try", "--json").stdout)
    assert would(as_json, POLICE)["payload"]
    refused = command("send", INVALID, *to, "--try")
    assert refused.exit_code == 1
    assert "message.invalid" in refused.stderr


def test_a_correction_is_tried_by_what_the_message_says(headers: dict[str, str]) -> None:
    assert command("send", FULLEST, "--try", "--correct", "A").exit_code == 2
