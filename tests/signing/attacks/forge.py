"""A pen that writes any XML signature there can be, and a real value under it.

Written apart from the gateway's own code, which cannot write most of these.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA224, SHA256, SHA384, SHA512, HashAlgorithm
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = f"{DS}enveloped-signature"
BASE64 = f"{DS}base64"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
DECRYPT = "http://www.w3.org/2002/07/decrypt#XML"
DIGEST_256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ECDSA_256 = f"{MORE}ecdsa-sha256"
RSA_256 = f"{MORE}rsa-sha256"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | dsa.DSAPrivateKey


def name(local: str) -> str:
    """`{ds}local`."""
    return f"{{{DS}}}{local}"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def step(algorithm: str, inside: str = "") -> str:
    """One ds:Transform."""
    return f'<ds:Transform Algorithm="{algorithm}">{inside}</ds:Transform>'


ENVELOPED_EXCLUSIVE = step(ENVELOPED) + step(EXCLUSIVE)

_DIGESTS = {
    DIGEST_256: "sha256",
    f"{DS}sha1": "sha1",
    f"{MORE}md5": "md5",
    f"{MORE}sha224": "sha224",
    f"{MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    f"{MORE_2007}sha3-256": "sha3_256",
}


def digest(algorithm: str, data: bytes) -> bytes:
    """With whatever it is; SHA-256 for names that nobody knows."""
    return hashlib.new(_DIGESTS.get(algorithm, "sha256"), data, usedforsecurity=False).digest()


@dataclass(frozen=True, kw_only=True)
class Ref:
    """One ds:Reference over these octets.

    inside  the URI attribute and others, as text
    """

    octets: bytes
    inside: str = 'URI=""'
    transforms: str = ENVELOPED_EXCLUSIVE
    method: str = DIGEST_256
    value: str = ""

    def text(self) -> str:
        chain = f"<ds:Transforms>{self.transforms}</ds:Transforms>" if self.transforms else ""
        value = self.value or b64(digest(self.method, self.octets))
        return (
            f'<ds:Reference {self.inside}>{chain}<ds:DigestMethod Algorithm="{self.method}"></ds:DigestMethod>'
            f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
        )


@dataclass(frozen=True, kw_only=True)
class Forged:
    """A signature to be written.

    key_info  content of ds:KeyInfo; None = there is no KeyInfo
    parameters  inside the SignatureMethod
    more      elements after KeyInfo
    sign      value over SignedInfo; None = what the method and the key give
    canonical how SignedInfo is canonicalized; None = exclusively
    """

    references: Sequence[Ref]
    key: PrivateKey
    key_info: str | None
    method: str = ECDSA_256
    parameters: str = ""
    c14n: str = EXCLUSIVE
    c14n_inside: str = ""
    more: str = ""
    sign: Callable[[bytes], bytes] | None = None
    canonical: Callable[[etree._Element], bytes] | None = None
    attributes: str = ""
    namespaces: dict[str, str] = field(default_factory=dict)

    def element(self) -> etree._Element:
        """Without its value."""
        key_info = "" if self.key_info is None else f"<ds:KeyInfo>{self.key_info}</ds:KeyInfo>"
        declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in self.namespaces.items())
        return etree.fromstring(
            f'<ds:Signature xmlns:ds="{DS}"{declared}{self.attributes}><ds:SignedInfo>'
            f'<ds:CanonicalizationMethod Algorithm="{self.c14n}">{self.c14n_inside}</ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{self.method}">{self.parameters}</ds:SignatureMethod>'
            f"{''.join(reference.text() for reference in self.references)}</ds:SignedInfo>"
            f"<ds:SignatureValue></ds:SignatureValue>{key_info}{self.more}</ds:Signature>",
            etree.XMLParser(huge_tree=True),
        )

    def append_to(self, parent: etree._Element) -> etree._Element:
        """Put it last and write the value over it as it stands there."""
        made = self.element()
        parent.append(made)
        sign_over(made, self)
        return made


def sign_over(signature: etree._Element, forged: Forged) -> None:
    """The value of this SignedInfo, written into its place."""
    octets = (forged.canonical or exclusive)(signature[0])
    sign = forged.sign or (lambda data: value(forged.method, forged.key, data))
    signature[1].text = b64(sign(octets))


def exclusive(element: etree._Element, *, comments: bool = False) -> bytes:
    octets: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=comments, with_tail=False)
    return octets


def inclusive(element: etree._Element, *, comments: bool = False) -> bytes:
    octets: bytes = etree.tostring(element, method="c14n", exclusive=False, with_comments=comments, with_tail=False)
    return octets


_HASHES: dict[str, HashAlgorithm] = {
    "md5": MD5(),  # noqa: S303  (that is the attack)
    "sha1": SHA1(),  # noqa: S303
    "sha224": SHA224(),
    "sha256": SHA256(),
    "sha384": SHA384(),
    "sha512": SHA512(),
}


def value(method: str, key: PrivateKey, data: bytes) -> bytes:
    """A signature value of this method, as far as it goes with this key: an unknown one gets SHA-256."""
    words = method.rpartition("#")[2].lower().replace("sha-", "sha").split("-")
    hash_name = next((word for word in words if word in _HASHES), "sha256")
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return side_by_side(key.sign(data, ec.ECDSA(_HASHES[hash_name])), (key.key_size + 7) // 8)
    if isinstance(key, dsa.DSAPrivateKey):
        return side_by_side(key.sign(data, _HASHES[hash_name]), 32)
    if "mgf1" in method.lower() or "pss" in method.lower():
        hash_ = _HASHES[hash_name]
        return key.sign(data, padding.PSS(padding.MGF1(hash_), hash_.digest_size), hash_)
    return key.sign(data, padding.PKCS1v15(), _HASHES[hash_name])


def side_by_side(der: bytes, size: int) -> bytes:
    """r and s as XML Signature has them, of a signature in DER."""
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def mac(hash_name: str, secret: bytes) -> Callable[[bytes], bytes]:
    """HMAC under something that everybody knows."""
    return lambda data: hmac.digest(secret, data, hash_name)
