"""`gateway user`: people are added with a key of their own, and acts are signed with it."""

from pathlib import Path

import pytest

from gateway.cli.acting import PASSPHRASE
from tests.cli.deployment import Deployment, command


def test_a_person_is_added_with_a_key_that_only_its_passphrase_opens(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = deployment.json("user", "add", "dana.whitcombe", "--agency", "harlan-county-jail", "--role", "signatory")
    key = Path(told["key"])
    assert key.stat().st_mode & 0o077 == 0
    assert b"ENCRYPTED" in key.read_bytes()
    monkeypatch.setenv(PASSPHRASE, "some other long passphrase")
    said = deployment.run("user", "disable", "somebody", "--as", "dana.whitcombe", status=1).stderr
    assert "[key.passphrase]" in said


def test_a_short_passphrase_is_refused_and_nobody_is_added(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "short")
    assert "[user.weak-passphrase]" in deployment.run("user", "add", "d", "--role", "operator", status=1).stderr
    assert "d" not in {row["user"] for row in deployment.json("user", "list")}


def test_a_key_made_elsewhere_is_known_by_its_public_half(deployment: Deployment, tmp_path: Path) -> None:
    assert command("user", "key", tmp_path / "mine").exit_code == 0
    added = ("user", "add", "ann", "--role", "administrator", "--public-key", tmp_path / "mine.pub")
    assert "key" not in deployment.json(*added)
    deployment.run("user", "add", "bo", "--role", "operator", "--as", "ann", "--key", tmp_path / "mine")
    assert "[user.administrator-needed]" in deployment.run("user", "add", "c", "--role", "operator", status=1).stderr
    deployment.run("user", "disable", "bo", "--as", "ann", "--key", tmp_path / "mine")
    assert {row["user"] for row in deployment.json("user", "list") if row["disabled"]} == {"bo"}


def test_a_refused_addition_leaves_no_key_behind(deployment: Deployment) -> None:
    refused = deployment.run("user", "add", "eve", "--agency", "nobody-at-all", "--role", "signatory", status=1)
    assert "[agency.unknown]" in refused.stderr
    assert not (deployment.directory / "users" / "eve.key").exists()


@pytest.mark.parametrize("name", ["Dana", "dana whitcombe", "../dana"])
def test_what_is_no_account_name_is_a_mistake_of_usage(deployment: Deployment, name: str) -> None:
    deployment.run("user", "add", name, "--role", "operator", status=2)


def test_an_account_without_a_key_here_is_told_where_keys_and_accounts_are(deployment: Deployment) -> None:
    said = deployment.run("user", "disable", "ann", "--as", "nobody", status=1).stderr
    assert "[key.missing]" in said
    assert "--key" in said
    assert "gateway user list" in said


def test_people_stand_in_columns_however_long_their_accounts_are(deployment: Deployment) -> None:
    lines = deployment.run("user", "list").stdout.splitlines()
    assert len({line.index(f"  {line.split()[1]}") for line in lines}) == 1
