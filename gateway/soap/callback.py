"""WSDL 1.1 of what a partner has to understand that wants its answers elsewhere: to generate a receiver from.

Each answer of the service is a one-way operation here, named as its element, in both SOAP versions. Faults are no
operation: they come as a soap:Fault in the Body with the Problem in its detail, as on a connection.
"""

from typing import Final

from gateway.soap.service import SERVICE, action_of

SCHEMA_LOCATION: Final = "xsd/gateway.xsd"
"""Relative to this WSDL's own address, `/soap/callback?wsdl`."""

ANSWERS: Final = ("SubmitResponse", "AcknowledgeResponse", "StatusResponse")
"""Poll and Preview are answered on their own connection only."""

PLACEHOLDER: Final = "https://your-server.example/gateway/replies"
"""Where it will be is the partner's to say: at an address registered for it."""

_WSDL_SOAP: Final = {"11": "http://schemas.xmlsoap.org/wsdl/soap/", "12": "http://schemas.xmlsoap.org/wsdl/soap12/"}
_HTTP: Final = "http://schemas.xmlsoap.org/soap/http"

_DOCUMENTATION: Final = (
    "Answers of the gateway to requests whose wsa:ReplyTo names an address registered for you. They come in the SOAP "
    "version of the request, signed (WS-Security, X.509); wsa:RelatesTo is the wsa:MessageID of the request. Answer "
    "202 with nothing when you have it. It comes again under the same wsa:MessageID until you do: drop repeats by it. "
    f"Faults come to wsa:FaultTo, or here, as soap:Fault with a Problem in the detail, action {action_of('Problem')}."
)


def callback_wsdl() -> str:
    """The WSDL."""
    namespaces = " ".join(f'xmlns:soap{version}="{uri}"' for version, uri in _WSDL_SOAP.items())
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:xs="http://www.w3.org/2001/XMLSchema"',
        f'    {namespaces} xmlns:g="{SERVICE}" targetNamespace="{SERVICE}" name="GatewayReplies">',
        f"  <wsdl:documentation>{_DOCUMENTATION}</wsdl:documentation>",
        "  <wsdl:types><xs:schema>",
        f'    <xs:import namespace="{SERVICE}" schemaLocation="{SCHEMA_LOCATION}"/>',
        "  </xs:schema></wsdl:types>",
        *(
            f'  <wsdl:message name="{answer}"><wsdl:part name="parameters" element="g:{answer}"/></wsdl:message>'
            for answer in ANSWERS
        ),
        '  <wsdl:portType name="GatewayReplies">',
        *(
            f'    <wsdl:operation name="{answer}"><wsdl:input message="g:{answer}"/></wsdl:operation>'
            for answer in ANSWERS
        ),
        "  </wsdl:portType>",
        *(_binding(version) for version in _WSDL_SOAP),
        '  <wsdl:service name="GatewayRepliesService">',
        *(
            f'    <wsdl:port name="GatewayReplies{version}" binding="g:GatewayReplies{version}">'
            f'<soap{version}:address location="{PLACEHOLDER}"/></wsdl:port>'
            for version in _WSDL_SOAP
        ),
        "  </wsdl:service>",
        "</wsdl:definitions>",
    ]
    return "\n".join(parts) + "\n"


def _binding(version: str) -> str:
    soap = f"soap{version}"
    operations = "\n".join(
        f'    <wsdl:operation name="{answer}"><{soap}:operation soapAction="{action_of(answer)}" style="document"/>'
        f'<wsdl:input><{soap}:body use="literal"/></wsdl:input></wsdl:operation>'
        for answer in ANSWERS
    )
    return (
        f'  <wsdl:binding name="GatewayReplies{version}" type="g:GatewayReplies">\n'
        f'    <{soap}:binding style="document" transport="{_HTTP}"/>\n{operations}\n  </wsdl:binding>'
    )
