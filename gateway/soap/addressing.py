"""WS-Addressing: what a request says of itself, and what its answer says back.

Answers go back on the connection they were asked on: an address that a message brings along is never called.
Source: WS-Addressing 1.0 Core and SOAP Binding (W3C Recommendations, 9 May 2006).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from gateway.document.names import WSA
from gateway.errors import Refused
from gateway.soap.envelope import elements

ANONYMOUS = f"{WSA}/anonymous"
NONE = f"{WSA}/none"
FAULT_ACTION = f"{WSA}/fault"
PREFIX = "wsa"


def _name(local: str) -> str:
    return f"{{{WSA}}}{local}"


ONCE = ("To", "From", "ReplyTo", "FaultTo", "Action", "MessageID")
UNDERSTOOD = frozenset(_name(local) for local in (*ONCE, "RelatesTo"))


class AddressingTwice(Refused):
    """A message addressing property stands twice (InvalidCardinality)."""

    code = "soap.addressing-cardinality"


class AddressingInvalid(Refused):
    """A message addressing property is empty or not of its form (InvalidAddressingHeader)."""

    code = "soap.addressing-invalid"


class ReplyElsewhere(Refused):
    """The answer is wanted at another address (OnlyAnonymousAddressSupported)."""

    code = "soap.reply-address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """The properties a request carries; "" for those it does not.

    present     there was at least one addressing header: the answer carries them too
    no_reply    the answer is not wanted (ReplyTo is the none address)
    no_fault    nor is a fault
    """

    to: str = ""
    action: str = ""
    message_id: str = ""
    present: bool = False
    no_reply: bool = False
    no_fault: bool = False


def read(headers: Iterable[etree._Element]) -> Addressing:
    """The properties among the header blocks. Raises `AddressingTwice`, `AddressingInvalid`, `ReplyElsewhere`."""
    found: dict[str, etree._Element] = {}
    present = False
    for block in headers:
        name = etree.QName(block)
        if name.namespace != WSA:
            continue
        present = True
        if name.localname in ONCE and name.localname in found:
            raise AddressingTwice(f"wsa:{name.localname} stands twice")
        found[name.localname] = block
    no_reply = _wants_none(found, "ReplyTo")
    return Addressing(
        to=_text(found, "To"),
        action=_text(found, "Action"),
        message_id=_text(found, "MessageID"),
        present=present,
        no_reply=no_reply,
        no_fault=_wants_none(found, "FaultTo") if "FaultTo" in found else no_reply,
    )


def _text(found: Mapping[str, etree._Element], local: str) -> str:
    block = found.get(local)
    if block is None:
        return ""
    text = str(block.xpath("string()")).strip()  # string(): comments are no text
    if not text or elements_in(block):
        raise AddressingInvalid(f"wsa:{local} is empty or holds elements")
    return text


def elements_in(block: etree._Element) -> bool:
    """It holds an element."""
    return any(isinstance(child.tag, str) for child in block)


def _wants_none(found: Mapping[str, etree._Element], local: str) -> bool:
    reference = found.get(local)
    if reference is None:
        return False
    addresses = {child.tag: child for child in elements(reference)}
    address = addresses.get(_name("Address"))
    if address is None:
        raise AddressingInvalid(f"wsa:{local} has no wsa:Address")
    uri = _text({local: address}, local)
    if uri not in (ANONYMOUS, NONE):
        raise ReplyElsewhere(f"wsa:{local} may only be the anonymous or the none address: answers go back as asked")
    return uri == NONE


def request_headers(*, to: str, action: str, message_id: str) -> tuple[etree._Element, ...]:
    """Header blocks of a request; its answer is expected on the same connection."""
    return tuple(_block(name, text) for name, text in (("To", to), ("Action", action), ("MessageID", message_id)))


def answer_headers(addressing: Addressing, *, action: str, message_id: str) -> tuple[etree._Element, ...]:
    """Header blocks of the answer to a request that used addressing; none when it did not."""
    if not addressing.present:
        return ()
    blocks = request_headers(to=ANONYMOUS, action=action, message_id=message_id)
    return (*blocks, _block("RelatesTo", addressing.message_id)) if addressing.message_id else blocks


def _block(local: str, text: str) -> etree._Element:
    block = etree.Element(_name(local), nsmap={PREFIX: WSA})
    block.text = text
    return block
