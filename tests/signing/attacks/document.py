"""The document that is signed and attacked: the smallest release notice, with an id on its root and one inside."""

from collections.abc import Callable
from functools import cache

from lxml import etree

from gateway.document.names import STRUCTURES_60
from gateway.folders import shipped
from tests.signing.attacks.forge import ENVELOPED_EXCLUSIVE, Forged, Ref, exclusive, name
from tests.signing.attacks.keys import Party, jail

ID = f"{{{STRUCTURES_60}}}id"
NOTICE_ID = "notice-1"
SUBJECT_ID = "person-1"

GIVEN, EVIL = "Calvin", "Mallory"


@cache
def _sample() -> bytes:
    folder = shipped().iepd / "custody-release" / "1.0" / "samples"
    return (folder / "smallest.xml").read_bytes()


def notice(given: str = GIVEN, id: str = NOTICE_ID) -> etree._Element:
    """A new notice about this person; `id` "" = its root has none."""
    text = _sample().decode().partition("?>")[2].strip().replace(GIVEN, given)
    text = text.replace("<cr:CustodyRelease", f'<cr:CustodyRelease xmlns:structures="{STRUCTURES_60}"', 1)
    text = text.replace("<cr:Subject>", f'<cr:Subject structures:id="{SUBJECT_ID}">')
    root = etree.fromstring(text)
    if id:
        root.set(ID, id)
    return root


def evil(id: str = "evil-1") -> etree._Element:
    """What an attacker wants to have read; it brings no ids of its own but this one."""
    root = notice(EVIL, id)
    for element in root:
        element.attrib.pop(ID, None)
    return root


def to_bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


BY_ID = f'URI="#{NOTICE_ID}"'


def sign(
    root: etree._Element,
    *,
    who: Callable[[], Party] = jail,
    inside: str = 'URI=""',
    octets: bytes | None = None,
    transforms: str = ENVELOPED_EXCLUSIVE,
    references: tuple[Ref, ...] = (),
    ref: dict[str, str] | None = None,
    **forged: object,
) -> etree._Element:
    """The root with a signature put last in it.

    ref     more values of the only Reference
    forged  more values of the signature
    """
    party = who()
    octets = exclusive(root) if octets is None else octets
    made = references or (Ref(octets=octets, inside=inside, transforms=transforms, **(ref or {})),)
    values: dict[str, object] = {"references": made, "key": party.key, "key_info": party.x509_data}
    Forged(**(values | forged)).append_to(root)  # type: ignore[arg-type]
    return root


def signed(**options: object) -> etree._Element:
    """The notice, signed."""
    return sign(notice(), **options)  # type: ignore[arg-type]


def maker(**options: object) -> Callable[[], bytes]:
    """Makes the notice with a signature of these options."""
    return lambda: to_bytes(signed(**options))


def changed(change: Callable[[etree._Element], object], **options: object) -> bytes:
    """The signed notice after a change that nobody signed."""
    root = signed(**options)
    change(root)
    return to_bytes(root)


def signature_of(root: etree._Element) -> etree._Element:
    return next(root.iter(name("Signature")))


def part(root: etree._Element, local: str) -> etree._Element:
    """First element of XML Signature's with this name."""
    return next(root.iter(name(local)))
