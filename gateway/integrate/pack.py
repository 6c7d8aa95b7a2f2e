"""Pack: the files an agency's programmer is given, but for the secrets. Pure.

    README.md            what to do, from a token and one curl line on
    gateway.properties   what the client reads: addresses, names of the files below
    gateway.wsdl, soap/xsd/gateway.xsd      the service, as it is served
    authority.pem, cover.pem                who vouches for the gateway, and who signs its Covers
    samples/EXCHANGE/*.xml                  messages the agency may send
    the client's own files

Source of the settings file's form: java.util.Properties, the part of it that a line of any language can read:
`name=value`, "#" before a comment, no quoting, no escapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.agency import Agency
from gateway.errors import Misconfigured
from gateway.integrate.client import Client
from gateway.soap.wsdl import SCHEMA, SCHEMA_LOCATION, wsdl

SETTINGS = "gateway.properties"
WSDL = "gateway.wsdl"
AUTHORITY = "authority.pem"
COVER = "cover.pem"
TOKEN = "token"
PKCS12 = "identity.p12"
PEM = "identity.pem"

_pages = Environment(  # noqa: S701  (Markdown and properties, for people and programs: not HTML)
    loader=PackageLoader("gateway.integrate"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class SignsNot(Misconfigured):
    """This toolkit's client cannot sign, or there is no certificate to sign under."""

    code = "integrate.signs-not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One exchange that an agreement in force lets the agency send, or brings it.

    partners  ids of those who get it from the agency, or from whom it comes
    samples   file name to bytes; of what it sends
    """

    exchange: str
    partners: tuple[str, ...]
    samples: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Of its samples."""
        return f"samples/{self.exchange.partition('/')[0]}"

    @property
    def first(self) -> str:
        """A sample to begin with, in its folder: a new message, and a small one; a correction needs an earlier one."""
        least = min(self.samples, key=lambda name: len(self.samples[name]), default="")
        name = "smallest.xml" if "smallest.xml" in self.samples else least
        return f"{self.folder}/{name}" if name else "FILE.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the agency shows, by file name in the pack; "" = it is not in it.

    pkcs12_password  of the file that holds both, where the toolkit wants one
    """

    token: str = ""
    certificate: str = ""
    key: str = ""
    pkcs12_password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Whom the pack is for, and whom they will talk to.

    address    of the gateway, without a slash at its end
    authority  PEM of the certificate that vouches for its TLS certificate
    cover      PEM of the certificate it signs Covers and answers with
    asks_username   its SOAP requests must carry a UsernameToken
    """

    agency: Agency
    gateway: str
    address: str
    authority: bytes
    cover: bytes
    sends: tuple[Exchanged, ...]
    gets: tuple[Exchanged, ...]
    asks_username: bool = False


def pack(partner: Partner, client: Client, held: Credentials, *, signed: bool = False) -> dict[str, bytes]:
    """File name to bytes. Raises `SignsNot`."""
    if signed and not client.signs:
        raise SignsNot(f"{client.title} cannot sign messages; leave --signed out, or take another client")
    if signed and not held.certificate:
        raise SignsNot("a message is signed under a certificate; add --issue or --certificate")
    address = f"{partner.address}/soap"
    known = {"partner": partner, "client": client, "held": held, "signed": signed}
    files: dict[str, bytes] = {
        "README.md": _page("README.md.j2", known),
        SETTINGS: _page(f"{SETTINGS}.j2", known | {"soap": address}),
        WSDL: wsdl(address).encode(),
        SCHEMA_LOCATION: SCHEMA.encode(),
        AUTHORITY: partner.authority,
        COVER: partner.cover,
    }
    for each in partner.sends:
        files |= {f"{each.folder}/{name}": data for name, data in each.samples.items()}
    taken = files.keys() & client.files.keys()
    if taken:
        raise ValueError(f"{client.name} has files of the pack's own names: {', '.join(sorted(taken))}")
    return files | client.files


def _page(template: str, known: Mapping[str, object]) -> bytes:
    return _pages.get_template(template).render(known).encode()
