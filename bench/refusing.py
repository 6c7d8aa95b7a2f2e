"""How long a refusal takes: every vector of the signature attacks, and the largest nonsense that limits let in, each
posted to a whole gateway by somebody it knows.

What is made here is made before the clock starts. Each is sent once; the slowest are sent again, and the best time of
each counts, for what else runs on the machine only adds.
"""

import itertools
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.message import sample
from bench.run import Run
from bench.table import Row
from tests.compiled import compiled_once
from tests.exchange.deployed import make_template
from tests.signing.attacks.documents import DOCUMENTS
from tests.signing.attacks.edge import Answer, Gateway, attacked, post
from tests.signing.attacks.envelopes import ENVELOPES

SECONDS_MAX = 1.0
AGAIN = 12
"""How many of the slowest are sent again, twice each."""

_XML = "application/xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One thing to be refused. send: posts it."""

    name: str
    send: Callable[[Gateway], Answer]


def refusing(run: Run) -> list[Row]:
    """The slowest refusal, in milliseconds."""
    with (
        compiled_once(),
        attacked(make_template(run.folder / "refusing"), run.folder / "refusing-deployment") as gateway,
    ):
        found = {
            each: _seconds(gateway, each) for each in itertools.islice(_refusals(), 0, None, 20 if run.quick else 1)
        }
        for each in sorted(found, key=lambda each: found[each])[-AGAIN:]:
            found[each] = min(found[each], *(_seconds(gateway, each) for _ in range(2)))
    slowest, usual = max(found, key=lambda each: found[each]), statistics.median(found.values())
    return [
        Row(
            name="refusal",
            what="the slowest refusal at the edge",
            value=found[slowest] * 1000,
            unit="ms",
            first=SECONDS_MAX * 1000,
            least=False,
            ratio=f"{found[slowest] / usual:.0f} x the median of {len(found)} refusals, {usual * 1000:.1f} ms",
            note=slowest.name,
            more={
                "slowest": {
                    each.name: round(found[each] * 1000, 1) for each in sorted(found, key=lambda e: -found[e])[:10]
                }
            },
        )
    ]


def _seconds(gateway: Gateway, refusal: Refusal) -> float:
    answer = refusal.send(gateway)
    if answer.status < 400:
        raise AssertionError(f"{refusal.name} was not refused: {answer.status}")
    return answer.seconds


def _refusals() -> Iterator[Refusal]:
    for vector in DOCUMENTS.values():
        if not vector.valid:
            yield Refusal(name=vector.name, send=_over_rest(vector.make()))
    for vector in ENVELOPES.values():
        if not vector.valid:
            yield Refusal(name=vector.name, send=_over_soap(vector.make()))
    for name, body in _largest():
        yield Refusal(name=name, send=_over_rest(body))


def _over_rest(body: bytes) -> Callable[[Gateway], Answer]:
    return lambda gateway: gateway.post("/v1/messages", body, Content_Type=_XML)


def _over_soap(body: bytes) -> Callable[[Gateway], Answer]:
    return lambda gateway: post(gateway, body)


def _largest() -> Iterator[tuple[str, bytes]]:
    """As large, as many or as deep as limits let in, and one with many more; with a signature of the right shape where
    what is behind it is meant."""
    signed = next(each for each in DOCUMENTS.values() if each.valid).make()
    yield "10 MB of text", b"<r>" + b"x" * (10 * 1024 * 1024 - 7) + b"</r>"
    yield "10 MB that is not XML", b"x" * (10 * 1024 * 1024)
    yield "49,000 elements", _within(sample(), b"<e/>" * 49_000)
    yield "400,000 elements", _within(sample(), b"<e/>" * 400_000)
    yield "90 deep, 500 times", _within(sample(), (b"<e>" * 90 + b"</e>" * 90) * 500)
    yield (
        "a signed document with 135,000 ids",
        _within(
            signed,
            b"".join(
                b"<e id='a%d' xmlns:p='urn:p' p:id='b%d' xml:id='c%d'/>" % (each, each, each) for each in range(45_000)
            ),
        ),
    )
    yield (
        "a signed document with 40,000 named types",
        _within(
            signed,
            b"<e xmlns:t='urn:t' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>"
            + b"<c xsi:type='t:T'/>" * 40_000
            + b"</e>",
        ),
    )
    yield "a signed document of 9 MB", _within(signed, b"<e>" + b"x" * (9 * 1024 * 1024) + b"</e>")


def _within(document: bytes, more: bytes) -> bytes:
    """The document with this before its first child element."""
    at = document.index(b">", document.index(b"<", document.index(b"?>"))) + 1
    return document[:at] + more + document[at:]
