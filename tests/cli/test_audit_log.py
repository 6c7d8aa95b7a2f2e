"""`gateway audit receipt | checkpoint | handed | troubles | resume`, `gateway witness`, `gateway keys rotate log`."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.app import open_deployment
from gateway.audit.checkpoint import read_checkpoint
from gateway.audit.note import NoteKey
from gateway.audit.receipt import make_receipt
from gateway.cli.acting import PASSPHRASE, SECOND_PASSPHRASE
from gateway.exchange.accept import accept
from gateway.exchange.keep_log import keep_log
from gateway.exchange.receipt_check import check_receipt
from gateway.exchange.submission import Submission
from tests.audit.memory_log import PretendSigner
from tests.cli.deployment import ROOT, SAMPLES, Deployment

JAIL, POLICE = "harlan-county-jail", "millbrook-police"
SECOND = "the second one's passphrase"


@pytest.fixture
def receipt(deployment: Deployment) -> str:
    """Of a message whose entry is in the log."""

    async def send() -> str:
        async with open_deployment(deployment.directory) as gateway:
            body = (SAMPLES / "fullest.xml").read_bytes()
            accepted = await accept(gateway, Submission(sender=JAIL, sender_id="HCJ-1", body=body))  # type: ignore[arg-type]
            await keep_log(gateway)
            return accepted.receipt

    return asyncio.run(send())


@pytest.fixture
def people(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the operator's people."""
    deployment.run("user", "add", "ana", "--role", "operator")
    monkeypatch.setenv(PASSPHRASE, SECOND)
    deployment.run("user", "add", "bo", "--role", "operator")
    monkeypatch.setenv(PASSPHRASE, "a long enough passphrase")
    monkeypatch.setenv(SECOND_PASSPHRASE, SECOND)


def broken_receipt(deployment: Deployment) -> str:
    """One that our key has signed, a minute ago, for an entry that is nowhere."""

    async def make() -> str:
        from datetime import timedelta

        async with open_deployment(deployment.directory) as gateway:
            return make_receipt(
                gateway.keys.receipt_signer,
                origin="gateway.test",
                message="019ab1c2-0001-7000-8000-000000000001",  # type: ignore[arg-type]
                sender=JAIL,  # type: ignore[arg-type]
                received_at=gateway.clock.now() - timedelta(minutes=1),
                digest="sha-256:" + "0" * 64,
                leaf_hash=bytes(32),
            )

    return asyncio.run(make())


def test_a_receipt_that_is_kept_gives_its_proof(deployment: Deployment, receipt: str, tmp_path: Path) -> None:
    file, proof = tmp_path / "receipt", tmp_path / "entry.tlog-proof"
    file.write_text(receipt, encoding="utf-8")
    said = deployment.run("audit", "receipt", file, "-o", proof)
    assert said.stdout.startswith("kept")
    assert proof.read_text().startswith("c2sp.org/tlog-proof@v1")


def test_a_receipt_that_is_not_kept_is_called_evidence_against_us(
    deployment: Deployment, receipt: str, tmp_path: Path
) -> None:
    file = tmp_path / "receipt"
    file.write_text(broken_receipt(deployment), encoding="utf-8")
    answer = deployment.json("audit", "receipt", file, status=1)
    assert answer["state"] == "unkept"
    assert "evidence against the gateway" in answer["proven"][-1]
    assert [each["code"] for each in deployment.json("audit", "troubles", status=1)] == ["audit.receipt-unkept"]


def test_what_our_key_did_not_sign_is_no_receipt(deployment: Deployment, receipt: str, tmp_path: Path) -> None:
    file = tmp_path / "receipt"
    file.write_text(receipt.replace("received 2", "received 1"), encoding="utf-8")
    assert "audit.signature-wrong" in deployment.run("audit", "receipt", file, status=1).output


def test_a_head_is_written_for_an_agency_and_verified_against(
    deployment: Deployment, receipt: str, tmp_path: Path
) -> None:
    file = tmp_path / "head"
    deployment.run("audit", "checkpoint", "--to", POLICE, "-o", file)
    listed = deployment.json("audit", "handed")
    assert [(each["agency"], each["way"]) for each in listed] == [(POLICE, "file")]
    deployment.run("audit", "verify", "--checkpoint", file)
    assert "no agency" in deployment.run("audit", "checkpoint", "--to", "nobody-here", status=1).output


def test_verifying_in_parts_begins_where_the_last_run_ended(deployment: Deployment, receipt: str) -> None:
    first = deployment.json("audit", "verify", "--incremental")
    assert first["verified_before"] == 0
    again = deployment.json("audit", "verify", "--incremental")
    assert again["verified_before"] == first["size"]
    deployment.run("audit", "verify", "--incremental", "--since", "2026-01-01", status=2)


@pytest.mark.usefixtures("people")
def test_the_log_s_key_is_changed_and_partners_are_given_the_new_one(
    deployment: Deployment, receipt: str, tmp_path: Path
) -> None:
    done = deployment.json("keys", "rotate", "log", "--as", "ana")
    old, new = NoteKey.read(done["old"]), NoteKey.read(done["new"])
    for key in (old, new):
        assert read_checkpoint(done["checkpoint"], [key], origin="gateway.test").size == done["size"]
    deployment.run("keys", "export", tmp_path / "parts")
    assert NoteKey.read((tmp_path / "parts/log.vkey").read_text()) == new
    deployment.run("audit", "verify")
    deployment.run("keys", "rotate", "wrap", "--as", "ana", status=2)
    deployment.run("keys", "rotate", "log", "--prepare", "--as", "ana", status=2)


@pytest.mark.usefixtures("people")
def test_an_outsider_with_the_old_key_follows_to_the_new_one_with_the_verifier_alone(
    deployment: Deployment, receipt: str, tmp_path: Path
) -> None:
    deployment.run("keys", "export", tmp_path / "before")
    done = deployment.json("keys", "rotate", "log", "--as", "ana")

    async def order() -> None:
        async with open_deployment(deployment.directory) as gateway:
            await check_receipt(gateway, broken)  # an entry by which the log goes on
            await keep_log(gateway)

    broken = broken_receipt(deployment)
    asyncio.run(order())
    package = tmp_path / "log.zip"
    deployment.run("audit", "export", "--all", "-o", package)
    given = ("--receipt-key", tmp_path / "before/receipt.vkey", "--json")
    for key in (tmp_path / "before/log.vkey", done["new"]):
        said = verifier(package, "--key", key, *given)
        assert said.returncode == 0, said.stdout
    forged = tmp_path / "forged.vkey"
    signer = PretendSigner("gateway.test")
    forged.write_text(f"{signer.key}\n")
    assert verifier(package, "--key", forged, *given).returncode == 1


def verifier(*words: object) -> "subprocess.CompletedProcess[str]":
    file = ROOT / "gateway/audit/verifier.py"
    return subprocess.run(
        [sys.executable, "-I", str(file), *map(str, words)], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.usefixtures("people")
def test_a_partner_s_keys_are_entered_listed_and_ended(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("keys", "export", tmp_path / "theirs")  # another gateway's would look alike
    where = ("--url", "https://gateway.millbrook.example", "--as", "ana")
    deployment.run("witness", "add", "cosigner", POLICE, "--vkey", tmp_path / "theirs/witness.vkey", *where)
    deployment.run("witness", "add", "log", POLICE, "--vkey", tmp_path / "theirs/log.vkey", *where)
    refused = deployment.run(
        "witness", "add", "log", POLICE, "--vkey", tmp_path / "theirs/witness.vkey", *where, status=1
    )
    assert "audit.key-malformed" in refused.output
    listed = deployment.json("witness", "list")
    assert [(each["watch"], each["agency"]) for each in listed["partners"]] == [("cosigner", POLICE), ("log", POLICE)]
    deployment.run("witness", "remove", "log", POLICE, "--as", "ana")
    assert "ended" in deployment.run("witness", "list").stdout
    assert "witness.unknown" in deployment.run("witness", "remove", "log", POLICE, "--as", "ana", status=1).output


@pytest.mark.usefixtures("people")
def test_a_log_that_was_cut_is_named_stands_and_is_decided_about_by_two(deployment: Deployment, receipt: str) -> None:
    deployment.run("audit", "verify")
    with closing(sqlite3.connect(deployment.directory / "gateway.db")) as db, db:
        for trigger in ("entry_is_not_deleted", "leaf_is_not_deleted"):
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute("DELETE FROM entry WHERE number = (SELECT max(entry) FROM leaf)")
        db.execute("DELETE FROM leaf WHERE idx = (SELECT max(idx) FROM leaf)")
    found = deployment.json("audit", "verify", status=1)
    assert found["first_bad"] == found["size"] - 1
    assert "stands" in deployment.run("audit", "troubles", status=1).stdout
    deployment.run("audit", "resume", "--as", "ana", "--second", "ana", status=1)
    deployment.run("audit", "resume", "--as", "ana", "--second", "bo", "--reason", "database-repaired")
    assert "decided" in deployment.run("audit", "troubles").stdout


def test_where_nothing_was_found_or_handed_out_that_is_said(deployment: Deployment) -> None:
    assert deployment.run("audit", "troubles").stdout == "nothing was ever found wrong\n"
    assert deployment.json("audit", "troubles") == []
    assert deployment.run("audit", "handed").stdout.startswith("nobody was handed a head of the log yet")
    none = deployment.run("consent", "list", "--holder", "harlan-probation").stdout
    assert none == "no consents of harlan-probation\n"
