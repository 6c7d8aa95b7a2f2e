"""`gateway backup` and `gateway restore` as people type them."""

import json
from pathlib import Path

import pytest

from gateway.cli.backup import PASSPHRASE
from tests.cli.deployment import Deployment, command


@pytest.fixture(autouse=True)
def _backup_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "a passphrase of backups")


@pytest.fixture
def operator(deployment: Deployment) -> str:
    """Somebody who may take everything out."""
    deployment.run("user", "add", "op.one", "--role", "operator")
    return "op.one"


def test_a_backup_into_a_folder_is_restored_into_a_new_one(
    deployment: Deployment, operator: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    made = deployment.json("backup", folder, "--as", operator)
    assert Path(made["archive"]).parent == folder
    assert (folder / "erasable-keys" / "keep-until.csv").exists()
    restored = command("restore", made["archive"], tmp_path / "new", "--json")
    assert restored.exit_code == 0, restored.output
    answer = json.loads(restored.stdout)
    assert answer["log_size"] == made["log_size"]
    assert any("send again" in sentence for sentence in answer["todo"])
    assert command("audit", "verify", "-C", tmp_path / "new").exit_code == 0
    new = Deployment(tmp_path / "new")
    assert new.json("user", "list") == deployment.json("user", "list")


def test_it_says_in_words_what_was_made_and_what_is_to_be_done(
    deployment: Deployment, operator: str, tmp_path: Path
) -> None:
    said = deployment.run("backup", tmp_path / "one.backup", "--as", operator).output
    assert "reads no payload by itself" in said
    said = command("restore", tmp_path / "one.backup", tmp_path / "new").output
    assert "verifies from entry 0" in said
    assert "Now:" in said
    assert "do it again before you serve" in said


def test_somebody_answers_for_a_backup_unless_only_the_recovery_key_opens_it(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "one.backup"
    assert "--as" in deployment.run("backup", file, status=2).output
    made = command("keys", "recovery", tmp_path / "safe" / "recovery.key")
    assert made.exit_code == 1  # a folder that is not there
    (tmp_path / "safe").mkdir()
    assert command("keys", "recovery", tmp_path / "safe" / "recovery.key").exit_code == 0
    with (deployment.directory / "gateway.toml").open("a") as settings:
        settings.write(f'\n[backup]\nrecovery_key = "{tmp_path}/safe/recovery.key.pub"\n')
    deployment.run("backup", file)
    refused = command("restore", file, tmp_path / "new")
    assert (refused.exit_code, "backup.wrong-key" in refused.output) == (1, True)
    restored = command("restore", file, tmp_path / "new", "--key-file", tmp_path / "safe" / "recovery.key")
    assert restored.exit_code == 0, restored.output


def test_who_may_not_is_told_so(deployment: Deployment, tmp_path: Path) -> None:
    officer = deployment.officer("harlan-county-jail")
    assert "user.not-allowed" in deployment.run("backup", tmp_path / "one.backup", "--as", officer, status=1).output
    assert not (tmp_path / "one.backup").exists()


def test_a_wrong_passphrase_opens_nothing(
    deployment: Deployment, operator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.run("backup", tmp_path / "one.backup", "--as", operator)
    monkeypatch.setenv(PASSPHRASE, "another passphrase of backups")
    refused = command("restore", tmp_path / "one.backup", tmp_path / "new")
    assert refused.exit_code == 1
    assert "backup.wrong-key" in refused.output
    assert not (tmp_path / "new").exists()


def test_force_takes_a_reason_of_the_list_and_a_person(deployment: Deployment, operator: str, tmp_path: Path) -> None:
    deployment.run("backup", tmp_path / "one.backup", "--as", operator)
    for words in (["--force"], ["--force", "--reason", "exercise"], ["--force", "--reason", "because", "--as", "op"]):
        assert command("restore", tmp_path / "one.backup", tmp_path / "new", *words).exit_code == 2
    assert command("restore", tmp_path / "one.backup", tmp_path / "new", "--reason", "exercise").exit_code == 2


def test_a_folder_that_is_not_empty_and_a_file_that_is_no_archive_are_refused(
    deployment: Deployment, operator: str, tmp_path: Path
) -> None:
    deployment.run("backup", tmp_path / "one.backup", "--as", operator)
    refused = command("restore", tmp_path / "one.backup", deployment.directory)
    assert "restore.folder-not-empty" in refused.output
    refused = command("restore", deployment.directory / "gateway.toml", tmp_path / "new")
    assert "backup.not-an-archive" in refused.output
    assert (
        command("backup", tmp_path / "no" / "one.backup", "-C", deployment.directory, "--as", operator).exit_code == 3
    )


def test_next_and_old_keys_come_back_with_the_others(deployment: Deployment, operator: str, tmp_path: Path) -> None:
    by = ("--as", operator)
    for role in ("authority", "cover", "receipt"):
        deployment.run("keys", "rotate", role, *by)
    deployment.run("keys", "rotate", "tls", "--from", "2099-01-31", *by)
    deployment.run("keys", "rotate", "client", "--csr", tmp_path / "client.csr", *by)
    deployment.run("keys", "crl", *by)
    before = deployment.json("keys", "list")
    deployment.run("backup", tmp_path / "one.backup", *by)
    restored = command("restore", tmp_path / "one.backup", tmp_path / "new")
    assert restored.exit_code == 0, restored.output
    new = Deployment(tmp_path / "new")
    told = [{key: row[key] for key in row if key != "created"} for row in new.json("keys", "list")]
    assert told == [{key: row[key] for key in row if key != "created"} for row in before]
    files = {path.name for path in (deployment.directory / "keys").iterdir() if path.is_file()}
    assert files - {path.name for path in (tmp_path / "new/keys").iterdir()} == {".rotate.lock"}
