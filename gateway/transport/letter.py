"""A SOAP message of its own to a registered address: an answer to a request of before, signed for each try.

Its wsa:MessageID is the same on every try; the WS-Security header is made anew, because its Timestamp ages. It is an
answer, so no SOAP answer to it is wanted: 202 and nothing is what a one-way service says. The signature is not marked
mustUnderstand: a receiver that does not verify it has what it had on its connection, and would refuse it otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from lxml import etree

from gateway.agency import Endpoint
from gateway.clock import Clock
from gateway.delivery.outcome import Outcome, failed
from gateway.document.names import WSA
from gateway.document.parse import Document, Limits, parse, to_bytes
from gateway.errors import GatewayError
from gateway.media_type import quoted
from gateway.signing.header import sign_envelope
from gateway.signing.keyring import Signer
from gateway.soap.envelope import Version
from gateway.transport.answer import Answer
from gateway.transport.connections import Connections
from gateway.transport.fault import read_answer
from gateway.transport.post import post

FRESH: Final = timedelta(minutes=5)
"""How long the signature of one try may be believed."""

LIMITS: Final = Limits(size_bytes_max=4 * 1024 * 1024, depth_max=110, elements_max=51_000)
"""Our own envelope: a receipt, or findings, of which there are at most some thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One answer, ready to go.

    message_id   its wsa:MessageID
    envelope     not signed yet, with all its addressing headers
    authorities  PEM: who vouches for the server there, besides those the whole deployment trusts
    """

    endpoint: Endpoint
    message_id: str
    envelope: bytes = field(repr=False)
    authorities: bytes = field(default=b"", repr=False)


class SendLetter(Protocol):
    """One way to a registered address. What `interface.Send` owes, it owes too."""

    async def send(self, letter: Letter, *, deadline: timedelta) -> Outcome:
        """Try once, and be back within the deadline whatever is done there."""


class LetterTransport:
    """`SendLetter` over the connections of the process. signer: asked for each letter, since the key may be replaced
    meanwhile."""

    def __init__(self, connections: Connections, clock: Clock, signer: Callable[[], Signer]) -> None:
        self._connections = connections
        self._clock = clock
        self._signer = signer

    async def send(self, letter: Letter, *, deadline: timedelta) -> Outcome:
        """Try once."""
        try:
            headers, body = written(letter, self._signer(), self._clock.now())
        except GatewayError as error:  # the signer: a token that is away, a certificate that has run out
            return failed(error.code)
        answer = await post(self._connections, letter, headers=headers, body=body, deadline=deadline, clock=self._clock)
        return read_answer(answer, message_id=letter.message_id) if isinstance(answer, Answer) else answer


def written(letter: Letter, signer: Signer, now: datetime) -> tuple[dict[str, str], bytes]:
    """Headers of the HTTP request, and the signed envelope. Raises what the signer raises."""
    root = parse(letter.envelope, LIMITS).root
    version = Version(etree.QName(root).namespace)
    action = (root.findtext(f"{{*}}Header/{{{WSA}}}Action") or "").strip()
    signed = to_bytes(Document(sign_envelope(root, signer, created=now, expires=now + FRESH, must_understand=False)))
    headers = {"Accept-Encoding": "identity", "User-Agent": "justice-gateway", "Idempotency-Key": letter.message_id}
    if version is Version.SOAP_11:
        return headers | {"Content-Type": version.content_type, "SOAPAction": quoted(action)}, signed
    return headers | {"Content-Type": f"{version.content_type}; action={quoted(action)}"}, signed
