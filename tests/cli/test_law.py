"""`gateway law`: packs listed, explained in sentences, drafted, read strictly."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.law_read import read_law
from tests.cli.deployment import SAMPLES, Deployment, command

PACKS = {
    "cfr23",
    "cfr42-2",
    "chri",
    "cjis",
    "hipaa-512",
    "juvenile",
    "ny-149",
    "ny-168",
    "offender-registration",
    "privileged",
    "sealed",
    "vawa",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def explained(*words: str) -> dict[str, str]:
    """What each section says."""
    result = command("law", "explain", *words, "--json")
    assert result.exit_code == 0, result.output
    return {each["section"]: each["says"] for each in json.loads(result.stdout)}


def test_every_pack_is_listed_with_whose_law_it_is_and_when_it_binds() -> None:
    result = command("law", "list", "--json")
    rows = {row["law"]: row for row in json.loads(result.stdout)}
    assert set(rows) == PACKS
    assert rows["ny-149"]["binds"] == "party"
    assert rows["vawa"]["until"] is None
    shown = command("law", "list").stdout
    assert "binds where the sender or the recipient is of NY, or where it is named" in shown
    assert "federal law, from 1976-03-19; binds every agreement" in shown


def test_a_section_a_pack_or_a_label_is_explained_in_sentences() -> None:
    shown = command("law", "explain", "42 CFR 2.31").stdout
    assert "only with the person's written consent" in shown
    assert "Speaks of sud.* from part2-program, or from nobody knows where." in shown
    assert set(explained("juvenile")) == {"18 U.S.C. 5038(a)", "18 U.S.C. 5038(c)", "18 U.S.C. 3509(d)"}
    assert "34 U.S.C. 12291(b)(2)(D)" in explained("victim.name")
    assert set(explained("medical.*")) >= {"45 CFR 164.512(k)(5)", "42 CFR 2.13"}


def test_one_case_is_answered_for_its_recipient_and_purpose() -> None:
    case = ("victim.name", "--to", "harlan-probation")
    said = explained(*case, "--purpose", "supervision")["34 U.S.C. 12291(b)(2)(D)"]
    assert said.startswith("victim.name is withheld from harlan-probation for supervision. It goes only for protective")
    said = explained(*case, "--purpose", "protective-order-enforcement")["34 U.S.C. 12291(b)(2)(D)"]
    assert said == "This rule does not withhold it from harlan-probation for protective-order-enforcement."
    said = explained("victim-services.provider", *case[1:], "--purpose", "supervision")["34 U.S.C. 12291(b)(2)"]
    assert said.endswith("is withheld from harlan-probation for supervision, whatever the agreement says.")
    said = explained("sud.need", *case[1:], "--purpose", "supervision")["42 CFR 2.31"]
    assert said.endswith("except with the person's written consent for this recipient and purpose.")
    provider = explained(*case, "--purpose", "victim-notification", "--from", "harborlight-services")
    assert provider["34 U.S.C. 12291(b)(2)(A)"].endswith("whatever the agreement says.")


def test_what_was_not_asked_is_said_to_be_open_and_what_was_is_not_asked_for_again() -> None:
    said = explained("victim.name", "--purpose", "victim-notification")["34 U.S.C. 12291(b)(2)(D)"]
    assert said == "This rule does not withhold it for victim-notification."
    said = explained("medical.need", "--to", "harlan-county-jail", "--purpose", "custody-safety")
    assert " in custody-release messages is withheld from harlan-county-jail" in said["45 CFR 164.512(k)(5)(iii)"]
    said = explained("medical.need", "--purpose", "custody-safety")
    assert "except to jail, police, prison or sheriff, for" in said["45 CFR 164.512(k)(5)"]


def test_in_one_case_only_what_binds_the_two_is_told() -> None:
    assert "N.Y. Correction Law 149" in explained("person.photo")
    case = ("person.photo", "--to", "harlan-district-attorney", "--purpose", "release-notification")
    assert explained(*case) == {}
    assert "No rule of law speaks of person.photo in that case." in command("law", "explain", *case).stdout


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("victim.nme",), "victim.name"),
        (("42 CFR 2.32(a)",), "42 CFR 2.32(a)(2)"),
        (("person.name", "--to", "harlan-probaton"), "harlan-probation"),
    ],
)
def test_what_nobody_knows_is_refused_with_what_was_probably_meant(words: tuple[str, ...], meant: str) -> None:
    result = command("law", "explain", *words)
    assert result.exit_code == 1
    assert "[law.not-found]" in result.stderr
    assert f"did you mean '{meant}'" in result.stderr


def test_a_draft_is_written_once_and_can_be_read(tmp_path: Path) -> None:
    assert command("law", "new", "fr-9").exit_code == 0
    file = tmp_path / "fr-9.yaml"
    pack, findings = read_law(file.read_bytes(), "fr-9.yaml")
    assert findings == ()
    assert pack is not None
    assert pack.id == "fr-9"
    assert "readable" in command("law", "lint", file).stdout
    again = command("law", "new", "fr-9")
    assert again.exit_code == 1
    assert "[law.file-exists]" in again.stderr
    assert "[law.bad-name]" in command("law", "new", "FR 9").stderr
    assert "[law.file-exists]" in command("law", "new", "fr-9", "--out", tmp_path / "no" / "such" / "x").stderr


def test_what_is_wrong_with_a_pack_is_told_with_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "fr-9.yaml"
    file.write_text("law: fr-9\ntitle: T\nbinds: often\n")
    result = command("law", "lint", file, "--json")
    assert result.exit_code == 1
    told: dict[str, Any] = json.loads(result.stdout)
    assert not told["ok"]
    assert {"law.unknown-word", "law.missing-key"} == {each["code"] for each in told["findings"]}
    assert "fr-9.yaml:3:8" in command("law", "lint", file).stderr


def test_a_pack_is_put_in_force_by_an_officer_and_a_broken_one_changes_nothing(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "fr-9.yaml"
    assert command("law", "new", "fr-9", "--out", file).exit_code == 0
    added = ("law", "add", file, "--as", deployment.officer())
    assert "fr-9 version 1 is in force" in deployment.run(*added).stdout
    assert {row["law"] for row in deployment.json("law", "list")} == PACKS | {"fr-9"}
    assert "nothing new" in deployment.run(*added).stdout
    file.write_text("law: fr-9\n")
    result = deployment.run(*added, status=1)
    assert "[law.refused]" in result.stderr
    assert "[law.missing-key]" in result.stderr


def test_what_an_agreement_shares_and_law_withholds_names_the_section(deployment: Deployment, tmp_path: Path) -> None:
    """`gateway redact` shows it before anything is sent."""
    words = ("redact", SAMPLES / "fullest.xml", "--to", "tri-county-fusion", "--purpose", "threat-assessment")
    assert "28 CFR 23.20(a)" in json.dumps(deployment.json(*words))
