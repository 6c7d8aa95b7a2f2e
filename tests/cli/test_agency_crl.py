"""`gateway agency crl`: the list of an authority, from a file or fetched."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.deployment import Deployment, command
from tests.signing.pki import authority, crl

POLICE = "millbrook-police"
NOW = datetime.now(UTC)
ROOT = authority("State Root", now=NOW)


@pytest.fixture
def shared(deployment: Deployment, tmp_path: Path) -> Deployment:
    """A deployment in which the police have an authority."""
    (tmp_path / "state.pem").write_bytes(ROOT.pem)
    deployment.run("agency", "add", "--id", POLICE, "--authority", tmp_path / "state.pem")
    return deployment


@contextmanager
def serving(status: int, body: bytes, **headers: str) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ca.crl"
    finally:
        server.shutdown()
        server.server_close()


def test_a_list_from_a_file_is_held_and_shown(shared: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "ca.crl"
    file.write_bytes(crl(ROOT, 7, number=4, now=NOW))
    told = shared.json("agency", "crl", file, "--id", POLICE)
    assert set(told) == {
        "agency", "authority", "new", "number", "revoked", "this_update", "next_update", "digest"
    }  # fmt: skip
    assert (told["new"], told["number"], told["revoked"]) == (True, "4", 1)
    assert shared.json("agency", "crl", file, "--id", POLICE)["new"] is False
    (held,) = shared.json("agency", "show", POLICE)["crls"]
    assert (held["state"], held["number"], held["revoked"]) == ("current", "4", 1)
    assert "1 revoked" in shared.run("agency", "show", POLICE).stdout
    assert "nothing new" in shared.run("agency", "crl", file, "--id", POLICE).stdout


def test_a_list_past_its_time_is_held_and_said(shared: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "ca.crl"
    file.write_bytes(crl(ROOT, 7, hours=(-48, -24), now=NOW))
    result = shared.run("agency", "crl", file, "--id", POLICE, status=1)
    assert "[crl.stale]" in result.stderr
    assert shared.json("agency", "show", POLICE)["crls"][0]["state"] == "stale"
    assert "out of date" in shared.run("agency", "show", POLICE).stdout


def doctor(deployment: Deployment) -> list[tuple[str, str]]:
    """What it says of lists. How the whole ends depends on how fast this machine is."""
    told = json.loads(command("doctor", "--json", "-C", deployment.directory).stdout)
    return [(each["state"], each["text"]) for each in told if each["name"] == "revocation lists"]


def test_the_doctor_sees_lists_that_are_missing_stale_and_current(shared: Deployment, tmp_path: Path) -> None:
    assert doctor(shared) == [("warning", "of 0 of 1 authorities of agencies; of the others none is held")]
    for number, (hours, states) in enumerate([((-40, -1), ["ok", "warning"]), ((-30, 24), ["ok"])], start=1):
        file = tmp_path / f"{number}.crl"
        file.write_bytes(crl(ROOT, number=number, hours=hours, now=NOW))
        command("agency", "crl", file, "--id", POLICE, "-C", shared.directory)
        assert [state for state, _ in doctor(shared)] == states


def test_the_doctor_says_that_certificates_are_refused(shared: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "old.crl"
    file.write_bytes(crl(ROOT, hours=(-200, -100), now=NOW))
    shared.run("agency", "crl", file, "--id", POLICE, status=1)
    told = doctor(shared)
    assert [state for state, _ in told] == ["ok", "error"]
    assert "refused" in told[1][1]
    assert shared.json("agency", "show", POLICE)["crls"][0]["state"] == "refused"
    settings = shared.directory / "gateway.toml"
    settings.write_text(settings.read_text() + '\n[certificates]\nstale_crl = "warn"\n')
    assert shared.json("agency", "show", POLICE)["crls"][0]["state"] == "stale"


def test_a_list_that_goes_back_is_refused(shared: Deployment, tmp_path: Path) -> None:
    for number, status in ((5, 0), (4, 1)):
        file = tmp_path / f"{number}.crl"
        file.write_bytes(crl(ROOT, number=number, now=NOW))
        result = shared.run("agency", "crl", file, "--id", POLICE, status=status)
    assert "[crl.older]" in result.stderr


def test_a_list_is_fetched_from_an_address_that_the_operator_gave(shared: Deployment) -> None:
    with serving(200, crl(ROOT, 7, now=NOW)) as url:
        refused = shared.run("agency", "crl", "--id", POLICE, "--fetch", url, status=1)
        assert "[fetch.refused]" in refused.stderr
        told = shared.json("agency", "crl", "--id", POLICE, "--fetch", url, "--private-network")
    assert (told["new"], told["revoked"]) == (True, 1)
    away = shared.run("agency", "crl", "--id", POLICE, "--fetch", url, "--private-network", status=3)
    assert "[fetch.no-answer]" in away.stderr


def test_a_redirect_an_error_and_a_page_are_no_list(shared: Deployment) -> None:
    with serving(200, crl(ROOT, 7, now=NOW)) as good, serving(302, b"", Location=good) as url:
        result = shared.run("agency", "crl", "--id", POLICE, "--fetch", url, "--private-network", status=3)
        assert "redirects are not followed" in result.stderr
    with serving(200, b"<html>Sign in</html>") as url:
        result = shared.run("agency", "crl", "--id", POLICE, "--fetch", url, "--private-network", status=1)
        assert "[crl.unreadable]" in result.stderr
    with serving(200, bytes(8 * 1024 * 1024 + 1)) as url:
        result = shared.run("agency", "crl", "--id", POLICE, "--fetch", url, "--private-network", status=1)
        assert "[fetch.refused]" in result.stderr
    for url in ("file:///etc/passwd", "ftp://ca.example/x"):
        assert "[fetch.refused]" in shared.run("agency", "crl", "--id", POLICE, "--fetch", url, status=1).stderr


def test_wrong_use(tmp_path: Path) -> None:
    file = tmp_path / "ca.crl"
    file.write_bytes(b"")
    for words in (
        (file,),
        ("--id", POLICE),
        (file, "--id", POLICE, "--fetch", "http://ca.example/x"),
        (file, "--id", POLICE, "--private-network"),
    ):
        assert command("agency", "crl", *words).exit_code == 2
