"""One deployment on each kind of database for all acceptance tests: a start costs seconds."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.acceptance.place import Place
from tests.acceptance.place import place as placed
from tests.compiled import compiled_once
from tests.store.postgres_server import fresh_database


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The deployment, its gateway running; each test runs once on each kind of database."""
    with ExitStack() as stack:
        database = "sqlite:///gateway.db"
        if request.param == "postgresql":
            server: str = request.getfixturevalue("postgres_server")
            database = stack.enter_context(fresh_database(server))
        directory = tmp_path_factory.mktemp("place") / "deployment"
        yield stack.enter_context(placed(directory, database))
