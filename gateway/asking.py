"""Asking partners' gateways: the connections of a process that are no deliveries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.app import key_store
from gateway.exchange.gateway import Gateway
from gateway.exchange.judging import judging
from gateway.keys.certified import public_pem
from gateway.keys.files import KeyStore
from gateway.transport.ask import HttpAsk
from gateway.transport.connections import Connections, Own
from gateway.transport.tls import ClientIdentity, Judge, Trust


def connections_of(gateway: Gateway) -> Connections:
    """Connections to partners, to be closed by whoever opened them. Servers are trusted by the system's authorities,
    by the gateway's own, and by those registered for the partner; the gateway shows its client certificate."""
    keys, judge = key_store(gateway.settings), judging(lambda: gateway.current, gateway.clock)
    return Connections(now=lambda: _own(keys, judge()))


def _own(keys: KeyStore, judge: Judge) -> Own:
    """As the key directory and the configuration are now: what changed is taken up with the next connection."""
    files = keys.client_files
    return Own(
        trust=Trust(authorities=b"\n".join(map(public_pem, keys.authorities)), system=True),
        identity=ClientIdentity(
            certificate=files.certificate, key=files.key, passphrase=files.passphrase, looks=files.looks
        ),
        judge=judge,
    )


@asynccontextmanager
async def asking(gateway: Gateway) -> AsyncIterator[HttpAsk]:
    """A way to ask partners' gateways, while the block runs."""
    connections = connections_of(gateway)
    try:
        yield HttpAsk(connections)
    finally:
        await connections.close()
