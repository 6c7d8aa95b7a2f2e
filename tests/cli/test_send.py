"""`gateway send`: what a person is told when it cannot be sent. Sending itself is tested against a running gateway."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.acceptance.place import free_port
from tests.cli.deployment import SAMPLES, command

FILE = SAMPLES / "smallest.xml"


def test_a_gateway_that_is_not_there_is_something_to_try_again() -> None:
    result = command("send", FILE, "--url", f"https://127.0.0.1:{free_port()}", "--token", "gw_x")
    assert result.exit_code == 3
    assert "[gateway.unreachable]" in result.stderr


def test_a_message_corrects_or_cancels_and_not_both() -> None:
    assert command("send", FILE, "--correct", "A", "--cancel", "B").exit_code == 2


@pytest.mark.parametrize(
    "url", ["http://gateway.example", "ftp://127.0.0.1", "gateway.example", "http://127.0.0.1.evil.example"]
)
def test_plain_http_is_for_this_machine_alone(url: str) -> None:
    result = command("send", FILE, "--url", url, "--token", "gw_secret")
    assert result.exit_code == 2
    assert "https" in result.stderr


def test_an_authority_that_is_no_certificate(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    result = command("send", FILE, "--ca", file)
    assert result.exit_code == 2
    assert "--ca" in result.stderr


def test_a_client_certificate_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "client.pem"
    file.write_text("not a certificate")
    result = command("send", FILE, "--certificate", file, "--key", file)
    assert result.exit_code == 2
    assert "--certificate" in result.stderr


def test_a_redirect_is_not_followed_and_the_token_stays_here() -> None:
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  (the name is the base class's)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        result = command("send", FILE, "--url", url, "--token", "gw_secret")
        thread.join(10)
    assert result.exit_code == 1
    assert asked == ["/v1/messages"]
