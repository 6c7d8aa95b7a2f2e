"""One live gateway for all clients."""

import os
from collections.abc import Iterator

import pytest

from gateway.cli.acting import PASSPHRASE
from tests.compiled import compiled_once
from tests.interop.live import Live
from tests.interop.live import live as started


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The gateway, its operator and its partners."""
    before = os.environ.get(PASSPHRASE)
    os.environ[PASSPHRASE] = "a long enough passphrase"
    try:
        with compiled_once(), started(tmp_path_factory.mktemp("live") / "deployment") as made:
            yield made
    finally:
        os.environ.pop(PASSPHRASE)
        if before is not None:
            os.environ[PASSPHRASE] = before
