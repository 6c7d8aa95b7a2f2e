"""Answers of a SOAP request that go to an address registered for its sender, as messages of their own.

Poll and Preview are not answered so. What they answer holds records: they leave on the connection that was proven
theirs, and no second copy of them is kept that would outlive the destruction of one of the records. An agency that
wants records sent has an endpoint.
"""

from dataclasses import dataclass
from hashlib import sha256

from lxml import etree

from gateway.agency import Agency, AgencyId
from gateway.api.soap_acts import submit_response
from gateway.api.soap_fault import fault_told
from gateway.document.canonical import exclusive
from gateway.errors import GatewayError
from gateway.exchange.reply import registered
from gateway.exchange.submission import Accepted
from gateway.soap import envelope, fault
from gateway.soap.addressing import Addressing, ReplyElsewhere, answer_headers
from gateway.soap.envelope import Envelope, Version
from gateway.soap.reference import Reference
from gateway.soap.service import action_of, operation_name

SAME_CONNECTION_ONLY = frozenset({"Poll", "Preview"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    """`exchange.reply.Replying`, for one SOAP request.

    digest       of the Body's element
    reply_to     as it is registered, "" when the answer does not go elsewhere; so fault_to
    correlation  id under which the gateway logged the request
    """

    agency: AgencyId
    version: Version
    addressing: Addressing
    operation: str
    digest: bytes
    reply_to: str
    fault_to: str
    correlation: str

    @property
    def request(self) -> str:
        """wsa:MessageID of the request."""
        return self.addressing.message_id

    def answer(self, message_id: str, accepted: Accepted) -> bytes:
        """The answer to a submission."""
        return self.enveloped(message_id, submit_response(accepted))

    def enveloped(self, message_id: str, body: etree._Element) -> bytes:
        """An answer in its envelope."""
        action = action_of(f"{self.operation}Response")
        return self._written(message_id, body, self.addressing.reply_to, self.reply_to, action=action)

    def fault(self, message_id: str, error: GatewayError) -> bytes:
        """The fault that says why not, in its envelope."""
        told = fault_told(error, self.addressing, self.correlation)
        body, more = fault.body(told, self.version), fault.headers(told, self.version)
        return self._written(message_id, body, self.addressing.fault_to, self.fault_to, action=told.action, more=more)

    def _written(
        self,
        message_id: str,
        body: etree._Element,
        asked: Reference,
        address: str,
        *,
        action: str,
        more: tuple[etree._Element, ...] = (),
    ) -> bytes:
        to = Reference(address=address, parameters=asked.parameters)
        blocks = answer_headers(self.addressing, action=action, message_id=message_id, to=to)
        return envelope.write(self.version, body, (*blocks, *more))


def one_way_of(agency: Agency, received: Envelope, addressing: Addressing, correlation: str) -> OneWay | None:
    """How the answers of this request are written elsewhere; None when none goes elsewhere. Raises `ReplyElsewhere`."""
    reply_to = _registered(agency, addressing.reply_to, "ReplyTo")
    fault_to = _registered(agency, addressing.fault_to, "FaultTo")
    if not reply_to and not fault_to:
        return None
    operation = operation_name(received.body)
    if operation in SAME_CONNECTION_ONLY:
        raise ReplyElsewhere(
            f"{operation} is answered on its own connection only: records go nowhere else",
            header="ReplyTo",
            special="OnlyAnonymousAddressSupported",
        )
    return OneWay(
        agency=agency.id,
        version=received.version,
        addressing=addressing,
        operation=operation,
        digest=sha256(exclusive(received.body)).digest(),
        reply_to=reply_to,
        fault_to=fault_to,
        correlation=correlation,
    )


def _registered(agency: Agency, asked: Reference, header: str) -> str:
    if not asked.elsewhere:
        return ""
    endpoint = registered(agency, asked.address)
    if endpoint is not None:
        return endpoint.url
    raise ReplyElsewhere(
        "the answer goes back on the connection, nowhere, or to an address that the gateway's operator has registered "
        "for your agency; this one is not registered",
        header=header,
        special="InvalidAddress" if agency.reply_to else "OnlyAnonymousAddressSupported",
    )
