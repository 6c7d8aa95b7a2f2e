"""The official NIEM Naming and Design Rules 6.0 report no error on our schema documents.

structures.xsd is left out: it is the vocabulary the rules are written in, and the published one breaks them likewise.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from saxonche import PySaxonProcessor

from .our_exchanges import NAMES, XSD, folder, shared

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
SUBSETS = [XSD / "niem-6.0" / name for name in ("niem-xs.xsd", "niem-core.xsd", "justice.xsd")]
EXTENSIONS = [XSD / "exchange-common/1.0/exchange-common.xsd", *(folder(name) / "extension.xsd" for name in NAMES)]


class Rules:
    """The compiled rules of one conformance target."""

    def __init__(self, saxon: Any, target: str, catalog: Path) -> None:
        self._saxon = saxon
        stylesheet = shared("niem", "ndr", "6.0", f"{target}Target-6.0.xsl")
        self._rules = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(stylesheet))
        self._rules.set_parameter("xml-catalog", saxon.parse_xml(xml_file_name=str(catalog)))

    def breaches(self, document: bytes) -> tuple[list[str], int]:
        """Texts of all errors and warnings, and how many rules looked at something."""
        node = self._saxon.parse_xml(xml_text=document.decode())
        report = etree.fromstring(self._rules.transform_to_string(xdm_node=node).encode())
        texts = [
            str(each.findtext(f"{SVRL}text")).strip()
            for each in report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report")
        ]
        return texts, len(report.findall(f"{SVRL}fired-rule"))


@pytest.fixture(scope="module")
def saxon() -> Iterator[Any]:
    with PySaxonProcessor(license=False) as processor:
        yield processor


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OASIS catalog of all our namespaces, without a DOCTYPE, in a path without spaces."""
    entries = "".join(
        f'<uri name="{etree.parse(path).getroot().get("targetNamespace")}" uri="{path.as_uri()}"/>'
        for path in [XSD / "niem-6.0/structures.xsd", *SUBSETS, *EXTENSIONS]
    )
    path = tmp_path_factory.mktemp("ndr") / "xml-catalog.xml"
    path.write_text(f'<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">{entries}</catalog>')
    return path


@pytest.fixture(scope="module")
def subset_rules(saxon: Any, catalog: Path) -> Rules:
    return Rules(saxon, "sub", catalog)


@pytest.fixture(scope="module")
def extension_rules(saxon: Any, catalog: Path) -> Rules:
    return Rules(saxon, "ext", catalog)


@pytest.mark.parametrize("path", SUBSETS, ids=lambda path: path.stem)
def test_a_subset_document_keeps_the_rules_for_subsets(path: Path, subset_rules: Rules) -> None:
    texts, looked = subset_rules.breaches(path.read_bytes())
    assert texts == []
    assert looked > 100


@pytest.mark.parametrize("path", EXTENSIONS, ids=lambda path: path.parent.parent.name)
def test_an_extension_document_keeps_the_rules_for_extensions(path: Path, extension_rules: Rules) -> None:
    texts, looked = extension_rules.breaches(path.read_bytes())
    assert texts == []
    assert looked > 100


def test_a_badly_named_element_breaks_a_rule(extension_rules: Rules) -> None:
    document = EXTENSIONS[0].read_bytes().replace(b'name="Affiliation"', b'name="affiliation"')
    texts, _ = extension_rules.breaches(document)
    assert any(text.startswith("Rule 7-19") for text in texts)
