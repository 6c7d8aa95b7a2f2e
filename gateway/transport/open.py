"""The transports of one process, ready to use."""

from gateway.agency import EndpointKind
from gateway.clock import Clock
from gateway.signing.keyring import Signer
from gateway.transport.connections import Connections
from gateway.transport.interface import Send
from gateway.transport.rest import RestTransport
from gateway.transport.soap import SoapTransport
from gateway.transport.tls import ClientIdentity, Trust


def open_transports(
    *, clock: Clock, signer: Signer, trust: Trust, identity: ClientIdentity | None
) -> dict[EndpointKind, Send]:
    """A transport for each kind of endpoint that deliveries are pushed to. Their user closes them.

    signer    signs SOAP envelopes
    trust     who vouches for partners' servers, besides an agency's own authorities for its own
    identity  the gateway's client certificate
    """
    return {
        EndpointKind.REST: RestTransport(Connections(trust=trust, identity=identity), clock),
        EndpointKind.SOAP: SoapTransport(Connections(trust=trust, identity=identity), clock, signer),
    }
