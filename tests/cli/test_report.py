"""`gateway report …` and `gateway audit explain | admin-actions | sample`: each question one command, in every form."""

import asyncio
import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gateway.app import open_deployment
from gateway.exchange.accept import accept
from gateway.exchange.sequence import sequence
from gateway.exchange.submission import Submission
from tests.cli.deployment import MOUS, SAMPLES, Deployment

JAIL, POLICE = "harlan-county-jail", "millbrook-police"

QUESTIONS = (
    ("report", "disclosures"),
    ("report", "late-notices"),
    ("report", "overrides"),
    ("report", "denials"),
    ("report", "secondary"),
    ("report", "cfr23-review"),
    ("report", "protected-health"),
    ("audit", "admin-actions"),
    ("audit", "sample"),
)
FORMED = (("mou", "status"), ("mou", "history", "JAIL-PD-2026-01"), ("mou", "coverage", "--recipient", POLICE))


@pytest.fixture
def message(deployment: Deployment) -> str:
    """A message of the jail's, in the log."""

    async def send() -> str:
        async with open_deployment(deployment.directory) as gateway:
            body = (SAMPLES / "fullest.xml").read_bytes()
            sent = await accept(gateway, Submission(sender=JAIL, sender_id="HCJ-1", body=body))  # type: ignore[arg-type]
            await sequence(gateway.store, gateway.keys.log_signer, origin=gateway.settings.name)
            return sent.id

    return asyncio.run(send())


@pytest.mark.parametrize("words", QUESTIONS, ids=" ".join)
def test_each_question_answers_people_and_machines(deployment: Deployment, words: tuple[str, ...]) -> None:
    found = deployment.json(*words)
    assert found["report"] == " ".join(words)
    assert found["row_count"] == len(found["rows"])
    assert found["digest"].startswith("sha-256:")
    shown = deployment.run(*words).stdout
    for word in (found["title"], found["question"], "Digest of the rows:", "Log checkpoint:", "Period:", "Filter:"):
        assert word in shown


def test_what_was_sent_under_an_agreement_goes_into_a_spreadsheet(
    deployment: Deployment, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "sent.csv"
    deployment.run("report", "disclosures", "--mou", "JAIL-PD-2026-01", "--period", "2020/2099", "-o", file)
    records = list(csv.reader(io.StringIO(file.read_text())))
    head = {record[0]: record[1] for record in records if record[0].startswith("#")}
    rows = [record for record in records if not record[0].startswith("#")]
    assert head["#filter"] == "mou JAIL-PD-2026-01"
    assert head["#period"].startswith("2020/2099: 2020-01-01 to 2099-12-31")
    assert head["#rows"] == str(len(rows) - 1) == "2"
    place = rows[0].index("message")
    assert {row[place] for row in rows[1:]} == {message}
    to_police = deployment.json("report", "disclosures", "--to", POLICE)["rows"]
    assert [row["recipient"] for row in to_police] == [POLICE]
    assert deployment.json("report", "disclosures", "--period", "2020")["rows"] == []


def test_pages_follow_each_other(deployment: Deployment, message: str) -> None:
    whole = deployment.json("report", "disclosures")["rows"]
    first = deployment.json("report", "disclosures", "--limit", "2")
    assert first["next"]
    rest = deployment.json("report", "disclosures", "--after", first["next"])
    assert first["rows"] + rest["rows"] == whole
    assert rest["next"] is None


def test_what_was_withheld_is_explained_by_place_and_rule(deployment: Deployment, message: str) -> None:
    rows = deployment.json("audit", "explain", message, "--to", POLICE)["rows"]
    assert {row["recipient"] for row in rows} == {POLICE}
    assert any(row["why"] and "42 CFR" in row["why"] for row in rows)
    shown = deployment.run("audit", "explain", message).stdout
    assert "/cr:CustodyRelease/" in shown
    assert "Alder Street" not in shown
    deployment.run("audit", "explain", "019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d", status=1)


def test_a_sample_is_decided_again_and_comes_out_the_same(deployment: Deployment, message: str) -> None:
    found = deployment.json("audit", "sample", "--n", "3", "--replay", "--seed", "spring")
    assert [row["result"] for row in found["rows"]] == ["same"] * 3
    assert found["filter"] == {"n": "3", "replay": "yes", "seed": "spring"}


def test_a_person_sees_persons_under_their_own_name_and_for_a_reason(deployment: Deployment, message: str) -> None:
    plain = deployment.run("report", "disclosures").stdout
    assert "Tansley" not in plain
    deployment.run("user", "add", "ana", "--agency", JAIL, "--role", "privacy-officer")
    seen = deployment.json("report", "disclosures", "--reveal", "--reason", "subpoena-response", "--as", "ana")
    assert all(row["person"] for row in seen["rows"])
    reads = [
        row for row in deployment.json("audit", "admin-actions", "--act", "read")["rows"] if row["what"] == "report"
    ]
    assert [(row["actor"], row["reason"], row["signed"]) for row in reads] == [("ana", "subpoena-response", "signed")]


@pytest.mark.parametrize(
    "words",
    [
        ("report", "disclosures", "--reveal"),
        ("report", "disclosures", "--reveal", "--reason", "audit"),
        ("report", "disclosures", "--reason", "audit"),
        ("report", "overrides", "--as", "ana"),
        ("report", "disclosures", "--period", "Q3"),
        ("report", "disclosures", "--format", "pdf"),
        ("report", "disclosures", "--json", "--format", "csv"),
        ("report", "disclosures", "--limit", "0"),
        ("report", "cfr23-review", "--within", "soon"),
        ("audit", "admin-actions", "--act", "receive"),
        ("audit", "sample", "--n", "0"),
    ],
    ids=" ".join,
)
def test_a_slip_is_said_and_ends_with_2(deployment: Deployment, words: tuple[str, ...]) -> None:
    deployment.run(*words, status=2)


def test_reveal_with_a_reason_in_free_words_is_refused(deployment: Deployment, message: str) -> None:
    deployment.run("user", "add", "ana", "--agency", JAIL, "--role", "privacy-officer")
    result = deployment.run(
        "report", "disclosures", "--reveal", "--reason", "Because I say so", "--as", "ana", status=1
    )
    assert "delivery.bad-reason" in result.stderr


@pytest.mark.parametrize("words", FORMED, ids=" ".join)
def test_agreements_are_told_in_every_form_too(deployment: Deployment, words: tuple[str, ...], tmp_path: Path) -> None:
    found = json.loads(deployment.run(*words, "--format", "json").stdout)
    assert found["row_count"] == len(found["rows"]) > 0
    assert deployment.run(*words, "--format", "csv").stdout.startswith("#report,")
    file = tmp_path / "answer.html"
    deployment.run(*words, "-o", file)
    assert file.read_text().startswith("<!doctype html>")
    assert found["digest"] in file.read_text()


def test_a_lint_and_a_diff_and_a_verification_are_tables_too(deployment: Deployment, message: str) -> None:
    mou = MOUS / "JAIL-PD-2026-01.yaml"
    assert json.loads(deployment.run("mou", "lint", mou, "--format", "json").stdout)["rows"] == []
    assert json.loads(deployment.run("mou", "diff", mou, mou, "--format", "json").stdout)["row_count"] == 0
    found = json.loads(deployment.run("audit", "verify", "--since", "2026-01-01", "--format", "json").stdout)
    assert found["rows"][0]["result"] == "verified"
    assert found["filter"] == {"since": "2026-01-01T00:00:00Z"}


def test_prove_is_another_name_of_evidence(deployment: Deployment, message: str) -> None:
    entry = deployment.json("report", "disclosures")["rows"][0]["entry"]
    assert deployment.run("audit", "prove", entry).stdout == deployment.run("audit", "evidence", entry).stdout


def test_the_triennial_bundle_is_one_zip_and_is_not_written_over(
    deployment: Deployment, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "audit.zip"
    made: Any = deployment.json("report", "cjis-triennial", "-o", file, "--as", deployment.officer())
    assert made["tables"]["agreements"] > 0
    with zipfile.ZipFile(file) as bundle:
        assert {"statement", "files.txt", "checkpoint", "verifier.py", "README.html"} <= set(bundle.namelist())
    deployment.run("report", "cjis-triennial", "-o", file, "--as", deployment.officer(), status=2)
