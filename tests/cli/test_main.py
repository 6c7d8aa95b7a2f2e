"""Every command has help, says what is wrong in words, and ends with the status the design promises."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from gateway import __version__
from gateway.cli.main import app
from tests.cli.deployment import ROOT, SAMPLES, command


def commands(found: click.Command, *before: str) -> Iterator[tuple[str, ...]]:
    """Every command there is, by its words."""
    yield before
    for name, below in getattr(found, "commands", {}).items():
        yield from commands(below, *before, name)


ALL = list(commands(typer.main.get_command(app)))

PROMISED = (
    "demo init serve worker doctor validate redact send iepd.list iepd.show mou.lint mou.activate mou.suspend mou.end "
    "mou.list agency.add agency.list agency.suspend keys.list keys.export deliveries.list deliveries.show "
    "deliveries.requeue deliveries.discard audit.verify audit.evidence audit.export"
)


def test_the_commands_that_others_call_are_there() -> None:
    assert {".".join(words) for words in ALL} >= set(PROMISED.split())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_each_has_help(words: tuple[str, ...]) -> None:
    result = command(*words, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert len(result.output.split()) > 10


def test_the_version() -> None:
    assert command("--version").stdout == f"gateway {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("validate",),
        ("validate", "no-such-file.xml"),
        ("validate", str(SAMPLES)),
        ("redact", str(SAMPLES / "smallest.xml"), "--to", "millbrook-police"),
        ("deliveries", "list", "--state", "lost"),
        ("agency", "add"),
        ("audit", "evidence"),
        ("audit", "verify", "--since", "yesterday"),
        ("serve", "--processes", "0"),
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2(words: tuple[str, ...]) -> None:
    result = command(*words)
    assert result.exit_code == 2
    assert "Usage:" in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("serve",),
        ("worker",),
        ("doctor",),
        ("agency", "list"),
        ("agency", "suspend", "millbrook-police"),
        ("mou", "list"),
        ("mou", "end", "X-1", "--as", "dana"),
        ("keys", "list"),
        ("keys", "export", "out"),
        ("deliveries", "list"),
        ("deliveries", "requeue", "x"),
        ("audit", "verify"),
        ("audit", "evidence", "x"),
        ("audit", "export", "--all", "-o", "out.zip"),
    ],
    ids=" ".join,
)
def test_where_there_is_no_deployment_each_says_so(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command(*words)
    assert result.exit_code == 1
    assert "no such file" in result.output
    assert "gateway init" in result.output
    assert "-C DIR" in result.output


def test_as_a_program_of_its_own_it_ends_with_the_same_status() -> None:
    words = [sys.executable, "-m", "gateway", "validate", str(SAMPLES / "invalid" / "dangling-ref.xml")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "not valid" in done.stdout
    assert "reference." in done.stderr
