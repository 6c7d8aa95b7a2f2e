"""References: to elsewhere, to nothing, to too little, too many of them; manifests and objects."""

from lxml import etree

from tests.signing.attacks.document import (
    BY_ID,
    NOTICE_ID,
    SUBJECT_ID,
    maker,
    notice,
    part,
    sign,
    to_bytes,
)
from tests.signing.attacks.forge import DS, EXCLUSIVE, MORE_2007, Forged, Ref, exclusive, sign_over, step
from tests.signing.attacks.keys import jail
from tests.signing.attacks.vector import Table

FAMILY = "References"
SHAPE = "signature.shape"
WHY = "one Reference, to the root"
EXC = step(EXCLUSIVE)


def _references(*references: Ref, **options: object) -> bytes:
    return to_bytes(sign(notice(), references=references, **options))  # type: ignore[arg-type]


def _whole(**more: str) -> Ref:
    return Ref(octets=exclusive(notice()), **more)


def _none() -> bytes:
    """A SignedInfo without any Reference."""
    root = notice()
    forged = Forged(references=(), key=jail().key, key_info=jail().x509_data)
    forged.append_to(root)
    return to_bytes(root)


def _of_object(inside: str, *, id: str, kind: str = "") -> bytes:
    """The only Reference leads to a ds:Object of the signature with this inside."""
    holder = etree.fromstring(f'<ds:Object xmlns:ds="{DS}" Id="{id}">{inside}</ds:Object>')
    target = next(
        element for element in holder.iter(etree.Element) if element.get("Id") == (f"{id}-in" if kind else id)
    )
    attributes = f'URI="#{target.get("Id")}"' + (f' Type="{kind}"' if kind else "")
    reference = Ref(octets=exclusive(target), inside=attributes, transforms=EXC)
    return _references(reference, more=etree.tostring(holder).decode())


def _manifest(*, right: bool) -> bytes:
    """A Manifest whose inner digest nobody has to check."""
    inner = Ref(octets=exclusive(notice()) if right else b"anything").text()
    manifest = f'<ds:Manifest Id="object-1-in">{inner}</ds:Manifest>'
    return _of_object(manifest, id="object-1", kind=f"{DS}Manifest")


def _properties() -> bytes:
    inside = (
        '<ds:SignatureProperties Id="object-1-in"><ds:SignatureProperty Target="#x">at noon</ds:SignatureProperty>'
        "</ds:SignatureProperties>"
    )
    return _of_object(inside, id="object-1", kind=f"{DS}SignatureProperties")


def _of_signature_part(local: str) -> bytes:
    """The only Reference leads to a part of the signature itself."""
    root = notice()
    forged = Forged(
        references=(Ref(octets=b"", inside='URI="#part-1"', transforms=EXC, value="AAAA"),),
        key=jail().key,
        key_info=jail().x509_data,
    )
    made = forged.append_to(root)
    target = part(root, local)
    target.set("Id", "part-1")
    part(root, "DigestValue").text = (
        Ref(octets=exclusive(target)).text().rpartition("<ds:DigestValue>")[2].partition("<")[0]
    )
    sign_over(made, forged)
    return to_bytes(root)


def _beside_object() -> bytes:
    """A good signature with a ds:Object in it that nobody signed."""
    holder = f'<ds:Object xmlns:ds="{DS}">more</ds:Object>'
    return to_bytes(sign(notice(), more=holder))


def enter(table: Table) -> None:
    """These vectors."""

    def add(each: str, make: object, says: str, *codes: str, why: str = WHY, asked: bool = True) -> None:
        table.add(FAMILY, f"reference-{each}", make, *(codes or (SHAPE,)), says=says, why=why, asked=asked)  # type: ignore[arg-type]

    add("none", _none, "No Reference: nothing is signed")
    add("twice", lambda: _references(_whole(), _whole()), "Twice the whole document")
    add("both-ways", lambda: _references(_whole(), _whole(inside=BY_ID)), "The whole document, and the root by its id")
    add("and-part", lambda: _references(_whole(), _subject()), "The whole document, and a part of it")
    add("part", lambda: _references(_subject()), "A part only")
    add("twenty-one", lambda: _references(*[_whole()] * 21), "Twenty-one of them")
    add(
        "thousand",
        lambda: _references(*[_whole()] * 1000),
        "A thousand of them",
        why="counted before any digest is made: a thousand cost signxml more than ten seconds",
        asked=False,
    )
    elsewhere = {
        "http": "https://example.org/other.xml",
        "file": "file:///etc/hostname",
        "relative": "other.xml",
        "bare-id": NOTICE_ID,
        "fragment-empty": "#",
        "xpointer-root": "#xpointer(/)",
        "xpointer-id": f"#xpointer(id('{NOTICE_ID}'))",
        "xpointer-part": "#xpointer(//x)",
        "escaped": "#%6Eotice-1",
        "space": f"#{NOTICE_ID} ",
        "nowhere": "#nobody",
        "data": "data:text/plain,anything",
    }
    for each, uri in elsewhere.items():
        add(each, maker(inside=f'URI="{uri}"'), f'To "{uri}"')
    add("no-uri", maker(inside=""), "Without a URI: the application is to know")
    add("typed", maker(inside=f'URI="" Type="{DS}Object"'), "With a Type")
    add("odd-attribute", maker(inside='URI="" onload="x"'), "With an attribute that XML Signature does not have")
    add("xpointer-2007", maker(inside=f'URI="{MORE_2007}"'), "To a namespace")
    add("object", lambda: _of_object("anything", id="object-1"), "To a ds:Object alone: the document is not signed")
    add("manifest", lambda: _manifest(right=True), "To a Manifest that names the document")
    add("manifest-wrong", lambda: _manifest(right=False), "To a Manifest with a wrong digest of the document")
    add("properties", _properties, "To signature properties alone")
    add("key-info", lambda: _of_signature_part("KeyInfo"), "To the KeyInfo alone")
    add("certificate", lambda: _of_signature_part("X509Data"), "To the certificate alone")
    add("value", lambda: _of_signature_part("SignatureMethod"), "To a part of SignedInfo")
    add("object-unsigned", _beside_object, "To the document; a ds:Object beside it that nobody signed")


def _subject() -> Ref:
    subject = notice()[-1]
    return Ref(octets=exclusive(subject), inside=f'URI="#{SUBJECT_ID}"', transforms=EXC)
