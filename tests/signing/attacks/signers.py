"""Keys: the wrong kind, a hint instead of a certificate, a certificate that is somebody else's or no good."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.signing.certificate import to_pem
from tests.signing.attacks.document import BY_ID, maker, notice, sign, to_bytes
from tests.signing.attacks.forge import DSIG11, ECDSA_256, MORE, RSA_256, b64
from tests.signing.attacks.keys import (
    Party,
    below_intermediate,
    below_leaf,
    by_county,
    county,
    faulty,
    impostor,
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

KEYS = "Keys"
HINTS = "What KeyInfo says"
CERTIFICATES = "Certificates"
SHAPE, ALGORITHM, INVALID, NOT_SIGNER = (
    "signature.shape",
    "signature.algorithm",
    "signature.invalid",
    "signature.not-signer",
)


def _hint(text: str | Callable[[], str], who: Callable[[], Party] = namesake) -> Callable[[], bytes]:
    """Signed by this party, with this in KeyInfo."""

    def make() -> bytes:
        return to_bytes(sign(notice(), who=who, key_info=text if isinstance(text, str) else text()))

    return make


def _shown(shown: Callable[[], str], who: Callable[[], Party] = namesake) -> Callable[[], bytes]:
    """Signed by this party, with these certificates shown."""
    return _hint(lambda: f"<ds:X509Data>{shown()}</ds:X509Data>", who)


def _shows(der: bytes) -> str:
    return f"<ds:X509Certificate>{b64(der)}</ds:X509Certificate>"


def _ec_value(who: Callable[[], Party]) -> str:
    key = who().key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return (
        f'<ds:KeyValue><k:ECKeyValue xmlns:k="{DSIG11}"><k:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"></k:NamedCurve>'
        f"<k:PublicKey>{b64(point)}</k:PublicKey></k:ECKeyValue></ds:KeyValue>"
    )


def _rsa_value() -> str:
    key = jail_rsa().key
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    modulus, exponent = (b64(each.to_bytes((each.bit_length() + 7) // 8, "big")) for each in (numbers.n, numbers.e))
    return (
        f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>{exponent}</ds:Exponent>"
        "</ds:RSAKeyValue></ds:KeyValue>"
    )


def _der_value() -> str:
    spki = namesake().key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f'<k:DEREncodedKeyValue xmlns:k="{DSIG11}">{b64(spki)}</k:DEREncodedKeyValue>'


def _keys(table: Table) -> None:
    why = "the method must be one for the kind of key that the registered certificate holds"
    add = table.add
    add(KEYS, "valid-p256", maker(), says="P-256, over the whole document")
    add(KEYS, "valid-p256-by-id", maker(inside=BY_ID), says="P-256, over the root by its id")
    add(KEYS, "valid-p384", maker(who=jail_384, method=f"{MORE}ecdsa-sha384"), says="P-384")
    add(KEYS, "valid-rsa", maker(who=jail_rsa, method=RSA_256), says="RSA-2048")
    add(KEYS, "valid-rsa-512", maker(who=jail_rsa, method=f"{MORE}rsa-sha512"), says="RSA-2048 with SHA-512")
    add(KEYS, "valid-county", maker(who=by_county), says="By a certificate that the jail's own authority issued")
    add(KEYS, "ec-as-rsa", maker(method=RSA_256), ALGORITHM, says="An RSA method over a P-256 key", why=why)
    add(
        KEYS,
        "rsa-as-ec",
        maker(who=jail_rsa, method=ECDSA_256),
        ALGORITHM,
        says="An ECDSA method over an RSA key",
        why=why,
    )
    add(
        KEYS,
        "curve-confused",
        _hint(lambda: jail().x509_data, jail_384),
        SHAPE,
        says="A value of P-384 under a certificate of P-256",
        why="r and s are each as long as the curve of the registered key makes them",
    )
    weak = "P-256, P-384, or RSA of at least 2048 bits with an exponent of at least 65537"
    for each, says in (("rsa-1024", "RSA-1024"), ("k1", "secp256k1"), ("p521", "P-521")):
        method = RSA_256 if each.startswith("rsa") else ECDSA_256
        make = maker(who=lambda each=each: faulty()[each], method=method)
        add(KEYS, each, make, "certificate.weak-key", says=f"A registered certificate of {says}", why=weak)
    make = maker(who=lambda: faulty()["rsa-e3"], method=RSA_256)
    add(KEYS, "rsa-e3", make, "certificate.weak-key", says="A registered certificate of RSA with exponent 3", why=weak)


def _hints(table: Table) -> None:
    why = "one X509Data with the signer's certificate first, four at most; the key is the registered one's"

    def add(each: str, make: Callable[[], bytes], says: str, *codes: str) -> None:
        table.add(HINTS, f"hint-{each}", make, *(codes or (SHAPE,)), says=says, why=why)

    add("none", maker(key_info=None), "No KeyInfo")
    add("empty", maker(key_info=""), "An empty KeyInfo")
    add("key-value", _hint(lambda: _ec_value(namesake)), "A stranger's bare key")
    add("own-key-value", _hint(lambda: _ec_value(jail), jail), "The jail's bare key")
    add(
        "rsa-key-value",
        lambda: to_bytes(sign(notice(), who=jail_rsa, method=RSA_256, key_info=_rsa_value())),
        "A bare RSA key",
    )
    add("der-key-value", _hint(_der_value), "A stranger's bare key in DER")
    add("key-name", _hint("<ds:KeyName>harlan-county-jail</ds:KeyName>", jail), "The name of a key")
    retrieval = '<ds:RetrievalMethod URI="{}"></ds:RetrievalMethod>'
    add("retrieval-http", _hint(retrieval.format("https://example.org/cert"), jail), "A certificate to be fetched")
    add("retrieval-inside", _hint(retrieval.format("#person-1"), jail), "A certificate to be found in the document")
    add(
        "reference",
        _hint(f'<k:KeyInfoReference xmlns:k="{DSIG11}" URI="#person-1"></k:KeyInfoReference>', jail),
        "A KeyInfo that stands elsewhere",
    )
    serial = (
        "<ds:X509IssuerSerial><ds:X509IssuerName>CN=x</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber>"
        "</ds:X509IssuerSerial>"
    )
    add("issuer-serial", _shown(lambda: serial, jail), "Issuer and serial number alone")
    add("subject-name", _shown(lambda: "<ds:X509SubjectName>CN=x</ds:X509SubjectName>", jail), "A subject's name alone")
    add("key-id", _shown(lambda: "<ds:X509SKI>AAAA</ds:X509SKI>", jail), "A key's id alone")
    add(
        "crl",
        _shown(lambda: _shows(jail().der) + "<ds:X509CRL>AAAA</ds:X509CRL>", jail),
        "A revocation list of its own",
    )
    add("pgp", _hint("<ds:PGPData><ds:PGPKeyID>AAAA</ds:PGPKeyID></ds:PGPData>", jail), "A PGP key's id")
    add(
        "encrypted",
        _hint('<x:EncryptedKey xmlns:x="http://www.w3.org/2001/04/xmlenc#"></x:EncryptedKey>', jail),
        "An encrypted key",
    )
    add("two", _hint(lambda: jail().x509_data * 2, jail), "X509Data twice")
    add(
        "and-value",
        _hint(lambda: jail().x509_data + _ec_value(namesake)),
        "The jail's certificate and a stranger's key",
    )
    add(
        "stranger-first",
        _shown(lambda: _shows(namesake().der) + _shows(jail().der)),
        "A stranger's certificate first, the jail's behind it",
        NOT_SIGNER,
    )
    add(
        "stranger-second",
        _shown(lambda: _shows(jail().der) + _shows(namesake().der)),
        "The jail's certificate first, and behind it the stranger's who signed",
        INVALID,
    )
    add("five", _shown(lambda: _shows(jail().der) * 5, jail), "Five certificates")
    add(
        "garbage",
        _shown(lambda: _shows(b"\x30\x82\xff\xff" + bytes(500)), jail),
        "Bytes that are no certificate",
        NOT_SIGNER,
    )
    add("trailing", _shown(lambda: _shows(jail().der + b"\0"), jail), "The certificate and one byte more", NOT_SIGNER)
    add("cut", _shown(lambda: _shows(jail().der[:-1]), jail), "The certificate but for its last byte", NOT_SIGNER)
    pem = lambda: f"<ds:X509Certificate>{to_pem(jail().der).decode()}</ds:X509Certificate>"  # noqa: E731
    add("pem", _shown(pem, jail), "The certificate in PEM, with its lines before and after")
    add("huge", _shown(lambda: _shows(bytes(100_000)), jail), "A certificate of 100,000 bytes")
    add("comment", _hint("<!-- nothing -->", jail), "A comment in the place of a key")


def _certificates(table: Table) -> None:
    add = table.add
    registered = "the signer must be registered for the agency that the transport has proven, and not revoked"
    others: dict[str, tuple[str, Callable[[], Party]]] = {
        "other-agency": ("The police's good certificate", police),
        "unregistered": ("Issued for the jail by a known authority, and never registered", unregistered),
        "namesake": ("Self-made, with the jail's name", namesake),
        "revoked": ("Revoked", revoked),
        "impostor": ("By an authority of the right name with another key", impostor),
        "below-leaf": ("Issued by a certificate that is none of an authority", below_leaf),
    }
    for each, (says, who) in others.items():
        add(CERTIFICATES, f"certificate-{each}", maker(who=who), NOT_SIGNER, says=says, why=registered)
    add(
        CERTIFICATES,
        "certificate-authority",
        maker(who=county),
        NOT_SIGNER,
        says="The certificate of the jail's own authority",
        why="an authority certifies, and only names that were registered count",
    )
    add(
        CERTIFICATES,
        "certificate-path",
        _shown(lambda: "".join(_shows(each.der) for each in below_intermediate()), lambda: below_intermediate()[0]),
        NOT_SIGNER,
        says="Below an authority that comes along, and no registered one",
        why="what a message brings along counts only below an authority registered for the agency",
    )
    faults = {
        "expired": ("Expired", "certificate.expired", "dates bind a registered certificate too"),
        "not-yet": ("Not valid yet", "certificate.not-yet-valid", "dates bind a registered certificate too"),
        "encipherment": ("For encipherment only", "certificate.usage", "its key usage has digitalSignature"),
        "server": ("For servers only", "certificate.usage", "its purposes include clientAuth, where it names any"),
        "odd": ("With a critical extension that nobody knows", "certificate.usage", "RFC 5280, section 4.2"),
    }
    for each, (says, code, why) in faults.items():
        make = maker(who=lambda each=each: faulty()[each])
        add(CERTIFICATES, f"certificate-{each}", make, code, says=f"Registered. {says}", why=why)
    add(
        CERTIFICATES,
        "certificate-borrowed",
        _hint(lambda: x509_data(jail().der)),
        INVALID,
        says="The jail's certificate on a stranger's signature",
    )


def enter(table: Table) -> None:
    """These vectors."""
    _keys(table)
    _hints(table)
    _certificates(table)
