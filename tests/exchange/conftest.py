"""A deployment for any test of the verbs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.store.interface import StoreUnavailable
from tests.compiled import compiled_once
from tests.exchange.deployed import Deployed, check_signatures, deployed, make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deployment with all that is shipped in force; to be copied, not opened."""
    with compiled_once():
        yield make_template(tmp_path_factory.mktemp("template") / "deployment")


@pytest.fixture
async def place(template: Path, tmp_path: Path) -> AsyncIterator[Deployed]:
    """A copy of it, open. Whatever a test made people sign, an outsider can verify it by the log alone."""
    async with deployed(template, tmp_path / "deployment") as made:
        yield made
        with suppress(StoreUnavailable):  # a test may have taken its database away
            await check_signatures(made)
