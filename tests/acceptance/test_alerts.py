"""No log, no release, on a running gateway: told within a minute, seen from outside, and over when it is over."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import psycopg
import pytest
import requests

from gateway.agency import EndpointKind
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import Place, until
from tests.acceptance.place import place as placed
from tests.store.postgres_server import fresh_database

TOLD_SECONDS_MAX = 60


@dataclass
class Pager:
    """A webhook, and what it was told: news and code, in order."""

    url: str = ""
    told: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def paging() -> Iterator[Pager]:
    pager = Pager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            pager.told += [(each["news"], each["code"]) for each in body["alerts"]]
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    pager.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pager
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def pager() -> Iterator[Pager]:
    with paging() as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pager: Pager) -> Iterator[Place]:
    """A deployment of its own: what is done to it would trouble every other test."""
    with ExitStack() as stack:
        settings = {"URL": pager.url, "SECRET": "a secret", "PRIVATE_NETWORK": "true"}
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in settings.items():
            patch.setenv(f"GATEWAY_ALERTS__WEBHOOK__{name}", value)
        patch.setenv("GATEWAY_ALERTS__EVERY_SECONDS", "1")
        database = "sqlite:///gateway.db"
        if request.param == "postgresql":
            database = stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))
        yield stack.enter_context(placed(tmp_path_factory.mktemp("watched") / "deployment", database))


def do(place: Place, *statements: str) -> None:
    """To the database, from beside the gateway."""
    db: Any
    if place.database.startswith("sqlite"):
        db = sqlite3.connect(place.directory / "gateway.db", timeout=10)
    else:
        db = psycopg.connect(place.database, autocommit=True)
    for statement in statements:
        db.execute(statement)
    if place.database.startswith("sqlite"):
        db.commit()
    db.close()


TABLES = ("entry", "alert_probe")


def fill(place: Place) -> None:
    """No row of the log can be written any more."""
    if place.database.startswith("sqlite"):
        do(
            place,
            *(f"CREATE TRIGGER full_{t} BEFORE INSERT ON {t} BEGIN SELECT RAISE(ABORT, 'full'); END" for t in TABLES),
        )
        return
    body = "$$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$"
    do(place, f"CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS {body}")
    do(place, *(f"CREATE TRIGGER full_{t} BEFORE INSERT ON {t} EXECUTE FUNCTION full_disk()" for t in TABLES))


def make_room(place: Place) -> None:
    on = "" if place.database.startswith("sqlite") else " ON {}"
    do(place, *(f"DROP TRIGGER full_{t}{on.format(t)}" for t in TABLES))


def readiness(place: Place) -> tuple[int, str]:
    answer = requests.get(f"{place.console}/readyz", timeout=10)
    return answer.status_code, answer.text.splitlines()[0]


def test_a_log_that_takes_nothing_is_told_within_a_minute_and_nothing_leaves(watched: Place, pager: Pager) -> None:
    pair = watched.pair(EndpointKind.INBOX)
    assert pair.inbox is not None
    item = pair.inbox.item(pair.caller.accepted(release(), fresh_id())["id"])
    assert readiness(watched) == (200, "ready")
    del pager.told[:]
    fill(watched)
    began = time.monotonic()
    for address in ("payload_url", "cover_url", "notice_url"):
        answer = pair.inbox.get(item[address])
        assert answer.status_code == 503
        assert b"Calvin" not in answer.content
    assert pair.caller.submit(release(), fresh_id()).status_code == 503
    assert readiness(watched) == (503, "not ready: log.not-written")
    until(lambda: ("raised", "log.not-written") in pager.told, "it is told", TOLD_SECONDS_MAX)
    assert time.monotonic() - began < TOLD_SECONDS_MAX
    metrics = requests.get(f"{watched.console}/metrics", timeout=10).text
    assert 'gateway_alerts{code="log.not-written",severity="critical"} 1.0' in metrics
    make_room(watched)
    until(lambda: ("cleared", "log.not-written") in pager.told, "it is over", TOLD_SECONDS_MAX)
    assert readiness(watched) == (200, "ready")
    assert pair.inbox.get(item["payload_url"]).status_code == 200
    assert [news for news, code in pager.told if code == "log.not-written"] == ["raised", "cleared"]


def test_a_sequencer_that_is_stuck_is_told_within_a_minute(watched: Place, pager: Pager) -> None:
    pair = watched.pair(EndpointKind.INBOX)
    del pager.told[:]
    if watched.database.startswith("sqlite"):
        do(watched, "CREATE TRIGGER stuck BEFORE INSERT ON checkpoint BEGIN SELECT RAISE(ABORT, 'stuck'); END")
    else:
        body = "$$ BEGIN RAISE EXCEPTION 'stuck' USING ERRCODE = 'lock_not_available'; END $$"
        do(watched, f"CREATE OR REPLACE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS {body}")
        do(watched, "CREATE TRIGGER stuck BEFORE INSERT ON checkpoint EXECUTE FUNCTION stuck()")
    pair.caller.accepted(release(), fresh_id())
    until(lambda: ("raised", "log.behind") in pager.told, "it is told", TOLD_SECONDS_MAX)
    assert "alert: log.behind" in requests.get(f"{watched.console}/readyz", timeout=10).text
    do(watched, "DROP TRIGGER stuck" + ("" if watched.database.startswith("sqlite") else " ON checkpoint"))
    until(lambda: ("cleared", "log.behind") in pager.told, "it is over", TOLD_SECONDS_MAX)
