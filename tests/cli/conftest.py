"""A deployment for any test of the commands: made once, copied for each."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.acting import PASSPHRASE
from tests.cli.deployment import Deployment, command
from tests.compiled import compiled_once


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "a long enough passphrase")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `gateway init` makes; to be copied, not used."""
    directory = tmp_path_factory.mktemp("made") / "deployment"
    assert command("init", directory, "--name", "gateway.test", "--port", 8445).exit_code == 0
    return directory


@pytest.fixture
def deployment(template: Path, tmp_path: Path) -> Deployment:
    """A copy of it."""
    directory = tmp_path / "deployment"
    shutil.copytree(template, directory)
    return Deployment(directory)
