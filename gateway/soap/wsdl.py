"""The service's WSDL 1.1 and schema: what a partner's toolkit is pointed at.

Payloads and Covers are `xs:any`: zeep, PHP and strong-soap cannot do the substitution groups NIEM is full of,
and every client can put raw XML in an any. The exchanges' own schemas are served beside, not inside wsdl:types.
Actions are on the bindings only; declaring WS-Addressing would make toolkits invent a message id for each try,
and a retry must carry the id of the first.
"""

from xml.sax.saxutils import quoteattr

from gateway.document.names import SOAP12
from gateway.soap.service import DELIVERIES_MAX, OPERATIONS, SERVICE, action_of

SCHEMA_LOCATION = "soap/xsd/gateway.xsd"
"""Relative to the WSDL's own address, `/soap?wsdl`."""

_WSDL_SOAP = {"11": "http://schemas.xmlsoap.org/wsdl/soap/", "12": "http://schemas.xmlsoap.org/wsdl/soap12/"}
_HTTP = "http://schemas.xmlsoap.org/soap/http"

SCHEMA = f"""<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:g="{SERVICE}"
    targetNamespace="{SERVICE}" elementFormDefault="qualified" version="1.0">
  <xs:annotation><xs:documentation>Elements of the gateway's SOAP service. A payload is any one element: the gateway
    validates it against its exchange's own schema and answers with findings.</xs:documentation></xs:annotation>

  <xs:element name="Submit"><xs:complexType><xs:sequence>
    <xs:element name="To" type="g:Id" minOccurs="0" maxOccurs="unbounded"><xs:annotation><xs:documentation>A recipient
      asked for. None: everyone who may have the message. Naming recipients only narrows.</xs:documentation>
      </xs:annotation></xs:element>
    <xs:element name="Corrects" type="g:Id" minOccurs="0"><xs:annotation><xs:documentation>Id of the message this one
      corrects.</xs:documentation></xs:annotation></xs:element>
    <xs:element name="Cancels" type="g:Id" minOccurs="0"><xs:annotation><xs:documentation>Id of the message this one
      cancels.</xs:documentation></xs:annotation></xs:element>
    <xs:element name="Payload" type="g:AnyElement"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="SubmitResponse"><xs:complexType><xs:sequence>
    <xs:element name="Id" type="g:Id"/>
    <xs:element name="SenderId" type="g:Id"/>
    <xs:element name="ReceivedAt" type="xs:dateTime"/>
    <xs:element name="Digest" type="xs:string"/>
    <xs:element name="Recipient" type="g:Recipient" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Entry" type="g:Id"/>
    <xs:element name="Receipt" type="xs:string"/>
    <xs:element name="Repeated" type="xs:boolean"><xs:annotation><xs:documentation>The message was here before; this is
      the first answer again, and nothing was done twice.</xs:documentation></xs:annotation></xs:element>
  </xs:sequence></xs:complexType></xs:element>

  <xs:element name="Preview"><xs:annotation><xs:documentation>A message is tried: what each partner would receive is
    said, and nothing is kept, shared or delivered. The content is that of Submit.</xs:documentation></xs:annotation>
    <xs:complexType><xs:sequence>
    <xs:element name="To" type="g:Id" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Corrects" type="g:Id" minOccurs="0"/>
    <xs:element name="Cancels" type="g:Id" minOccurs="0"/>
    <xs:element name="Payload" type="g:AnyElement"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="PreviewResponse"><xs:complexType><xs:sequence>
    <xs:element name="Exchange" type="xs:string"/>
    <xs:element name="TriedAt" type="xs:dateTime"/>
    <xs:element name="Would" type="g:Would" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Entry" type="g:Id"/>
  </xs:sequence></xs:complexType></xs:element>

  <xs:element name="Poll"><xs:complexType><xs:sequence>
    <xs:element name="After" type="xs:nonNegativeInteger" minOccurs="0"><xs:annotation><xs:documentation>Next of the
      answer before.</xs:documentation></xs:annotation></xs:element>
    <xs:element name="Limit" type="g:Limit" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="PollResponse"><xs:complexType><xs:sequence>
    <xs:element name="Item" type="g:Item" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Next" type="xs:nonNegativeInteger"/>
  </xs:sequence></xs:complexType></xs:element>

  <xs:element name="Acknowledge"><xs:complexType><xs:sequence>
    <xs:element name="Delivery" type="g:Id" maxOccurs="{DELIVERIES_MAX}"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="AcknowledgeResponse"><xs:complexType><xs:sequence>
    <xs:element name="Delivery" type="g:Id" maxOccurs="{DELIVERIES_MAX}"/>
  </xs:sequence></xs:complexType></xs:element>

  <xs:element name="Status"><xs:complexType><xs:sequence>
    <xs:element name="Id" type="g:Id"><xs:annotation><xs:documentation>The gateway's id of the message, or the
      sender's own.</xs:documentation></xs:annotation></xs:element>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="StatusResponse"><xs:complexType><xs:sequence>
    <xs:element name="Id" type="g:Id"/>
    <xs:element name="SenderId" type="g:Id"/>
    <xs:element name="Exchange" type="xs:string"/>
    <xs:element name="Action" type="xs:string"/>
    <xs:element name="ReceivedAt" type="xs:dateTime"/>
    <xs:element name="Digest" type="xs:string"/>
    <xs:element name="Delivery" type="g:Delivery" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>

  <xs:element name="Problem" type="g:Problem"><xs:annotation><xs:documentation>In the detail of every
    fault.</xs:documentation></xs:annotation></xs:element>

  <xs:simpleType name="Id"><xs:restriction base="xs:token">
    <xs:minLength value="1"/><xs:maxLength value="255"/>
  </xs:restriction></xs:simpleType>
  <xs:simpleType name="Limit"><xs:restriction base="xs:positiveInteger">
    <xs:maxInclusive value="{DELIVERIES_MAX}"/>
  </xs:restriction></xs:simpleType>
  <xs:complexType name="AnyElement"><xs:sequence>
    <xs:any namespace="##any" processContents="skip"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Recipient"><xs:sequence>
    <xs:element name="Agency" type="g:Id"/>
    <xs:element name="Outcome" type="xs:string"/>
    <xs:element name="Code" type="xs:string" minOccurs="0"/>
    <xs:element name="Delivery" type="g:Id" minOccurs="0"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Would"><xs:annotation><xs:documentation>What one partner would receive. A Code says why it would
    receive nothing; the rest is there when it would.</xs:documentation></xs:annotation><xs:sequence>
    <xs:element name="Agency" type="g:Id"/>
    <xs:element name="Outcome" type="xs:string"/>
    <xs:element name="Code" type="xs:string" minOccurs="0"/>
    <xs:element name="Mou" type="xs:string" minOccurs="0"/>
    <xs:element name="Clause" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Purpose" type="xs:string" minOccurs="0"/>
    <xs:element name="Role" type="xs:string" minOccurs="0"/>
    <xs:element name="Shared" type="xs:nonNegativeInteger" minOccurs="0"/>
    <xs:element name="Withheld" type="g:Count" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Reduced" type="g:Count" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Withdrawal" type="xs:boolean" minOccurs="0"/>
    <xs:element name="ConsentDecides" type="xs:boolean" minOccurs="0"/>
    <xs:element name="Omitted" type="xs:string" minOccurs="0"/>
    <xs:element name="Payload" type="g:AnyElement" minOccurs="0"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Count"><xs:annotation><xs:documentation>How many places of one label.</xs:documentation>
    </xs:annotation><xs:sequence>
    <xs:element name="Label" type="xs:string"/>
    <xs:element name="Places" type="xs:nonNegativeInteger"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Item"><xs:sequence>
    <xs:element name="Delivery" type="g:Id"/>
    <xs:element name="Message" type="g:Id"/>
    <xs:element name="Exchange" type="xs:string"/>
    <xs:element name="Mou" type="xs:string"/>
    <xs:element name="ReceivedAt" type="xs:dateTime"/>
    <xs:element name="Cover" type="g:AnyElement"/>
    <xs:element name="Payload" type="g:AnyElement"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Delivery"><xs:sequence>
    <xs:element name="Delivery" type="g:Id"/>
    <xs:element name="Recipient" type="g:Id"/>
    <xs:element name="State" type="xs:string"/>
    <xs:element name="Attempts" type="xs:nonNegativeInteger"/>
    <xs:element name="DeliveredAt" type="xs:dateTime" minOccurs="0"/>
    <xs:element name="Code" type="xs:string" minOccurs="0"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Problem"><xs:sequence>
    <xs:element name="Code" type="xs:string"/>
    <xs:element name="Text" type="xs:string"/>
    <xs:element name="CorrelationId" type="xs:string" minOccurs="0"/>
    <xs:element name="Finding" type="g:Finding" minOccurs="0" maxOccurs="unbounded"/>
    <xs:element name="Recipient" type="g:Recipient" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Finding"><xs:sequence>
    <xs:element name="Code" type="xs:string"/>
    <xs:element name="Severity" type="xs:string"/>
    <xs:element name="Path" type="xs:string"/>
    <xs:element name="Line" type="xs:positiveInteger" minOccurs="0"/>
    <xs:element name="Text" type="xs:string"/>
  </xs:sequence></xs:complexType>
</xs:schema>
"""


def wsdl(address: str, *, whole: bool = False) -> str:
    """The WSDL of the service at this address: one port for each SOAP version.

    whole  with the schema in it, for toolkits that want one file; else it is imported
    """
    imported = f'<xs:schema>\n    <xs:import namespace="{SERVICE}" schemaLocation="{SCHEMA_LOCATION}"/>\n  </xs:schema>'
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<wsdl:definitions name="Gateway" targetNamespace="{SERVICE}" xmlns:g="{SERVICE}"',
        '    xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:xs="http://www.w3.org/2001/XMLSchema"',
        f'    xmlns:soap11="{_WSDL_SOAP["11"]}" xmlns:soap12="{_WSDL_SOAP["12"]}">',
        f"  <wsdl:documentation>{_DOCUMENTATION}</wsdl:documentation>",
        f"  <wsdl:types>{SCHEMA.partition('?>')[2].strip() if whole else imported}</wsdl:types>",
        *(_messages(operation) for operation in OPERATIONS),
        '  <wsdl:message name="Problem"><wsdl:part name="problem" element="g:Problem"/></wsdl:message>',
        '  <wsdl:portType name="Gateway">',
        *(_port_operation(operation) for operation in OPERATIONS),
        "  </wsdl:portType>",
        *(_binding(version) for version in _WSDL_SOAP),
        '  <wsdl:service name="GatewayService">',
        *(
            f'    <wsdl:port name="Gateway{version}" binding="g:Gateway{version}">'
            f"<soap{version}:address location={quoteattr(address)}/></wsdl:port>"
            for version in _WSDL_SOAP
        ),
        "  </wsdl:service>",
        "</wsdl:definitions>",
    ]
    return "\n".join(parts) + "\n"


_DOCUMENTATION = (
    "Exchange of justice records under agreements. Port Gateway11 is SOAP 1.1, Gateway12 is SOAP 1.2 "
    f"({SOAP12}). Set wsa:MessageID to your own id of the message and keep it when you try again: the same "
    "id and content is answered with the first receipt, and nothing is delivered twice. With wsa:ReplyTo naming an "
    "address registered for you, HTTP answers 202 and the answer comes there as a one-way message: its WSDL is "
    "/soap/callback?wsdl. "
    "Schemas and samples of the exchanges: soap/xsd, beside this document. Photos may travel as MTOM."
)


def _messages(operation: str) -> str:
    return (
        f'  <wsdl:message name="{operation}"><wsdl:part name="parameters" element="g:{operation}"/></wsdl:message>\n'
        f'  <wsdl:message name="{operation}Response">'
        f'<wsdl:part name="parameters" element="g:{operation}Response"/></wsdl:message>'
    )


def _port_operation(operation: str) -> str:
    return (
        f'    <wsdl:operation name="{operation}"><wsdl:input message="g:{operation}"/>'
        f'<wsdl:output message="g:{operation}Response"/>'
        f'<wsdl:fault name="Problem" message="g:Problem"/></wsdl:operation>'
    )


def _binding(version: str) -> str:
    soap = f"soap{version}"
    operations = "\n".join(
        f'    <wsdl:operation name="{operation}"><{soap}:operation soapAction="{action_of(operation)}" '
        f'style="document"/><wsdl:input><{soap}:body use="literal"/></wsdl:input>'
        f'<wsdl:output><{soap}:body use="literal"/></wsdl:output>'
        f'<wsdl:fault name="Problem"><{soap}:fault name="Problem" use="literal"/></wsdl:fault></wsdl:operation>'
        for operation in OPERATIONS
    )
    return (
        f'  <wsdl:binding name="Gateway{version}" type="g:Gateway">\n'
        f'    <{soap}:binding style="document" transport="{_HTTP}"/>\n{operations}\n  </wsdl:binding>'
    )
