"""Live: a gateway as its operator runs it, over TLS, and the folders that its partners' programmers were handed.

Everything is done by command: `gateway init`, `user add`, `serve`, `integrate`. The gateway and each client are
processes of their own; the operator's commands run in this one, where the exchanges are compiled once. What the gateway
holds afterward is asked over REST with credentials of its own, never by the client under test.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.integrate.client import Client
from tests.cli.deployment import command

ROOT = Path(__file__).resolve().parents[2]
JAIL, POLICE, PROBATION = "harlan-county-jail", "millbrook-police", "harlan-probation"
OPERATOR = "ana.operator"
WANT_A_NAME = frozenset({"dotnet"})
"""Mono finds host names in a certificate, and no addresses."""

START_SECONDS_MAX = 60.0
CHECK_SECONDS_MAX = 30.0
SETUP_SECONDS_MAX = 300.0
ACT_SECONDS_MAX = 60.0
WAIT_SECONDS_MAX = 15.0


@dataclass
class Done:
    """A client's act, ended."""

    status: int
    out: str
    err: str

    def rows(self, word: str) -> list[list[str]]:
        """What it printed after this word, line by line."""
        return [line.split()[1:] for line in self.out.splitlines() if line.split()[:1] == [word]]


@dataclass
class Pack:
    """A folder that `gateway integrate` wrote."""

    folder: Path
    client: Client

    def run(self, *words: object, status: int = 0, seconds: float = ACT_SECONDS_MAX) -> Done:
        """An act of the client, which should end so, within the deadline; what it leaves running is ended."""
        done = self.act(*words, seconds=seconds)
        assert done.status == status, f"{self.client.name} {words}: {done.status}\n{done.out}\n{done.err}"
        return done

    def act(self, *words: object, seconds: float = ACT_SECONDS_MAX) -> Done:
        """The same, however it ends."""
        return _run([*self.client.run, *map(str, words)], self.folder, seconds)

    def set(self, **settings: str) -> None:
        """Change lines of the settings file, as its reader would with an editor."""
        file = self.folder / "gateway.properties"
        lines = file.read_text().splitlines()
        for name, value in settings.items():
            place = next(at for at, line in enumerate(lines) if line.startswith(f"{name}="))
            lines[place] = f"{name}={value}"
        file.write_text("\n".join(lines) + "\n")

    def setting(self, name: str) -> str:
        """A line of the settings file."""
        lines = (self.folder / "gateway.properties").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith(f"{name}="))


@dataclass
class Live:
    """The gateway, running."""

    directory: Path
    port: int
    tokens: dict[str, str] = field(default_factory=dict)
    _built: dict[str, Path] = field(default_factory=dict)
    _packs: dict[tuple[object, ...], Pack] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        """Who vouches for it."""
        return self.directory / "for-partners/authority.pem"

    def command(self, *words: object, status: int = 0) -> str:
        """A command of the operator in this deployment; what it prints."""
        done = command(*words, "-C", self.directory)
        assert done.exit_code == status, done.output
        return done.stdout

    def pack(self, agency: str, client: Client, *options: str) -> Pack:
        """The folder for this agency and toolkit, set up as its README says. The same one when asked for again."""
        known = (agency, client.name, *options)
        if known not in self._packs:
            folder = self.directory / "packs" / "-".join((agency, client.name, *options)).replace("--", "")
            self.command("integrate", agency, "--client", client.name, "--out", folder, *options, "--as", OPERATOR)
            self._packs[known] = Pack(folder=folder, client=client)
            if client.name in WANT_A_NAME:
                self._packs[known].set(soap=f"https://localhost:{self.port}/soap")
            self._set_up(self._packs[known])
            until(lambda: self._knows(self._packs[known]), "the credential counts")  # within seconds
        return self._packs[known]

    def _knows(self, pack: Pack) -> bool:
        token, certificate, key = (pack.setting(name) for name in ("token", "certificate", "key"))
        answer = requests.get(
            f"{self.url}/v1/inbox",
            headers={"Authorization": f"Bearer {(pack.folder / token).read_text().strip()}"} if token else {},
            cert=(str(pack.folder / certificate), str(pack.folder / key)) if key else None,
            verify=str(self.authority),
            timeout=30,
        )
        return answer.status_code == 200

    def _set_up(self, pack: Pack) -> None:
        """Once for each toolkit; other packs of it get a copy of what that built."""
        built = self._built.get(pack.client.name)
        if built is None:
            for words in pack.client.setup:
                line = [word.replace("{python}", sys.executable) for word in words]
                done = _run(line, pack.folder, SETUP_SECONDS_MAX)
                assert done.status == 0, f"{' '.join(line)}:\n{done.out}\n{done.err}"
            self._built[pack.client.name] = pack.folder
            return
        for path in built.iterdir():
            if not (pack.folder / path.name).exists() and not path.name.startswith(("inbox", "harlan-", "millbrook-")):
                copy = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, pack.folder / path.name, **({"symlinks": True} if path.is_dir() else {}))

    # --- the gateway's side -------------------------------------------------------------------------------------

    def ask(self, agency: str, path: str) -> requests.Response:
        """Ask the gateway itself, with a token of this agency that no client has."""
        new = agency not in self.tokens
        if new:
            told = json.loads(self.command("agency", "add", "--id", agency, "--token", "--json", "--as", OPERATOR))
            self.tokens[agency] = told["token"]
        headers = {"Authorization": f"Bearer {self.tokens[agency]}"}

        def answer() -> requests.Response:
            return requests.get(f"{self.url}{path}", headers=headers, verify=str(self.authority), timeout=30)

        if new:
            until(lambda: answer().status_code != 401, "the credential counts")
        return answer()

    def send(self, sender: str, file: Path, id: str) -> requests.Response:
        """Send a message over REST, as another system of this agency would."""
        self.ask(sender, "/v1/inbox")
        headers = {
            "Authorization": f"Bearer {self.tokens[sender]}",
            "Idempotency-Key": id,
            "Content-Type": "application/xml",
        }
        return requests.post(
            f"{self.url}/v1/messages", file.read_bytes(), headers=headers, verify=str(self.authority), timeout=30
        )

    def message(self, sender: str, id: str) -> dict[str, Any]:
        """How a message stands, as its sender may know it."""
        answer = self.ask(sender, f"/v1/messages/{id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def delivery(self, sender: str, id: str, recipient: str) -> dict[str, Any]:
        """The delivery of a message to one recipient."""
        return next(each for each in self.message(sender, id)["deliveries"] if each["recipient"] == recipient)


@contextmanager
def live(directory: Path) -> Iterator[Live]:
    """A gateway made and started by command; ended when left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Live(directory=directory, port=port)
    done = command("init", directory, "--name", "gateway.interop", "--port", port)
    assert done.exit_code == 0, done.output
    made.command("keys", "export", directory / "for-partners")
    made.command("user", "add", OPERATOR, "--role", "operator", "--role", "compliance-officer")
    with (directory / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "-C", str(directory)],
            stdout=log, stderr=log, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: process.poll() is not None or _answers(made), "the gateway answers", START_SECONDS_MAX)
        assert process.poll() is None, (directory / "gateway.log").read_text()
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(made: Live) -> bool:
    try:
        return requests.get(f"{made.url}/readyz", verify=str(made.authority), timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def until(holds: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS_MAX) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} seconds"
        time.sleep(0.1)


def need(client: Client) -> None:
    """Skip, and say why, where the toolkit is not installed."""
    try:
        if _run(list(client.check), ROOT, CHECK_SECONDS_MAX).status == 0:
            return
    except FileNotFoundError:
        pass
    pytest.skip(f"{client.title} is not here; it needs {client.needs}: see tests/need-toolkits")


def run_in(folder: Path, words: list[str], seconds: float = SETUP_SECONDS_MAX) -> Done:
    """A command of whoever sets a client up, in this folder."""
    return _run(words, folder, seconds)


def _run(words: list[str], folder: Path, seconds: float) -> Done:
    """A process to its end; past the deadline it and whatever it started are killed, and the test fails."""
    process = subprocess.Popen(
        words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, text=True, errors="replace",
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail(f"{' '.join(words)}: not ended within {seconds} seconds")
    return Done(status=process.returncode, out=out, err=err)
