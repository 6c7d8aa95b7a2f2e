import pytest
from starlette.requests import Request

from gateway.api.admission import Admission
from gateway.api.body import BodyTooLarge, ClientGone, read_body
from gateway.api.edge import Trace
from gateway.config import Limits


def request(*messages: dict[str, object]) -> Request:
    waiting = list(messages)

    async def receive() -> dict[str, object]:
        return waiting.pop(0)

    admission = Admission(limits=Limits(), now=lambda: 0.0)
    trace = Trace(correlation="c", admitted=admission.request())
    return Request({"type": "http", "headers": [], "state": {"trace": trace}}, receive)


def part(body: bytes, *, more: bool = True) -> dict[str, object]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_read_whole_or_in_parts() -> None:
    assert await read_body(request(part(b"abc", more=False)), 3) == b"abc"
    assert await read_body(request(part(b"a"), part(b"b"), part(b"", more=False)), 3) == b"ab"


@pytest.mark.parametrize("messages", [[part(b"abcd", more=False)], [part(b"ab"), part(b"cd"), part(b"never read")]])
async def test_a_body_beyond_the_limit_is_not_read_to_its_end(messages: list[dict[str, object]]) -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(request(*messages), 3)


async def test_a_client_that_goes_is_not_a_whole_body() -> None:
    with pytest.raises(ClientGone):
        await read_body(request(part(b"ab"), {"type": "http.disconnect"}), 3)
