"""The WSDL that partners generate a receiver of answers from."""

from typing import Any

import pytest
import zeep
from lxml import etree

from gateway.document.names import WSDL, WSDL_SOAP11, WSDL_SOAP12
from gateway.soap.callback import ANSWERS, SCHEMA_LOCATION, callback_wsdl
from gateway.soap.service import OPERATIONS, SERVICE, action_of
from gateway.soap.wsdl import SCHEMA

ROOT = etree.fromstring(callback_wsdl().encode())


def test_every_answer_that_holds_no_records_is_a_one_way_operation_with_its_action() -> None:
    assert {f"{operation}Response" for operation in OPERATIONS} - set(ANSWERS) == {"PollResponse", "PreviewResponse"}
    operations = ROOT.findall(f"{{{WSDL}}}portType/{{{WSDL}}}operation")
    assert [each.get("name") for each in operations] == list(ANSWERS)
    assert [[etree.QName(child).localname for child in each] for each in operations] == [["input"]] * 3
    for namespace in (WSDL_SOAP11, WSDL_SOAP12):
        actions = [each.get("soapAction") for each in ROOT.iter(f"{{{namespace}}}operation")]
        assert actions == [action_of(answer) for answer in ANSWERS]


def test_each_answer_is_an_element_of_the_schema_beside_it() -> None:
    declared = {each.get("name") for each in etree.fromstring(SCHEMA.encode())}
    assert {str(part.get("element")).removeprefix("g:") for part in ROOT.iter(f"{{{WSDL}}}part")} <= declared
    (imported,) = ROOT.iter("{http://www.w3.org/2001/XMLSchema}import")
    assert (imported.get("namespace"), imported.get("schemaLocation")) == (SERVICE, SCHEMA_LOCATION)


class _FromMemory(zeep.Transport):  # type: ignore[misc]  # zeep has no types
    def load(self, url: str) -> bytes:
        return (SCHEMA if url.endswith("gateway.xsd") else callback_wsdl()).encode()


@pytest.mark.parametrize("port", ["GatewayReplies11", "GatewayReplies12"])
def test_a_toolkit_reads_it_and_knows_each_answer(port: str) -> None:
    client: Any = zeep.Client("http://gateway.example/soap/callback?wsdl", transport=_FromMemory())
    binding = client.wsdl.services["GatewayRepliesService"].ports[port].binding
    assert set(binding.all()) == set(ANSWERS)
    body = etree.fromstring(
        f'<g:AcknowledgeResponse xmlns:g="{SERVICE}"><g:Delivery>d-1</g:Delivery></g:AcknowledgeResponse>'
    )
    told = client.wsdl.types.get_element(f"{{{SERVICE}}}AcknowledgeResponse").parse(body, client.wsdl.types)
    assert told.Delivery == ["d-1"]
