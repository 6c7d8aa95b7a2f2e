"""Content: what may change in a signed document without anything being said otherwise, and what may not."""

from collections.abc import Callable

from lxml import etree

from gateway.document.names import XML, XSI
from tests.signing.attacks.document import GIVEN, changed, notice, sign, signed, to_bytes
from tests.signing.attacks.forge import ENVELOPED, EXCLUSIVE, exclusive, name, step
from tests.signing.attacks.vector import Table

FAMILY = "Content"
INVALID, SHAPE = "signature.invalid", "signature.shape"


def _text(old: bytes, new: bytes) -> Callable[[], bytes]:
    """The bytes changed after signing."""
    return lambda: to_bytes(signed()).replace(old, new, 1)


def _set(attribute: str, text: str) -> Callable[[], bytes]:
    return lambda: changed(lambda root: root.set(attribute, text))


def _swap(root: etree._Element) -> None:
    root.insert(0, root[1])


def _text_behind(root: etree._Element) -> None:
    root[-1].tail = "behind the signature"


def _typed(prefixes: str = "") -> etree._Element:
    """A notice in which a type is named by a prefix that stands in that value only; signed."""
    text = to_bytes(notice()).decode().partition("?>")[2]
    text = text.replace(
        "<cr:CustodyRelease", f'<cr:CustodyRelease xmlns:xsi="{XSI}" xmlns:t="urn:example:types:good"', 1
    )
    text = text.replace("<nc:PersonName>", '<nc:PersonName xsi:type="t:PersonNameType">')
    root = etree.fromstring(text)
    inside = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{prefixes}"></ec:InclusiveNamespaces>'
    octets = etree.tostring(root, method="c14n", exclusive=True, inclusive_ns_prefixes=prefixes.split() or None)
    return sign(root, octets=octets, transforms=step(ENVELOPED) + step(EXCLUSIVE, inside if prefixes else ""))


def _rebound() -> bytes:
    return to_bytes(_typed()).replace(b"urn:example:types:good", b"urn:example:types:evil")


def _rebound_inside() -> bytes:
    return to_bytes(_typed("t")).replace(b'xsi:type="t:', b'xmlns:t="urn:example:types:evil" xsi:type="t:')


def _with_instruction() -> bytes:
    """A processing instruction that was signed with the rest."""
    root = notice()
    root[-1].append(etree.ProcessingInstruction("hidden", "x"))
    return to_bytes(sign(root, octets=exclusive(root)))


def _utf_16() -> bytes:
    text = to_bytes(signed()).decode().replace("encoding='UTF-8'", "encoding='UTF-16'")
    return text.encode("utf-16")


def enter(table: Table) -> None:
    """These vectors."""
    given = GIVEN.encode()
    add = table.add
    same = "The same, written otherwise: "
    add(
        FAMILY, "comment", _text(given, b"Cal<!-- -->vin"), says=f"{same}a comment splits a text; it does not come back"
    )
    add(FAMILY, "comments", _text(b"?>", b"?><!-- Mallory -->"), says=f"{same}a comment before the root")
    add(FAMILY, "cdata", _text(given, b"<![CDATA[Calvin]]>"), says=f"{same}a CDATA section")
    add(FAMILY, "character", _text(given, b"&#67;alvin"), says=f"{same}a character reference")
    add(FAMILY, "utf-16", _utf_16, says=f"{same}in UTF-16")
    add(FAMILY, "lines", lambda: to_bytes(signed()).replace(b"\n", b"\r\n"), says=f"{same}lines that end as in Windows")
    add(
        FAMILY,
        "declared",
        _text(b"xmlns:nc=", b'xmlns:unused="urn:unused" xmlns:nc='),
        says=f"{same}a namespace that nobody uses",
    )
    for where, new in (("in", b"<?x y?>Calvin"), ("beside", None)):
        make = _text(given, new) if new else _text(b"?>", b"?><?xml-stylesheet href='x'?>")
        codes = (SHAPE,)
        add(
            FAMILY,
            f"instruction-{where}",
            make,
            *codes,
            says=f"A processing instruction {where} the document, unsigned",
            why="no processing instructions in or beside a signed document",
        )
    add(
        FAMILY,
        "instruction-signed",
        _with_instruction,
        SHAPE,
        says="A processing instruction that was signed",
        why="no processing instructions in or beside a signed document",
    )
    why = "a prefix that stands in a value only is not signed by exclusive canonicalization: it must be used, or listed"
    add(FAMILY, "type-rebound", _rebound, SHAPE, says="The prefix of an xsi:type bound to other types", why=why)
    add(
        FAMILY,
        "type-unbound",
        lambda: to_bytes(_typed()),
        SHAPE,
        says="An xsi:type whose prefix is not signed",
        why=why,
    )
    add(
        FAMILY, "type-rebound-listed", _rebound_inside, INVALID, says="The same where the prefix is listed as inclusive"
    )
    add(FAMILY, "attribute", _set("added", "x"), INVALID, says="An attribute more")
    add(FAMILY, "language", _set(f"{{{XML}}}lang", "en"), INVALID, says="xml:lang on the root")
    add(FAMILY, "location", _set(f"{{{XSI}}}schemaLocation", "urn:x x.xsd"), INVALID, says="A schema location")
    add(
        FAMILY,
        "element",
        lambda: changed(lambda root: root.insert(0, etree.Element("x"))),
        INVALID,
        says="An element more",
    )
    add(FAMILY, "element-less", lambda: changed(lambda root: root.remove(root[0])), INVALID, says="An element less")
    add(FAMILY, "order", lambda: changed(_swap), INVALID, says="Two elements changed places")
    add(FAMILY, "text-behind", lambda: changed(_text_behind), INVALID, says="A text behind the signature")
    add(
        FAMILY,
        "namespace-relative",
        _text(b"xmlns:nc=", b'xmlns:unused="relative" xmlns:nc='),
        "document.relative-namespace",
        INVALID,
        says="A relative namespace, which nothing can canonicalize",
    )
    add(FAMILY, "renamed", lambda: changed(_rename), INVALID, says="A root of another name")
    add(FAMILY, "prefix", _text(b"structures:id", b"xml:id"), INVALID, says="An id in another attribute")
    add(FAMILY, "behind", lambda: to_bytes(signed()) + b"<x/>", "document.not-xml", says="A second root")
    add(FAMILY, "signature-changed", lambda: changed(_method_swapped), INVALID, says="A change in SignedInfo")


def _rename(root: etree._Element) -> None:
    root.tag = root.tag.replace("CustodyRelease", "CustodyHold")


def _method_swapped(root: etree._Element) -> None:
    """Another listed method for the same kind of key."""
    method = next(root.iter(name("SignatureMethod")))
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384")
