"""`gateway doctor`: each check by name, each trouble with what to do."""

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.exchange import activate
from tests.cli.deployment import Deployment, command
from tests.signing.pki import leaf

CHECKS = {
    "alerts",
    "alert ways",
    "settings",
    "clock",
    "disk",
    "keys",
    "certificates",
    "file permissions",
    "migrations",
    "database",
    "pins",
    "backlog",
    "sequencer lag",
    "backup",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at the clock takes a moment; here it need not."""
    from gateway.cli import doctor

    monkeypatch.setattr(doctor, "SEQUENCER_LAG_MAX", doctor.SEQUENCER_LAG_MAX * 10_000)  # no worker runs here


def checks(deployment: Deployment, status: int) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in deployment.json("doctor", status=status)}


def test_a_new_deployment_is_well(deployment: Deployment) -> None:
    found = checks(deployment, 0)
    assert set(found) == CHECKS
    assert {each["state"] for each in found.values()} == {"ok"}
    spoken = deployment.run("doctor").stdout
    assert all(name in spoken for name in CHECKS)


def test_settings_that_cannot_be_read(deployment: Deployment) -> None:
    (deployment.directory / "gateway.toml").write_text("name = 'x'\ncolour = 'blue'\n")
    found = checks(deployment, 1)
    assert set(found) == {"settings"}
    assert "colour" in found["settings"]["text"]


def test_keys_that_others_may_read(deployment: Deployment) -> None:
    (deployment.directory / "keys").chmod(0o755)
    found = checks(deployment, 1)
    assert found["keys"]["state"] == "error"
    assert "keys" in found["keys"]["text"]
    assert found["database"]["state"] == "error"
    assert found["file permissions"]["state"] == "error"


@pytest.mark.parametrize(
    ("file", "state"), [("keys/buckets", "error"), ("keys/subjects/2026-Q1.1.key", "error"), ("gateway.db", "warning")]
)
def test_every_file_that_others_may_read_is_named(deployment: Deployment, file: str, state: str) -> None:
    path = deployment.directory / file
    folder = path.parent if path.suffix else path
    folder.mkdir(mode=0o700, exist_ok=True)
    if path.suffix == ".key":
        path.write_bytes(b"a key")
    path.chmod(0o755 if path.is_dir() else 0o644)
    found = checks(deployment, 1 if state == "error" else 0)["file permissions"]
    assert found["state"] == state
    assert f"chmod {'700' if path.is_dir() else '600'} {path}" in found["text"]


def test_of_certificates_it_counts_those_that_are_some(deployment: Deployment) -> None:
    before = {check["name"]: check for check in deployment.json("doctor")}["pins"]["text"]
    deployment.run("agency", "add", "--id", "millbrook-police", "--username", "records", "--token")
    assert {check["name"]: check for check in deployment.json("doctor")}["pins"]["text"] == before


def test_a_certificate_registered_under_milder_rules_is_said(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "weak.pem"
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (it is to be refused)
    file.write_bytes(leaf("police", None, key=weak, now=datetime.now(UTC)).pem)
    with monkeypatch.context() as patch:
        patch.setattr(activate, "check_pin", lambda *_, **__: None)
        deployment.run("agency", "add", "--id", "millbrook-police", "--certificate", file)
    found = checks(deployment, 1)["certificates"]
    assert found["state"] == "error"
    assert found["text"].startswith("millbrook-police: ")
    assert "is refused whenever it is shown: the key of the certificate must be P-256" in found["text"]
    assert "ask for another, then: gateway agency revoke millbrook-police --credential " in found["text"]


def test_a_database_without_its_migrations(deployment: Deployment) -> None:
    for file in deployment.directory.glob("gateway.db*"):
        file.unlink()
    sqlite3.connect(deployment.directory / "gateway.db").close()
    found = checks(deployment, 1)
    assert found["migrations"]["state"] == "error"
    assert "init" in found["migrations"]["text"]


def test_a_database_that_is_no_database(deployment: Deployment) -> None:
    for file in deployment.directory.glob("gateway.db*"):
        file.unlink()
    (deployment.directory / "gateway.db").write_bytes(b"not a database, by any means" * 200)
    found = checks(deployment, 1)
    assert "error" in {found.get(name, {}).get("state") for name in ("database", "migrations")}


def test_the_keys_of_another_deployment(deployment: Deployment, tmp_path: Path) -> None:
    assert command("init", tmp_path / "other", "--empty").exit_code == 0
    shutil.rmtree(deployment.directory / "keys")
    shutil.copytree(tmp_path / "other/keys", deployment.directory / "keys")
    found = checks(deployment, 1)
    assert found["database"]["state"] == "error"
    assert "[keys.other-directory]" in found["database"]["text"]


def test_entries_that_nobody_puts_into_the_log(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from gateway.cli import doctor

    monkeypatch.setattr(doctor, "SEQUENCER_LAG_MAX", timedelta())
    found = checks(deployment, 1)
    assert found["sequencer lag"]["state"] == "error"
    assert "worker" in found["sequencer lag"]["text"]


def test_a_backup_that_is_too_old(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_BACKUP_PASSPHRASE", "a passphrase of backups")
    deployment.run("user", "add", "op.one", "--role", "operator")
    deployment.run("backup", tmp_path / "one.backup", "--as", "op.one")
    assert checks(deployment, 0)["backup"]["state"] == "ok"
    with (deployment.directory / "gateway.toml").open("a") as settings:
        settings.write("\n[backup]\nwarn_days = 0.0000001\n")
    found = checks(deployment, 0)["backup"]
    assert found["state"] == "warning"
    assert "gateway backup FOLDER" in found["text"]


class Later:
    """A clock of another day."""

    def __init__(self, days: float) -> None:
        self._by = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by

    def random(self, size_bytes: int) -> bytes:
        return bytes(size_bytes)


def said(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, days: float) -> list[str]:
    """What the doctor says of certificates and lists on another day, whatever else is wrong by then."""
    from gateway import app
    from gateway.cli import doctor

    with monkeypatch.context() as patch:
        patch.setattr(doctor, "SystemClock", lambda: Later(days))
        patch.setattr(app, "SystemClock", lambda: Later(days))
        rows = json.loads(command("doctor", "--json", "-C", deployment.directory).stdout)
    about = [each for each in rows if each["name"] in ("certificates", "revocation list")]
    return [f"{each['state']} {each['text']}" for each in about if "days and more" not in each["text"]]


def test_a_certificate_that_ends_is_said_with_the_command_that_mends_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.run("user", "add", "ana", "--role", "operator")
    assert said(deployment, monkeypatch, 0) == []
    (tls,) = said(deployment, monkeypatch, 380)
    assert tls.startswith("warning tls: until ")
    assert tls.endswith("gateway keys rotate tls --prepare --as USER, then gateway keys export FOLDER")
    deployment.run("keys", "rotate", "tls", "--prepare", "--as", "ana")
    own, following = said(deployment, monkeypatch, 380)
    assert own.endswith("the next one is made: gateway keys rotate tls --as USER")
    assert following.startswith("warning tls.next: until ")
    assert said(deployment, monkeypatch, 400)[0].startswith("error tls: until ")


def test_a_key_that_no_worker_took_up_is_said(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.run("user", "add", "ana", "--role", "operator")
    day = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    deployment.run("keys", "rotate", "cover", "--from", day, "--as", "ana")
    assert said(deployment, monkeypatch, 1) == []
    (late,) = said(deployment, monkeypatch, 4)
    assert "cover.next: was to take over at" in late
    assert late.endswith("run gateway worker")


def test_a_revocation_list_that_is_old_or_lacks_somebody_is_said(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deployment.run("agency", "add", "--id", "millbrook-police", "--issue", tmp_path)
    deployment.run("keys", "crl", tmp_path / "gateway.crl")
    assert said(deployment, monkeypatch, 0)[0].startswith("ok 0 certificates, until ")
    assert "make a new one: gateway keys crl FILE" in said(deployment, monkeypatch, 6.5)[0]
    assert said(deployment, monkeypatch, 8)[0].startswith("error held until ")
    deployment.run("agency", "suspend", "millbrook-police")
    assert said(deployment, monkeypatch, 0)[0].startswith("warning 1 certificates were revoked since it was made")
    deployment.run("keys", "crl", tmp_path / "gateway.crl")
    assert said(deployment, monkeypatch, 0)[0].startswith("ok 1 certificates, until ")
