"""X.509 WS-Security with xmlsec: signs each request and checks each answer. What zeep calls a `wsse` plugin.

Signed are Body, Timestamp and the WS-Addressing headers, by exclusive C14N, SHA-256 and the key's own algorithm. Of an
answer the same must be signed, by the gateway's certificate that came with this folder and by no other.
"""

import base64
from datetime import datetime, timedelta, timezone
from pathlib import Path

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from zeep.wsse.utils import ensure_id, get_security_header

DS = "{http://www.w3.org/2000/09/xmldsig#}"
WSA = "{http://www.w3.org/2005/08/addressing}"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU_NS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSU = f"{{{WSU_NS}}}"
PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
X509 = PROFILE + "x509-token-profile-1.0#X509v3"
BASE64 = PROFILE + "soap-message-security-1.0#Base64Binary"
FRESH = timedelta(minutes=5)

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
METHODS = (
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
)
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


class Signature:
    """Signs by this key; answers must be signed by the gateway's certificate. All three are names of PEM files.

    refusal  the exception for an answer that is not believed
    """

    def __init__(self, key, certificate, gateway, refusal):
        self.key, self.gateway, self.refusal = key, gateway, refusal
        self.certificate = x509.load_pem_x509_certificate(Path(certificate).read_bytes())

    def apply(self, envelope, headers):
        """Put a signed header into the envelope. zeep calls this with each request."""
        security = get_security_header(envelope)
        security.set(f"{{{etree.QName(envelope).namespace}}}mustUnderstand", "1")
        token = etree.SubElement(security, WSSE + "BinarySecurityToken", EncodingType=BASE64, ValueType=X509)
        token.text = base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()
        now = datetime.now(timezone.utc)
        timestamp = etree.SubElement(security, WSU + "Timestamp", nsmap={"wsu": WSU_NS})
        etree.SubElement(timestamp, WSU + "Created").text = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        etree.SubElement(timestamp, WSU + "Expires").text = (now + FRESH).strftime("%Y-%m-%dT%H:%M:%SZ")
        signature = self._template(envelope, places(envelope, timestamp), ensure_id(token))
        security.append(signature)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(self.key, xmlsec.KeyFormat.PEM)
        for place in places(envelope, timestamp):
            context.register_id(place, "Id", WSU_NS)
        context.sign(signature)
        return envelope, headers

    def _template(self, envelope, signed, token_id):
        curve = isinstance(self.certificate.public_key(), ec.EllipticCurvePublicKey)
        method = xmlsec.constants.TransformEcdsaSha256 if curve else xmlsec.constants.TransformRsaSha256
        signature = xmlsec.template.create(envelope, xmlsec.constants.TransformExclC14N, method, ns="ds")
        for place in signed:
            reference = xmlsec.template.add_reference(
                signature, xmlsec.constants.TransformSha256, uri="#" + ensure_id(place)
            )
            xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
        named = etree.SubElement(
            xmlsec.template.ensure_key_info(signature), WSSE + "SecurityTokenReference", nsmap={"wsse": WSSE[1:-1]}
        )
        etree.SubElement(named, WSSE + "Reference", URI="#" + token_id, ValueType=X509)
        return signature

    def verify(self, envelope):
        """Refuse an answer that the gateway did not sign. zeep calls this with each answer."""
        try:
            return self._verified(envelope)
        except ValueError as error:
            raise self.refusal(str(error)) from error

    def _verified(self, envelope):
        """The envelope; `ValueError` says what is wrong with it.

        A Fault before the request was understood is not signed: it came over TLS, and says only that nothing was done.
        """
        security = envelope.find(f"{{*}}Header/{WSSE}Security")
        if security is None or security.find(DS + "Signature") is None:
            if envelope.find("{*}Body/{*}Fault") is not None:
                return envelope
            raise ValueError("the answer is not signed")
        signature, timestamp = security.find(DS + "Signature"), security.find(WSU + "Timestamp")
        if timestamp is None:
            raise ValueError("the answer has no Timestamp")
        wanted = places(envelope, timestamp)
        named = shape(signature)
        # Each id stands once in the whole document, or another element than the one that is read may have been signed.
        ids = [value for each in envelope.iter() for name, value in each.attrib.items() if name.lower().endswith("id")]
        for place in wanted:
            if place.get(WSU + "Id") not in named or ids.count(place.get(WSU + "Id")) != 1:
                raise ValueError("Body, Timestamp and every WS-Addressing header of an answer are signed")
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(self.gateway, xmlsec.KeyFormat.CERT_PEM)
        for each in envelope.iter():
            if each.get(WSU + "Id") in named:
                context.register_id(each, "Id", WSU_NS)
        try:
            context.verify(signature)
        except xmlsec.Error as error:
            raise ValueError("the answer is not signed by the gateway") from error
        fresh(timestamp)
        return envelope


def places(envelope, timestamp):
    """What is signed."""
    header = envelope.find("{*}Header")
    addressing = [block for block in header if str(block.tag).startswith(WSA)]
    return [envelope.find("{*}Body"), timestamp, *addressing]


def shape(signature):
    """The ids that are signed. Before any cryptography: no other algorithm, no other transform, no other place."""
    info = signature.find(DS + "SignedInfo")
    methods = [info.find(DS + name).get("Algorithm") for name in ("CanonicalizationMethod", "SignatureMethod")]
    references = info.findall(DS + "Reference")
    transforms = [each.get("Algorithm") for each in info.iter(DS + "Transform")]
    digests = {each.get("Algorithm") for each in info.iter(DS + "DigestMethod")}
    uris = [each.get("URI", "") for each in references]
    if methods[0] != EXCLUSIVE or methods[1] not in METHODS or digests != {SHA256}:
        raise ValueError("the answer's signature uses another algorithm")
    if transforms != [EXCLUSIVE] * len(references) or not all(uri.startswith("#") for uri in uris):
        raise ValueError("the answer's signature is not of the agreed form")
    return {uri[1:] for uri in uris}


def fresh(timestamp):
    created = timestamp.findtext(WSU + "Created", "").replace("Z", "+00:00")
    # Hundredths: Python before 3.11 reads none or six digits.
    moment = datetime.strptime(created.partition(".")[0].partition("+")[0], "%Y-%m-%dT%H:%M:%S").replace(
        tzinfo=timezone.utc
    )
    if abs(datetime.now(timezone.utc) - moment) > FRESH:
        raise ValueError("the answer was not signed now; is this machine's clock right?")
