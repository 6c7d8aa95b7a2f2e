"""Ids: the same one twice, in every attribute that anybody's stack takes for one; ids that a DTD declares."""

from collections.abc import Callable
from functools import partial

from lxml import etree

from gateway.document.names import WSU, XML
from tests.signing.attacks.document import BY_ID, ID, NOTICE_ID, evil, notice, sign, signed, to_bytes
from tests.signing.attacks.vector import Table

FAMILY = "Ids"
SHAPE = "signature.shape"

ATTRIBUTES = {
    "Id": "Id",
    "ID": "ID",
    "id": "id",
    "iD": "iD",
    "xml-id": f"{{{XML}}}id",
    "wsu-Id": f"{{{WSU}}}Id",
    "structures-id": ID,
    "structures-5-id": "{http://release.niem.gov/niem/structures/5.0/}id",
    "saml-ID": "{urn:oasis:names:tc:SAML:2.0:assertion}ID",
    "AssertionID": "AssertionID",
    "RequestID": "RequestID",
    "ResponseID": "ResponseID",
}


def _twice(attribute: str) -> bytes:
    """Signed by the root's id, which an element inside has too."""
    root = notice()
    root[-1].attrib.pop(ID)
    root[-1].set(attribute, NOTICE_ID)
    return to_bytes(sign(root, inside=BY_ID))


def _moved(attribute: str) -> bytes:
    """The signed original inside an evil root that has its id in another attribute."""
    wicked = evil("")
    wicked.set(attribute, NOTICE_ID)
    wicked.append(signed(inside=BY_ID))
    return to_bytes(wicked)


def _two_on_one() -> bytes:
    """One element with two ids, each in an attribute of its own, and the signature by the second."""
    root = notice()
    root.set("ID", "second")
    return to_bytes(sign(root, inside='URI="#second"'))


def _spaced() -> bytes:
    """Two ids that are one when white space is taken off."""
    root = notice()
    root[-1].set(ID, f" {NOTICE_ID} ")
    return to_bytes(sign(root, inside=BY_ID))


def _id_less() -> bytes:
    """The root has no id, and the Reference's hangs on an element that came later."""
    root = notice(id="")
    sign(root, inside=BY_ID)
    etree.SubElement(root[-2], "hidden").set(ID, NOTICE_ID)
    return to_bytes(root)


def _dtd(subset: str, change: Callable[[bytes], bytes] = lambda data: data) -> bytes:
    data = change(to_bytes(signed()))
    head, _, rest = data.partition(b"?>")
    return head + b"?>\n<!DOCTYPE cr:CustodyRelease [" + subset.encode() + b"]>" + rest


def enter(table: Table) -> None:
    """These vectors."""
    why = "an id counts once, whatever attribute it stands in, and leads to the root"
    for each, attribute in ATTRIBUTES.items():
        says = f"{each.replace('-', ':', 1)} of an inner element is the id that was signed"
        table.add(FAMILY, f"twice-{each}", partial(_twice, attribute), SHAPE, says=says, why=why)
        says = f"The signed original in an evil root whose {each.replace('-', ':', 1)} is the same"
        table.add(FAMILY, f"moved-{each}", partial(_moved, attribute), SHAPE, says=says, why=why)
    table.add(FAMILY, "twice-spaced", _spaced, SHAPE, says="Two ids that differ in white space", why=why)
    table.add(FAMILY, "id-less", _id_less, SHAPE, says="An id that came after signing", why=why)
    table.add(
        FAMILY,
        "two-on-one",
        _two_on_one,
        says="Two ids on the root, in two attributes: both lead to it",
        edge="message.invalid",
    )
    dtd = "a document has no DTD: it would declare ids, add attributes, and write other text than was signed"
    subsets = {
        "id": "<!ATTLIST cr:Subject secret ID #IMPLIED>",
        "default": '<!ATTLIST cr:Subject added CDATA "by the DTD">',
        "entity": '<!ENTITY given "Mallory">',
        "external": '<!ENTITY file SYSTEM "file:///etc/hostname">',
        "parameter": '<!ENTITY % more SYSTEM "https://example.org/more.dtd"> %more;',
    }
    for each, subset in subsets.items():
        table.add(FAMILY, f"dtd-{each}", partial(_dtd, subset), "document.dtd", says=f"A DTD: `{subset}`", why=dtd)
    given = partial(_dtd, '<!ENTITY given "Mallory">', lambda data: data.replace(b"Calvin", b"&given;"))
    table.add(FAMILY, "dtd-entity-used", given, "document.dtd", says="A DTD whose entity stands in the text", why=dtd)
