"""`gateway agency test`: step by step to people, one document to machines, an exit code that says who acts."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.api.certificates import make
from tests.cli.deployment import Deployment
from tests.signing.pki import authority, leaf

POLICE = "millbrook-police"
COURT = "harlan-county-court"
STEPS = ["address", "name", "connection", "tls", "answer"]


@contextmanager
def court(folder: Path, status: int) -> Iterator[tuple[int, list[bytes]]]:
    """A court's system: its authority is in the folder, and it answers every POST so."""
    seen: list[bytes] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Quiet(HTTPServer):
        def handle_error(self, *_: object) -> None:
            """A handshake alone is one."""

    vouching = make("Court CA", authority=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*make("court", issuer=vouching, client=False).write(folder, "court"))
    (folder / "court-ca.pem").write_bytes(vouching.pem)
    server = Quiet(("127.0.0.1", 0), Answer)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        server.server_close()


def add_court(deployment: Deployment, folder: Path, port: int) -> None:
    file = folder / "court.yaml"
    url = f"https://localhost:{port}/in"
    endpoint = f'{{kind: rest, url: "{url}", private_network: true}}'
    file.write_text(f"agency: {COURT}\nname: Harlan County Court\nkind: court\nendpoint: {endpoint}\n")
    deployment.run("agency", "add", file, "--as", deployment.officer())


def test_the_way_to_a_court_step_by_step(deployment: Deployment, tmp_path: Path) -> None:
    with court(tmp_path, 415) as (port, seen):
        add_court(deployment, tmp_path, port)
        unknown = deployment.json("agency", "test", COURT, status=1)
        assert [each["step"] for each in unknown["steps"]] == STEPS[:4]
        assert unknown["steps"][-1]["code"] == "delivery.certificate-untrusted"
        assert seen == []
        given = ("--authority", tmp_path / "court-ca.pem", "--as", deployment.officer())
        deployment.run("agency", "add", "--id", COURT, *given)
        told = deployment.json("agency", "test", COURT)
        assert (told["agency"], told["ok"]) == (COURT, True)
        assert [each["step"] for each in told["steps"]] == STEPS
        assert set(told["steps"][0]) == {"step", "outcome", "code", "text"}
        spoken = deployment.run("agency", "test", COURT).stdout
        assert [line.split()[1] for line in spoken.splitlines()] == STEPS
    assert len(seen) == 2
    assert all(b"Ping" in each for each in seen)
    away = deployment.json("agency", "test", COURT, status=3)
    assert away["steps"][-1]["outcome"] == "away"


def test_an_agency_with_an_inbox_is_asked_for_its_credentials(deployment: Deployment) -> None:
    told = deployment.json("agency", "test", POLICE, status=1)
    assert [each["code"] for each in told["steps"] if each["code"]] == ["credential.none"]
    deployment.run("agency", "add", "--id", POLICE, "--token")
    spoken = deployment.run("agency", "test", POLICE).stdout
    assert "token" in spoken
    assert "not asked" in spoken


def test_a_certificate_that_the_agency_would_show(deployment: Deployment, tmp_path: Path) -> None:
    root = authority("State Root", now=datetime.now(UTC))
    file = tmp_path / "leaf.pem"
    file.write_bytes(leaf("millbrook", root, now=datetime.now(UTC)).pem)
    refused = deployment.json("agency", "test", POLICE, "--certificate", file, status=1)
    assert refused["steps"][-1]["code"] == "certificate.untrusted"
    (tmp_path / "root.pem").write_bytes(root.pem)
    names = ("--san", "dns:gw.millbrook.example")
    deployment.run("agency", "add", "--id", POLICE, "--authority", tmp_path / "root.pem", *names)
    assert "it speaks for millbrook-police" in deployment.run("agency", "test", POLICE, "--certificate", file).stdout
    file.write_bytes(b"no certificate")
    broken = deployment.run("agency", "test", POLICE, "--certificate", file, status=1)
    assert "[certificate.unreadable]" in broken.stderr


def test_an_agency_nobody_knows(deployment: Deployment) -> None:
    assert "[agency.unknown]" in deployment.run("agency", "test", "nobody", status=1).stderr
