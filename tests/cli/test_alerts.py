"""`gateway alerts`, `gateway audit review` and `gateway audit schema`, as people run them."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gateway.audit.catalog import EntryType
from tests.cli.deployment import Deployment, command
from tests.entries_checked import check


@contextmanager
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    """A webhook on loopback, and what it got."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stand(deployment: Deployment, code: str, severity: str, subject: str = "") -> None:
    """Put an alert into the database, as a worker does."""
    with sqlite3.connect(deployment.directory / "gateway.db") as db:
        row = (code, subject, severity, 2, 1_700_000_000_000_000, 1_700_000_000_000_000)
        db.execute(
            "INSERT INTO alert (code, subject, severity, count, raised_at, told_at) VALUES (?, ?, ?, ?, ?, ?)", row
        )
    db.close()


def test_nothing_stands_in_a_new_deployment(deployment: Deployment) -> None:
    assert deployment.json("alerts", "list")["row_count"] == 0


def test_what_stands_is_listed_with_the_command_that_shows_more(deployment: Deployment) -> None:
    stand(deployment, "delivery.undeliverable", "warning", "millbrook-police")
    (row,) = deployment.json("alerts", "list")["rows"]
    assert (row["code"], row["subject"], row["count"], row["state"]) == (
        "delivery.undeliverable",
        "millbrook-police",
        2,
        "stands",
    )
    assert row["command"] == "gateway deliveries list"
    stand(deployment, "log.altered", "critical")
    rows = deployment.json("alerts", "list", status=1)["rows"]
    assert [each["code"] for each in rows] == ["log.altered", "delivery.undeliverable"]
    assert "log.altered" in deployment.run("doctor", status=1).stdout


def test_silenced_by_an_officer_for_a_time_and_told_again(deployment: Deployment) -> None:
    stand(deployment, "delivery.undeliverable", "warning", "millbrook-police")
    about = ("delivery.undeliverable", "--about", "millbrook-police", "--as", deployment.officer())
    deployment.run("alerts", "silence", *about, "--for", "3 days")
    assert deployment.json("alerts", "list")["rows"][0]["state"] == "silenced"
    deployment.run("alerts", "silence", *about, "--end")
    assert deployment.json("alerts", "list")["rows"][0]["state"] == "stands"
    assert (
        "[alerts.silence-too-long]" in deployment.run("alerts", "silence", *about, "--for", "31 days", status=1).stderr
    )
    for wrong in ((), ("--for", "soon"), ("--for", "3 days", "--end")):
        deployment.run("alerts", "silence", *about, *wrong, status=2)


def test_a_test_goes_by_every_way_that_is_set(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no way is set" in deployment.run("alerts", "test", status=1).stderr
    with receiver() as (url, got):
        settings = deployment.directory / "gateway.toml"
        text = f'\n[alerts.webhook]\nurl = "{url}"\nprivate_network = true\nsecret_file = "hook.secret"\n'
        settings.write_text(settings.read_text() + text)
        secret = deployment.directory / "hook.secret"
        secret.write_text("a secret\n")
        secret.chmod(0o644)
        assert "[settings.refused]" in deployment.run("alerts", "test", status=1).stderr
        secret.chmod(0o600)
        assert deployment.json("alerts", "test") == [{"way": "webhook", "taken": True, "code": ""}]
    assert [each["code"] for each in json.loads(got[0])["alerts"]] == ["alerts.test"]
    assert "alerts.no-answer" in deployment.run("alerts", "test", status=3).stdout


def test_a_week_is_shown_and_signed_off(deployment: Deployment) -> None:
    shown = deployment.json("audit", "review")
    assert shown["signed"] is None
    assert shown["counts"]["agency"] == 6
    assert deployment.json("audit", "review", "--list")["row_count"] == 0
    officer = deployment.officer()
    signed = deployment.json("audit", "review", "--as", officer, "--yes")
    assert signed["signed"]["by"] == officer
    (row,) = deployment.json("audit", "review", "--list")["rows"]
    assert (row["by"], row["entry"]) == (officer, signed["signed"]["entry"])
    assert deployment.run("audit", "review", "--as", officer, status=2).stderr  # no terminal to ask at
    assert (
        "[user.not-allowed]"
        in deployment.run("audit", "review", "--as", deployment.officer("harlan-county-jail"), "--yes", status=1).stderr
    )


def test_the_schema_of_every_event_is_printed_and_fits_what_is_in_a_log(deployment: Deployment) -> None:
    Draft202012Validator.check_schema(json.loads(command("audit", "schema", "--json").stdout))
    assert json.loads(command("audit", "schema", "read", "--json").stdout)["title"] == "read"
    assert "who" in command("audit", "schema", "read").stdout
    assert command("audit", "schema", "nothing").exit_code == 2
    validator = Draft202012Validator(json.loads(command("audit", "schema", "--json").stdout))
    with sqlite3.connect(deployment.directory / "gateway.db") as db:
        bodies = [json.loads(body) for (body,) in db.execute("SELECT body FROM entry")]
    db.close()
    assert len(bodies) > 20
    for body in bodies:
        assert validator.is_valid(body), body
        check(EntryType(body["type"]), body)


def test_settings_of_a_way_that_could_leak_are_refused(deployment: Deployment, tmp_path: Path) -> None:
    settings = deployment.directory / "gateway.toml"
    before = settings.read_text()
    for text, said in (
        ('[alerts.webhook]\nurl = "https://x.example/"', "secret"),
        ('[alerts.webhook]\nurl = "http://x.example/"\nsecret = "x"', "plain HTTP"),
        ('[alerts.mail]\nhost = "mail.example"', "sender"),
        ('[alerts.mail]\nhost = "mail.example"\nsecurity = "none"\nsender = "a@b.c"\nto = ["d@e.f"]', "without TLS"),
        ('[alerts.mail]\nhost = "mail.example"\nsender = "a@b.c\\nBcc: x@y.z"\nto = ["d@e.f"]', "pattern"),
    ):
        settings.write_text(f"{before}\n{text}\n")
        result = deployment.run("alerts", "list", status=1)
        assert "[settings.refused]" in result.stderr
        assert said in result.stderr
