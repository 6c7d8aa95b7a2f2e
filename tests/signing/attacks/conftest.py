"""One gateway for all vectors: none of them may leave a trace by which another fares otherwise."""

from collections.abc import Iterator

import pytest

from tests.compiled import compiled_once
from tests.exchange.deployed import make_template
from tests.signing.attacks.edge import Gateway, attacked


@pytest.fixture(scope="package")  # no longer: this process lives by its clock meanwhile
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("attacked")
    with compiled_once(), attacked(make_template(folder / "template"), folder / "deployment") as made:
        yield made
