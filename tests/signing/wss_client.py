"""A partner's WS-Security toolkit, made of lxml and xmlsec alone: it signs as WSS4J, zeep, WCF or node-soap do."""

import base64
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import xmlsec
from cryptography import x509
from lxml import etree

from gateway.document.names import DS, SOAP11, WSA, WSSE, WSU
from tests.signing.parties import Key, key_pem

OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
X509V3 = f"{OASIS}x509-token-profile-1.0#X509v3"
BASE64 = f"{OASIS}soap-message-security-1.0#Base64Binary"
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
TEXT = f"{OASIS}username-token-profile-1.0#PasswordText"
DIGEST = f"{OASIS}username-token-profile-1.0#PasswordDigest"
ENVELOPED = xmlsec.constants.TransformEnveloped
EXCLUSIVE = xmlsec.constants.TransformExclC14N
WSU_ID = f"{{{WSU}}}Id"


@dataclass(kw_only=True)
class Client:
    """Signs envelopes.

    names       how KeyInfo tells the certificate: token, x509data, serial, subject-key, thumbprint, embedded
    digest      xmlsec's digest transform
    transforms  of each Reference
    precision   how Created is written: seconds, milliseconds or offset
    prefixes    an InclusiveNamespaces list in each canonicalization, as WSS4J and gSOAP have it; None = none
    leave_out   local names of what is not signed, though it should be
    """

    key: Key
    certificate: bytes
    names: str = "token"
    digest: object = xmlsec.constants.TransformSha256
    transforms: Sequence[object] = (EXCLUSIVE,)
    precision: str = "milliseconds"
    prefixes: str | None = None
    leave_out: frozenset[str] = frozenset()
    security: list[etree._Element] = field(default_factory=list)  # more of the header: a UsernameToken

    def sign(self, envelope: bytes, *, now: datetime, lasts: timedelta | None = timedelta(minutes=5)) -> bytes:
        root = etree.fromstring(envelope)
        soap = etree.QName(root).namespace or ""
        header = root.find(f"{{{soap}}}Header")
        if header is None:
            header = etree.Element(f"{{{soap}}}Header")
            root.insert(0, header)
        signed = [root.find(f"{{{soap}}}Body"), *header.iterchildren(f"{{{WSA}}}*")]
        security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
        security.set(f"{{{soap}}}mustUnderstand", "1" if soap == SOAP11 else "true")
        token = etree.SubElement(security, f"{{{WSSE}}}BinarySecurityToken", EncodingType=BASE64, ValueType=X509V3)
        token.set(WSU_ID, f"X509-{uuid.uuid4()}")
        token.text = base64.b64encode(self.certificate).decode()
        if self.names != "token":
            security.remove(token)
        security.append(self._timestamp(now, lasts))
        security.extend(self.security)
        signed.append(security.find(f"{{{WSU}}}Timestamp"))
        wanted = [each for each in signed if each is not None and etree.QName(each).localname not in self.leave_out]
        self._sign(security, wanted, token)
        return etree.tostring(root)

    def _timestamp(self, now: datetime, lasts: timedelta | None) -> etree._Element:
        stamp = etree.Element(f"{{{WSU}}}Timestamp", nsmap={"wsu": WSU})
        for name, moment in (("Created", now), ("Expires", None if lasts is None else now + lasts)):
            if moment is not None:
                etree.SubElement(stamp, f"{{{WSU}}}{name}").text = self._moment(moment)
        return stamp

    def _moment(self, moment: datetime) -> str:
        if self.precision == "offset":  # as zeep writes it
            return moment.replace(microsecond=0).isoformat()
        return moment.replace(tzinfo=None).isoformat(timespec=self.precision) + "Z"

    def _sign(self, security: etree._Element, wanted: list[etree._Element], token: etree._Element) -> None:
        ecdsa = "EllipticCurve" in type(self.key).__name__ or "ECPrivate" in type(self.key).__name__
        method = xmlsec.constants.TransformEcdsaSha256 if ecdsa else xmlsec.constants.TransformRsaSha256
        signature = xmlsec.template.create(security, EXCLUSIVE, method, ns="ds")
        security.append(signature)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(key_pem(self.key), xmlsec.constants.KeyDataFormatPem)
        for element in wanted:
            element.set(WSU_ID, element.get(WSU_ID) or f"id-{uuid.uuid4()}")
            context.register_id(element, "Id", WSU)
            reference = xmlsec.template.add_reference(signature, self.digest, uri=f"#{element.get(WSU_ID)}")
            for transform in self.transforms:
                self._inclusive(xmlsec.template.add_transform(reference, transform), transform)
        self._inclusive(signature[0][0], EXCLUSIVE)
        key_info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
        key_info.append(self._named(token))
        context.sign(signature)

    def _inclusive(self, element: etree._Element, transform: object) -> None:
        if self.prefixes is not None and transform is EXCLUSIVE:
            name = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
            etree.SubElement(element, name, nsmap={"ec": etree.QName(name).namespace}).set("PrefixList", self.prefixes)

    def _named(self, token: etree._Element) -> etree._Element:
        reference = etree.Element(f"{{{WSSE}}}SecurityTokenReference", nsmap={"wsse": WSSE, "wsu": WSU, "ds": DS})
        reference.set(WSU_ID, f"STR-{uuid.uuid4()}")
        certificate = x509.load_der_x509_certificate(self.certificate)
        if self.names == "token":
            etree.SubElement(reference, f"{{{WSSE}}}Reference", URI=f"#{token.get(WSU_ID)}", ValueType=X509V3)
        elif self.names == "x509data":
            data = etree.SubElement(reference, f"{{{DS}}}X509Data")
            etree.SubElement(data, f"{{{DS}}}X509Certificate").text = token.text
        elif self.names == "serial":
            data = etree.SubElement(reference, f"{{{DS}}}X509Data")
            serial = etree.SubElement(data, f"{{{DS}}}X509IssuerSerial")
            etree.SubElement(serial, f"{{{DS}}}X509IssuerName").text = certificate.issuer.rfc4514_string()
            etree.SubElement(serial, f"{{{DS}}}X509SerialNumber").text = str(certificate.serial_number)
        else:
            kind, value = {
                "embedded": (X509V3, self.certificate),
                "thumbprint": (THUMBPRINT, hashlib.sha1(self.certificate, usedforsecurity=False).digest()),
                "subject-key": (
                    f"{OASIS}x509-token-profile-1.0#X509SubjectKeyIdentifier",
                    certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest,
                ),
            }[self.names]
            identifier = etree.SubElement(reference, f"{{{WSSE}}}KeyIdentifier", EncodingType=BASE64, ValueType=kind)
            identifier.text = base64.b64encode(value).decode()
        return reference


def username_token(username: str, password: str, *, kind: str = TEXT, created: str = "") -> etree._Element:
    """A UsernameToken as WSS4J, zeep and WCF write it."""
    token = etree.Element(f"{{{WSSE}}}UsernameToken", nsmap={"wsse": WSSE, "wsu": WSU})
    token.set(WSU_ID, f"UsernameToken-{uuid.uuid4()}")
    etree.SubElement(token, f"{{{WSSE}}}Username").text = username
    etree.SubElement(token, f"{{{WSSE}}}Password", Type=kind).text = password
    if created:
        etree.SubElement(token, f"{{{WSSE}}}Nonce", EncodingType=BASE64).text = base64.b64encode(b"n" * 16).decode()
        etree.SubElement(token, f"{{{WSU}}}Created").text = created
    return token
