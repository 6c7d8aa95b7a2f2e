"""Tokens, keys and algorithms of envelopes, and one good envelope of each form."""

from collections.abc import Callable
from functools import partial

from lxml import etree

from gateway.document.names import SOAP11, SOAP12, WSSE
from tests.signing.attacks import algorithms
from tests.signing.attacks.envelope import (
    ALGORITHM,
    ALGORITHMS,
    EXC,
    GOOD,
    INVALID,
    NOT_SIGNER,
    SHAPE,
    TOKENS,
    by_id,
    changed,
    header,
    maker,
    reference,
    resigned,
    security,
    signature_of,
    signed,
    to_bytes,
    token,
    token_reference,
)
from tests.signing.attacks.forge import (
    DS,
    ECDSA_256,
    EXCLUSIVE,
    MORE,
    RSA_256,
    Ref,
    exclusive,
    mac,
    name,
    step,
)
from tests.signing.attacks.keys import (
    by_county,
    faulty,
    jail,
    jail_384,
    jail_rsa,
    namesake,
    police,
    revoked,
    unregistered,
    x509_data,
)
from tests.signing.attacks.vector import Table


def _tokens(table: Table) -> None:
    add = partial(table.add, TOKENS)
    shape = "one X.509 certificate in its place, or a name of a registered one"
    good = {"with_token": True}
    for soap, version in ((SOAP11, "1.1"), (SOAP12, "1.2")):
        table.add(
            GOOD,
            f"valid-{version}",
            maker({"soap": soap, "id": f"plain-{version}"}),
            says=f"SOAP {version}, the certificate in X509Data",
        )
        table.add(
            GOOD,
            f"valid-token-{version}",
            maker({"soap": soap, "id": f"token-{version}"}, **good),
            says=f"SOAP {version}, with a token",
            why="neither looks for a token by itself",
        )
    table.add(GOOD, "valid-rsa", maker({"id": "rsa"}, who=jail_rsa, method=RSA_256), says="RSA-2048")
    table.add(GOOD, "valid-p384", maker({"id": "p384"}, who=jail_384, method=f"{MORE}ecdsa-sha384"), says="P-384")
    table.add(
        GOOD,
        "valid-county",
        maker({"id": "county"}, who=by_county),
        says="By a certificate that the jail's own authority issued",
    )
    table.add(GOOD, "valid-unaddressed", maker({"addressed": False}), says="Without WS-Addressing")
    elsewhere = changed(
        lambda root: etree.SubElement(header(root), "{urn:example:x}Note"), options={"id": "note"}, with_token=True
    )
    table.add(
        GOOD,
        "header-unsigned",
        elsewhere,
        says="A header block that nobody signed: it does not come back",
        why="neither looks for a token by itself",
    )
    others = {
        "other-agency": ("The police's good certificate", police, NOT_SIGNER),
        "unregistered": ("Issued for the jail by a known authority, never registered", unregistered, NOT_SIGNER),
        "namesake": ("Self-made, with the jail's name", namesake, NOT_SIGNER),
        "revoked": ("Revoked", revoked, NOT_SIGNER),
        "expired": ("Expired", lambda: faulty()["expired"], "certificate.expired"),
        "not-yet": ("Not valid yet", lambda: faulty()["not-yet"], "certificate.not-yet-valid"),
        "encipherment": ("For encipherment only", lambda: faulty()["encipherment"], "certificate.usage"),
        "rsa-1024": ("RSA-1024", lambda: faulty()["rsa-1024"], "certificate.weak-key"),
    }
    registered = "a good certificate, registered for the agency that the transport has proven"
    for each, (says, who, code) in others.items():
        method = RSA_256 if each.startswith("rsa") else ECDSA_256
        for with_token in (False, True):
            name_ = f"certificate-{each}{'-token' if with_token else ''}"
            make = maker(who=who, with_token=with_token, method=method)
            add(name_, make, code, says=f"{says}, {'as a token' if with_token else 'in X509Data'}", why=registered)
    add(
        "borrowed",
        maker(who=namesake, key_info=x509_data(jail().der)),
        INVALID,
        says="The jail's certificate on a stranger's signature",
    )
    add(
        "token-nowhere",
        maker(with_token=True, key_info=token_reference("#nobody")),
        SHAPE,
        says="KeyInfo names no token",
        why=shape,
    )
    add(
        "token-http",
        maker(with_token=True, key_info=token_reference("https://example.org/c")),
        SHAPE,
        says="KeyInfo names a token elsewhere",
        why=shape,
    )
    add(
        "token-body",
        maker(with_token=True, key_info=token_reference("#body")),
        SHAPE,
        says="KeyInfo names the Body as the token",
        why=shape,
    )
    kerberos = changed(lambda root: security(root)[0].set("ValueType", "urn:kerberos"), with_token=True)
    add("token-kind", kerberos, SHAPE, says="A token of another kind", why=shape)
    two = changed(lambda root: security(root).insert(0, etree.fromstring(token(namesake(), "second"))), with_token=True)
    add("token-two", two, SHAPE, says="Two tokens", why=shape)
    add(
        "token-swapped",
        _swapped_token,
        NOT_SIGNER,
        INVALID,
        says="A stranger's token under the jail's id",
        why=registered,
    )
    add("key-name", maker(key_info="<ds:KeyName>harlan-county-jail</ds:KeyName>"), SHAPE, says="The name of a key")
    add("key-info-none", maker(key_info=None), SHAPE, says="No KeyInfo")
    thumb = (
        f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}"><wsse:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/'
        'oasis-wss-soap-message-security-1.1#ThumbprintSHA1">AAAAAAAAAAAAAAAAAAAAAAAAAAA=</wsse:KeyIdentifier>'
        "</wsse:SecurityTokenReference>"
    )
    add("thumbprint", maker(key_info=thumb), NOT_SIGNER, says="The thumbprint of a certificate that is not registered")
    encrypted = changed(
        lambda root: etree.SubElement(security(root), "{http://www.w3.org/2001/04/xmlenc#}EncryptedKey")
    )
    add("encrypted", encrypted, SHAPE, says="An encrypted key in the header", why=shape)
    assertion = changed(
        lambda root: etree.SubElement(security(root), "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
    )
    add("saml", assertion, SHAPE, says="A SAML assertion in the header", why=shape)


def _swapped_token() -> bytes:
    """The token another one's, and the value made over it: by the stranger."""
    root = signed(with_token=True)
    old = security(root)[0]
    old.addnext(etree.fromstring(token(namesake())))
    security(root).remove(old)
    for each in signature_of(root).iter(name("Reference")):
        if each.get("URI") == "#token":
            each[2].text = (
                reference(by_id(root, "token")).text().rpartition("Value>")[0].rpartition("<")[0].rpartition(">")[2]
            )
    resigned(root, namesake)
    return to_bytes(root)


def _mac(data: bytes) -> bytes:
    return mac("sha256", jail().der)(data)


def _algorithms(table: Table) -> None:
    add = partial(table.add, ALGORITHMS)
    listed = "what is not listed does not exist"
    for each, (method, who) in {
        "rsa-sha1": (f"{DS}rsa-sha1", jail_rsa),
        "ecdsa-sha1": (f"{MORE}ecdsa-sha1", jail),
        "rsa-md5": (f"{MORE}rsa-md5", jail_rsa),
        "dsa-sha1": (f"{DS}dsa-sha1", lambda: faulty()["dsa"]),
        "rsa-pss": ("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", jail_rsa),
        "unknown": ("https://example.org/own", jail),
        "ec-as-rsa": (RSA_256, jail),
        "rsa-as-ec": (ECDSA_256, jail_rsa),
    }.items():
        add(
            each,
            maker(who=who, method=method),
            ALGORITHM,
            says=f"Signed by {method}, key of {each.partition('-')[0].upper()}",
            why=listed,
        )
    add(
        "hmac",
        maker(method=f"{MORE}hmac-sha256", sign=_mac),
        ALGORITHM,
        says="HMAC with the certificate as its secret",
    )
    for each, method in {"sha1": f"{DS}sha1", "md5": f"{MORE}md5", "none": "none"}.items():
        add(f"digest-{each}", maker(ref={"method": method}), ALGORITHM, says=f"Digests by {method}", why=listed)
    add(
        "c14n-inclusive",
        maker(c14n=algorithms.INCLUSIVE, canonical=algorithms.inclusive),
        ALGORITHM,
        says="SignedInfo canonicalized inclusively",
        why=listed,
    )
    nothing = step(algorithms.XPATH, "<ds:XPath>false()</ds:XPath>")
    chains = {
        "inclusive": (step(algorithms.INCLUSIVE), algorithms.inclusive),
        "comments": (step(f"{EXCLUSIVE}WithComments"), lambda node: exclusive(node, comments=True)),
        "xpath": (nothing + EXC, lambda _: b""),
        "xslt": (step(algorithms.XSLT, algorithms._sheet("fine")), lambda _: b"fine"),
        "filter2": (step(algorithms.FILTER2, algorithms._filter("intersect", "/x")), lambda _: b""),
        "base64": (step(algorithms.BASE64), lambda _: b""),
        "decrypt": (step(algorithms.DECRYPT) + EXC, exclusive),
        "none": ("", exclusive),
        "unknown": (step("https://example.org/own") + EXC, exclusive),
        "twice": (EXC * 2, exclusive),
    }
    for each, (chain, form) in chains.items():

        def made(
            root: etree._Element, chain: str = chain, form: Callable[[etree._Element], bytes] = form
        ) -> tuple[Ref, ...]:
            places = ("body", "time", "action", "message")
            return tuple(Ref(octets=form(by_id(root, id)), inside=f'URI="#{id}"', transforms=chain) for id in places)

        add(
            f"transform-{each}",
            maker(references=made),
            ALGORITHM,
            SHAPE,
            says=f"Transforms: {each}",
            why="exclusive canonicalization, alone or behind the enveloped-signature transform",
        )


def enter(table: Table) -> None:
    """These vectors."""
    _tokens(table)
    _algorithms(table)
