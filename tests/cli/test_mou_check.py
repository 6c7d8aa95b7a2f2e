"""`gateway mou check` and `gateway mou coverage`."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.deployment import MOUS, Deployment, command

PASSES = MOUS / "JAIL-PROB-2026-02.yaml"


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    """An agreement that gives who must keep away, and withholds from whom: the schema takes no half of that."""
    file = tmp_path / "refused.yaml"
    text = PASSES.read_text()
    for label in ("victim.no-contact.name", "victim.name"):
        text = "".join(line for line in text.splitlines(keepends=True) if f"- {label} " not in line)
    file.write_text(text)
    return file


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_agreement_that_can_be_kept_passes() -> None:
    result = command("mou", "check", PASSES)
    assert result.exit_code == 0, result.output
    assert "passed, 1 of 1 clauses proven" in result.stdout
    assert "certificate sha-256:" in result.stdout


def test_one_that_cannot_is_refused_with_line_example_and_way_out(refused: Path) -> None:
    result = command("mou", "check", refused)
    assert result.exit_code == 1
    assert "refused, 0 of 1 clauses proven" in result.stdout
    assert "[mou.promise-lost]" in result.stderr
    assert f"{refused}:" in result.stderr
    assert "<ec:NoContactAssociation>" in result.stderr
    assert "way out: take out 1 line: condition.no-contact" in result.stderr


def test_law_is_part_of_both(tmp_path: Path) -> None:
    """For another purpose than enforcing the order, names of victims are withheld: 34 U.S.C. 12291(b)(2)(D)."""
    file = tmp_path / "other.yaml"
    file.write_text(PASSES.read_text().replace("protective-order-enforcement", "supervision"))
    result = command("mou", "check", file)
    assert result.exit_code == 1
    assert "victim.no-contact.name by 34 U.S.C. 12291(b)(2)(D)" in result.stderr
    for each, outcome, by in ((PASSES, "shared", "E1"), (file, "withheld", "34 U.S.C. 12291(b)(2)(D)")):
        rows = csv.DictReader(io.StringIO(command("mou", "coverage", each, "--csv").stdout))
        names = [row for row in rows if row["label"] == "victim.no-contact.name"]
        assert {(row["outcome"], row["by"]) for row in names} == {(outcome, by)}


def test_machines_read_the_same(refused: Path) -> None:
    result = command("mou", "check", refused, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["passed"] is False
    (finding,) = [each for each in told["findings"] if each["severity"] == "error"]
    assert finding["code"] == "mou.promise-lost"
    assert finding["clause"] == "E1"
    assert finding["picture"]["sent"][0] == "<cr:CustodyRelease>"
    assert told["certificate"]["content"]["verdict"] == "refused"


def test_the_report_is_written_whether_it_passes_or_not(refused: Path, tmp_path: Path) -> None:
    for file in (PASSES, refused):
        out = tmp_path / f"{file.stem}.html"
        command("mou", "check", file, "--html", out)
        assert out.read_text().startswith("<!doctype html>")
    assert "Refused" in (tmp_path / "refused.html").read_text()


def test_what_cannot_be_read_is_not_checked(tmp_path: Path) -> None:
    file = tmp_path / "no.yaml"
    file.write_text("mou: X\n")
    result = command("mou", "check", file)
    assert result.exit_code == 1
    assert "gateway mou lint" in result.stderr
    assert command("mou", "coverage", file).exit_code == 1


def test_coverage_of_a_file_is_a_table_by_label() -> None:
    result = command("mou", "coverage", PASSES)
    assert result.exit_code == 0
    assert "harlan-probation" in result.stdout
    assert "victim.no-contact.name" in result.stdout


def test_coverage_for_machines_and_spreadsheets() -> None:
    told = json.loads(command("mou", "coverage", PASSES, "--json").stdout)
    (table,) = told["tables"]
    cells = {field["field"]: field["cells"][0] for field in table["fields"]}
    assert cells["person.id.afis.number"]["outcome"] == "reduced"
    lines = list(csv.DictReader(io.StringIO(command("mou", "coverage", PASSES, "--csv").stdout)))
    assert len(lines) == len(table["fields"])
    assert command("mou", "coverage", PASSES, "--html").stdout.startswith("<!doctype html>")


def test_coverage_of_an_agency_is_what_it_gets_under_all_agreements_in_force(deployment: Deployment) -> None:
    told = deployment.json("mou", "coverage", "--recipient", "millbrook-police")
    assert [table["exchange"] for table in told["tables"]] == ["custody-release/1.0", "supervision-record/1.0"]
    recipients = {column["recipient"] for table in told["tables"] for column in table["columns"]}
    assert recipients == {"millbrook-police"}
    assert deployment.json("mou", "coverage", "--recipient", "harborlight-services")["tables"] == []
    told = deployment.run("mou", "coverage", "--recipient", "harborlight-services").stdout
    assert told == "harborlight-services gets nothing\n"


def test_a_misspelled_agency_is_not_one_that_sees_nothing(deployment: Deployment) -> None:
    result = deployment.run("mou", "coverage", "--recipient", "millbrok-police", status=1)
    assert "[agency.unknown] there is no agency millbrok-police; did you mean 'millbrook-police'?" in result.stderr


@pytest.mark.parametrize("words", [[], ["no-such-file.yaml"], [str(PASSES), "--json", "--csv"]])
def test_what_makes_no_sense_is_told(words: list[str]) -> None:
    result = command("mou", "coverage", *words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
