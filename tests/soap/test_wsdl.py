from pathlib import Path

import pytest
from lxml import etree
from xmlschema.extras.wsdl import Wsdl11Document

from gateway.document.canonical import exclusive
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


def test_the_whole_wsdl_has_its_schema_in_it() -> None:
    root = etree.fromstring(wsdl("https://a.example/soap", whole=True).encode())
    (schema,) = root.findall(f"{{{WSDL}}}types/{{http://www.w3.org/2001/XMLSchema}}schema")
    assert exclusive(schema) == exclusive(etree.fromstring(SCHEMA.encode()))


@pytest.mark.parametrize("whole", [False, True])
def test_the_wsdl_is_one_by_its_schema_and_by_its_own_rules(whole: bool, tmp_path: Path) -> None:
    """xmlschema has the schema of WSDL 1.1 and resolves every name: messages, port types, bindings, faults.

    It knows bindings of SOAP 1.1 alone; that those of 1.2 are the same is shown below.
    """
    (tmp_path / "soap" / "xsd").mkdir(parents=True)
    (tmp_path / SCHEMA_LOCATION).write_text(SCHEMA)
    root = etree.fromstring(wsdl("https://a.example/soap", whole=whole).encode())
    for each in root.xpath("//*[@name='Gateway12']"):
        each.getparent().remove(each)
    (tmp_path / "gateway.wsdl").write_bytes(etree.tostring(root))
    document = Wsdl11Document(str(tmp_path / "gateway.wsdl"), allow="sandbox")
    assert not document.errors
    (port_type,) = document.port_types.values()
    assert {name for name, *_ in port_type.operations} == set(OPERATIONS)
    for operation in port_type.operations.values():
        assert list(operation.faults) == ["Problem"]
        # Document/literal wrapped: one part, an element, named as the operation.
        (part,) = operation.input.message.parts.values()
        assert part.name == f"{{{SERVICE}}}{operation.local_name}"
    (service,) = document.services.values()
    assert [name.rpartition("}")[2] for name in service.ports] == ["Gateway11"]


def test_binding_and_port_type_agree() -> None:
    port_type = {each.get("name"): each for each in ROOT.find(f"{{{WSDL}}}portType")}
    for binding in ROOT.findall(f"{{{WSDL}}}binding"):
        bound = binding.findall(f"{{{WSDL}}}operation")
        assert [each.get("name") for each in bound] == list(port_type)
        for operation in bound:
            faults = [each.get("name") for each in operation.findall(f"{{{WSDL}}}fault")]
            assert faults == [each.get("name") for each in port_type[operation.get("name")].findall(f"{{{WSDL}}}fault")]
            # soap:fault names its wsdl:fault once more; .NET and gSOAP look there.
            assert [each[0].get("name") for each in operation.findall(f"{{{WSDL}}}fault")] == faults
            assert {each.get("use") for each in operation.iter("{*}body", "{*}fault") if each.get("use")} == {"literal"}
        style = next(child for child in binding if etree.QName(child).localname == "binding")
        assert (style.get("style"), style.get("transport")) == ("document", "http://schemas.xmlsoap.org/soap/http")


def test_parts_stand_in_the_order_of_wsdl() -> None:
    order = ["documentation", "types", "message", "portType", "binding", "service"]
    names = [etree.QName(child).localname for child in ROOT]
    assert names == sorted(names, key=order.index)
    assert ROOT.get("targetNamespace") == SERVICE
