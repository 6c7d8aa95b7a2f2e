"""Wrapping: a good signature stays good while something else is read.

The eight that SAML work numbers (Somorovsky and others, "On Breaking SAML", 2012; SAML Raider), with the notice in the
place of the response, and those that are about our own roots.
"""

from collections.abc import Callable
from copy import deepcopy

from lxml import etree

from tests.signing.attacks.document import (
    BY_ID,
    ID,
    NOTICE_ID,
    changed,
    evil,
    notice,
    sign,
    signature_of,
    signed,
    to_bytes,
)
from tests.signing.attacks.forge import EXCLUSIVE, Ref, exclusive, name, step
from tests.signing.attacks.keys import namesake
from tests.signing.attacks.vector import Table

FAMILY = "Wrapping"
SHAPE = "signature.shape"
WHY = "one signature, the root's last child, over the root that is read; and no id twice"


def _parts() -> tuple[etree._Element, etree._Element]:
    """The signed notice without its signature, and the signature."""
    original = signed(inside=BY_ID)
    signature = signature_of(original)
    original.remove(signature)
    return original, signature


def _under(parent: etree._Element, *more: etree._Element) -> etree._Element:
    for element in more:
        parent.append(element)
    return parent


def xsw1(wicked: etree._Element) -> None:
    """The original inside the signature that hangs in the evil root."""
    original, signature = _parts()
    _under(wicked, _under(signature, original))


def xsw2(wicked: etree._Element) -> None:
    """The original before the signature, both in the evil root."""
    original, signature = _parts()
    _under(wicked, original, signature)


def xsw3(wicked: etree._Element) -> None:
    """The signed original, its signature in it, as the first child of the evil root."""
    wicked.insert(0, signed(inside=BY_ID))


def xsw4(wicked: etree._Element) -> None:
    """The signed original, its signature in it, as the last child of the evil root."""
    wicked.append(signed(inside=BY_ID))


def xsw5(wicked: etree._Element) -> None:
    """The signature in the evil root, the original behind it."""
    original, signature = _parts()
    _under(wicked, signature, original)


def xsw6(wicked: etree._Element) -> None:
    """The original inside the signature's KeyInfo."""
    original, signature = _parts()
    signature[2].append(original)
    wicked.append(signature)


def xsw7(wicked: etree._Element) -> None:
    """The original in an extension block, the signature last in the evil root."""
    original, signature = _parts()
    extension = etree.SubElement(wicked, "{urn:example:extension}Extensions")
    _under(extension, original)
    wicked.append(signature)


def xsw8(wicked: etree._Element) -> None:
    """The original in a ds:Object of the signature."""
    original, signature = _parts()
    _under(etree.SubElement(signature, name("Object")), original)
    wicked.append(signature)


IDS = {"own": "evil-1", "same": NOTICE_ID, "no": ""}
"""Ids of the evil root: one of its own, that of the original, none."""


def _wrapped(wrap: Callable[[etree._Element], None], id: str) -> Callable[[], bytes]:
    def make() -> bytes:
        wicked = evil(id)
        wrap(wicked)
        return to_bytes(wicked)

    return make


def _under_foreign_root() -> bytes:
    return to_bytes(_under(etree.Element("{urn:example:wrapper}Wrapper"), signed(inside=BY_ID)))


def _enveloping() -> bytes:
    """ds:Signature is the root, and the notice its Object."""
    original = notice()
    holder = etree.Element(name("Object"), Id="object-1")
    holder.append(original)
    octets = exclusive(holder)
    root = etree.Element("holder")
    sign(
        root,
        references=(Ref(octets=octets, inside='URI="#object-1"', transforms=step(EXCLUSIVE)),),
        more=etree.tostring(holder).decode(),
    )
    return to_bytes(signature_of(root))


def _first(root: etree._Element) -> None:
    root.insert(0, signature_of(root))


def _deeper(root: etree._Element) -> None:
    root[-2].append(signature_of(root))


def _followed(root: etree._Element) -> None:
    root.append(deepcopy(root[0]))


def _twice() -> bytes:
    root = signed()
    return to_bytes(sign(root, octets=exclusive(root)))


def _strangers_beside() -> bytes:
    """A stranger's whole signature over the evil notice, and the jail's good one as its neighbor."""
    wicked = evil("")
    sign(wicked, who=namesake)
    wicked.append(deepcopy(signature_of(signed())))
    return to_bytes(wicked)


def _part_only() -> bytes:
    """A signature over the subject alone, moved up to the root."""
    root = notice()
    subject = root[-1]
    reference = Ref(octets=exclusive(subject), inside=f'URI="#{subject.get(ID)}"')
    return to_bytes(sign(root, references=(reference,)))


def enter(table: Table) -> None:
    """These vectors."""
    for wrap in (xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8):
        for ids, id in IDS.items():
            says = f"{(wrap.__doc__ or '').rstrip('.')}; the evil root has {ids} id"
            table.add(FAMILY, f"{wrap.__name__}-{ids}-id", _wrapped(wrap, id), SHAPE, says=says, why=WHY)
    add = table.add
    add(FAMILY, "root-wrapped", _under_foreign_root, SHAPE, says="The signed notice inside another root", why=WHY)
    add(FAMILY, "enveloping", _enveloping, SHAPE, says="The notice inside its own signature", why=WHY)
    add(FAMILY, "signature-first", lambda: changed(_first), SHAPE, says="The signature as first child", why=WHY)
    add(FAMILY, "signature-deeper", lambda: changed(_deeper), SHAPE, says="The signature inside a child", why=WHY)
    add(FAMILY, "followed", lambda: changed(_followed), SHAPE, says="An element behind the signature", why=WHY)
    add(FAMILY, "signed-twice", _twice, SHAPE, says="A second signature over the first", why=WHY)
    add(FAMILY, "stranger-beside", _strangers_beside, SHAPE, says="A stranger's signature, ours beside it", why=WHY)
    add(FAMILY, "part-only", _part_only, SHAPE, says="Only a child of the root is signed", why=WHY)
    add(FAMILY, "stripped", lambda: to_bytes(notice()), "signature.missing", says="The signature is taken away")
    add(
        FAMILY,
        "changed",
        lambda: to_bytes(signed()).replace(b"Calvin", b"Mallory"),
        "signature.invalid",
        says="The signed text is another",
    )
