"""`gateway serve` and `gateway worker` that cannot begin: said in words, with a status, before anything is served."""

import socket
from collections.abc import Iterator

import pytest

from tests.cli.deployment import Deployment


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_another_program_uses(deployment: Deployment, taken: int) -> None:
    result = deployment.run("serve", "--port", taken, status=1)
    assert "[listen.address-unusable]" in result.stderr
    assert str(taken) in result.stderr


def test_keys_that_others_may_read(deployment: Deployment) -> None:
    (deployment.directory / "keys/tls.key.pem").chmod(0o644)
    assert "[key.permissions]" in deployment.run("worker", status=1).stderr


def test_a_database_without_its_migrations(deployment: Deployment) -> None:
    for file in deployment.directory.glob("gateway.db*"):
        file.unlink()
    (deployment.directory / "gateway.db").touch()
    assert "[store.migrations-missing]" in deployment.run("worker", status=1).stderr


def test_plain_http_beyond_this_machine(deployment: Deployment) -> None:
    file = deployment.directory / "gateway.toml"
    file.write_text('name = "gateway.test"\n[listen]\nhost = "0.0.0.0"\ntls = false\n')
    result = deployment.run("serve", status=1)
    assert "[settings.refused]" in result.stderr
    assert "loopback" in result.stderr
