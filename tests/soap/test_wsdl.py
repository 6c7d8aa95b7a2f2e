from lxml import etree

from gateway.document.names import WSDL, WSDL_SOAP11, WSDL_SOAP12
from gateway.soap.service import OPERATIONS, SERVICE, action_of
from gateway.soap.wsdl import SCHEMA, SCHEMA_LOCATION, wsdl

ROOT = etree.fromstring(wsdl("https://gateway.example.gov/soap").encode())


def test_the_schema_is_one() -> None:
    etree.XMLSchema(etree.fromstring(SCHEMA.encode()))


def test_each_version_has_a_named_port_at_the_address() -> None:
    ports = {
        port.get("name"): (etree.QName(port[0]).namespace, port[0].get("location"))
        for port in ROOT.iter(f"{{{WSDL}}}port")
    }
    assert ports == {
        "Gateway11": (WSDL_SOAP11, "https://gateway.example.gov/soap"),
        "Gateway12": (WSDL_SOAP12, "https://gateway.example.gov/soap"),
    }


def test_each_operation_has_its_action_in_both_bindings() -> None:
    for namespace in (WSDL_SOAP11, WSDL_SOAP12):
        actions = [each.get("soapAction") for each in ROOT.iter(f"{{{namespace}}}operation")]
        assert actions == [action_of(operation) for operation in OPERATIONS]


def test_every_message_is_an_element_of_the_schema() -> None:
    schema = etree.fromstring(SCHEMA.encode())
    declared = {each.get("name") for each in schema.findall("{http://www.w3.org/2001/XMLSchema}element")}
    for part in ROOT.iter(f"{{{WSDL}}}part"):
        prefix, _, local = str(part.get("element")).partition(":")
        assert part.nsmap[prefix] == SERVICE
        assert local in declared


def test_the_schema_lies_beside_the_wsdl_and_no_exchange_is_in_it() -> None:
    (imported,) = ROOT.iter("{http://www.w3.org/2001/XMLSchema}import")
    assert imported.get("schemaLocation") == SCHEMA_LOCATION
    assert "niem" not in wsdl("https://a.example/soap").lower()


def test_an_address_cannot_break_out_of_its_attribute() -> None:
    root = etree.fromstring(wsdl('https://a.example/"><b/>&').encode())
    assert next(root.iter(f"{{{WSDL_SOAP11}}}address")).get("location") == 'https://a.example/"><b/>&'
