"""The envelope that is signed and attacked: a Submit with WS-Addressing, the certificate in X509Data or as a token."""

from collections.abc import Callable
from datetime import datetime, timedelta

from lxml import etree

from gateway.document.names import SOAP12, WSA, WSSE, WSU
from gateway.soap.service import SERVICE, action_of
from tests.signing.attacks.document import EVIL, GIVEN, notice
from tests.signing.attacks.forge import EXCLUSIVE, Forged, Ref, b64, exclusive, name, sign_over, step
from tests.signing.attacks.keys import NOW, Party, jail

WSU_ID = f"{{{WSU}}}Id"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
X509_V3 = f"{_OASIS}x509-token-profile-1.0#X509v3"
BASE64 = f"{_OASIS}soap-message-security-1.0#Base64Binary"

SHAPE, ALGORITHM, INVALID = "signature.shape", "signature.algorithm", "signature.invalid"
NOT_SIGNER, STALE, MISSING = "signature.not-signer", "signature.stale", "signature.missing"

GOOD = "SOAP: good ones"
WRAPPED = "SOAP: wrapping"
COVERAGE = "SOAP: what is signed"
TIME = "SOAP: time"
TOKENS = "SOAP: tokens and keys"
ALGORITHMS = "SOAP: algorithms"

PLACE = "each Reference leads to the Body, the Timestamp, the token or a header block, in its fixed place"

MESSAGE_ID = "urn:uuid:attack-{}"


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(
    *,
    soap: str = SOAP12,
    given: str = GIVEN,
    id: str = "1",
    created: datetime = NOW,
    expires: datetime | None = None,
    addressed: bool = True,
    payload: etree._Element | None = None,
) -> etree._Element:
    """Not signed yet: its Security header holds a Timestamp."""
    content = etree.tostring(notice(given) if payload is None else payload).decode()
    until = moment(expires or created + timedelta(minutes=5))
    headers = (
        f'<wsa:Action wsu:Id="action">{action_of("Submit")}</wsa:Action>'
        f'<wsa:MessageID wsu:Id="message">{MESSAGE_ID.format(id)}</wsa:MessageID>'
    )
    return etree.fromstring(
        f'<e:Envelope xmlns:e="{soap}" xmlns:wsa="{WSA}" xmlns:wsu="{WSU}" xmlns:wsse="{WSSE}"><e:Header>'
        f"{headers if addressed else ''}"
        f'<wsse:Security><wsu:Timestamp wsu:Id="time"><wsu:Created>{moment(created)}</wsu:Created>'
        f"<wsu:Expires>{until}</wsu:Expires></wsu:Timestamp></wsse:Security></e:Header>"
        f'<e:Body wsu:Id="body"><g:Submit xmlns:g="{SERVICE}"><g:Payload>{content}</g:Payload></g:Submit></e:Body>'
        "</e:Envelope>"
    )


def header(root: etree._Element) -> etree._Element:
    return root[0]


def body(root: etree._Element) -> etree._Element:
    return root[-1]


def security(root: etree._Element) -> etree._Element:
    return next(root.iter(f"{{{WSSE}}}Security"))


def time_of(root: etree._Element) -> etree._Element:
    return next(root.iter(f"{{{WSU}}}Timestamp"))


def by_id(root: etree._Element, identity: str) -> etree._Element:
    return next(element for element in root.iter(etree.Element) if element.get(WSU_ID) == identity)


def evil_body(id: str = "") -> etree._Element:
    """A Body that says something else."""
    made = body(envelope(given=EVIL))
    made.attrib.clear()
    for element in made.iter(etree.Element):
        for attribute in list(element.attrib):
            if attribute.endswith("}id"):
                del element.attrib[attribute]
    if id:
        made.set(WSU_ID, id)
    return made


EXC = step(EXCLUSIVE)


def reference(element: etree._Element, **more: str) -> Ref:
    """To this element by its wsu:Id."""
    values = {"inside": f'URI="#{element.get(WSU_ID)}"', "transforms": EXC} | more
    return Ref(octets=exclusive(element), **values)


def token(party: Party, id: str = "token") -> str:
    """The certificate as a token of the Security header."""
    return (
        f'<wsse:BinarySecurityToken xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" wsu:Id="{id}" ValueType="{X509_V3}" '
        f'EncodingType="{BASE64}">{b64(party.der)}</wsse:BinarySecurityToken>'
    )


def token_reference(uri: str = "#token") -> str:
    """KeyInfo that names the token."""
    return (
        f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}"><wsse:Reference URI="{uri}" ValueType="{X509_V3}">'
        "</wsse:Reference></wsse:SecurityTokenReference>"
    )


PLACES = ("body", "time", "action", "message")


def sign(
    root: etree._Element,
    *,
    who: Callable[[], Party] = jail,
    places: tuple[str, ...] = PLACES,
    with_token: bool = False,
    references: Callable[[etree._Element], tuple[Ref, ...]] | None = None,
    ref: dict[str, str] | None = None,
    **forged: object,
) -> etree._Element:
    """The envelope with a signature last in its Security header.

    places      wsu:Ids of what is signed
    with_token  the certificate comes as a token, and is signed too; else as X509Data
    references  something else than these
    ref         more values of each Reference
    """
    party = who()
    if with_token:
        security(root).insert(0, etree.fromstring(token(party)))
        places = (*places, "token")
    there = [each for each in places if any(one.get(WSU_ID) == each for one in root.iter(etree.Element))]
    made = references(root) if references else tuple(reference(by_id(root, each), **(ref or {})) for each in there)
    key_info = token_reference() if with_token else party.x509_data
    values: dict[str, object] = {"references": made, "key": party.key, "key_info": key_info}
    Forged(**(values | forged)).append_to(security(root))  # type: ignore[arg-type]
    return root


def signed(options: dict[str, object] | None = None, **more: object) -> etree._Element:
    """The envelope, signed. `options`: of the envelope."""
    return sign(envelope(**(options or {})), **more)  # type: ignore[arg-type]


def to_bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def maker(options: dict[str, object] | None = None, **more: object) -> Callable[[], bytes]:
    """Makes a signed envelope of these options."""
    return lambda: to_bytes(signed(options, **more))


def changed(change: Callable[[etree._Element], object], **more: object) -> Callable[[], bytes]:
    """Makes a signed envelope, and changes it."""

    def make() -> bytes:
        root = signed(**more)  # type: ignore[arg-type]
        change(root)
        return to_bytes(root)

    return make


def signature_of(root: etree._Element) -> etree._Element:
    return next(security(root).iter(name("Signature")))


def resigned(root: etree._Element, who: Callable[[], Party] = jail) -> None:
    """The value made anew over the SignedInfo that is there now."""
    sign_over(signature_of(root), Forged(references=(), key=who().key, key_info=None))
