"""`gateway validate` and `gateway redact`, in a deployment and without one."""

import json
from pathlib import Path

import pytest

from gateway.document.parse import parse
from tests.cli.deployment import ROOT, SAMPLES, Deployment, command


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a deployment: the exchanges and drafts that come with the gateway count."""
    monkeypatch.chdir(tmp_path)


EVERY_SAMPLE = sorted((ROOT / "iepd").glob("*/*/samples/*.xml"))
INVALID = sorted((ROOT / "iepd").glob("*/*/samples/invalid/*.xml"))


@pytest.mark.parametrize("file", EVERY_SAMPLE, ids=lambda file: f"{file.parents[2].name} {file.stem}")
def test_every_sample_is_valid(file: Path) -> None:
    result = command("validate", file)
    assert result.exit_code == 0, result.output
    assert "valid" in result.stdout


@pytest.mark.parametrize("file", INVALID, ids=lambda file: f"{file.parents[3].name} {file.stem}")
def test_what_is_wrong_is_said_with_line_and_place(file: Path) -> None:
    result = command("validate", file, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["valid"], told["file"]) == (False, str(file))
    assert told["findings"]
    for finding in told["findings"]:
        assert set(finding) == {"code", "severity", "file", "line", "path", "text"}
        assert finding["line"] > 0
        assert finding["path"].startswith("/")
    spoken = command("validate", file)
    assert "not valid" in spoken.stdout
    assert all(f"[{finding['code']}]" in spoken.stderr for finding in told["findings"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "document.not-xml"),
        (b"\x89PNG\r\n\x1a\n\0\0", "document.encoding"),
        (b"<!DOCTYPE x><x/>", "document.dtd"),
        (b"<x/>", "exchange.unknown-root"),
    ],
)
def test_what_is_no_message_at_all(tmp_path: Path, content: bytes, code: str) -> None:
    file = tmp_path / "message.xml"
    file.write_bytes(content)
    result = command("validate", file)
    assert result.exit_code == 1
    assert f"[{code}]" in result.stderr
    told = command("validate", file, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout) == {"file": str(file), "valid": False, "code": code, "findings": []}


def test_in_a_deployment_its_own_exchanges_count(deployment: Deployment) -> None:
    assert deployment.json("validate", SAMPLES / "smallest.xml")["exchange"] == "custody-release/1.0"


# --- redact -------------------------------------------------------------------------------------------------------

TO_POLICE = ("--to", "millbrook-police", "--purpose", "release-notification")


def test_the_cut_message_and_why_each_place_is_gone() -> None:
    result = command("redact", SAMPLES / "fullest.xml", *TO_POLICE)
    assert result.exit_code == 0
    assert "Tansley" in result.stdout
    assert "NeedMedicationName" not in result.stdout
    assert parse(result.stdout.encode()).root.tag.endswith("CustodyRelease")
    assert "medical.need" in result.stderr
    assert "JAIL-PD-2026-01" in result.stderr
    assert "because No HIPAA basis for police: 45 CFR 164.512(k)(5)." in result.stderr
    assert "because Enough to tell two people apart" in result.stderr


def test_the_same_as_data(deployment: Deployment) -> None:
    told = deployment.json("redact", SAMPLES / "fullest.xml", *TO_POLICE)
    assert (told["released"], told["mou"], told["clause"], told["to"]) == (
        True,
        "JAIL-PD-2026-01@1",
        "E1",
        "millbrook-police",
    )
    assert told["shared"] > 10
    assert {each["outcome"] for each in told["redactions"]} >= {"withheld", "mask"}
    assert set(told["redactions"][0]) == {"path", "field", "label", "outcome", "clause", "because"}
    reasons = {each["because"] for each in told["redactions"] if each["label"].startswith("medical.")}
    assert reasons == {"No HIPAA basis for police: 45 CFR 164.512(k)(5)."}
    assert {each["because"] for each in told["redactions"] if each["clause"] in ("default", "closure")} <= {""}
    parse(told["payload"].encode())


def test_the_cut_message_into_a_file_which_validates(tmp_path: Path) -> None:
    made = tmp_path / "cut.xml"
    assert command("redact", SAMPLES / "fullest.xml", *TO_POLICE, "-o", made).exit_code == 0
    assert command("validate", made).exit_code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--to", "harborlight-services", "--purpose", "release-notification"), "policy.no-mou-in-force"),
        (("--to", "nobody-at-all", "--purpose", "release-notification"), "agency.unknown"),
        (("--to", "millbrook-police", "--purpose", "curiosity"), "policy.unknown-purpose"),
        (("--to", "millbrook-police", "--purpose", "threat-assessment"), "policy.purpose-not-allowed"),
        ((*TO_POLICE, "--role", "clerk"), "policy.unknown-role"),
        ((*TO_POLICE, "--role", "supervising-officer"), "policy.purpose-not-allowed"),
        ((*TO_POLICE, "--from", "harlan-probation"), "policy.no-mou-in-force"),
    ],
)
def test_who_would_get_nothing(words: tuple[str, ...], code: str) -> None:
    result = command("redact", SAMPLES / "fullest.xml", *words, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["released"], told["code"]) == (False, code)
    spoken = command("redact", SAMPLES / "fullest.xml", *words)
    assert spoken.exit_code == 1
    assert f"[{code}]" in spoken.stderr


def test_when_no_route_holds_the_facts_that_are_wanted_are_named() -> None:
    words = ("redact", SAMPLES / "smallest.xml", "--to", "tri-county-fusion", "--purpose", "threat-assessment")
    told = json.loads(command(*words, "--json").stdout)
    assert told["code"] == "policy.not-routed"
    assert told["unmet"] == [{"mou": "JAIL-FUSION-2026-03@1", "clause": "E1", "fact": "high-risk", "wanted": ["true"]}]
    assert "wants high-risk to be true" in command(*words).stderr


def test_a_misspelled_name_comes_with_the_nearest_one() -> None:
    words = ("redact", SAMPLES / "smallest.xml", "--to", "milbrook-police", "--purpose", "release-notification")
    assert "did you mean millbrook-police?" in command(*words).stderr


def test_an_invalid_message_is_not_cut() -> None:
    result = command("redact", INVALID[0], *TO_POLICE)
    assert result.exit_code == 1
    assert "[message.invalid]" in result.stderr
    assert "[reference." in result.stderr
