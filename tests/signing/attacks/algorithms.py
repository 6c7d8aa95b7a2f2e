"""Algorithms: weak, unknown or too powerful ones, each by its name and with a value that is right for it."""

from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.signing.certificate import to_pem
from tests.signing.attacks.document import maker, notice, sign, to_bytes
from tests.signing.attacks.forge import (
    BASE64,
    DECRYPT,
    DIGEST_256,
    DS,
    ECDSA_256,
    ENVELOPED,
    EXCLUSIVE,
    FILTER2,
    INCLUSIVE,
    INCLUSIVE_11,
    MORE,
    MORE_2007,
    RSA_256,
    XPATH,
    XSLT,
    exclusive,
    inclusive,
    mac,
    step,
)
from tests.signing.attacks.keys import Party, faulty, jail, jail_rsa
from tests.signing.attacks.vector import Table

ALGORITHM, SHAPE = "signature.algorithm", "signature.shape"

METHODS = "Signature methods"
DIGESTS = "Digest methods"
CANONICAL = "Canonicalization"
TRANSFORMS = "Transforms"

PSS_PARAMETERS = (
    '<pss:RSAPSSParams xmlns:pss="http://www.w3.org/2007/05/xmldsig-more#">'
    f'<ds:DigestMethod Algorithm="{DIGEST_256}"></ds:DigestMethod></pss:RSAPSSParams>'
)


def _dsa() -> Party:
    return faulty()["dsa"]


def _method(uri: str, who: Callable[[], Party], **forged: object) -> Callable[[], bytes]:
    return maker(who=who, method=uri, **forged)


def _mac(uri: str, hash_name: str, secret: Callable[[], bytes], who: Callable[[], Party]) -> Callable[[], bytes]:
    return lambda: to_bytes(sign(notice(), who=who, method=uri, sign=mac(hash_name, secret())))


def _spki(who: Callable[[], Party]) -> bytes:
    return who().key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _methods(table: Table) -> None:
    why = "five methods are listed; what is not listed does not exist"

    def add(name: str, make: Callable[[], bytes], says: str, *codes: str) -> None:
        table.add(METHODS, name, make, *(codes or (ALGORITHM,)), says=says, why=why)

    for hash_name in ("sha1", "md5", "ripemd160", "sha224"):
        uri = f"{DS if hash_name == 'sha1' else MORE}rsa-{hash_name}"
        add(f"rsa-{hash_name}", _method(uri, jail_rsa), f"RSA with {hash_name.upper()}")
    for hash_name in ("sha1", "sha224", "sha512", "ripemd160"):
        base = MORE_2007 if hash_name == "ripemd160" else MORE
        add(f"ecdsa-{hash_name}", _method(f"{base}ecdsa-{hash_name}", jail), f"ECDSA with {hash_name.upper()}")
    add("rsa-pss", _method(f"{MORE_2007}sha256-rsa-MGF1", jail_rsa), "RSA-PSS, which not all partners have")
    add(
        "rsa-pss-parameters",
        _method(f"{MORE_2007}rsa-pss", jail_rsa, parameters=PSS_PARAMETERS),
        "RSA-PSS with parameters",
        SHAPE,
        ALGORITHM,
    )
    add("dsa-sha1", _method(f"{DS}dsa-sha1", _dsa), "DSA with SHA-1")
    add("dsa-sha256", _method("http://www.w3.org/2009/xmldsig11#dsa-sha256", _dsa), "DSA")
    secrets: dict[str, Callable[[], bytes]] = {
        "certificate": lambda: jail().der,
        "pem": lambda: to_pem(jail().der),
        "key": lambda: _spki(jail),
    }
    for what, secret in secrets.items():
        uri = f"{MORE}hmac-sha256"
        add(f"hmac-{what}", _mac(uri, "sha256", secret, jail), f"HMAC with the public {what} as its secret")
    add("hmac-empty", _mac(f"{MORE}hmac-sha256", "sha256", lambda: b"", jail), "HMAC with an empty secret")
    add("hmac-sha1", _mac(f"{DS}hmac-sha1", "sha1", lambda: jail().der, jail), "HMAC with SHA-1")
    add(
        "hmac-length-0",
        _method(
            f"{DS}hmac-sha1", jail, parameters="<ds:HMACOutputLength>0</ds:HMACOutputLength>", sign=lambda _: b"\0"
        ),
        "HMAC of which no bit is compared (CVE-2009-0217)",
        SHAPE,
        ALGORITHM,
    )
    add("eddsa", _method("http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519", jail), "Ed25519")
    add("sha3", _method(f"{MORE_2007}ecdsa-sha3-256", jail), "ECDSA with SHA3-256")
    for number, uri in enumerate(
        ("none", "", f"{ECDSA_256} ", ECDSA_256.upper(), f"{DS}ecdsa-sha256", "ES256", RSA_256[:-3])
    ):
        add(f"unknown-method-{number + 1}", _method(uri, jail), f'"{uri}"' if uri else "no name at all")


def _digests(table: Table) -> None:
    why = "three digests are listed; what is not listed does not exist"
    uris = {
        "sha1": f"{DS}sha1",
        "md5": f"{MORE}md5",
        "sha224": f"{MORE}sha224",
        "ripemd160": "http://www.w3.org/2001/04/xmlenc#ripemd160",
        "sha3": f"{MORE_2007}sha3-256",
        "none": "none",
        "empty": "",
        "space": f"{DIGEST_256} ",
    }
    for each, uri in uris.items():
        says = f"Digests by {each.upper()}" if uri not in ("", "none", f"{DIGEST_256} ") else f'Digests by "{uri}"'
        table.add(DIGESTS, f"digest-{each}", maker(ref={"method": uri}), ALGORITHM, says=says, why=why)
    for each, uri in (("sha384", f"{MORE}sha384"), ("sha512", "http://www.w3.org/2001/04/xmlenc#sha512")):
        table.add(DIGESTS, f"valid-{each}", maker(ref={"method": uri}), says=f"Digests by {each.upper()}")
    table.add(
        DIGESTS,
        "digest-wrong",
        maker(octets=b"something else"),
        "signature.invalid",
        says="A signed digest of something else",
    )


def _canonical(table: Table) -> None:
    why = "exclusive canonicalization alone, without comments: nothing from around a signed part comes into it"
    forms: dict[str, tuple[str, Callable[[etree._Element], bytes]]] = {
        "inclusive": (INCLUSIVE, inclusive),
        "inclusive-comments": (f"{INCLUSIVE}#WithComments", lambda node: inclusive(node, comments=True)),
        "inclusive-11": (INCLUSIVE_11, inclusive),
        "inclusive-11-comments": (f"{INCLUSIVE_11}#WithComments", lambda node: inclusive(node, comments=True)),
        "exclusive-comments": (f"{EXCLUSIVE}WithComments", lambda node: exclusive(node, comments=True)),
        "minimal": ("http://www.w3.org/2000/09/xmldsig#minimal", exclusive),
        "c14n-2": ("http://www.w3.org/2010/xml-c14n2", exclusive),
        "unknown": ("https://example.org/c14n", exclusive),
        "empty": ("", exclusive),
    }
    for each, (uri, form) in forms.items():
        says = f"SignedInfo canonicalized by {uri}" if uri else "SignedInfo canonicalized by nothing"
        table.add(CANONICAL, f"c14n-{each}", maker(c14n=uri, canonical=form), ALGORITHM, says=says, why=why)
        says = f"Transform {uri or '(none)'}"
        table.add(TRANSFORMS, f"transform-{each}", partial(_in_form, uri, form), ALGORITHM, says=says, why=why)
    prefixes = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{"p " * 2000}"></ec:InclusiveNamespaces>'
    table.add(
        CANONICAL,
        "c14n-many-prefixes",
        maker(c14n_inside=prefixes),
        SHAPE,
        says="Two thousand prefixes to be treated inclusively",
        why="a list as long is work for nothing",
    )


def _in_form(uri: str, form: Callable[[etree._Element], bytes]) -> bytes:
    root = notice()
    return to_bytes(sign(root, octets=form(root), transforms=step(ENVELOPED) + step(uri)))


def _sheet(template: str) -> str:
    return (
        '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0">'
        f'<xsl:output method="text"></xsl:output><xsl:template match="/">{template}</xsl:template></xsl:stylesheet>'
    )


def _filter(kind: str, path: str) -> str:
    return f'<f:XPath xmlns:f="{FILTER2}" Filter="{kind}">{path}</f:XPath>'


def _transforms(table: Table) -> None:
    why = "exactly the enveloped-signature and the exclusive transform, in this order"
    enveloped, exc = step(ENVELOPED), step(EXCLUSIVE)
    nothing = step(XPATH, "<ds:XPath>false()</ds:XPath>")
    # What it is, the chain, what is digested (None = the notice as it is), and what it is refused with.
    chains: dict[str, tuple[str, str, bytes | None, tuple[str, ...]]] = {
        "none": ("No transforms at all", "", None, (SHAPE,)),
        "enveloped-only": ("The enveloped-signature transform alone", enveloped, None, (SHAPE,)),
        "exclusive-only": ("Exclusive canonicalization alone", exc, None, (SHAPE,)),
        "reversed": ("Both in the other order", exc + enveloped, None, (SHAPE, ALGORITHM)),
        "enveloped-twice": ("The enveloped-signature transform twice", enveloped * 2 + exc, None, (SHAPE,)),
        "exclusive-twice": ("Exclusive canonicalization twice", enveloped + exc * 2, None, (SHAPE,)),
        "many": ("Two hundred transforms", enveloped + exc * 200, None, (SHAPE,)),
        "xslt-constant": (
            "XSLT that says the same for every document",
            enveloped + step(XSLT, _sheet("fine")),
            b"fine",
            (),
        ),
        "xslt-reads": (
            "XSLT that reads a file",
            enveloped + step(XSLT, _sheet("<xsl:value-of select=\"document('file:///etc/hostname')\"></xsl:value-of>")),
            b"",
            (),
        ),
        "xpath-nothing": ("XPath that selects nothing", enveloped + nothing + exc, b"", ()),
        "xpath-one": (
            "XPath that selects one element",
            enveloped + step(XPATH, "<ds:XPath>false()</ds:XPath>"),
            b"",
            (),
        ),
        "filter2-nothing": (
            "XPath filter 2.0 that takes everything away",
            enveloped + step(FILTER2, _filter("subtract", "/")) + exc,
            b"",
            (),
        ),
        "filter2-part": (
            "XPath filter 2.0 that keeps a part",
            enveloped + step(FILTER2, _filter("intersect", "/x")),
            b"",
            (),
        ),
        "base64": ("The base64 transform", enveloped + step(BASE64), b"", ()),
        "decrypt": ("The decryption transform", enveloped + step(DECRYPT) + exc, None, ()),
        "unknown": ("A transform nobody knows", enveloped + step("https://example.org/own") + exc, None, ()),
        "token": (
            "The transform of security tokens (STR-Transform)",
            enveloped
            + step("http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"),
            None,
            (),
        ),
        "visa": (
            "Visa 3-D Secure's transform, which is in xmlsec",
            enveloped + step("http://www.visa.com/3D-hack"),
            b"",
            (),
        ),
        "enveloped-child": (
            "The enveloped-signature transform with an XPath in it",
            step(ENVELOPED, "<ds:XPath>false()</ds:XPath>") + exc,
            None,
            (SHAPE,),
        ),
        "exclusive-child": (
            "Exclusive canonicalization with an XPath in it",
            enveloped + step(EXCLUSIVE, "<ds:XPath>false()</ds:XPath>"),
            None,
            (SHAPE,),
        ),
    }
    for each, (says, chain, octets, codes) in chains.items():
        make = maker(transforms=chain, octets=octets)
        table.add(TRANSFORMS, f"transforms-{each}", make, *(codes or (ALGORITHM,)), says=says, why=why)


def enter(table: Table) -> None:
    """These vectors."""
    _methods(table)
    _digests(table)
    _canonical(table)
    _transforms(table)
