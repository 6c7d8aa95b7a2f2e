"""`gateway demo`: the story a newcomer sees, as data."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SECONDS_MAX = 240


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Told from a folder in which a file has the name of one of Python's modules: none of it may be run."""
    directory, folder = tmp_path_factory.mktemp("demo") / "deployment", tmp_path_factory.mktemp("folder")
    (folder / "http.py").write_text("raise SystemExit('a file of this folder was run')")
    command = [str(Path(sys.executable).with_name("gateway")), "demo", "--once", "--json", "--dir", str(directory)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return directory, json.loads(ran.stdout)


def gateway(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


def test_the_demo_tells_the_whole_story_and_nothing_leaks(demo: tuple[Path, dict[str, Any]]) -> None:
    _, told = demo
    assert set(told) == {"messages", "refused", "deliveries", "withheld", "leaks", "audit", "seconds"}
    assert told["messages"] == 33  # 12 samples of each exchange, without the juvenile in each, who goes nowhere
    assert told["refused"] == 5  # three juveniles, one invalid, one without an agreement
    assert set(told["deliveries"]) == {"rest", "soap", "inbox"}
    assert all(count >= 20 for count in told["deliveries"].values())
    assert told["withheld"] > 1000
    assert told["leaks"] == 0
    assert told["audit"]["verified"] is True
    assert told["audit"]["entries"] > 200


def test_every_other_command_works_in_the_demos_deployment_afterwards(demo: tuple[Path, dict[str, Any]]) -> None:
    directory, told = demo
    verified = json.loads(gateway("audit", "verify", "--json", "-C", str(directory)).stdout)
    assert verified["verified"] is True
    deliveries = json.loads(gateway("deliveries", "list", "--limit", "500", "--json", "-C", str(directory)).stdout)
    arrived = [each for each in deliveries if each["state"] == "delivered"]
    assert len(arrived) == sum(told["deliveries"].values())
    shown = json.loads(gateway("deliveries", "show", arrived[0]["delivery"], "--json", "-C", str(directory)).stdout)
    assert shown["mou"].count("@") == 1
    doctor = json.loads(gateway("doctor", "--json", "-C", str(directory)).stdout)
    assert {"ok"} >= {check["state"] for check in doctor if check["name"] in {"database", "migrations", "keys"}}


def test_keys_and_tokens_of_the_demo_are_readable_by_their_owner_only(demo: tuple[Path, dict[str, Any]]) -> None:
    directory, _ = demo
    secret = [file for file in directory.rglob("*") if file.name.endswith((".key.pem", ".json")) and file.is_file()]
    assert secret
    assert {file.stat().st_mode & 0o077 for file in secret} == {0}
