"""The long-running processes: what they are told of where they are reached."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from gateway import serving
from gateway.config import Settings
from tests.exchange.deployed import make_template


@pytest.fixture
def reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """A deployment in `tmp_path / "deployment"`, and the settings that its processes go by; they end at once."""
    make_template(tmp_path / "deployment")
    seen: list[Settings] = []
    assembled = serving.assembled

    def noted(made: Settings) -> Any:
        seen.append(made)
        return assembled(made)

    async def nothing(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(serving, "assembled", noted)
    monkeypatch.setattr(serving, "serve", nothing)
    monkeypatch.setattr(serving, "run_worker", nothing)
    return seen


def test_a_cover_is_fetched_at_the_port_that_is_really_served(tmp_path: Path, reached: list[Settings]) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        asyncio.run(serving.serve_process(tmp_path / "deployment", [listening], [], worker=True))
    asyncio.run(serving.worker_process(tmp_path / "deployment", port))
    asyncio.run(serving.worker_process(tmp_path / "deployment"))
    urls = [each.public_url for each in reached]
    assert urls == [f"https://127.0.0.1:{port}", f"https://127.0.0.1:{port}", "https://127.0.0.1:8443"]
