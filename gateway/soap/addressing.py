"""WS-Addressing: what a request says of itself, and what its answer says back.

Answers go back on the connection they were asked on, or nowhere, or to an address that is registered for the sender:
one that a message alone names is never called. Which are registered, and where this service is, the caller knows.
Source: WS-Addressing 1.0 Core and SOAP Binding (W3C Recommendations, 9 May 2006).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from lxml import etree

from gateway.document.names import WSA
from gateway.errors import Refused
from gateway.soap.address import ADDRESS_LENGTH_MAX, canonical
from gateway.soap.envelope import TRUE, Envelope, NotAnEnvelope, elements, is_for_us
from gateway.soap.reference import ANONYMOUS, CONNECTION, NONE, PREFIX, Reference, echoed, parameters_of

FAULT_ACTION: Final = f"{WSA}/fault"
"""Of the faults this standard defines; SOAP's own have the next one (SOAP Binding, section 6)."""

SOAP_FAULT_ACTION: Final = f"{WSA}/soap/fault"

EARLIER_VERSIONS: Final = frozenset(
    {
        "http://schemas.xmlsoap.org/ws/2003/03/addressing",
        "http://schemas.xmlsoap.org/ws/2004/03/addressing",
        "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    }
)
"""Drafts of 2003 and 2004, which WSE 2 and 3, the first WCF and Axis 1 send."""


def _name(local: str) -> str:
    return f"{{{WSA}}}{local}"


ONCE: Final = ("To", "From", "ReplyTo", "FaultTo", "Action", "MessageID")
UNDERSTOOD: Final = frozenset(_name(local) for local in (*ONCE, "RelatesTo"))


class AddressingInvalid(Refused):
    """A message addressing property is empty or not of its form. Those below are the other ways to be wrong.

    subcodes  the standard's names for it, from the general one to the special one
    header    which property, "" when it is none of them
    """

    code = "soap.addressing-invalid"
    subcodes: ClassVar[tuple[str, ...]] = ("InvalidAddressingHeader",)

    def __init__(self, text: str, *, header: str = "", special: str = "") -> None:
        super().__init__(text)
        self.header, self.special = header, special

    @property
    def names(self) -> tuple[str, ...]:
        """All that is said in the standard's names."""
        return (*self.subcodes, self.special) if self.special else self.subcodes


class AddressingTwice(AddressingInvalid):
    """A message addressing property stands twice."""

    code = "soap.addressing-cardinality"
    subcodes = ("InvalidAddressingHeader", "InvalidCardinality")


class AddressingMissing(AddressingInvalid):
    """A message addressing property is needed here and is not there."""

    code = "soap.addressing-missing"
    subcodes = ("MessageAddressingHeaderRequired",)


class ReplyElsewhere(AddressingInvalid):
    """The answer is wanted at an address that is not registered for the sender, or may not leave the connection."""

    code = "soap.reply-address"
    subcodes = ("InvalidAddressingHeader",)  # and, as the case is: InvalidAddress, OnlyAnonymousAddressSupported


class ToElsewhere(AddressingInvalid):
    """wsa:To is the address of another service."""

    code = "soap.destination"
    subcodes = ("DestinationUnreachable",)


class ActionDisagrees(AddressingInvalid):
    """SOAPAction, the action parameter or wsa:Action names another operation than the Body."""

    code = "soap.action-mismatch"
    subcodes = ("InvalidAddressingHeader", "ActionMismatch")


class AddressingVersion(Refused):
    """The headers are those of a draft of WS-Addressing. Passing over them would lose the message's id."""

    code = "soap.addressing-version"

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(
            f"WS-Addressing is that of {WSA} (version 1.0); these headers are of a draft before it. Set the client to "
            "version 1.0, or send none of them and the message id as Idempotency-Key"
        )
        self.names = names


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """The properties a request carries; "" for those it does not.

    namespace  of its addressing headers, "" when it has none: the answer's are in the same
    reply_to   where the answer is wanted, fault_to where a fault is
    """

    to: str = ""
    action: str = ""
    message_id: str = ""
    namespace: str = ""
    reply_to: Reference = CONNECTION
    fault_to: Reference = CONNECTION

    @property
    def present(self) -> bool:
        """There was at least one addressing header: the answer carries them too."""
        return bool(self.namespace)

    @property
    def no_reply(self) -> bool:
        """The answer is not wanted."""
        return self.reply_to.address == NONE

    @property
    def no_fault(self) -> bool:
        """Nor is a fault."""
        return self.fault_to.address == NONE


def glance(envelope: Envelope) -> Addressing:
    """What an answer must know of a request whose addressing may be refused: that there is some, and the message's
    id."""
    for namespace in (WSA, *sorted(EARLIER_VERSIONS)):
        blocks = [block for block in _ours(envelope) if etree.QName(block).namespace == namespace]
        if blocks:
            ids = [block.text or "" for block in blocks if etree.QName(block).localname == "MessageID"]
            one = ids[0].strip() if len(ids) == 1 else ""
            return Addressing(namespace=namespace, message_id=one if len(one) <= ADDRESS_LENGTH_MAX else "")
    return Addressing()


def read(envelope: Envelope) -> Addressing:
    """The properties among the header blocks for us. Raises `AddressingInvalid` and those below it."""
    found: dict[str, etree._Element] = {}
    for block in _ours(envelope):
        name = etree.QName(block)
        if name.namespace != WSA:
            continue
        if name.localname in ONCE and name.localname in found:
            raise AddressingTwice(f"wsa:{name.localname} stands twice", header=name.localname)
        found[name.localname] = block
    reply_to = _reference(found, "ReplyTo")
    addressing = Addressing(
        to=_text(found, "To"),
        action=_text(found, "Action"),
        message_id=_text(found, "MessageID"),
        namespace=WSA if found else "",
        reply_to=reply_to,
        fault_to=_reference(found, "FaultTo") if "FaultTo" in found else reply_to,
    )
    if addressing.reply_to.elsewhere or addressing.fault_to.elsewhere:
        # What goes elsewhere is known by nothing but these two (Core, section 3.4).
        for local in ("MessageID", "Action"):
            if local not in found:
                raise AddressingMissing(f"an answer to another address needs wsa:{local} of the request", header=local)
    return addressing


def check_version(envelope: Envelope) -> None:
    """Raises `AddressingVersion`."""
    earlier = [block for block in envelope.headers if etree.QName(block).namespace in EARLIER_VERSIONS]
    if earlier:
        must = envelope.version.name_of("mustUnderstand")
        raise AddressingVersion(tuple(str(block.tag) for block in earlier if (block.get(must) or "").strip() in TRUE))


def _ours(envelope: Envelope) -> list[etree._Element]:
    """Header blocks for others on the way say nothing to us (SOAP Binding, section 3.2)."""
    return [block for block in envelope.headers if is_for_us(block, envelope.version)]


def _text(found: Mapping[str, etree._Element], local: str) -> str:
    block = found.get(local)
    return "" if block is None else _only_text(block, local)


def _only_text(block: etree._Element, local: str) -> str:
    text = str(block.xpath("string()")).strip()  # string(): comments are no text
    if not text or any(isinstance(child.tag, str) for child in block):
        raise AddressingInvalid(f"wsa:{local} is empty or holds elements", header=local)
    if len(text) > ADDRESS_LENGTH_MAX:  # an answer says it again, and one that goes elsewhere is kept
        raise AddressingInvalid(f"wsa:{local} is longer than {ADDRESS_LENGTH_MAX} characters", header=local)
    return text


def _reference(found: Mapping[str, etree._Element], local: str) -> Reference:
    block = found.get(local)
    if block is None:
        return CONNECTION
    try:
        children = elements(block)
    except NotAnEnvelope as error:
        raise AddressingInvalid(f"wsa:{local} holds text", header=local, special="InvalidEPR") from error
    parts = [(child, etree.QName(child).localname) for child in children if etree.QName(child).namespace == WSA]
    names = [name for _, name in parts]
    if "Address" not in names:
        raise AddressingInvalid(f"wsa:{local} has no wsa:Address", header=local, special="MissingAddressInEPR")
    if len(names) != len(set(names)):
        raise AddressingInvalid(f"a part of wsa:{local} stands twice", header=local, special="InvalidEPR")
    by_name = {name: child for child, name in parts}
    uri = _only_text(by_name["Address"], local)
    if uri not in (ANONYMOUS, NONE) and canonical(uri) is None:
        raise AddressingInvalid(f"the address in wsa:{local} is no URL", header=local, special="InvalidAddress")
    try:
        given = by_name.get("ReferenceParameters")
        return Reference(address=uri, parameters=() if given is None else parameters_of(given))
    except ValueError as error:
        raise AddressingInvalid(f"wsa:{local}: {error}", header=local, special="InvalidEPR") from error


def check_to(addressing: Addressing, own: Iterable[str]) -> None:
    """Raises `ToElsewhere` when the request is addressed to neither this connection nor one of our addresses."""
    if addressing.to in ("", ANONYMOUS):
        return
    wanted = canonical(addressing.to)
    if wanted is None or wanted not in {canonical(each) for each in own}:
        raise ToElsewhere("wsa:To is not the address of this service, which is in its WSDL", header="To")


def request_headers(*, to: str, action: str, message_id: str) -> tuple[etree._Element, ...]:
    """Header blocks of a request; its answer is expected on the same connection."""
    return tuple(_block(name, text) for name, text in (("To", to), ("Action", action), ("MessageID", message_id)))


def answer_headers(
    addressing: Addressing, *, action: str, message_id: str, to: Reference | None = None
) -> tuple[etree._Element, ...]:
    """Header blocks of the answer to a request that used addressing; none when it did not.

    to  where it goes; None = back on the connection, with the parameters of the reply address
    """
    if not addressing.present:
        return ()
    where = to or addressing.reply_to
    texts = {"To": where.address, "Action": action, "MessageID": message_id, "RelatesTo": addressing.message_id}
    if addressing.namespace != WSA:  # a draft before it, which is answered by a fault: in the client's own words
        texts |= {"To": f"{addressing.namespace}/role/anonymous", "Action": f"{addressing.namespace}/fault"}
    blocks = (_block(name, text, addressing.namespace) for name, text in texts.items() if text)
    return (*blocks, *echoed(where))


def _block(local: str, text: str, namespace: str = WSA) -> etree._Element:
    block = etree.Element(f"{{{namespace}}}{local}", nsmap={PREFIX: namespace})
    block.text = text
    return block
