"""The algorithms the gateway signs and verifies with, by their W3C names. What is not listed does not exist.

SHA-1, MD5, HMAC, DSA and inclusive canonicalization are absent, so that no setting and no message can ask for them.
Source: RFC 9231 (the names); NIST SP 800-131A r2 (the strengths).
"""

from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

RSA_BITS_MIN = 2048
RSA_BITS_MAX = 8192
"""Larger keys only cost the verifier time."""
RSA_EXPONENT_MIN = 65537
"""Source: FIPS 186-5, section 5.4: more than 2^16. Under an exponent of 3 a verifier that is lenient with padding takes
values that nobody signed."""


class SignatureMethod(StrEnum):
    """How a SignedInfo is signed."""

    ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
    RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"  # PKCS #1 v1.5, the only padding all partners have
    RSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
    RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"

    @property
    def is_ecdsa(self) -> bool:
        """Whether it takes an elliptic curve key; otherwise it takes RSA."""
        return self in {SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384}

    @property
    def digest(self) -> HashAlgorithm:
        """Its hash."""
        return _HASHES[self]


_HASHES: dict[SignatureMethod, HashAlgorithm] = {
    SignatureMethod.ECDSA_SHA256: SHA256(),
    SignatureMethod.ECDSA_SHA384: SHA384(),
    SignatureMethod.RSA_SHA256: SHA256(),
    SignatureMethod.RSA_SHA384: SHA384(),
    SignatureMethod.RSA_SHA512: SHA512(),
}


class DigestMethod(StrEnum):
    """How what is referred to is digested. We write SHA-256; of partners the longer ones are taken too."""

    SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
    SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
    SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"

    @property
    def size_bytes(self) -> int:
        """Length of its digests."""
        return _DIGEST_SIZE_BYTES[self]


_DIGEST_SIZE_BYTES = {DigestMethod.SHA256: 32, DigestMethod.SHA384: 48, DigestMethod.SHA512: 64}


class Transform(StrEnum):
    """What is done to a node before it is digested."""

    ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
    EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"  # drops comments


_DS, _MORE, _C14N = (
    "http://www.w3.org/2000/09/xmldsig#",
    "http://www.w3.org/2001/04/xmldsig-more#",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
)
REFUSED = {
    f"{_DS}sha1": "SHA-1",
    f"{_DS}rsa-sha1": "SHA-1",
    f"{_DS}dsa-sha1": "DSA with SHA-1",
    f"{_DS}hmac-sha1": "HMAC",
    f"{_MORE}ecdsa-sha1": "SHA-1",
    f"{_MORE}md5": "MD5",
    f"{_MORE}rsa-md5": "MD5",
    f"{_MORE}hmac-sha256": "HMAC",
    f"{_MORE}hmac-sha384": "HMAC",
    f"{_MORE}hmac-sha512": "HMAC",
    _C14N: "inclusive canonicalization",
    f"{_C14N}#WithComments": "inclusive canonicalization",
    "http://www.w3.org/2006/12/xml-c14n11": "inclusive canonicalization",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments": "canonicalization with comments",
}
"""Algorithms that toolkits send by default or by mistake, with the name by which a refusal speaks of them. They are
named to be refused: nothing here makes one of them work."""

PKCS1 = padding.PKCS1v15()

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
"""The kinds of key that a signature of a message is verified with."""

_CURVES = (ec.SECP256R1, ec.SECP384R1)


def is_strong(key: object) -> bool:
    """Whether a public key is of an allowed kind and size: P-256, P-384, or RSA of 2,048 to 8,192 bits, its exponent
    65,537 or more."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, _CURVES)
    if not isinstance(key, rsa.RSAPublicKey) or not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        return False
    return key.public_numbers().e >= RSA_EXPONENT_MIN


def fits(method: SignatureMethod, key: PublicKey) -> bool:
    """Whether this key can have made a signature of this method."""
    return method.is_ecdsa == isinstance(key, ec.EllipticCurvePublicKey)


def value_size_bytes(key: PublicKey) -> int:
    """Length of an XML-DSig signature value of this key: r and s side by side, or the RSA block."""
    size = (key.key_size + 7) // 8
    return 2 * size if isinstance(key, ec.EllipticCurvePublicKey) else size
