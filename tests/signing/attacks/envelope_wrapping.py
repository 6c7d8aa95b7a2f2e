"""Wrapping in envelopes: the signed Body, Timestamp or header goes somewhere else, and another takes its place."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from functools import partial

from lxml import etree

from gateway.document.names import WSA, XSI
from tests.signing.attacks.document import EVIL, GIVEN, notice
from tests.signing.attacks.envelope import (
    INVALID,
    MISSING,
    PLACE,
    SHAPE,
    WRAPPED,
    body,
    by_id,
    changed,
    envelope,
    evil_body,
    header,
    reference,
    security,
    sign,
    signature_of,
    signed,
    time_of,
    to_bytes,
)
from tests.signing.attacks.forge import (
    name,
)
from tests.signing.attacks.identities import ATTRIBUTES
from tests.signing.attacks.keys import (
    NOW,
    namesake,
)
from tests.signing.attacks.vector import Table


def _to_header(root: etree._Element) -> None:
    etree.SubElement(header(root), "{urn:example:w}Wrapper").append(body(root))


def _straight_to_header(root: etree._Element) -> None:
    header(root).append(body(root))


def _to_security(root: etree._Element) -> None:
    security(root).append(body(root))


def _to_signature(root: etree._Element) -> None:
    etree.SubElement(signature_of(root), name("Object")).append(body(root))


def _to_wsa(root: etree._Element) -> None:
    holder = etree.SubElement(header(root), f"{{{WSA}}}ReplyTo")
    etree.SubElement(holder, f"{{{WSA}}}Address").text = f"{WSA}/anonymous"
    etree.SubElement(holder, f"{{{WSA}}}ReferenceParameters").append(body(root))


def _under_envelope(root: etree._Element) -> None:
    signed_body = body(root)
    etree.SubElement(root, "{urn:example:w}Wrapper").append(signed_body)


def _in_timestamp(root: etree._Element) -> None:
    time_of(root).append(body(root))


BODY_MOVES: dict[str, tuple[str, Callable[[etree._Element], None]]] = {
    "header": ("into an unknown header block", _to_header),
    "straight": ("straight into the Header", _straight_to_header),
    "security": ("into the Security header", _to_security),
    "object": ("into a ds:Object of the signature", _to_signature),
    "addressing": ("into reference parameters of wsa:ReplyTo", _to_wsa),
    "envelope": ("under the Envelope, beside the Body", _under_envelope),
    "timestamp": ("into the Timestamp", _in_timestamp),
}
IDS = {"own": "evil", "same": "body", "no": ""}


def _body_moved(move: Callable[[etree._Element], None], id: str) -> bytes:
    root = signed()
    move(root)
    root.append(evil_body(id))
    return to_bytes(root)


def _second_body(*, first: bool, id: str) -> bytes:
    root = signed()
    root.insert(1 if first else 2, evil_body(id))
    return to_bytes(root)


def _in_payload() -> bytes:
    """The signed Body inside the evil Body's payload."""
    root = signed()
    old = body(root)
    new = evil_body()
    root.append(new)
    new[0][0].append(old)
    return to_bytes(root)


def _beside_submit(root: etree._Element) -> None:
    body(root).append(deepcopy(evil_body()[0]))


def _envelope_in_envelope() -> bytes:
    """The whole signed envelope inside an unsigned one."""
    outer = envelope(given=EVIL)
    etree.SubElement(header(outer), "{urn:example:w}Wrapper").append(signed())
    return to_bytes(outer)


def _headers_moved(local: str, text: str) -> bytes:
    """A signed addressing header put away, another in its place."""
    root = signed()
    old = by_id(root, local)
    fresh = deepcopy(old)
    fresh.attrib.clear()
    fresh.text = text
    old.addprevious(fresh)
    etree.SubElement(header(root), "{urn:example:w}Wrapper").append(old)
    return to_bytes(root)


def _time_moved(where: str) -> bytes:
    """The old Timestamp put away, a fresh one in its place, and the message shown again an hour later."""
    root = sign(envelope(created=NOW - timedelta(hours=1)))
    old = time_of(root)
    fresh = deepcopy(time_of(envelope()))
    fresh.attrib.clear()
    old.addprevious(fresh)
    if where == "header":
        etree.SubElement(header(root), "{urn:example:w}Wrapper").append(old)
    elif where == "security":
        etree.SubElement(security(root), "{urn:example:w}Wrapper").append(old)
    elif where == "object":
        etree.SubElement(signature_of(root), name("Object")).append(old)
    return to_bytes(root)


def _second_security(*, first: bool) -> bytes:
    """A second Security header, with a Timestamp and without signature."""
    root = signed()
    extra = deepcopy(security(root))
    extra.remove(extra[-1])
    extra[0].attrib.clear()
    header(root).insert(0 if first else len(header(root)), extra)
    return to_bytes(root)


def _own_signature_beside() -> bytes:
    """A stranger's signature over an evil Body, the jail's over the old one, both in one Security header."""
    root = signed()
    old = deepcopy(signature_of(root))
    security(root).remove(signature_of(root))
    _to_header(root)
    root.append(evil_body("evil"))
    by = reference(by_id(root, "evil"))
    sign(root, who=namesake, references=lambda made: (by, reference(time_of(made))))
    security(root).append(old)
    return to_bytes(root)


def _injected() -> bytes:
    """A prefix bound again inside the signed Body, as against signatures that select by XPath."""
    return (
        to_bytes(signed())
        .replace(b"<g:Submit ", b'<g:Submit xmlns:e="urn:evil" ', 1)
        .replace(GIVEN.encode(), EVIL.encode())
    )


def _type_rebound() -> bytes:
    """A type whose prefix is declared on the Envelope only, which nobody signed."""
    payload = notice()
    next(payload.iter("{*}PersonName")).set(f"{{{XSI}}}type", "t:PersonNameType")
    text = to_bytes(envelope(payload=payload)).replace(b"<e:Envelope ", b'<e:Envelope xmlns:t="urn:example:good" ', 1)
    return to_bytes(sign(etree.fromstring(text))).replace(b"urn:example:good", b"urn:example:evil")


def _twice(attribute: str) -> bytes:
    """The Body's id a second time, on an element of the payload, signed with the rest."""
    payload = notice()
    payload[-1].set(attribute, "body")
    return to_bytes(sign(envelope(payload=payload)))


def enter(table: Table) -> None:
    for each, (says, move) in BODY_MOVES.items():
        for ids, id in IDS.items():
            table.add(
                WRAPPED,
                f"body-{each}-{ids}-id",
                partial(_body_moved, move, id),
                SHAPE,
                "soap.malformed",
                "soap.addressing-invalid",
                says=f"The signed Body moved {says}; the evil one has {ids} id",
                why=PLACE,
            )
    for first in (True, False):
        for ids, id in IDS.items():
            where = "before" if first else "behind"
            table.add(
                WRAPPED,
                f"second-body-{where}-{ids}-id",
                partial(_second_body, first=first, id=id),
                SHAPE,
                "soap.malformed",
                says=f"An evil Body {where} the signed one, with {ids} id",
                why="one Header and one Body",
            )
        table.add(
            WRAPPED,
            f"second-security-{'first' if first else 'last'}",
            partial(_second_security, first=first),
            SHAPE,
            says=f"A second Security header {'before' if first else 'behind'} the signed one",
            why="one Security header for us",
        )
    add = partial(table.add, WRAPPED)
    add("body-in-payload", _in_payload, SHAPE, says="The signed Body inside the evil Body's payload", why=PLACE)
    add(
        "beside-submit",
        changed(_beside_submit),
        INVALID,
        "soap.malformed",
        says="A second operation in the signed Body",
    )
    add(
        "envelope-in-header",
        _envelope_in_envelope,
        MISSING,
        says="A signed envelope in the header of another",
        why=PLACE,
    )
    for local, text in (("message", "urn:uuid:evil"), ("action", "urn:justice-gateway:soap:1.0:Poll")):
        make = partial(_headers_moved, local, text)
        codes = (SHAPE, "soap.action-mismatch")
        add(f"{local}-moved", make, *codes, says=f"The signed wsa:{local} put away, another in its place", why=PLACE)
    for where in ("header", "security", "object"):
        says = f"The signed Timestamp put into the {where}, a fresh one in its place, an hour later"
        add(f"time-{where}", partial(_time_moved, where), SHAPE, says=says, why=PLACE)
    add(
        "stranger-beside", _own_signature_beside, SHAPE, says="A stranger's signature and ours in one header", why=PLACE
    )
    add("namespace-injected", _injected, INVALID, says="A prefix bound again in the signed Body, and its text changed")
    add(
        "type-rebound",
        _type_rebound,
        SHAPE,
        says="The prefix of an xsi:type bound on the Envelope, and bound again",
        why="a prefix that stands in a value only is not signed: it must be used in a name, or listed",
    )
    for each in ("Id", "ID", "id", "xml-id", "wsu-Id", "structures-id", "AssertionID"):
        says = f"{each.replace('-', ':', 1)} in the payload is the Body's id"
        add(f"twice-{each}", partial(_twice, ATTRIBUTES[each]), SHAPE, says=says, why="an id counts once")
