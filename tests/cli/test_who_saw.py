"""`gateway audit who-saw`, `accounting`, `suspend-accounting`, `lift-suspension` and `expunge`, as people type them."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.app import open_deployment
from gateway.cli.acting import PASSPHRASE, SECOND_PASSPHRASE
from gateway.exchange.accept import accept
from gateway.exchange.expunge import SETTLE_SECONDS
from gateway.exchange.submission import Submission
from tests.cli.deployment import SAMPLES, Deployment

JAIL, POLICE = "harlan-county-jail", "millbrook-police"
SID = "SID=fr-119 0284"
SECOND = "the second one's passphrase"


@pytest.fixture
def message(deployment: Deployment) -> str:
    """A message of the jail's."""

    async def send() -> str:
        async with open_deployment(deployment.directory) as gateway:
            body = (SAMPLES / "fullest.xml").read_bytes()
            return (await accept(gateway, Submission(sender=JAIL, sender_id="HCJ-1", body=body))).id  # type: ignore[arg-type]

    return asyncio.run(send())


@pytest.fixture
def people(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A privacy officer and a supervisor of the operator, with passphrases of their own."""
    deployment.run("user", "add", "ana", "--role", "privacy-officer")
    monkeypatch.setenv(PASSPHRASE, SECOND)
    deployment.run("user", "add", "bo", "--role", "supervisor")
    monkeypatch.setenv(PASSPHRASE, "a long enough passphrase")
    monkeypatch.setenv(SECOND_PASSPHRASE, SECOND)
    return "ana", "bo"


def who_saw(deployment: Deployment, *more: object, status: int = 0) -> Any:
    words = ("audit", "who-saw", "--subject", SID, "--reason", "audit", "--as", "ana", *more)
    return deployment.json(*words, status=status)


@pytest.mark.usefixtures("people")
def test_the_answer_names_recipients_agreements_and_entries_and_is_provable(
    deployment: Deployment, message: str
) -> None:
    table = who_saw(deployment)
    assert table["report"] == "audit who-saw"
    row = next(each for each in table["rows"] if each["recipient"] == POLICE)
    assert row["mou"] == "JAIL-PD-2026-01@1"
    assert (row["message"], row["how"], row["certainty"]) == (message, "SID", "same person")
    entry = json.loads(deployment.run("audit", "who-saw", *words(SID), "--json").stdout)["rows"][0]["entry"]
    deployment.run("audit", "evidence", entry, status=3)  # the worker has not ordered it yet


def words(subject: str) -> tuple[str, ...]:
    return ("--subject", subject, "--reason", "audit", "--as", "ana")


@pytest.mark.usefixtures("people", "message")
@pytest.mark.parametrize("form", ["csv", "json", "html", "table"])
def test_every_form_has_the_rows_and_a_file_is_an_export(deployment: Deployment, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"answer.{form}"
    deployment.run("audit", "who-saw", *words(SID), "--format", form, "-o", file)
    text = file.read_text(encoding="utf-8")
    assert POLICE in text
    assert "JAIL-PD-2026-01@1" in text
    if form == "csv":
        assert {len(row) for row in csv.reader(io.StringIO(text))} == {14}


@pytest.mark.usefixtures("people", "message")
def test_a_name_shows_possible_persons(deployment: Deployment) -> None:
    found = deployment.json(
        "audit", "who-saw", "--name", "Tanslay, Calvin", "--born", "1991-03-17", "--reason", "audit", "--as", "ana"
    )
    assert {row["certainty"] for row in found["rows"]} == {"possible"}


@pytest.mark.usefixtures("people", "message")
@pytest.mark.parametrize("subject", ["FR1190284", "SSN=1", "BOOKING=1", "SID=-"])
def test_what_names_nobody_is_said_in_a_sentence(deployment: Deployment, subject: str) -> None:
    said = deployment.run("audit", "who-saw", *words(subject), status=1)
    assert "disclosure.person" in said.stderr


@pytest.mark.usefixtures("people", "message")
def test_a_reason_and_a_person_are_asked_for(deployment: Deployment) -> None:
    deployment.run("audit", "who-saw", "--subject", SID, "--as", "ana", status=2)
    deployment.run("audit", "who-saw", "--subject", SID, "--reason", "audit", status=2)
    deployment.run("audit", "who-saw", *words(SID)[:4], "--as", "bo", "--key", "no-such.key", status=1)


@pytest.mark.usefixtures("people", "message")
def test_an_account_is_suspended_and_lifted_and_the_aside_is_for_the_operator(
    deployment: Deployment, tmp_path: Path
) -> None:
    statement = tmp_path / "statement.pdf"
    statement.write_bytes(b"invented statement")
    agency = ("--subject", SID, "--for", POLICE, "--as", "ana")
    deployment.run("audit", "suspend-accounting", *agency, "--statement", statement, status=2)
    made = deployment.json("audit", "suspend-accounting", *agency, "--statement", statement, "--until", "2099-12-31")
    assert made["until"] == "2099-12-31"
    told = deployment.run("audit", "accounting", "--subject", SID, "--as", "ana", "--json")
    assert f"suspended for {POLICE} until 2099-12-31" in told.stderr
    assert "suspend" not in told.stdout
    assert json.loads(told.stdout)["rows"] == []
    assert [each["name"] for each in json.loads(told.stdout)["columns"]][:5] == [
        "date", "recipient", "address", "description", "purpose",
    ]  # fmt: skip
    lifted = deployment.json("audit", "lift-suspension", made["suspension"], "--subject", SID, "--as", "ana")
    assert lifted["state"] == "lifted"
    again = deployment.run("audit", "lift-suspension", made["suspension"], "--subject", SID, "--as", "ana", status=1)
    assert "accounting.unknown" in again.stderr
    oral = deployment.run("audit", "suspend-accounting", *agency, "--until", "2099-12-31", status=1)
    assert "accounting.oral-too-long" in oral.stderr


@pytest.mark.usefixtures("people", "message")
def test_a_person_is_expunged_by_two_after_they_saw_the_plan(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.exchange.expunge.SETTLE_SECONDS", 0.01)
    assert SETTLE_SECONDS >= 1
    order = tmp_path / "order.pdf"
    order.write_bytes(b"invented order")
    wanted = ("audit", "expunge", "--subject", SID, "--order", order, "--as", "ana", "--second", "bo")
    rows = len(who_saw(deployment)["rows"])
    plan = deployment.json(*wanted, "--plan")
    assert plan["rows"] == rows
    assert len(who_saw(deployment)["rows"]) == rows
    made = deployment.json(*wanted)
    assert made["rows"] == rows
    assert who_saw(deployment)["rows"] == []
    again = deployment.run(*wanted, "--yes", status=1)
    assert "disclosure.nobody" in again.stderr
    alone = deployment.run(*wanted[:-1], "ana", "--second-key", deployment.directory / "users/ana.key", status=1)
    assert "second" in alone.stderr or "passphrase" in alone.stderr
