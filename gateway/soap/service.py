"""The gateway's SOAP service: its operations read out of a Body, and the elements of its answers.

Document/literal, wrapped: the Body's child is named as the operation. What the schema says is `wsdl.SCHEMA`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from gateway.errors import Refused
from gateway.soap.envelope import elements

SERVICE = "urn:justice-gateway:soap:1.0"
"""Target namespace of the service's schema and WSDL, and the stem of its actions."""

PREFIX = "g"

OPERATIONS = ("Submit", "Preview", "Poll", "Acknowledge", "Status")

DELIVERIES_MAX = 100
"""Deliveries acknowledged in one request, and items of one Poll."""


class UnknownOperation(Refused):
    """The Body's child is none of the operations."""

    code = "soap.unknown-operation"


class OperationMalformed(Refused):
    """The operation's element does not follow the service's schema."""

    code = "soap.malformed-operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """A message to submit.

    to        the recipients asked for; none = everyone who may have it
    corrects  id of the earlier message, "" for none; so `cancels`
    payload   the message as a document of its own
    """

    to: tuple[str, ...]
    corrects: str
    cancels: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A message to be tried: what would become of it is said, and nothing comes of it."""

    message: Submit


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What waits for the asking agency, from a position on."""

    after: int = 0
    limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """These deliveries have arrived."""

    deliveries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How does this message stand? Our id or the sender's own."""

    id: str


Operation = Submit | Preview | Poll | Acknowledge | Status


def action_of(operation: str) -> str:
    """SOAPAction and wsa:Action of a request."""
    return f"{SERVICE}:{operation}"


def operation_name(body: etree._Element) -> str:
    """Which operation this is. Raises `UnknownOperation`."""
    name = etree.QName(body)
    if name.namespace != SERVICE or name.localname not in OPERATIONS:
        raise UnknownOperation(f"the Body's element is none of {', '.join(OPERATIONS)} in {SERVICE}")
    return name.localname


def read(body: etree._Element) -> Operation:
    """The operation asked for. Raises `UnknownOperation`, `OperationMalformed`."""
    return _READERS[operation_name(body)](body)


def _submit(body: etree._Element) -> Submit:
    parts = _parts(body, {"To": (0, 1000), "Corrects": (0, 1), "Cancels": (0, 1), "Payload": (1, 1)})
    if parts["Corrects"] and parts["Cancels"]:
        raise OperationMalformed(f"{_local(body)} names Corrects or Cancels, not both")
    holder = parts["Payload"][0]
    if len(holder) == 0 and (holder.text or "").strip():
        # What most toolkits make of a string: markup with its brackets escaped, or CDATA.
        raise OperationMalformed(
            "Payload holds text: hand the message to the toolkit as XML, not as a string it escapes"
        )
    inside = elements(holder)
    if len(inside) != 1:
        raise OperationMalformed(f"Payload holds one element, not {len(inside)}")
    return Submit(
        to=tuple(_text(part) for part in parts["To"]),
        corrects=_only(parts["Corrects"]),
        cancels=_only(parts["Cancels"]),
        payload=standalone(inside[0]),
    )


def _preview(body: etree._Element) -> Preview:
    return Preview(message=_submit(body))


def standalone(element: etree._Element) -> bytes:
    """The element as a document of its own: UTF-8, with every namespace that is in scope where it stands.

    All of them, not only those its names use: a value may be a qualified name (xsi:type). Exclusive C14N, which
    signatures and digests are made over, is the same before and after.
    """
    data: bytes = etree.tostring(element, encoding="UTF-8", xml_declaration=True, with_tail=False)
    return data


def _poll(body: etree._Element) -> Poll:
    parts = _parts(body, {"After": (0, 1), "Limit": (0, 1)})
    after, limit = _only(parts["After"]) or "0", _only(parts["Limit"]) or "10"
    return Poll(after=_number(after, 0, 2**63 - 1, "After"), limit=_number(limit, 1, DELIVERIES_MAX, "Limit"))


def _acknowledge(body: etree._Element) -> Acknowledge:
    return Acknowledge(deliveries=tuple(map(_text, _parts(body, {"Delivery": (1, DELIVERIES_MAX)})["Delivery"])))


def _status(body: etree._Element) -> Status:
    return Status(id=_text(_parts(body, {"Id": (1, 1)})["Id"][0]))


_READERS: dict[str, Callable[[etree._Element], Operation]] = {
    "Submit": _submit,
    "Preview": _preview,
    "Poll": _poll,
    "Acknowledge": _acknowledge,
    "Status": _status,
}


def _parts(body: etree._Element, shape: Mapping[str, tuple[int, int]]) -> dict[str, list[etree._Element]]:
    """Children by local name, in the order and number the schema has them."""
    found: dict[str, list[etree._Element]] = {name: [] for name in shape}
    order = list(shape)
    position = 0
    for child in elements(body):
        name = etree.QName(child)
        if name.namespace != SERVICE or name.localname not in order[position:]:
            raise OperationMalformed(f"{_local(body)} holds {', '.join(order)}, in this order and in {SERVICE}")
        position = order.index(name.localname)
        found[name.localname].append(child)
    for part, (least, most) in shape.items():
        if not least <= len(found[part]) <= most:
            raise OperationMalformed(f"{_local(body)} holds {part} {least} to {most} times")
    return found


def _text(element: etree._Element) -> str:
    if any(isinstance(child.tag, str) for child in element):
        raise OperationMalformed(f"{_local(element)} holds text only")
    text = str(element.xpath("string()")).strip()  # string(): comments are no text
    if not text:
        raise OperationMalformed(f"{_local(element)} is empty")
    return text


def _only(parts: list[etree._Element]) -> str:
    return _text(parts[0]) if parts else ""


def _number(text: str, least: int, most: int, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
        raise OperationMalformed(f"{name} is a whole number from {least} to {most}")
    return int(text)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def node(name: str, *content: str | etree._Element) -> etree._Element:
    """An element of the service's namespace, holding a text or elements."""
    made = etree.Element(f"{{{SERVICE}}}{name}", nsmap={PREFIX: SERVICE})
    for part in content:
        if isinstance(part, str):
            made.text = part
        else:
            made.append(part)
    return made
