"""What a certificate is called, in one form that can be compared: `dns:…`, `uri:…`, `email:…`, `subject:…`.

Compared whole, never by pattern: of an authority that several agencies share, a name is all that tells them apart.
Host names and mail addresses are compared without regard to case, the values of a subject without regard to case and
to how many spaces stand in them. Source: RFC 5280, sections 7.1 to 7.5.
"""

import re
from contextlib import suppress
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.agency import AgencyId
from gateway.errors import Refused

NAME_LENGTH_MAX = 400
NAMES_MAX = 64
"""More alternative names than that are not looked at: none of them counts."""

_KINDS = ("dns", "uri", "email", "subject")

_WRITTEN = {
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
    "title": NameOID.TITLE,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
}
"""Types of values that openssl writes by these words, besides those of RFC 4514."""

_PRINTABLE = re.compile(r"[!-~]+")


class NameUnreadable(Refused):
    """Not a name that a certificate can be told by."""

    code = "certificate.name"


def agency_uri(agency: AgencyId) -> str:
    """An agency's name in certificates of the gateway's own authority."""
    return f"urn:agency:{agency}"


def agency_name(agency: AgencyId) -> str:
    """The same as a name: what certificates must be called where nothing else was registered."""
    return f"uri:{agency_uri(agency)}"


def read_name(text: str) -> str:
    """A name as people write it: `dns:gw.sheriff.example`, `subject:CN=gateway,O=Sheriff`. Raises `NameUnreadable`."""
    kind, colon, value = text.partition(":")
    if not colon or kind not in _KINDS or not value.strip() or len(text) > NAME_LENGTH_MAX:
        raise NameUnreadable("a name is dns:HOST, uri:URI, email:ADDRESS or subject:CN=…,O=…")
    if kind == "subject":
        try:
            return _subject(x509.Name.from_rfc4514_string(value, _WRITTEN))
        except (ValueError, KeyError) as error:
            raise NameUnreadable(
                "not a subject as RFC 2253 writes it, such as CN=gateway,O=Sheriff,C=US; "
                "openssl x509 -noout -subject -nameopt RFC2253 -in FILE prints it"
            ) from error
    if "*" in value or not _PRINTABLE.fullmatch(value):
        raise NameUnreadable("a name is one host, address or URI in printable ASCII, without a pattern")
    return f"{kind}:{value if kind == 'uri' else value.lower()}"


@lru_cache(maxsize=1024)
def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """Every name a certificate has; none when it has more alternative names than anybody needs."""
    names: set[str] = set()
    if certificate.subject.rdns:
        # One that says the same thing twice in one place (CN=a+CN=A) has no form that can be compared: it counts not.
        with suppress(ValueError):
            names.add(_subject(certificate.subject))
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset(names)
    if len(alternative) > NAMES_MAX:
        return frozenset()
    names |= {f"dns:{name.lower()}" for name in alternative.get_values_for_type(x509.DNSName)}
    names |= {f"uri:{name}" for name in alternative.get_values_for_type(x509.UniformResourceIdentifier)}
    names |= {f"email:{name.lower()}" for name in alternative.get_values_for_type(x509.RFC822Name)}
    return frozenset(names)


def _subject(name: x509.Name) -> str:
    rdns = [
        x509.RelativeDistinguishedName(
            sorted((_value(each) for each in rdn), key=lambda each: (each.oid.dotted_string, each.value))
        )
        for rdn in name.rdns
    ]
    return f"subject:{x509.Name(rdns).rfc4514_string()}"


def _value(attribute: x509.NameAttribute[str | bytes]) -> x509.NameAttribute[str]:
    value = attribute.value
    if isinstance(value, bytes):
        value = f"#{value.hex()}"
    # The kind of string it was encoded as does not matter; a country keeps its two letters as they must be.
    squeezed = " ".join(value.casefold().split())
    upper = attribute.oid in (NameOID.COUNTRY_NAME, NameOID.JURISDICTION_COUNTRY_NAME)
    return x509.NameAttribute(attribute.oid, squeezed.upper() if upper else squeezed or " ", _validate=False)
