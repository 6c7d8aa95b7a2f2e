"""A deployment for any test of the verbs."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.compiled import compiled_once
from tests.exchange.deployed import Deployed, deployed, make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deployment with all that is shipped in force; to be copied, not opened."""
    with compiled_once():
        yield make_template(tmp_path_factory.mktemp("template") / "deployment")


@pytest.fixture
async def place(template: Path, tmp_path: Path) -> AsyncIterator[Deployed]:
    """A copy of it, open."""
    async with deployed(template, tmp_path / "deployment") as made:
        yield made
