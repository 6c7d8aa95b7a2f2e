"""`gateway retention`: what a person sees of due dates, runs, holds, certificates and attestations."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.app import open_deployment
from gateway.cli.acting import PASSPHRASE, SECOND_PASSPHRASE
from gateway.exchange.accept import accept
from gateway.exchange.planning import look_at_clock
from gateway.exchange.submission import Submission
from gateway.message import MessageId
from tests.cli.deployment import ROOT, SAMPLES, Deployment, command

JAIL, POLICE = "harlan-county-jail", "millbrook-police"
FIRST, SECOND = "a long enough passphrase", "the second one's passphrase"
PAST = datetime(2026, 1, 1, tzinfo=UTC)
COURT = "Superior Court of Harlan County, order 26-1187"


@pytest.fixture
def message(deployment: Deployment) -> str:
    """A message of the jail's."""

    async def send() -> str:
        async with open_deployment(deployment.directory) as gateway:
            await look_at_clock(gateway)
            body = (SAMPLES / "smallest.xml").read_bytes()
            return (await accept(gateway, Submission(sender=JAIL, sender_id="HCJ-1", body=body))).id  # type: ignore[arg-type]

    return asyncio.run(send())


@pytest.fixture
def due(deployment: Deployment, message: str) -> str:
    """A message whose time is up."""

    async def age() -> None:
        async with open_deployment(deployment.directory) as gateway:
            fates = await gateway.store.kept_of([MessageId(message)])
            await gateway.store.move_due([replace(each.kept, due_at=PAST) for each in fates], ())

    asyncio.run(age())
    return message


@pytest.fixture
def people(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A privacy officer and a supervisor of the operator, with passphrases of their own."""
    deployment.run("user", "add", "ana", "--role", "privacy-officer")
    monkeypatch.setenv(PASSPHRASE, SECOND)
    deployment.run("user", "add", "bo", "--role", "supervisor")
    monkeypatch.setenv(PASSPHRASE, FIRST)
    monkeypatch.setenv(SECOND_PASSPHRASE, SECOND)
    return ("--as", "ana", "--second", "bo")


def test_what_expires_is_listed_by_class(deployment: Deployment, message: str) -> None:
    assert deployment.json("retention", "due")["row_count"] == 0
    soon = deployment.json("retention", "due", "--within", "P90D")
    assert soon["filter"] == {"within": "P90D"}
    kinds = {row["kind"] for row in soon["rows"]}
    assert kinds == {"original", "dissemination"}
    parts = deployment.json("retention", "due", "--message", message)["rows"]
    assert sum(row["count"] for row in soon["rows"]) == len(parts)
    assert "30 days" in deployment.run("retention", "due", "--within", "soon", status=2).output


def test_one_message_shows_until_when_each_payload_is_kept(deployment: Deployment, message: str) -> None:
    rows = deployment.json("retention", "due", "--message", message)["rows"]
    assert {row["kind"] for row in rows} == {"original", "dissemination"}
    assert POLICE in {row["recipient"] for row in rows}
    assert all(row["due_at"] > "2026" and row["destroyed_at"] is None for row in rows)


def test_a_dry_run_destroys_nothing_and_says_what_would_go(deployment: Deployment, due: str) -> None:
    plan = deployment.json("retention", "run", "--dry-run")
    assert plan["count"] == sum(each["count"] for each in plan["classes"]) > 1
    printed = deployment.run("retention", "run", "--dry-run").stdout
    assert f"{plan['count']} of {plan['kept']} payloads would be destroyed" in printed
    assert deployment.json("retention", "due")["row_count"] > 0
    assert deployment.json("retention", "certificates")["row_count"] == 0


def test_a_run_ends_with_a_certificate_that_verifies_without_the_deployment(
    deployment: Deployment, due: str, people: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = deployment.run("retention", "run", *people).stdout
    assert "nothing is left" in printed
    assert "told by" in printed
    (row,) = deployment.json("retention", "certificates", "--period", "2020/2100")["rows"]
    assert (row["operator"], row["second"], row["reason"]) == ("ana", "bo", "time-is-up")
    certificate = tmp_path / "certificate.txt"
    certificate.write_text(deployment.run("retention", "certificates", "--show", row["run"]).stdout)
    deployment.run("keys", "export", tmp_path / "public")
    monkeypatch.chdir(tmp_path)
    found = command("retention", "certificates", "--check", certificate, "--key", tmp_path / "public" / "receipt.vkey")
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    assert said["method"] == "cryptographic erase, NIST SP 800-88r2"
    assert said["count"] == row["count"]
    certificate.write_text(certificate.read_text().replace('"count":', '"count" :', 1))
    found = command("retention", "certificates", "--check", certificate, "--key", tmp_path / "public" / "receipt.vkey")
    assert found.exit_code == 1
    assert "audit.signature-wrong" in found.output
    assert "--key" in command("retention", "certificates", "--check", certificate).output
    assert deployment.run("retention", "run", *people).stdout == "nothing is due\n"
    assert all(each["destroyed_at"] for each in deployment.json("retention", "due", "--message", due)["rows"])
    verified = deployment.json("retention", "verify")
    assert verified["passed"]
    assert verified["runs"][0]["opened"] == 0
    assert deployment.run("retention", "verify").stdout.endswith("pass\n")


def test_verify_fails_when_a_canary_is_found(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "left.txt").write_text("... CANARY-4711 ...")
    words = ("retention", "verify", "--canary", "CANARY-4711", "--also", tmp_path / "left.txt")
    assert deployment.json(*words, status=1)["canaries"]["found"] == 1
    assert "1 of 1 canaries found" in deployment.run(*words, status=1).stdout


def test_a_hold_is_placed_listed_and_released(deployment: Deployment, due: str, people: tuple[str, ...]) -> None:
    words = ("retention", "hold", "place", "--agency", POLICE, "--authority", COURT, "--as", "ana")
    placed = deployment.json(*words)
    assert placed["due_and_held"] > 1
    assert "nothing is due" in deployment.run("retention", "run", *people).stdout
    (row,) = deployment.json("retention", "hold", "list")["rows"]
    assert (row["authority"], row["scope"], row["by"]) == (COURT, f"agency {POLICE}", "ana")
    released = deployment.json("retention", "hold", "release", placed["hold"], "--as", "ana")
    assert released["due"] == placed["due_and_held"]
    assert deployment.json("retention", "hold", "list")["rows"] == []
    assert deployment.json("retention", "hold", "list", "--all")["rows"][0]["released_by"] == "ana"
    assert "destroyed" in deployment.run("retention", "run", *people).stdout
    assert (
        "hold.scope"
        in deployment.run("retention", "hold", "place", "--authority", COURT, "--as", "ana", status=1).output
    )


def test_early_destruction_is_told_and_attested(
    deployment: Deployment, message: str, people: tuple[str, ...], tmp_path: Path
) -> None:
    made = deployment.json("retention", "destroy", message, "--chain", "--reason", "expunged", *people)
    assert made["clean"]
    assert made["destroyed"] > 1
    asked = deployment.json("retention", "attestations")["rows"]
    assert {each["message"] for each in asked} == {message}
    mine = next(each for each in asked if each["recipient"] == POLICE)
    paper = tmp_path / "letter.pdf"
    paper.write_bytes(b"We have shredded it.")
    deployment.run("retention", "attest", mine["notice"], "--as", "ana", "--paper", paper)
    left = {each["recipient"] for each in deployment.json("retention", "attestations")["rows"]}
    assert POLICE not in left
    every = deployment.json("retention", "attestations", "--all")["rows"]
    assert next(each for each in every if each["recipient"] == POLICE)["attested_by"] == "ana"
    again = deployment.run("retention", "destroy", message, "--reason", "expunged", *people, status=1)
    assert "retention.nothing-kept" in again.output


@pytest.mark.parametrize(
    "point",
    ["intend.before-commit", "intend.after-commit", "purge.keys-gone", "destroy.after-commit", "finish.before-commit"],
)
def test_a_killed_run_is_finished_by_the_next(
    deployment: Deployment, due: str, people: tuple[str, ...], point: str
) -> None:
    """kill -9, in a process of its own."""
    words = [sys.executable, "-m", "gateway", "retention", "run", *people, "-C", str(deployment.directory)]
    killed = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "GATEWAY_KILL_AT": point}, capture_output=True, check=False, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = deployment.json("retention", "run", *people)
    finished = point != "intend.before-commit"
    assert bool(again["finished"]) is finished
    assert bool(again["run"]) is not finished
    rows = deployment.json("retention", "due", "--message", due)["rows"]
    assert all(each["destroyed_at"] for each in rows)
    assert len({each["run"] for each in rows}) == 1
    assert deployment.json("retention", "verify")["passed"]
    assert deployment.json("audit", "verify")
