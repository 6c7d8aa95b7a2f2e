"""Place: a deployment as an operator has one, its processes running, and agencies around it that listen and call.

The gateway runs as its users run it, `python -m gateway serve`, and is spoken to over sockets alone. Beside it the
operator's acts - a new agency, an agreement that ends - are done on the same database from this process, as the
commands do them.
"""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.agency import Agency, AgencyId, AgencyKind, Endpoint, EndpointKind
from gateway.app import init_deployment, issue_certificate, key_store, open_deployment
from gateway.audit.catalog import EntryType
from gateway.config import read_settings
from gateway.exchange.activate import issue_token, put_agency
from gateway.exchange.gateway import Gateway
from gateway.folders import shipped
from gateway.keys.files import KeyStore
from gateway.policy.agencies import read_agency
from gateway.store.log import StoredEntry
from tests.acceptance.background import Background, background
from tests.acceptance.caller import Caller
from tests.entries_checked import check
from tests.exchange.officers import activate_mou
from tests.pretend_agency import Mailbox, PretendServer

JAIL = AgencyId("harlan-county-jail")
POLICE = AgencyId("millbrook-police")
PROBATION = AgencyId("harlan-probation")
FUSION = AgencyId("tri-county-fusion")
PROSECUTOR = AgencyId("harlan-district-attorney")
SHELTER = AgencyId("harborlight-services")

NAME = "gateway.acceptance"
START_SECONDS_MAX = 60.0
LOG_SECONDS_MAX = 10.0
"""A receipt promises its entry in the log within this."""

RELAY = {
    "wait_seconds_first": 0.1,
    "wait_seconds_max": 0.2,
    "attempts_max": 3,
    "attempt_seconds_max": 20,
    "in_flight_per_recipient_max": 2,
}
"""Undeliverable within a second; two at once under way to each recipient, so that a queue can form."""

T = TypeVar("T")


@dataclass
class Pair:
    """Two agencies nobody else uses, and an agreement between them: the sender's system, the recipient's mailbox."""

    sender: AgencyId
    recipient: AgencyId
    mou: str
    caller: Caller
    mailbox: Mailbox
    server: PretendServer | None = None
    inbox: Caller | None = None


@dataclass
class Place:
    """Everything around one deployment."""

    directory: Path
    database: str
    url: str
    console: str
    stack: ExitStack
    partners: Background
    keys: KeyStore
    operator: Gateway
    callers: dict[AgencyId, Caller] = field(default_factory=dict)
    mailboxes: dict[AgencyId, Mailbox] = field(default_factory=dict)
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _entries: list[StoredEntry] = field(default_factory=list)
    _count: int = 0

    @property
    def log_file(self) -> Path:
        """What the processes write to standard output and standard error."""
        return self.directory / "gateway.log"

    @property
    def parts(self) -> Path:
        """Folder of what partners are given."""
        return self.directory / "partners"

    @property
    def cover_file(self) -> Path:
        """The Cover certificate as partners are given it now: another test may have changed the key."""
        file = self.parts / "cover.pem"
        file.write_bytes(self.keys.public_parts()["cover.pem"])
        return file

    # --- the operator ---------------------------------------------------------------------------------------------

    def do(self, act: Callable[[Gateway], Awaitable[T]]) -> T:
        """Do it as the operator, under what is in force now."""

        async def acting() -> T:
            await self.operator.refresh()
            return await act(self.operator)

        return self.partners.do(acting())

    def agency(self, kind: AgencyKind, endpoint: Endpoint | None = None) -> AgencyId:
        """A new agency."""
        self._count += 1
        id = AgencyId(f"{kind}-{self._count:03d}")
        made = Agency(id=id, name=f"Invented {kind} {self._count}", kind=kind)
        self.do(lambda gateway: put_agency(gateway, replace(made, endpoint=endpoint or made.endpoint), actor="test"))
        return id

    def connect(self, id: AgencyId, endpoint: Endpoint) -> None:
        """Enter where an agency listens."""
        self.do(
            lambda gateway: put_agency(gateway, replace(gateway.current.agencies[id], endpoint=endpoint), actor="t")
        )

    def register_replies(self, id: AgencyId, *addresses: str) -> None:
        """Enter where answers to an agency's requests may go."""
        made = tuple(Endpoint(kind=EndpointKind.SOAP, url=each, private_network=True) for each in addresses)
        self.do(lambda gateway: put_agency(gateway, replace(gateway.current.agencies[id], reply_to=made), actor="t"))

    def caller(self, id: AgencyId, *, by: str = "token") -> Caller:
        """A new credential for an agency, and a caller who shows it; back when the gateway takes it."""
        token, certificate = "", None
        if by == "token":
            token = self.do(lambda gateway: issue_token(gateway, id, actor="test"))
        else:
            files = self.do(lambda gateway: issue_certificate(gateway, id, self.parts / f"{id}-{time.time_ns()}"))
            certificate = (Path(files["certificate"]), Path(files["key"]))
        made = Caller(self.url, self.parts / "authority.pem", token=token, certificate=certificate)
        self.stack.callback(made.close)
        if self.processes:
            until(lambda: _status(made) == 200, f"the credential of {id} is taken")
        return made

    def agree(self, sender: AgencyId, recipient: AgencyId, *, version: int = 1, mou: str = "", share: str = "") -> str:
        """Put an agreement between the two in force."""
        if not mou:
            self._count += 1
            mou = f"ACC-{self._count:03d}"
        text = AGREEMENT.format(mou=mou, version=version, sender=sender, recipient=recipient, share=share or SHARE)
        self.do(lambda gateway: activate_mou(gateway, text.encode(), f"{mou}.yaml"))
        return mou

    def pair(self, kind: EndpointKind = EndpointKind.REST, **endpoint: Any) -> Pair:
        """Two agencies of one's own and an agreement between them."""
        mailbox, server, inbox = Mailbox(), None, None
        if kind is EndpointKind.INBOX:
            recipient = self.agency(AgencyKind.POLICE)
            inbox = self.caller(recipient)
        else:
            server = self.listener(mailbox)
            url = server.url(f"/{kind}")
            made = Endpoint(kind=kind, url=url, private_network=True, **endpoint)
            recipient = self.agency(AgencyKind.POLICE, made)
        sender = self.agency(AgencyKind.JAIL)
        mou = self.agree(sender, recipient)
        caller = self.caller(sender)
        return Pair(
            sender=sender, recipient=recipient, mou=mou, caller=caller, mailbox=mailbox, server=server, inbox=inbox
        )

    # --- partners -------------------------------------------------------------------------------------------------

    def listener(self, mailbox: Mailbox, *, tls: bool = False) -> PretendServer:
        """A listening agency. With TLS it demands the gateway's client certificate."""
        server = PretendServer(mailbox, self._server_context() if tls else None)
        self.partners.do(server.start())
        self.stack.callback(lambda: self.partners.do(server.close()))
        return server

    def _server_context(self) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.keys.authority.issue_server(("127.0.0.1",), key.public_key(), now=self.operator.clock.now())
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = self.parts / f"listener-{time.time_ns()}.pem"
        file.write_bytes(key.private_bytes(*form) + certificate)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.parts / "authority.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(file)
        return context

    # --- processes ------------------------------------------------------------------------------------------------

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[bytes]":
        """`python -m gateway …` in this deployment, until the end of the place; may end before."""
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", *words, "-C", str(self.directory)],
                stdout=log,
                stderr=log,
                cwd=Path(__file__).resolve().parents[2],
                env=os.environ | environment,
                start_new_session=True,
            )
        self.processes.append(process)
        self.stack.callback(stop, process)
        return process

    def run(self, *words: object, **environment: str) -> tuple[int, str]:
        """A command of its own, not in this deployment, to its end: exit status and its answer, or what went wrong."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *map(str, words)],
            check=False,
            capture_output=True,
            cwd=Path(__file__).resolve().parents[2],
            env=os.environ | environment,
            timeout=180,
        )
        return done.returncode, (done.stderr if done.returncode else done.stdout).decode()

    def wait_ready(self, process: "subprocess.Popen[bytes]", url: str = "") -> None:
        """Until it takes requests; fails with what it said last and with its log."""
        said: list[str] = [""]

        def ready() -> bool:
            assert process.poll() is None, self.log_file.read_text()[-2000:]
            try:
                authority = str(self.parts / "authority.pem")
                answer = requests.get(f"{url or self.url}/readyz", verify=authority, timeout=5)
            except requests.ConnectionError as error:
                said.append(str(error))
                return False
            said.append(answer.text)
            return answer.status_code == 200

        try:
            until(ready, "the gateway is ready", START_SECONDS_MAX)
        except AssertionError as error:
            raise AssertionError(f"{error}: {said[-1]}; {self.log_file.read_text()[-2000:]}") from None

    # --- the log --------------------------------------------------------------------------------------------------

    def entries(self) -> list[StoredEntry]:
        """Every entry that is in the log by now."""
        while more := self.do(lambda gateway: gateway.store.entries(len(self._entries), 500)):
            self._entries.extend(more)
        return self._entries

    def said(self, type: str, sender: AgencyId) -> list[dict[str, Any]]:
        """Entries of this type that this agency is a party of, in the log by now."""
        found = [each.entry for each in self.entries() if each.entry.type == type and sender in each.entry.parties]
        return [json.loads(each.body) for each in found]

    def wait_said(self, type: str, sender: AgencyId, count: int = 1) -> list[dict[str, Any]]:
        """As `said`, when there are that many."""
        until(lambda: len(self.said(type, sender)) >= count, f"{count} {type} of {sender} in the log", LOG_SECONDS_MAX)
        return self.said(type, sender)


def until(holds: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Wait until it holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)


def stop(process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> None:
    """End a process that was started here."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _status(caller: Caller) -> int:
    return caller.get("/v1/inbox", limit=1).status_code


@contextlib.contextmanager
def place(directory: Path, database: str) -> Iterator[Place]:
    """A deployment with the agencies and agreements that come with the gateway, served by one process."""
    with ExitStack() as stack:
        partners = stack.enter_context(background())
        made = _deployed(directory, database, stack, partners)
        _populate(made)
        made.wait_ready(made.start("serve"))
        yield made
        for stored in made.entries():
            check(EntryType(stored.entry.type), json.loads(stored.entry.body))


def _deployed(directory: Path, database: str, stack: ExitStack, partners: Background) -> Place:
    port, console = free_port(), free_port()
    raw = {
        "name": NAME,
        "database": database,
        "listen": {"host": "127.0.0.1", "port": port, "console": console},
        "relay": RELAY,
    }
    partners.do(init_deployment(directory, raw, samples=False))
    opened = open_deployment(directory)
    operator = partners.do(opened.__aenter__())
    stack.callback(lambda: partners.do(opened.__aexit__(None, None, None)))
    keys = key_store(read_settings(directory))
    made = Place(
        directory=directory,
        database=database,
        url=f"https://127.0.0.1:{port}",
        console=f"http://127.0.0.1:{console}",
        stack=stack,
        partners=partners,
        keys=keys,
        operator=operator,
    )
    made.parts.mkdir(mode=0o700)
    for name, content in keys.public_parts().items():
        (made.parts / name).write_bytes(content)
    return made


def _populate(made: Place) -> None:
    """The shipped agencies, each reached in another way, and the shipped agreements."""
    policies = shipped().policies
    for file in sorted((policies / "agencies").glob("*.yaml")):
        agency, _ = read_agency(file.read_bytes(), file.name)
        assert agency is not None
        made.do(lambda gateway, agency=agency: put_agency(gateway, agency, actor="test"))  # type: ignore[misc]
    for file in sorted((policies / "mous").glob("*.yaml")):
        lasting = _lasting(file.read_text(encoding="utf-8")).encode()
        made.do(lambda gateway, data=lasting, name=file.name: activate_mou(gateway, data, name))  # type: ignore[misc]
    for id in (POLICE, PROBATION, PROSECUTOR):
        made.mailboxes[id] = Mailbox()
    police = made.listener(made.mailboxes[POLICE], tls=True)
    made.connect(POLICE, Endpoint(kind=EndpointKind.REST, url=police.url("/rest"), private_network=True))
    probation = made.listener(made.mailboxes[PROBATION], tls=True)
    made.connect(PROBATION, Endpoint(kind=EndpointKind.SOAP, url=probation.url("/soap"), private_network=True))
    prosecutor = made.listener(made.mailboxes[PROSECUTOR])
    alone = Endpoint(kind=EndpointKind.REST, url=prosecutor.url("/rest"), private_network=True, payload_alone=True)
    made.connect(PROSECUTOR, alone)
    for id in (JAIL, POLICE, FUSION, PROSECUTOR, SHELTER):
        made.callers[id] = made.caller(id)
    made.callers[PROBATION] = made.caller(PROBATION, by="certificate")


def _lasting(text: str) -> str:
    """The agreement without an end, so that the tests do not end with it."""
    lines = text.splitlines(keepends=True)
    return "".join(
        "effective: {from: 2026-01-01, until: 2099-12-31}\n" if line.startswith("effective:") else line
        for line in lines
    )


SHARE = "message.head, message.sealed, juvenile.mark, person.name, release.details"

AGREEMENT = """\
mou: {mou}
version: {version}
title: Release notices from {sender} to {recipient}
kind: mou
parties: [{sender}, {recipient}]
effective: {{from: 2026-01-01, until: 2099-12-31}}
authority: [28 CFR 20.33(a)(1)]
exchanges:
  - id: E1
    exchange: custody-release/1.0
    from: {sender}
    to: [{recipient}]
    purpose: release-notification
    role: patrol-officer
    fields:
      share: [{share}]
    deliver: {{evidence: transport, within: 15 minutes}}
    retention: {{gateway_copy: 30 days, recipient_copy: 1 year}}
"""
