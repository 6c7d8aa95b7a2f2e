"""What signxml and xmlsec alone say to a vector, told no more than which authorities to trust.

This is how most programs call them. Nothing here is taken by the gateway's own code.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xmlsec
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

from gateway.signing.certificate import to_pem
from tests.signing.attacks.forge import DS, exclusive
from tests.signing.attacks.keys import authority, county

TAKES, TAKES_PART, REFUSES, NOT_ASKED = "takes it", "takes a part", "refuses", "not asked"

IDS = ("Id", "ID", "id", "AssertionID", "RequestID", "ResponseID")


@contextmanager
def authorities() -> Iterator[Path]:
    """A file with the certificates of both authorities."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "authorities.pem"
        path.write_bytes(to_pem(authority().der) + to_pem(county().der))
        yield path


def signxml_says(data: bytes, trusted: Path) -> str:
    """signxml with its own settings: whether it takes all of the document, or gives back something less."""
    taken = _signxml(data, trusted)
    if taken is None:
        return REFUSES
    whole = unsigned(data)
    return TAKES if any(exclusive(each) == whole for each in taken) else TAKES_PART


def signxml_says_of_parts(data: bytes, trusted: Path) -> str:
    """The same, where parts are what is signed."""
    return REFUSES if _signxml(data, trusted) is None else TAKES


def _signxml(data: bytes, trusted: Path) -> list[etree._Element] | None:
    """What it gives back; None when it refuses."""
    try:
        found = XMLVerifier().verify(
            data, ca_pem_file=str(trusted), expect_config=SignatureConfiguration(expect_references=True)
        )
    except Exception:  # noqa: BLE001  (it raises many things, and each is a refusal)
        return None
    results = found if isinstance(found, list) else [found]
    return [each.signed_xml for each in results if each.signed_xml is not None]


def unsigned(data: bytes) -> bytes:
    """Canonical form of the document without comments and the signature that stands last in it: what a reader reads."""
    root = etree.fromstring(data, etree.XMLParser(remove_comments=True))
    if len(root) and root[-1].tag == f"{{{DS}}}Signature":
        tail, before = root[-1].tail, root[-1].getprevious()
        if tail and before is not None:
            before.tail = (before.tail or "") + tail
        root.remove(root[-1])
    return exclusive(root)


def xmlsec_says(data: bytes, trusted: Path) -> str:
    """xmlsec, told which attributes are ids: whether the first signature in the document is good."""
    manager = xmlsec.KeysManager()
    for pem in trusted.read_bytes().split(b"-----END CERTIFICATE-----\n"):
        if pem:
            whole = pem + b"-----END CERTIFICATE-----\n"
            manager.load_cert_from_memory(whole, xmlsec.constants.KeyDataFormatPem, xmlsec.constants.KeyDataTypeTrusted)
    try:
        root = etree.fromstring(data)
        node = xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature)
        if node is None:
            return REFUSES
        context = xmlsec.SignatureContext(manager)
        for element in root.iter(etree.Element):
            for attribute in element.attrib:
                name = etree.QName(attribute)
                if name.localname in IDS:
                    context.register_id(element, name.localname, name.namespace)
        context.verify(node)
    except (xmlsec.Error, etree.LxmlError, ValueError):
        return REFUSES
    return TAKES
