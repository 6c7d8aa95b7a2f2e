"""EndpointReference: where an answer is wanted, and what must be put on it so that its receiver knows what it is about.

Reference parameters are the sender's own; they come back as header blocks of the answer, which we may sign. So they
are few and small, and none may be mistaken for a header of ours: neither by its name nor by an id.
Source: WS-Addressing 1.0 Core, section 3.4, and SOAP Binding, section 2.3.
"""

from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.document.names import COVER, DS, SOAP11, SOAP12, WSA, WSSE, WSU

PREFIX: Final = "wsa"

ANONYMOUS: Final = f"{WSA}/anonymous"
NONE: Final = f"{WSA}/none"

PARAMETERS_MAX: Final = 10
PARAMETERS_SIZE_BYTES_MAX: Final = 4096
"""Toolkits put one or two ids there."""

RESERVED: Final = frozenset({"", SOAP11, SOAP12, WSA, WSSE, WSU, DS, COVER})
"""Namespaces whose header blocks say something to every receiver, or to ours, for whom a block that we signed would be
a Cover. A header block without one is none (SOAP 1.2, part 1, section 5.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An endpoint reference. `parameters`: each a document of its own."""

    address: str = ANONYMOUS
    parameters: tuple[bytes, ...] = ()

    @property
    def elsewhere(self) -> bool:
        """It names a place: neither the connection of the request nor none at all."""
        return self.address not in (ANONYMOUS, NONE)


CONNECTION: Final = Reference()
"""The one the request came on: what stands for a reference that is not there."""


def parameters_of(block: etree._Element) -> tuple[bytes, ...]:
    """The children of a wsa:ReferenceParameters. Raises `ValueError` with what is wrong with them, for people."""
    found = [child for child in block if isinstance(child.tag, str)]
    # Counted before they are written: each is written with every namespace that is in scope.
    made = tuple(etree.tostring(child, with_tail=False) for child in found[: PARAMETERS_MAX + 1])
    if len(made) > PARAMETERS_MAX or sum(map(len, made)) > PARAMETERS_SIZE_BYTES_MAX:
        raise ValueError(
            f"there are at most {PARAMETERS_MAX} reference parameters, of {PARAMETERS_SIZE_BYTES_MAX} bytes"
        )
    for child in found:
        if (etree.QName(child).namespace or "") in RESERVED:
            raise ValueError("a reference parameter has a namespace of its own, none of SOAP or its security")
        if any(etree.QName(name).localname.lower() == "id" for each in child.iter("*") for name in each.attrib):
            raise ValueError("reference parameters have no attribute that is an id: those of the answer are ours")
    return made


def echoed(reference: Reference) -> tuple[etree._Element, ...]:
    """The parameters as header blocks of a message to this reference."""
    blocks = []
    for each in reference.parameters:
        block = etree.fromstring(each)
        block.set(f"{{{WSA}}}IsReferenceParameter", "true")
        blocks.append(block)
    return tuple(blocks)
