"""Cover: the small signed document that travels with a payload and says under which agreement it may be used.

A Cover is exactly one byte string. It is written by a template whose output is exclusive C14N already, without an XML
declaration, and it is read by taking the values out, writing them again and comparing: what does not come out
byte for byte was not written by a gateway. Its schema is `xsd/cover/1.0/cover.xsd`.

The signature is enveloped and refers to the whole document (URI=""), so every XML-DSig tool verifies a Cover that
stands alone; `Id` is there for WS-Security, which signs the Cover once more as a header block. A Cover taken out of a
SOAP header is verified after it was cut out by exclusive C14N.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.agency import AgencyId
from gateway.clock import timestamp
from gateway.document.names import COVER, DS
from gateway.document.parse import parse
from gateway.errors import Refused, Tampered
from gateway.message import Action, DisseminationId, MessageId
from gateway.signing.enveloped import ENVELOPED, verify_root
from gateway.signing.keyring import Signer, TrustedKeys
from gateway.signing.shape import certificate_of, read_shape
from gateway.signing.signature import Reference, digest, rewritten, write

COVER_SIZE_BYTES_MAX = 256 * 1024
TEXT_LENGTH_MAX = 20_000
"""Of any one field. The longest notice in use, that of 42 CFR 2.32(a)(1), has about 600 characters."""

ENTRIES_MAX = 200
"""Clauses, or notices."""


class CoverMalformed(Refused):
    """Not a Cover, or not one as a gateway writes it."""

    code = "cover.malformed"


class CoverMismatch(Tampered):
    """The Cover is not for this payload, or not for this recipient."""

    code = "cover.mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What the recipient of a dissemination must know. Moments are kept to the hundredth of a second.

    earlier         our id of the message that `action` speaks of, or of another of its chain that this recipient has
    mou_digest      "sha-256:<hex>" of the agreement as both sides signed it
    clauses         ids of the clauses that let this out
    role            the role at the recipient that may see it
    keep_until      day and time by which the recipient destroys its copy; None when the agreement sets none
    onward_sharing  what the recipient may pass on, and to whom; "" = nothing to nobody
    notices         texts the law or the agreement wants to travel with it (42 CFR 2.32 and its like), and what access
                    rules demand of whoever opens it
    contact         whom to call at the sender
    payload_digest  "sha-256:<hex>" of the very bytes of the payload
    payload_prefixes  PrefixList with which the exclusive C14N of the payload's root element gives those bytes: for who
                    gets the payload inside an envelope. () = the bytes are not canonical
    """

    dissemination: DisseminationId
    message: MessageId
    action: Action
    earlier: MessageId | None = None
    sender: AgencyId
    recipient: AgencyId
    exchange: str
    mou: str
    mou_version: int
    mou_digest: str
    clauses: tuple[str, ...]
    purpose: str
    role: str
    keep_until: datetime | None = None
    onward_sharing: str = ""
    notices: tuple[str, ...] = ()
    fields_withheld: bool
    contact: str
    created: datetime
    payload_digest: str
    payload_type: str = "application/xml"
    payload_prefixes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        texts = (
            self.dissemination,
            self.message,
            self.earlier or "",
            self.sender,
            self.recipient,
            self.exchange,
            self.mou,
            self.mou_digest,
            self.purpose,
            self.role,
            self.onward_sharing,
            self.contact,
            self.payload_digest,
            self.payload_type,
            *self.payload_prefixes,
            *self.clauses,
            *self.notices,
        )
        if len(texts) > 2 * ENTRIES_MAX or max(map(len, texts)) > TEXT_LENGTH_MAX:
            raise ValueError("a Cover has at most 200 clauses and notices, of at most 20,000 characters each")
        if _NOT_XML.search("".join(texts)):
            raise ValueError("a Cover holds no control characters")
        if not _NAME.fullmatch(self.dissemination):
            raise ValueError("a dissemination id is letters, digits and hyphens")
        if self.created.tzinfo is None or (self.keep_until is not None and self.keep_until.tzinfo is None):
            raise ValueError("a Cover's moments need a time zone")


_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")

_START = f'<cover:Cover xmlns:cover="{COVER}" Id="cover-'
_END = b"</cover:Cover>"


def sign_cover(cover: Cover, signer: Signer) -> bytes:
    """The signed Cover, UTF-8, in canonical form. Raises what the signer raises."""
    unsigned = _unsigned(cover)
    return _with_signature(unsigned, write((_reference(unsigned),), signer))


def read_cover(data: bytes) -> Cover:
    """What a Cover says, its signature NOT verified. Raises `CoverMalformed`, or what `parse` raises."""
    return _read(_root(data), data)


def verify_cover(data: bytes, trusted: TrustedKeys, *, now: datetime) -> Cover:
    """The Cover, once the signature of the gateway it comes from is verified.

    Raises `CoverMalformed`, the signature and certificate errors, or what `parse` raises.
    """
    root = _root(data)
    return _read(verify_root(root, trusted, now=now), data)


def certificate_in(data: bytes) -> bytes:
    """DER of the certificate that a Cover came with. A hint: nothing is trusted for it. Raises as `read_cover`."""
    signature = _root(data).find(f"{{{DS}}}Signature")
    if signature is None:
        raise CoverMalformed("the Cover is not signed")
    return certificate_of(read_shape(signature, ENVELOPED).key_info)


def check_payload(cover: Cover, payload_digest: str, *, recipient: AgencyId) -> None:
    """That this payload is the one the Cover speaks of, and for this recipient. Raises `CoverMismatch`."""
    if cover.payload_digest != payload_digest:
        raise CoverMismatch("the payload is not the one its Cover was signed for")
    if cover.recipient != recipient:
        raise CoverMismatch(f"the Cover is not for {recipient}")


def _reference(unsigned: bytes) -> Reference:
    return Reference(uri="", digest=digest(unsigned), transforms=ENVELOPED)


def _with_signature(unsigned: bytes, signature: bytes) -> bytes:
    return unsigned[: -len(_END)] + signature + _END


def _unsigned(cover: Cover) -> bytes:
    """The Cover without its signature, in canonical form: attributes by name, end tags written out."""
    earlier = f' earlier="{_attribute(cover.earlier)}"' if cover.earlier else ""
    clauses = "".join(f"<cover:Clause>{_text(clause)}</cover:Clause>" for clause in cover.clauses)
    keep = f"<cover:KeepUntil>{timestamp(cover.keep_until)}</cover:KeepUntil>" if cover.keep_until else ""
    notices = "".join(f"<cover:Notice>{_text(notice)}</cover:Notice>" for notice in cover.notices)
    return (
        f'{_START}{cover.dissemination}"><cover:Dissemination>{cover.dissemination}</cover:Dissemination>'
        f'<cover:Message action="{cover.action}"{earlier}>{_text(cover.message)}</cover:Message>'
        f"<cover:Created>{timestamp(cover.created)}</cover:Created>"
        f"<cover:Sender>{_text(cover.sender)}</cover:Sender>"
        f"<cover:Recipient>{_text(cover.recipient)}</cover:Recipient>"
        f"<cover:Exchange>{_text(cover.exchange)}</cover:Exchange>"
        f'<cover:Mou digest="{_attribute(cover.mou_digest)}" version="{cover.mou_version}">'
        f"{_text(cover.mou)}</cover:Mou>"
        f"{clauses}<cover:Purpose>{_text(cover.purpose)}</cover:Purpose><cover:Role>{_text(cover.role)}</cover:Role>"
        f'{keep}<cover:OnwardSharing allowed="{_truth(bool(cover.onward_sharing))}">{_text(cover.onward_sharing)}'
        f"</cover:OnwardSharing>{notices}"
        f"<cover:FieldsWithheld>{_truth(cover.fields_withheld)}</cover:FieldsWithheld>"
        f"<cover:Contact>{_text(cover.contact)}</cover:Contact>"
        f'<cover:Payload digest="{_attribute(cover.payload_digest)}" mediaType="{_attribute(cover.payload_type)}"'
        f' prefixes="{_attribute(" ".join(cover.payload_prefixes))}">'
        f"</cover:Payload></cover:Cover>"
    ).encode()


_SPECIAL = re.compile('[&<>"\t\n\r]')


def _text(text: str) -> str:
    """Character data as C14N writes it."""
    if not _SPECIAL.search(text):
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _attribute(text: str) -> str:
    """An attribute's value as C14N writes it: a quote is escaped, a greater-than sign is not."""
    if not _SPECIAL.search(text):
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _root(data: bytes) -> etree._Element:
    if len(data) > COVER_SIZE_BYTES_MAX:
        raise CoverMalformed(f"a Cover has at most {COVER_SIZE_BYTES_MAX} bytes")
    root = parse(data, instructions=False).root
    if root.tag != f"{{{COVER}}}Cover":
        raise CoverMalformed("the root element is not that of a Cover")
    return root


def _read(root: etree._Element, data: bytes) -> Cover:
    """Take the values leniently, then compare strictly: only what comes out byte for byte again is a Cover."""
    try:
        cover = _values(root)
    except ValueError as error:
        raise CoverMalformed("the Cover lacks something, or holds a value of the wrong form") from error
    signature = root.find(f"{{{DS}}}Signature")
    if signature is None:
        raise CoverMalformed("the Cover is not signed")
    unsigned = _unsigned(cover)
    shape = read_shape(signature, ENVELOPED)
    again = rewritten(shape, (_reference(unsigned),), certificate_of(shape.key_info))
    if _with_signature(unsigned, again) != data:
        raise CoverMalformed("the Cover is not written as a gateway writes it, or was changed after it was signed")
    return cover


def _values(root: etree._Element) -> Cover:
    message, mou, onward, payload = (_one(root, name) for name in ("Message", "Mou", "OnwardSharing", "Payload"))
    keep = root.find(_name("KeepUntil"))
    return Cover(
        dissemination=DisseminationId(_one(root, "Dissemination").text or ""),
        message=MessageId(message.text or ""),
        action=Action(message.get("action", "")),
        earlier=MessageId(message.get("earlier", "")) or None,
        sender=AgencyId(_one(root, "Sender").text or ""),
        recipient=AgencyId(_one(root, "Recipient").text or ""),
        exchange=_one(root, "Exchange").text or "",
        mou=mou.text or "",
        mou_version=int(mou.get("version", "")),
        mou_digest=mou.get("digest", ""),
        clauses=tuple(clause.text or "" for clause in root.iterfind(_name("Clause"))),
        purpose=_one(root, "Purpose").text or "",
        role=_one(root, "Role").text or "",
        keep_until=None if keep is None else datetime.fromisoformat(keep.text or ""),
        onward_sharing=onward.text or "",
        notices=tuple(notice.text or "" for notice in root.iterfind(_name("Notice"))),
        fields_withheld=_one(root, "FieldsWithheld").text == "true",
        contact=_one(root, "Contact").text or "",
        created=datetime.fromisoformat(_one(root, "Created").text or ""),
        payload_digest=payload.get("digest", ""),
        payload_type=payload.get("mediaType", ""),
        payload_prefixes=tuple(payload.get("prefixes", "").split()),
    )


def _one(root: etree._Element, name: str) -> etree._Element:
    found = root.find(_name(name))
    if found is None:
        raise ValueError(f"no {name}")
    return found


def _name(local: str) -> str:
    return f"{{{COVER}}}{local}"
