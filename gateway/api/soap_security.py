"""WS-Security of SOAP requests and their answers: a signature verified, and answered with one.

The transport has said who calls before a byte of the body was read. A signature adds that this agency's key stands
behind these very words: it must be that agency's, and from here on only what it covers counts.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from lxml import etree
from starlette.requests import Request

from gateway.agency import AgencyId
from gateway.api.body import OFF_LOOP_SIZE_BYTES
from gateway.api.network import network_of
from gateway.document.parse import Document
from gateway.errors import GatewayError
from gateway.exchange.gateway import Gateway
from gateway.signing.header import SignedEnvelope, sign_envelope, verify_signed
from gateway.signing.proof import Proof
from gateway.signing.security import SECURITY, Security, check_fresh, read_security, read_timestamp
from gateway.signing.username import UsernameToken, read_username
from gateway.soap import envelope
from gateway.soap.envelope import Envelope, Version

UNDERSTOOD = frozenset({SECURITY})

ANSWER_FRESH = timedelta(minutes=5)
"""How long an answer's signature may be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """A request behind its WS-Security header.

    received  what was verified, when there was a signature: other header blocks are gone from it
    proof     None = it was not signed
    """

    received: Envelope
    proof: Proof | None = None


def security_of(received: Envelope) -> Security | None:
    """The request's WS-Security header. Raises `SignatureShape`."""
    return read_security(received.headers, received.version.value)


def username_of(security: Security | None) -> UsernameToken | None:
    """What its UsernameToken says. Raises `SignatureShape`, `PasswordDigestRefused`."""
    return None if security is None or security.username is None else read_username(security.username)


def address_of(request: Request) -> str:
    """Whence the request comes, as guesses are counted."""
    return network_of(request.client.host) if request.client is not None else ""


async def secured(
    gateway: Gateway, agency: AgencyId, document: Document, received: Envelope, security: Security, size_bytes: int
) -> Secured:
    """Verify the signature that there is, by the calling agency's certificates; else judge the Timestamp, if any.

    Raises what `verify_signed` and `read_timestamp` raise, and `SignatureStale`.
    """
    now, leeway = gateway.clock.now(), timedelta(seconds=gateway.settings.signatures.leeway_seconds)
    if security.signature is None:
        if security.timestamp is not None:
            check_fresh(read_timestamp(security.timestamp), now, leeway)
        return Secured(received=received)
    trusted = gateway.current.trust(agency)

    def verify() -> SignedEnvelope:
        return verify_signed(document, trusted, now=now, leeway=leeway)

    made = verify() if size_bytes <= OFF_LOOP_SIZE_BYTES else await asyncio.to_thread(verify)
    # The version was compared with the media type when the envelope came in.
    return Secured(received=envelope.read(made.document), proof=made.proof)


def sign_answer(root: etree._Element, version: Version, gateway: Gateway) -> etree._Element:
    """The answer with a signed WS-Security header, by the gateway's Cover key. Raises what the signer raises, and then
    there is no such header in it.

    It is not marked mustUnderstand: a client that does not verify answers is no worse off than with an unsigned one,
    and many refuse what they must understand and cannot.
    """
    if root[0].tag != version.name_of("Header"):
        root.insert(0, etree.Element(version.name_of("Header")))
    now = gateway.clock.now()
    try:
        return sign_envelope(
            root, gateway.keys.cover_signer, created=now, expires=now + ANSWER_FRESH, must_understand=False
        )
    except GatewayError:
        for unfinished in root[0].findall(SECURITY):
            root[0].remove(unfinished)
        raise
