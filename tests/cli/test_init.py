"""`gateway init`: a deployment that is whole, or nothing."""

import sqlite3
import tomllib
from pathlib import Path

import pytest

from gateway.keys.files import KeyStore
from tests.cli.deployment import Deployment, command


def test_settings_keys_database_and_what_is_in_force(template: Path) -> None:
    assert tomllib.loads((template / "gateway.toml").read_text())["name"] == "gateway.test"
    assert (template / "keys").stat().st_mode & 0o777 == 0o700
    for file in (template / "keys").glob("*.key.pem"):
        assert file.stat().st_mode & 0o077 == 0
    with sqlite3.connect(template / "gateway.db") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    made = Deployment(template)
    assert len(made.json("agency", "list")) == 6
    assert len(made.json("mou", "list")) == 5
    assert len(made.json("iepd", "list")) == 3


def test_once_more_in_the_same_folder_keeps_keys_and_settings(deployment: Deployment) -> None:
    keys = {file: file.read_bytes() for file in (deployment.directory / "keys").glob("*.pem")}
    settings = (deployment.directory / "gateway.toml").read_bytes()
    result = command("init", deployment.directory, "--name", "gateway.other")
    assert result.exit_code == 0, result.output
    assert {file: file.read_bytes() for file in (deployment.directory / "keys").glob("*.pem")} == keys
    assert (deployment.directory / "gateway.toml").read_bytes() == settings
    assert len(deployment.json("mou", "list")) == 5


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    result = command("init", tmp_path)
    assert result.exit_code == 1
    assert "[init.not-empty]" in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_empty_leaves_the_samples_out_and_keeps_the_exchanges(tmp_path: Path) -> None:
    made = Deployment(tmp_path / "new")
    assert command("init", made.directory, "--empty").exit_code == 0
    assert made.json("agency", "list") == []
    assert made.json("mou", "list") == []
    assert len(made.json("iepd", "list")) == 3


def test_an_rsa_key_for_covers(tmp_path: Path) -> None:
    assert command("init", tmp_path / "new", "--empty", "--cover-key", "rsa2048").exit_code == 0
    store = KeyStore.open(tmp_path / "new/keys", name="gateway.local")
    assert {key.name: key.algorithm for key in store.list()}["cover"].lower().startswith("rsa")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--port", "99999"), ("--cover-key", "dsa"), ("--name", "Not A Name"), ("--database", "mysql://somewhere/x")],
)
def test_a_setting_that_cannot_be_is_refused(tmp_path: Path, option: str, value: str) -> None:
    result = command("init", tmp_path / "new", option, value)
    assert result.exit_code == 1
    assert "error" in result.output
    assert not (tmp_path / "new/gateway.db").exists()


def test_a_database_that_is_away_is_something_to_try_again(tmp_path: Path) -> None:
    result = command("init", tmp_path / "new", "--database", "postgresql://gateway@127.0.0.1:1/gateway")
    assert result.exit_code == 3
    assert "[store.unavailable]" in result.output
