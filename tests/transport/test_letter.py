from datetime import timedelta
from typing import Any, cast

import pytest

from gateway.agency import Endpoint, EndpointKind
from gateway.delivery.outcome import Outcome, failed
from gateway.document.parse import parse
from gateway.signing.header import verify_envelope
from gateway.soap.addressing import request_headers
from gateway.soap.envelope import Version, serialize
from gateway.soap.envelope import build as enveloped
from gateway.soap.service import node
from gateway.transport import letter as letters
from gateway.transport.connections import Connections
from gateway.transport.letter import Letter, LetterTransport
from tests.signing.parties import NOW, jail, police, trusted


class Clock:
    def now(self) -> Any:
        return NOW


async def test_a_letter_is_signed_with_the_key_of_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[bytes] = []

    async def post(*_: object, body: bytes, **__: object) -> Outcome:
        posted.append(body)
        return failed("delivery.test")

    monkeypatch.setattr(letters, "post", post)
    keys = [jail()]
    transport = LetterTransport(cast("Connections", None), cast("Any", Clock()), lambda: keys[-1])
    headers = request_headers(to="https://jms.example/replies", action="urn:x", message_id="urn:uuid:1")
    letter = Letter(
        endpoint=Endpoint(kind=EndpointKind.SOAP, url="https://jms.example/replies"),
        message_id="urn:uuid:1",
        envelope=serialize(enveloped(Version.SOAP_12, node("StatusResponse"), headers)),
    )
    await transport.send(letter, deadline=timedelta(seconds=1))
    keys.append(police())  # a process goes on while its key is changed
    await transport.send(letter, deadline=timedelta(seconds=1))
    for body, signer in zip(posted, (jail(), police()), strict=True):
        assert verify_envelope(parse(body), trusted(signer), now=NOW).root is not None
