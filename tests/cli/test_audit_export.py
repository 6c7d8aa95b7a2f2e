"""`gateway audit export` as a person runs it: one file, checked by the verifier alone; nothing half done is left."""

import asyncio
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gateway.app import open_deployment
from gateway.cli import audit_export
from gateway.exchange.accept import accept
from gateway.exchange.sequence import sequence
from gateway.exchange.submission import Submission
from gateway.store.interface import StoreUnavailable
from tests.cli.deployment import SAMPLES, Deployment
from tests.exchange.deployed import JAIL


def sent(deployment: Deployment) -> str:
    """A release notice that went out, all its entries in the log."""

    async def send() -> str:
        async with open_deployment(deployment.directory) as gateway:
            body = (SAMPLES / "fullest.xml").read_bytes()
            accepted = await accept(gateway, Submission(sender=JAIL, sender_id="1", body=body))
            await sequence(gateway.store, gateway.keys.log_signer, origin=gateway.settings.name)
            return accepted.id

    return asyncio.run(send())


def checked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "verifier.py", "evidence.zip", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_package_about_a_message_is_checked_at_home(deployment: Deployment, tmp_path: Path) -> None:
    officer = deployment.officer()
    message = sent(deployment)
    file = tmp_path / "evidence.zip"
    told = deployment.run("audit", "export", "-o", file, "--message", message, "--as", officer).stdout
    assert "4 Covers" in told
    assert "python verifier.py evidence.zip --key" in told
    with zipfile.ZipFile(file) as opened:
        opened.extractall(tmp_path)
    anchors = ("--receipt-key", "keys/receipts.vkey", "--authority", "certificates/authority.pem")
    run = checked(tmp_path, "--key", "keys/log.vkey", *anchors)
    assert (run.returncode, run.stderr) == (0, "")
    assert "PASSED: 13 checks made, 1 not" in run.stdout
    assert "FAILED" not in run.stdout
    without = checked(tmp_path, "--key", "keys/log.vkey").stdout
    assert "not made  certificates: whose certificate it is: no authority was given" in without
    listed = subprocess.run(["sha256sum", "-c", "files.txt"], cwd=tmp_path, capture_output=True, check=False)
    assert listed.returncode == 0


def test_a_package_about_a_person_is_found_by_a_number_and_names_nobody(deployment: Deployment, tmp_path: Path) -> None:
    officer = deployment.officer()
    message = sent(deployment)
    file = tmp_path / "evidence.zip"
    words = ("audit", "export", "-o", file)
    deployment.run(*words, "--subject", "SID=fr-1190284", status=2)
    deployment.run(*words, "--subject", "SID=FR9", "--as", officer, status=1)
    assert not file.exists()
    assert "4 Covers" in deployment.run(*words, "--subject", "SID=fr-1190284", "--as", officer).stdout
    with zipfile.ZipFile(file) as opened:
        content = b"".join(opened.read(name) for name in opened.namelist())
        opened.extractall(tmp_path)
    assert message.encode() in content
    assert not [word for word in (b"FR1190284", b"Tansley", b"TANSLEY") if word in content]
    anchors = ("--receipt-key", "keys/receipts.vkey", "--authority", "certificates/authority.pem")
    assert "PASSED" in checked(tmp_path, "--key", "keys/log.vkey", *anchors).stdout


def test_a_machine_is_told_what_it_holds(deployment: Deployment, tmp_path: Path) -> None:
    officer = deployment.officer()
    sent(deployment)
    words = ("audit", "export", "-o", tmp_path / "evidence.zip", "--period", "2000/2100", "--as", officer)
    answer = deployment.json(*words)
    assert answer["entries"] == answer["log_size"]
    assert (answer["covers"], answer["contents"], answer["lacking"]) == (4, 0, [])
    assert answer["digest"].startswith("sha-256:")


def test_contents_are_in_it_when_asked_for_with_a_reason(deployment: Deployment, tmp_path: Path) -> None:
    officer = deployment.officer()
    message = sent(deployment)
    words = ("audit", "export", "-o", tmp_path / "evidence.zip", "--message", message, "--as", officer)
    deployment.run(*words, "--reveal", status=2)
    deployment.run(*words, "--reason", "audit", status=2)
    assert "4 contents" in deployment.run(*words, "--reveal", "--reason", "discovery").stdout


def test_covers_take_a_person_and_the_log_takes_none(deployment: Deployment, tmp_path: Path) -> None:
    message = sent(deployment)
    refused = deployment.run("audit", "export", "-o", tmp_path / "one.zip", "--message", message, status=1)
    assert "export.person-needed" in refused.output
    deployment.run("audit", "export", "-o", tmp_path / "log.zip", "--all")
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["log.zip"]


def test_a_file_that_is_there_is_not_written_over(deployment: Deployment, tmp_path: Path) -> None:
    sent(deployment)
    (tmp_path / "log.zip").write_text("mine")
    assert "not written over" in deployment.run("audit", "export", "-o", tmp_path / "log.zip", "--all", status=2).output
    assert (tmp_path / "log.zip").read_text() == "mine"
    deployment.run("audit", "export", "-o", tmp_path / "absent" / "log.zip", "--all", status=2)


def test_nothing_is_left_when_the_log_cannot_be_written(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(deployment)

    async def failing(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(audit_export, "export_package", failing)
    deployment.run("audit", "export", "-o", tmp_path / "log.zip", "--all", status=3)
    assert not list(tmp_path.glob("log.zip*"))


def test_it_is_about_one_thing(deployment: Deployment, tmp_path: Path) -> None:
    deployment.run("audit", "export", "-o", tmp_path / "one.zip", status=2)
    deployment.run("audit", "export", "-o", tmp_path / "one.zip", "--all", "--mou", "JAIL-PD-2026-01", status=2)
    deployment.run("audit", "export", "-o", tmp_path / "one.zip", "--period", "soon", status=2)
    deployment.run("audit", "export", "-o", tmp_path / "one.zip", "--all", status=3)


def test_a_log_without_what_was_asked_for(deployment: Deployment, tmp_path: Path) -> None:
    sent(deployment)
    refused = deployment.run("audit", "export", "-o", tmp_path / "one.zip", "--mou", "NO-SUCH@1", status=1)
    assert "export.nothing" in refused.output
