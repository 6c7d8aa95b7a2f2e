"""Targets: everything that reads bytes of strangers, and whole inputs of each to be damaged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.api.soap_acts import LIMITS
from gateway.document.parse import Document, parse, to_bytes
from gateway.folders import load_exchanges, shipped
from gateway.iepd.facts import evaluate
from gateway.iepd.header import read as read_header
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.keys.authority import read_request
from gateway.media_type import media_type_of
from gateway.policy.agencies import read_agency
from gateway.policy.read import read_mou
from gateway.signing.certificate import check
from gateway.signing.cover import read_cover, sign_cover
from gateway.signing.crl import read_crl
from gateway.signing.enveloped import ENVELOPED, SIGNATURE, sign_enveloped, verify_enveloped
from gateway.signing.header import sign_envelope, verify_envelope
from gateway.signing.keyring import TrustedAuthority, TrustedKeys
from gateway.signing.shape import read_shape
from gateway.soap import addressing, envelope, mtom, service, xop
from gateway.soap.envelope import Version, build
from gateway.soap.service import node
from gateway.transport.content_digest import check_digest
from tests.fuzz.mutations import WORDS
from tests.signing.parties import JAIL, NOW, cover, jail, p256, trusted
from tests.signing.pki import Party, authority, crl, leaf

SIZE_BYTES_MAX = 10 * 1024 * 1024
BOUNDARY = "b"
MTOM_TYPE = (
    f'multipart/related; boundary={BOUNDARY}; type="application/xop+xml"; start="<root>"; '
    'start-info="application/soap+xml"'
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Something that reads. `whole`: inputs it takes. It may give what it likes, and raise our own errors only."""

    read: Callable[[bytes], object]
    whole: Callable[[], Sequence[bytes]]


@cache
def samples() -> tuple[bytes, ...]:
    """Messages of every exchange."""
    return tuple(path.read_bytes() for path in sorted(shipped().iepd.glob("*/*/samples/*.xml")))[::3]


@cache
def signed_documents() -> tuple[bytes, ...]:
    """Some of them signed by their sender."""
    return tuple(sign_enveloped(parse(each), jail()) for each in samples()[:4])


def _enveloped(body: bytes, version: Version) -> bytes:
    payload = parse(body).root
    headers = addressing.request_headers(
        to="https://gateway.test/soap", action=service.action_of("Submit"), message_id="urn:uuid:1"
    )
    return envelope.serialize(build(version, node("Submit", node("Payload", payload)), headers))


@cache
def envelopes() -> tuple[bytes, ...]:
    """Of both versions."""
    return tuple(_enveloped(each, version) for each in samples()[:3] for version in Version)


@cache
def signed_envelopes() -> tuple[bytes, ...]:
    """The same with WS-Security."""
    made = []
    for each in envelopes():
        root = parse(each, LIMITS).root
        signed = sign_envelope(root, jail(), created=NOW, expires=NOW + timedelta(minutes=5))
        made.append(to_bytes(Document(signed)))
    return tuple(made)


@cache
def mtom_bodies() -> tuple[bytes, ...]:
    """Packages with an attachment each."""
    include = b"<xop:Include xmlns:xop='http://www.w3.org/2004/08/xop/include' href='cid:photo'/>"
    root = envelopes()[1].replace(b"<g:Payload", b"<g:Photo>" + include + b"</g:Photo><g:Payload", 1)
    head = b'Content-Type: application/xop+xml; type="application/soap+xml"\r\nContent-ID: <root>\r\n\r\n'
    part = b"--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <photo>\r\n\r\n"
    return (b"--b\r\n" + head + root + b"\r\n" + part + bytes(range(256)) + b"\r\n--b--\r\n",)


@cache
def agreements() -> tuple[bytes, ...]:
    """The shipped ones."""
    return tuple(path.read_bytes() for path in sorted((shipped().policies / "mous").glob("*.yaml")))


@cache
def agencies() -> tuple[bytes, ...]:
    """The shipped ones."""
    return tuple(path.read_bytes() for path in sorted((shipped().policies / "agencies").glob("*.yaml")))


@cache
def exchanges() -> Mapping[str, Iepd]:
    """The shipped ones, compiled."""
    folders = shipped()
    return {iepd.id: iepd for iepd in load_exchanges(folders.iepd, folders.xsd)}


@cache
def covers() -> tuple[bytes, ...]:
    """A signed Cover."""
    return (sign_cover(cover(), jail()),)


@cache
def requests() -> tuple[bytes, ...]:
    """A certificate request in both forms."""
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(p256("request"), SHA256())
    return tuple(made.public_bytes(form) for form in (Encoding.PEM, Encoding.DER))


@cache
def authorities() -> tuple[Party, Party]:
    """A root and an authority below it."""
    root = authority("State Root")
    return root, authority("State Issuing CA", by=root, path_length=0)


@cache
def certificates() -> tuple[bytes, ...]:
    """An agency's certificate."""
    return (leaf("jail", authorities()[1]).der,)


def _certificate(data: bytes) -> object:
    names = frozenset({"dns:gw.jail.example"})
    above = TrustedAuthority(certificate=authorities()[0].der, names=names)
    trust = TrustedKeys(agency=JAIL, authorities=(above,))
    found = check(certificates()[0], trust, now=NOW, others=(authorities()[1].der, data))
    return found, check(data, trust, now=NOW, others=(authorities()[1].der,))


@cache
def lists() -> tuple[bytes, ...]:
    """A revocation list in both forms."""
    der = crl(authorities()[0], 7, 8, number=3)
    return der, x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)


def digests() -> Sequence[bytes]:
    """Content-Digest headers."""
    return (b"sha-256=:LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=:, sha-512=:YQ==:;a=1;b", b"md5=:YQ==:")


def words() -> Sequence[bytes]:
    """What media types look like."""
    return (
        MTOM_TYPE.encode(),
        b'text/xml; charset="utf-8"',
        b"application/soap+xml; action=urn:x;charset=utf-16",
        *WORDS,
    )


# --- reading --------------------------------------------------------------------------------------------------------


def _envelope(data: bytes) -> object:
    received = envelope.read(parse(data, LIMITS, instructions=False))
    envelope.check_understood(received, addressing.UNDERSTOOD)
    found = addressing.read(received)
    return found, service.read(received.body)


def _signed_envelope(data: bytes) -> object:
    return verify_envelope(parse(data, LIMITS, instructions=False), trusted(jail()), now=NOW)


def _signed_document(data: bytes) -> object:
    return verify_enveloped(parse(data), trusted(jail()), now=NOW)


def _shape(data: bytes) -> object:
    document = parse(data)
    return [read_shape(each, ENVELOPED) for each in document.root.iter(SIGNATURE)]


def _mtom(data: bytes) -> object:
    package = mtom.read(data, media_type_of(MTOM_TYPE))
    document = parse(package.root, LIMITS, instructions=False)
    xop.expand(document.root, package.parts, size_bytes=len(data), size_bytes_max=SIZE_BYTES_MAX)
    return envelope.read(document)


def _message(data: bytes) -> object:
    document = parse(data)
    iepd = next((each for each in exchanges().values() if each.root == document.root.tag), None)
    return None if iepd is None else (validate(document, iepd), read_header(document, iepd), evaluate(document, iepd))


TARGETS: Mapping[str, Target] = {
    "parse": Target(read=parse, whole=samples),
    "message": Target(read=_message, whole=samples),
    "envelope": Target(read=_envelope, whole=envelopes),
    "signed-envelope": Target(read=_signed_envelope, whole=signed_envelopes),
    "signed-document": Target(read=_signed_document, whole=signed_documents),
    "shape": Target(read=_shape, whole=signed_documents),
    "mtom": Target(read=_mtom, whole=mtom_bodies),
    "media-type": Target(read=lambda data: media_type_of(data.decode("latin-1")), whole=words),
    "content-digest": Target(read=lambda data: check_digest([data.decode("latin-1")], b"x"), whole=digests),
    "agreement": Target(read=lambda data: read_mou(data, "fuzzed.yaml", exchanges()), whole=agreements),
    "agency": Target(read=lambda data: read_agency(data, "fuzzed.yaml"), whole=agencies),
    "cover": Target(read=read_cover, whole=covers),
    "certificate-request": Target(read=read_request, whole=requests),
    "certificate": Target(read=_certificate, whole=certificates),
    "revocation-list": Target(read=lambda data: read_crl(data, [authorities()[0].certificate], now=NOW), whole=lists),
}
