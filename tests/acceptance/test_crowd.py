"""Crowds at the door: hundreds of connections that are never finished, and whoever asks too fast or too much at once.

The gateway goes on answering everybody else, and its memory does not grow with what it refuses.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.acceptance.bad_input import BAD, CANARY, good
from tests.acceptance.envelopes import SOAP12, submit
from tests.acceptance.messages import release
from tests.acceptance.place import Pair, Place

HALF_OPEN = 500
GROWTH_BYTES_MAX = 100 * 1024 * 1024


@pytest.fixture(scope="module")
def pair(place: Place) -> Pair:
    return place.pair()


def memory_bytes(place: Place) -> int:
    """Of all processes of the gateway."""
    parents = [psutil.Process(process.pid) for process in place.processes if process.poll() is None]
    every = {each for parent in parents for each in (parent, *parent.children(recursive=True))}
    return sum(each.memory_info().rss for each in every)


@contextlib.contextmanager
def half_open(place: Place, says: bytes, *, tls: bool) -> Iterator[list[socket.socket]]:
    """So many connections, each of which begins something and does not go on."""
    address = urlsplit(place.url)
    where = (str(address.hostname), int(address.port or 0))
    context = ssl.create_default_context(cafile=str(place.parts / "authority.pem"))
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(HALF_OPEN):
            made = stack.enter_context(socket.create_connection(where, timeout=20))
            if tls:
                made = stack.enter_context(context.wrap_socket(made, server_hostname=address.hostname))
            if says:
                made.sendall(says)
            opened.append(made)
        yield opened


@pytest.mark.parametrize(
    ("says", "tls"),
    [
        (b"", False),
        (b"\x16\x03\x01", False),
        (b"", True),
        (b"POST /v1/messages HTTP/1.1\r\nHost: gateway\r\nX-Slow: ", True),
    ],
    ids=["silent", "half-a-handshake", "silent-in-tls", "half-a-head"],
)
def test_whoever_opens_hundreds_of_connections_shuts_out_nobody(
    place: Place, pair: Pair, says: bytes, *, tls: bool
) -> None:
    before = memory_bytes(place)
    with half_open(place, says, tls=tls):
        for _ in range(5):
            # Each time on a connection of its own, from the very address of the crowd.
            assert requests.get(f"{place.url}/healthz", verify=place.parts / "authority.pem", timeout=20).ok
            time.sleep(0.1)
        assert pair.caller.submit(release()).status_code == 202
        assert memory_bytes(place) - before < GROWTH_BYTES_MAX
    assert pair.caller.submit(release()).status_code == 202


def test_refusals_give_nothing_back_name_themselves_and_hold_no_memory(place: Place, pair: Pair) -> None:
    before = memory_bytes(place)
    huge = good().replace(b"</cr:CustodyRelease>", b"<!--" + b"x" * 9_000_000 + b"--></cr:CustodyRelease>")
    for bad in BAD.values():
        headers = {"Content-Type": "application/xml", **bad.headers} | ({"Idempotency-Key": bad.id} if bad.id else {})
        url = f"{place.url}/v1/messages{bad.query}"
        refused(pair.caller.session.post(url, data=bad.body, headers=headers, timeout=30))
        if bad.soap:
            answer = submit(pair.caller, bad.body, SOAP12, message_id=bad.id)
            assert answer.headers["X-Correlation-Id"] in answer.text
            assert CANARY not in answer.text
    for body in (huge[:-20], huge.replace(b"--></cr", b"--><cr:More/></cr"), b"\x00" * 9_000_000):
        refused(pair.caller.submit(body))
    assert memory_bytes(place) - before < GROWTH_BYTES_MAX


def refused(answer: requests.Response) -> None:
    """In words, with the id under which the gateway's log has it, and without a piece of the message."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["correlation"] == answer.headers["X-Correlation-Id"]
    assert CANARY not in answer.text
