"""Door: takes the connections of one listening socket, and counts those whose TLS handshake is not done.

A server of asyncio tells a protocol of its connection only after the handshake, so that whoever begins thousands and
finishes none is seen by nobody. Here a connection has a place from the moment it is taken; when there are too many, the
oldest handshake gives its place to who comes, so that whoever shakes hands faster than the crowd is always let in
(decision 35).
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable

from gateway.api.network import network_of
from gateway.api.peers import Peers

HANDSHAKE_SECONDS = 10.0
GOODBYE_SECONDS = 1.0
"""A pooled client that reads nothing never answers TLS's close; asyncio would wait 30 seconds for it."""

BACKLOG = 2048
"""Connections the kernel holds until they are accepted; Linux cuts it to net.core.somaxconn."""

PAUSE_SECONDS = 0.1
"""Until the next one is taken, when there are no files or no memory left for it."""

PUT_OUT = "connection.put-out"
"""What is counted of a connection that was closed for another's sake."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NOT_LISTENING = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK})


class _Handshake:
    """A connection that has been taken and is no protocol's yet."""

    def __init__(self, peers: Peers, address: str, refused: Callable[[str], None]) -> None:
        self._peers, self._address, self._refused = peers, address, refused
        self.task: asyncio.Task[None] | None = None
        self._here = True

    def leave(self) -> None:
        """Give its place back, once."""
        if self._here:
            self._here = False
            self._peers.leave(self._address, self)

    def put_out(self) -> None:
        """Somebody else needs the place: nobody is told why."""
        self.leave()
        self._refused(PUT_OUT)
        if self.task is not None:
            self.task.cancel()


def places_of_handshakes(*, per_address_max: int, all_max: int) -> Peers:
    """Places of connections that have not shaken hands yet. However young one is, it gives way."""
    return Peers(per_address_max=per_address_max, all_max=all_max, quiet_seconds_min=0)


class Door:
    """What `asyncio.Server` is, as far as uvicorn needs it.

    listening   bound; closed with the door
    protocol    makes the protocol of a connection, once it has shaken hands
    handshakes  `places_of_handshakes`; one for all doors of a process
    refused     told the code of each connection that was closed before it was a protocol's
    """

    def __init__(
        self,
        listening: socket.socket,
        *,
        protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        handshakes: Peers,
        refused: Callable[[str], None],
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._tls = tls
        self._handshakes = handshakes
        self._refused = refused
        self._unfinished: set[asyncio.Task[None]] = set()
        self._taking: asyncio.Task[None] | None = None

    def open(self, ended: Callable[[], None]) -> None:
        """Connections are taken from here on. ended: called when none is taken any more, for whatever reason."""
        self._listening.listen(BACKLOG)
        self._taking = asyncio.get_running_loop().create_task(self._take())
        self._taking.add_done_callback(lambda _: ended())

    def close(self) -> None:
        """Take no more; handshakes end where they are."""
        if self._taking is not None:
            self._taking.cancel()
        for task in self._unfinished:
            task.cancel()

    async def wait_closed(self) -> None:
        """Until all of it has ended. Raises what ended it, if it was not `close`."""
        await asyncio.gather(*self._unfinished, return_exceptions=True)
        if self._taking is not None:
            (found,) = await asyncio.gather(self._taking, return_exceptions=True)
            if isinstance(found, Exception):
                raise found

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    taken, address = await loop.sock_accept(self._listening)
                except OSError as error:
                    if error.errno in _NOT_LISTENING:
                        raise
                    # Else whoever knocked has gone again.
                    await asyncio.sleep(PAUSE_SECONDS if error.errno in _EXHAUSTED else 0)
                else:
                    self._let_in(taken, network_of(str(address[0])) if address else "")
                    await asyncio.sleep(0)  # a full queue at the door is no reason for everybody else to wait
        finally:
            self._listening.close()

    def _let_in(self, taken: socket.socket, address: str) -> None:
        loop = asyncio.get_running_loop()
        self._handshakes.enter(address, now := loop.time())  # always: of handshakes, one can be put out
        place = _Handshake(self._handshakes, address, self._refused)
        place.task = loop.create_task(self._shake_hands(taken))
        self._handshakes.quiet(address, place, now)
        self._unfinished.add(place.task)
        place.task.add_done_callback(self._unfinished.discard)
        place.task.add_done_callback(lambda _: place.leave())

    async def _shake_hands(self, taken: socket.socket) -> None:
        secure = self._tls is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                taken,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if secure else None,
                ssl_shutdown_timeout=GOODBYE_SECONDS if secure else None,
            )
        except OSError:
            # No TLS, no certificate that counts, no end of the handshake in time, or gone: the peer has been told.
            taken.close()
