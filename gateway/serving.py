"""The long-running processes: listeners, worker, and what they share. Apart from `app`, so that commands which end
at once do not load web frameworks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from gateway.agency import EndpointKind
from gateway.api.app import make_app, make_console_app
from gateway.api.callers import Callers
from gateway.api.server import Listener, connection_limits, serve, stop_on_signals
from gateway.api.tls import TlsUnusable, server_context, trusted_clients
from gateway.app import assembled, key_store
from gateway.asking import connections_of
from gateway.config import read_settings
from gateway.errors import GatewayError
from gateway.exchange.countersign import flush_noted
from gateway.exchange.gateway import Gateway
from gateway.signing.keyring import Signer
from gateway.telemetry import Metrics, configure_logging, log
from gateway.telling import mail_of_heads, ways_of
from gateway.transport.ask import HttpAsk
from gateway.transport.interface import Send
from gateway.transport.letter import LetterTransport
from gateway.transport.rest import RestTransport
from gateway.transport.soap import SoapTransport
from gateway.worker import run_worker

REFRESH_SECONDS = 0.5
"""How long a process may go on with a configuration that was changed elsewhere: a suspended agency stops within it."""


async def serve_process(
    directory: Path, listening: Sequence[socket], console: Sequence[socket], *, worker: bool, processes: int = 1
) -> None:
    """Serve over these bound sockets, with a worker beside it if wanted, until SIGINT or SIGTERM.

    processes  how many of these serve together: each admits its share of what callers may ask
    """
    configure_logging()
    made = read_settings(directory).on_port(listening[0].getsockname()[1])
    async with assembled(made) as gateway, outward_of(gateway) as outward:
        metrics, ways, mail = Metrics(), ways_of(made), mail_of_heads(made)
        plain = not made.listen.tls and not console  # one plain listener on loopback: the docs are there too
        keys = key_store(made)
        tls = None
        if made.listen.tls:
            tls = server_context(
                lambda: keys.tls_files,
                lambda: trusted_clients(gateway.current, keys.authorities),
                on_failure=lambda: log.error("failed", code=TlsUnusable.code),
            )
        app = make_app(gateway, metrics=metrics, docs=plain, share=1 / processes)
        listeners = [Listener(app=app, sockets=listening, tls=tls)]
        if console:
            listeners.append(Listener(app=make_console_app(gateway, metrics=metrics), sockets=console))
        stop = asyncio.Event()
        callers = Callers()
        tasks = [asyncio.create_task(refresh_forever(gateway, callers))]
        if worker:
            working = run_worker(
                gateway,
                stop,
                sends=outward.sends,
                letters=outward.letters,
                wake=gateway.accepted,
                metrics=metrics,
                ask=outward.ask,
                ways=ways,
                mail=mail,
            )
            tasks.append(asyncio.create_task(working))
        try:
            await serve(
                listeners,
                limits=connection_limits(made.limits),
                refused=lambda code: metrics.connections_refused.labels(code).inc(),
                stop=stop,
                callers=callers,
            )
        finally:
            stop.set()
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def worker_process(directory: Path, port: int | None = None) -> None:
    """Work until SIGINT or SIGTERM.

    port  that the gateway is reached at; None = the setting's
    """
    configure_logging()
    made = read_settings(directory)
    async with assembled(made if port is None else made.on_port(port)) as gateway, outward_of(gateway) as outward:
        stop = asyncio.Event()
        with stop_on_signals(stop):
            sends, ask, ways, mail = outward.sends, outward.ask, ways_of(made), mail_of_heads(made)
            await run_worker(gateway, stop, sends=sends, letters=outward.letters, ask=ask, ways=ways, mail=mail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outward:
    """The ways to partners: pushing to each kind of endpoint, answering elsewhere, and asking another gateway."""

    sends: Mapping[EndpointKind, Send]
    letters: LetterTransport
    ask: HttpAsk


@asynccontextmanager
async def outward_of(gateway: Gateway) -> AsyncIterator[Outward]:
    """The ways to partners, open while the block runs."""
    connections = connections_of(gateway)

    def signer() -> Signer:
        """The Cover key of now: it may be changed while the process runs."""
        return gateway.keys.cover_signer

    try:
        yield Outward(
            sends={
                EndpointKind.REST: RestTransport(connections, gateway.clock),
                EndpointKind.SOAP: SoapTransport(connections, gateway.clock, signer),
            },
            letters=LetterTransport(connections, gateway.clock, signer),
            ask=HttpAsk(connections),
        )
    finally:
        await connections.close()


async def refresh_forever(gateway: Gateway, callers: Callers) -> None:
    """Take up what other processes change, and cut off whom it shuts out. When the store is away the configuration of
    before stays in use."""
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        with contextlib.suppress(GatewayError):
            await gateway.refresh()
            callers.cut(lambda each: gateway.still_speaks(each.agency, each.credentials, each.certificate, each.others))
            await flush_noted(gateway)
