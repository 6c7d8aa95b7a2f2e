"""An agency is shut out by one command: in every process its connections end, and what is sent to it is broken off."""

import contextlib
import csv
import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.agency import AgencyKind, Endpoint, EndpointKind
from gateway.cli.main import app
from gateway.exchange.activate import SHUT_OUT_SECONDS, suspend_agency
from tests.acceptance.caller import Caller
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import Place, free_port, stop, until
from tests.pretend_agency import DripHeaders, Mailbox, Take

SECONDS_MAX = 5 * SHUT_OUT_SECONDS
"""On a machine with two cores that does ten things at once. The bound by design: tests/exchange/test_shut_out.py."""


@pytest.fixture
def second(place: Place) -> Iterator[str]:
    """Another serving process with a worker of its own; its address."""
    port = free_port()
    process = place.start("serve", "--port", str(port), GATEWAY_LISTEN__CONSOLE="0")
    place.wait_ready(process, f"https://127.0.0.1:{port}")
    yield f"https://127.0.0.1:{port}"
    stop(process)


@dataclass
class Open:
    """Connections of the agency, as they are when it is shut out."""

    what: dict[str, ssl.SSLSocket] = field(default_factory=dict)

    def add(self, what: str, caller: Caller, start: bytes) -> None:
        """Connect, and send this."""
        port = int(caller.url.rpartition(":")[2])
        context = ssl.create_default_context(cafile=str(caller.authority))
        if caller.certificate:
            context.load_cert_chain(*caller.certificate)
        plain = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX)
        made = context.wrap_socket(plain, server_hostname="127.0.0.1")
        token = f"Authorization: Bearer {caller.token}\r\n" if caller.token else ""
        made.sendall(start.replace(b"TOKEN", token.encode()))
        self.what[what] = made

    def ended(self, since: float) -> dict[str, float]:
        """Seconds until each has ended. Nothing more came on it."""
        found = {}
        for what, each in self.what.items():
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                assert each.recv(1) == b"", what
            found[what] = time.monotonic() - since
            each.close()
        return found


KEPT = b"GET /v1/inbox HTTP/1.1\r\nHost: a\r\nTOKEN\r\n"
UPLOAD = (
    b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTOKENContent-Type: application/xml\r\nContent-Length: 9000\r\n\r\n<half"
)


def read_answer(connection: ssl.SSLSocket) -> bytes:
    """One whole answer with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head


def gateway(place: Place, *words: object) -> Any:
    """A command's answer to a machine."""
    result = CliRunner().invoke(app, [*map(str, words), "--json", "-C", str(place.directory)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_nothing_of_an_agency_goes_on_after_it_was_shut_out(
    place: Place, second: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mailbox = Mailbox()
    server = place.listener(mailbox)
    pushed = Endpoint(kind=EndpointKind.REST, url=server.url("/rest"), private_network=True)
    agency = place.agency(AgencyKind.POLICE, pushed)
    sender = place.agency(AgencyKind.JAIL)
    mou = place.agree(sender, agency)
    owner = place.caller(sender)
    ways = {by: place.caller(agency, by=by) for by in ("token", "certificate")}
    arrived = owner.accepted(release(), fresh_id("HAS"))["sender_id"]
    owner.wait_for(arrived, "delivered")

    mailbox.otherwise = DripHeaders()
    stuck = [owner.accepted(release(), fresh_id("STUCK"))["sender_id"] for _ in range(2)]
    until(lambda: len(mailbox.requests) >= 3, "two pushes are under way")
    opened = Open()
    for where, url in (("first", place.url), ("second", second)):
        for by, caller in ways.items():
            at = Caller(url, caller.authority, token=caller.token, certificate=caller.certificate)
            taken(at)
            opened.add(f"{where} process, {by}: kept open", at, KEPT)
            assert b" 200 " in read_answer(opened.what[f"{where} process, {by}: kept open"])
            opened.add(f"{where} process, {by}: upload under way", at, UPLOAD)
    assert server.hung_up == []

    began = time.monotonic()
    told = gateway(place, "agency", "suspend", agency, "--list", tmp_path / "held.csv")
    ends = opened.ended(began)
    until(lambda: len(server.hung_up) == 2, "both pushes are broken off", SECONDS_MAX)
    ends |= {f"push {number}": at - began for number, at in enumerate(server.hung_up, 1)}
    with capsys.disabled():
        slowest = max(ends, key=lambda each: ends[each])
        print(f"\nshut out after {ends[slowest]:.2f} s ({slowest}; {len(ends)} connections and pushes) ", end="")
    assert max(ends.values()) < SECONDS_MAX

    for id in stuck:
        owner.wait_for(id, "waiting")
    assert {each["code"] for each in place.wait_said("fail", sender, 2)} == {"agency.suspended"}
    refused_everywhere(place, second, ways)
    assert (told["suspended"], told["changed"], told["within_seconds"]) == (True, True, SHUT_OUT_SECONDS)
    assert (told["stopped"]["token"], told["stopped"]["certificate"]) == (1, 1)
    assert {each["state"] for each in told["waiting"]} <= {"waiting", "sending"}
    assert len(told["waiting"]) == 2
    (group,) = told["holds"]["groups"]
    assert (group["sender"], group["agreement"], group["exchange"]) == (sender, f"{mou}@1", "custody-release/1.0")
    assert (tmp_path / "held.csv").stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader((tmp_path / "held.csv").read_text().splitlines()))
    assert rows[0]["has"] == "yes"
    assert len(rows) == told["holds"]["count"]

    new = owner.submit(release(), fresh_id("AFTER"))
    assert new.status_code == 403, new.text
    mailbox.otherwise = Take()
    place.do(lambda operator: suspend_agency(operator, agency, actor="test", suspended=False))
    for id in stuck:
        owner.wait_for(id, "delivered")
    until(lambda: ways["token"].get("/v1/inbox").status_code == 200, "it is let in again")


def taken(caller: Caller) -> None:
    until(lambda: caller.get("/v1/inbox", limit=1).status_code == 200, "the credential is taken")


def refused_everywhere(place: Place, second: str, ways: dict[str, Caller]) -> None:
    for url in (place.url, second):
        for caller in ways.values():
            again = Caller(url, caller.authority, token=caller.token, certificate=caller.certificate)
            answer = again.get("/v1/inbox")
            again.close()
            assert answer.status_code == 403
            assert answer.json()["code"] == "agency.suspended"
            assert answer.headers["Connection"] == "close"
