"""What every command shares: how it runs, how it answers people and machines, and its exit codes."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from gateway.errors import GatewayError, Unavailable
from gateway.finding import Finding, Severity

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3


class _Terminal(Console):
    """A console that nothing of what it shows can steer: names out of strangers' certificates and files may hold the
    signs that terminals take for orders."""

    def print(self, *objects: Any, **more: Any) -> None:
        """As the console does; a sign that is none for people as "?"."""
        super().print(*(_shown(each) if isinstance(each, str) else each for each in objects), **more)


def _shown(text: str) -> str:
    return (
        text if text.isprintable() else "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)
    )


out = _Terminal(highlight=False, soft_wrap=True, emoji=False)
"""For people. No emoji: between colons stand names of elements (`hs:Child:`), not pictures."""
err = _Terminal(stderr=True, highlight=False, soft_wrap=True, emoji=False)

Directory = Annotated[
    Path,
    typer.Option(
        "--dir",
        "-C",
        envvar="GATEWAY_DIR",
        help="Folder of the deployment: the one with gateway.toml.",
        show_default="this folder",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for a machine to read.")]

T = TypeVar("T")

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run an act to its end; an error of the gateway becomes a sentence and an exit code, never a stack trace."""
    try:
        return asyncio.run(coroutine)
    except GatewayError as error:
        fail(error)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except asyncio.CancelledError:  # told to end by a signal
        raise typer.Exit(143) from None


def fail(error: GatewayError) -> NoReturn:
    """Say what is wrong and end: 3 when trying again may help, else 1."""
    err.print(f"[bold red]error[/] \\[{error.code}] {escape(error.text)}")
    show(getattr(error, "findings", ()))
    raise typer.Exit(EXIT_UNAVAILABLE if isinstance(error, Unavailable) else EXIT_FINDINGS)


def show(findings: Iterable[Finding]) -> None:
    """Findings, a line each."""
    for finding in findings:
        color = _COLORS[finding.severity]
        place = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part)
        parts = (f"[bold]{escape(place)}[/]" if place else "", f"[{color}]{finding.severity}[/]")
        rest = f"\\[{finding.code}] {escape(' '.join(part for part in (finding.path, finding.text) if part))}"
        err.print(" ".join((*[part for part in parts if part], rest)))


def write(file: Path, text: str, *, anew: bool = False, private: bool = False) -> None:
    """Write a file a person asked for. anew: only where none is yet. private: for nobody else to read."""
    mode = 0o600 if private else 0o666
    try:
        with open(
            file, "x" if anew else "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, mode)
        ) as opened:
            if private and hasattr(os, "fchmod"):
                os.fchmod(opened.fileno(), mode)  # one that was there may have been for all to read
            opened.write(text)
    except FileExistsError as error:
        raise typer.BadParameter(f"{file} is there already and is not written over") from error
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror}") from error


def as_json(finding: Finding) -> dict[str, Any]:
    """A finding as the API gives it."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "file": finding.file,
        "line": finding.line,
        "path": finding.path,
        "text": finding.text,
    }


def answer(value: object) -> None:
    """One JSON document on standard output."""
    json.dump(value, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")
