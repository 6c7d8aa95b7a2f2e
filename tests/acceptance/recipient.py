"""What a careful recipient does with what arrives: verify the Cover, bind the payload to it, validate the payload."""

from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.clock import SystemClock
from gateway.document.canonical import exclusive, sha256_text
from gateway.document.parse import Document, parse
from gateway.iepd.registry import Registry
from gateway.iepd.validate import validate
from gateway.signing.certificate import pem_to_der
from gateway.signing.cover import Cover, check_payload, read_cover, verify_cover
from gateway.signing.enveloped import has_signature, verify_enveloped
from gateway.signing.keyring import TrustedKeys
from tests.acceptance.messages import exchanges
from tests.acceptance.place import Place, until
from tests.pretend_agency import Mailbox
from tests.pretend_wire import Received


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What was taken in after all checks."""

    cover: Cover
    document: Document
    payload: bytes
    signed: bool

    def text(self, local: str) -> list[str]:
        """Text of every element of this local name."""
        return [each.text or "" for each in self.document.root.iterfind(f".//{{*}}{local}")]


def take(place: Place, cover: bytes, payload: bytes, recipient: AgencyId) -> Taken:
    """Check everything. Raises what the checks raise; fails when the payload is not valid."""
    now = SystemClock().now()
    der = pem_to_der(place.cover_file.read_bytes())
    trusted = TrustedKeys(agency=AgencyId("the-gateway"), pins=frozenset({der}))
    verified = verify_cover(cover, trusted, now=now)
    check_payload(verified, sha256_text(payload), recipient=recipient)
    document = parse(payload)
    signed = has_signature(document)
    if signed:
        document = verify_enveloped(document, trusted, now=now)
    iepd = Registry.of(exchanges().values()).find(document)
    assert validate(document, iepd) == ()
    return Taken(cover=verified, document=document, payload=payload, signed=signed)


def arrived(mailbox: Mailbox, message: str) -> Received:
    """The first reception of this message; waits for it."""
    until(lambda: any(each.message == message for each in mailbox.received), f"{message} arrives")
    return next(each for each in mailbox.received if each.message == message)


def out_of_envelope(received: Received) -> tuple[bytes, bytes]:
    """Cover and payload of a SOAP push, as their bytes were before they were put into the envelope."""
    cover = exclusive(parse(received.cover).root)
    return cover, exclusive(parse(received.payload).root, prefixes=read_cover(cover).payload_prefixes)
