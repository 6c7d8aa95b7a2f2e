"""How a WS-Security signature says whose it is: the certificate itself, or a name of one that is registered.

Toolkits differ here more than anywhere else. The certificate comes as a token beside the signature, or inside KeyInfo;
or KeyInfo names it by issuer and serial number (WSS4J unless told otherwise), by its subject key identifier, or by its
thumbprint. A name is looked up among the certificates that are registered for the agency, and nowhere else: it can
choose among them and bring none in. The thumbprint is SHA-1 because the standard says so; it finds, it proves nothing.
Source: OASIS WS-Security X.509 Token Profile 1.1.1, section 3.2; WS-Security 1.1, section 7.3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1

from cryptography import x509
from lxml import etree

from gateway.document.names import DS, WSSE
from gateway.signing.certificate import read_certificate
from gateway.signing.keyring import TrustedKeys
from gateway.signing.shape import SignatureShape, binary_text, certificate_of
from gateway.signing.signature import NotSigner

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
X509_TOKEN = f"{_OASIS}x509-token-profile-1.0#X509v3"
SUBJECT_KEY = f"{_OASIS}x509-token-profile-1.0#X509SubjectKeyIdentifier"
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
BASE64 = f"{_OASIS}soap-message-security-1.0#Base64Binary"

TOKEN_REFERENCE = f"{{{WSSE}}}SecurityTokenReference"
REFERENCE = f"{{{WSSE}}}Reference"
KEY_IDENTIFIER = f"{{{WSSE}}}KeyIdentifier"
X509_DATA = f"{{{DS}}}X509Data"
SERIAL_NUMBER_LENGTH_MAX = 49
"""Twenty bytes, RFC 5280, section 4.1.2.2, are at most 49 decimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """By what a certificate may be named."""

    serial: int
    subject_key: bytes
    thumbprint: bytes


def certificate_named(
    key_info: etree._Element, trusted: TrustedKeys, referred: Callable[[str], etree._Element | None]
) -> bytes:
    """DER of the certificate that the content of ds:KeyInfo brings along or names. A hint: nothing is trusted for it.

    referred  the token of the WS-Security header by its id; None for anything else

    Raises `SignatureShape`; `NotSigner` when what it names is not registered for the agency.
    """
    if key_info.tag == TOKEN_REFERENCE:
        if len(key_info) != 1:
            raise SignatureShape("a SecurityTokenReference has exactly one child")
        key_info = key_info[0]
    if key_info.tag == REFERENCE:
        return _token(referred(key_info.get("URI", "").removeprefix("#")))
    if key_info.tag == KEY_IDENTIFIER:
        return _identified(key_info, trusted)
    if key_info.tag == X509_DATA and key_info.find(f"{{{DS}}}X509Certificate") is None:
        return _by_serial(key_info, trusted)
    return certificate_of(key_info)


def _token(token: etree._Element | None) -> bytes:
    if token is None:
        raise SignatureShape("the signature's token is not in the WS-Security header")
    if token.get("ValueType") != X509_TOKEN or token.get("EncodingType", BASE64) != BASE64:
        raise SignatureShape("the token must be one X.509 certificate (X509v3, no path) in base64")
    return binary_text(token)


def _identified(identifier: etree._Element, trusted: TrustedKeys) -> bytes:
    kind = identifier.get("ValueType")
    if identifier.get("EncodingType", BASE64) != BASE64:
        raise SignatureShape("a KeyIdentifier is written in base64")
    value = binary_text(identifier)
    if kind == X509_TOKEN:
        return value
    if kind == SUBJECT_KEY:
        return _registered(trusted, lambda names: names.subject_key == value)
    if kind == THUMBPRINT:
        return _registered(trusted, lambda names: names.thumbprint == value)
    raise SignatureShape("a KeyIdentifier is an X.509 certificate, its subject key identifier, or its thumbprint")


def _by_serial(data: etree._Element, trusted: TrustedKeys) -> bytes:
    """The issuer's name is not compared: every toolkit spells it otherwise, and among one agency's registered
    certificates the number tells."""
    serials = data.findall(f"{{{DS}}}X509IssuerSerial/{{{DS}}}X509SerialNumber")
    if len(data) != 1 or len(serials) != 1:
        raise SignatureShape("the signature's X509Data holds a certificate, or one issuer and serial number")
    text = (serials[0].text or "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= SERIAL_NUMBER_LENGTH_MAX):
        raise SignatureShape("a serial number is a whole number")
    serial = int(text)
    return _registered(trusted, lambda names: names.serial == serial)


def _registered(trusted: TrustedKeys, fits: Callable[[_Names], bool]) -> bytes:
    found = [der for der in trusted.pins if fits(_names(der))]
    if not found:
        raise NotSigner(
            f"KeyInfo names a certificate that is not registered for {trusted.agency}: register it, or send it along"
        )
    if len(found) > 1:
        raise SignatureShape("KeyInfo fits several registered certificates; send the certificate along")
    return found[0]


@lru_cache(maxsize=1024)
def _names(der: bytes) -> _Names:
    certificate = read_certificate(der)
    try:
        subject_key = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        subject_key = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    return _Names(
        serial=certificate.serial_number,
        subject_key=subject_key,
        thumbprint=sha1(der, usedforsecurity=False).digest(),
    )
