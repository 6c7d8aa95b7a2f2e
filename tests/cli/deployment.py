"""A deployment to run commands in, and the commands as a person runs them, in this process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from gateway.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "iepd/custody-release/1.0/samples"
AGENCIES = ROOT / "policies/agencies"
MOUS = ROOT / "policies/mous"


def command(*words: object) -> Result:
    """A command. Whatever goes wrong is said in words: a stack trace fails the test."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return result


@dataclass(frozen=True)
class Deployment:
    """A deployment's folder."""

    directory: Path

    def run(self, *words: object, status: int = 0) -> Result:
        """A command in this deployment, which should end so."""
        result = command(*words, "-C", self.directory)
        assert result.exit_code == status, result.output
        return result

    def officer(self, agency: str = "") -> str:
        """An account that may approve for this agency ("" = the operator) and put agreements in force; made by command,
        under the passphrase that `conftest` sets."""
        name = f"officer.{agency or 'operator'}"
        if name not in {row["user"] for row in self.json("user", "list")}:
            speaks = ("--agency", agency) if agency else ()
            self.run("user", "add", name, "--role", "signatory", "--role", "compliance-officer", *speaks)
        return name

    def activate(self, file: Path, *options: str, status: int = 0) -> Result:
        """`mou activate`, after everybody approved."""
        for party in ("harlan-county-jail", "harlan-probation"):
            self.run("mou", "sign", file, "--for", party, "--as", self.officer(party), status=status)
        return self.run("mou", "activate", file, *options, "--as", self.officer(), status=status)

    def json(self, *words: object, status: int = 0) -> Any:
        """What it answers to a machine."""
        return json.loads(self.run(*words, "--json", status=status).stdout)
