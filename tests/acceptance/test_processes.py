"""Several processes that serve and several that work, on one database: one message, one delivery, one tree."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.exchange.activate import issue_token
from tests.acceptance.caller import Caller
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import Place, free_port, stop, until

COUNT = 40


@dataclass
class More:
    """What was started beside the gateway that runs already."""

    url: str


@pytest.fixture(scope="module")
def more(place: Place) -> Iterator[More]:
    """On SQLite another `serve` and a `worker`; on PostgreSQL a `serve` with two processes and a worker of its own."""
    port = free_port()
    serve = ["serve", "--port", str(port), *(["--processes", "2"] if "postgresql" in place.database else [])]
    started = [place.start(*serve, GATEWAY_LISTEN__CONSOLE="0")]
    if "postgresql" not in place.database:
        started.append(place.start("worker"))
    place.wait_ready(started[0], f"https://127.0.0.1:{port}")
    yield More(f"https://127.0.0.1:{port}")
    for process in started:
        assert process.poll() is None
        stop(process)
        assert process.returncode == 0, place.log_file.read_text()[-2000:]


def test_every_message_is_taken_once_and_arrives_once_whoever_is_asked(place: Place, more: More) -> None:
    pair = place.pair()
    ids = [fresh_id("MANY") for _ in range(COUNT)]
    receipts: dict[str, set[str]] = {id: set() for id in ids}

    def send(url: str) -> None:
        caller = Caller(url, pair.caller.authority, token=pair.caller.token)
        until(lambda: caller.get("/v1/inbox").status_code == 200, "the token is taken")
        for id in ids:
            receipts[id].add(caller.accepted(release(), id)["receipt"])
        caller.close()

    threads = [threading.Thread(target=send, args=(url,)) for url in (place.url, more.url, more.url)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(len(each) == 1 for each in receipts.values())
    for id in ids:
        pair.caller.wait_for(id, "delivered")
    assert len(pair.mailbox.effects) == COUNT
    assert len(pair.mailbox.received) == COUNT


def test_a_change_made_by_one_process_counts_for_all(place: Place, more: More) -> None:
    pair = place.pair()
    token = place.do(lambda gateway: issue_token(gateway, pair.sender, actor="test"))
    caller = Caller(more.url, pair.caller.authority, token=token)
    until(lambda: caller.get("/v1/inbox").status_code == 200, "the token counts everywhere", 5)
    caller.close()


def test_there_is_one_tree_and_it_is_whole(place: Place, more: More) -> None:
    until(lambda: place.do(lambda gateway: gateway.store.counts()).unsequenced == 0, "every entry is in the log", 10)
    result = CliRunner().invoke(app, ["audit", "verify", "--json", "-C", str(place.directory)])
    report = json.loads(result.stdout)
    assert report["verified"] is True
    assert report["entries"] == report["size"]
    entries = place.entries()
    assert [each.index for each in entries] == list(range(len(entries)))
    assert len({each.entry.id for each in entries}) == len(entries)
