"""Door: takes the connections of one listening socket, and counts those whose TLS handshake is not done.

A server of asyncio tells a protocol of its connection only after the handshake, so that whoever begins thousands and
finishes none is seen by nobody. Here a connection has a place from the moment it is taken until it has shaken hands;
when there are too many, the oldest gives its place to who comes (decision 35).
"""

import asyncio
import errno
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from gateway.api.network import network_of
from gateway.telemetry import log

HANDSHAKE_SECONDS = 10.0
GOODBYE_SECONDS = 1.0
"""A pooled client that reads nothing never answers TLS's close; asyncio would wait 30 seconds for it."""

BACKLOG = 2048
"""Connections the kernel holds until they are accepted; Linux cuts it to net.core.somaxconn."""

PAUSE_SECONDS = 0.1
"""Until the next one is taken, when there are no files or no memory left and nobody can be put out for it."""

PUT_OUT = "connection.put-out"
"""What is counted of a connection that was closed for another's sake."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NOT_LISTENING = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSOCK})


class MakeProtocol(Protocol):
    """Makes the protocol of a connection."""

    def __call__(self, *, connected: Callable[[], bool]) -> asyncio.Protocol:
        """connected: to be asked when it is connected. False: it has been put out meanwhile, and is to be closed."""


class Handshakes:
    """Places of connections that have not shaken hands; one for all doors of a process.

    The oldest goes, however young it is: whoever shakes hands in the time that a crowd needs to fill all the places
    gets through. Nobody is told why: there is nobody yet who could be told anything.

    per_address_max, all_max  at once
    refused                   told of each that is put out
    """

    def __init__(self, *, per_address_max: int, all_max: int, refused: Callable[[str], None]) -> None:
        self._per_address_max, self._all_max = per_address_max, all_max
        self._refused = refused
        # In order of arrival.
        self._all: dict[Handshake, None] = {}
        self._of: defaultdict[str, dict[Handshake, None]] = defaultdict(dict)

    def enter(self, handshake: "Handshake") -> None:
        """One more; another one goes where that would be too many."""
        if len(of := self._of[handshake.address]) >= self._per_address_max:
            self._put_out(next(iter(of)))
        elif len(self._all) >= self._all_max:
            self._put_out(next(iter(self._all)))
        self._all[handshake] = self._of[handshake.address][handshake] = None

    def leave(self, handshake: "Handshake") -> bool:
        """One less; False when it had left already."""
        if handshake not in self._all:
            return False
        del self._all[handshake]
        del self._of[handshake.address][handshake]
        if not self._of[handshake.address]:
            del self._of[handshake.address]
        return True

    def make_room(self) -> bool:
        """Put the oldest out; False when there is none."""
        oldest = next(iter(self._all), None)
        if oldest is not None:
            self._put_out(oldest)
        return oldest is not None

    def _put_out(self, handshake: "Handshake") -> None:
        self.leave(handshake)
        self._refused(PUT_OUT)
        handshake.end()


class Handshake:
    """A connection that has been taken and is no protocol's yet."""

    def __init__(self, taken: socket.socket, address: str, places: Handshakes) -> None:
        self.taken, self.address = taken, address
        self._places = places
        self._begun = False
        self._task: asyncio.Task[None] | None = None

    def begin(self, protocol: MakeProtocol, tls: ssl.SSLContext | None) -> "asyncio.Task[None]":
        """Shake hands, in a task of its own."""
        self._places.enter(self)
        self._task = asyncio.get_running_loop().create_task(self._shake_hands(protocol, tls))
        self._task.add_done_callback(self._done)
        return self._task

    def end(self) -> None:
        """Close it, unless it is connected: then it is its protocol's."""
        if self._task is not None:
            self._task.cancel()

    async def _shake_hands(self, protocol: MakeProtocol, tls: ssl.SSLContext | None) -> None:
        self._begun = True
        secure = tls is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol(connected=self._connected),
                self.taken,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if secure else None,
                ssl_shutdown_timeout=GOODBYE_SECONDS if secure else None,
            )
        except OSError:
            # No TLS, no certificate that counts, no end of the handshake in time, or gone: the peer has been told.
            self.taken.close()
        except Exception as error:  # noqa: BLE001  (a certificate can be broken in ways that the library did not foresee)
            self.taken.close()
            log.warning("connection", code="connection.handshake", error=type(error).__name__)

    def _connected(self) -> bool:
        # From now on nobody puts it out here, nor does the end of its task, which comes a moment later, close it.
        return self._places.leave(self)

    def _done(self, _: "asyncio.Task[None]") -> None:
        self._places.leave(self)
        if not self._begun:  # canceled before its first step
            self.taken.close()


class Door:
    """What `asyncio.Server` is, as far as uvicorn needs it.

    listening  bound; closed with the door
    """

    def __init__(
        self, listening: socket.socket, *, protocol: MakeProtocol, tls: ssl.SSLContext | None, handshakes: Handshakes
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._tls = tls
        self._handshakes = handshakes
        self._unfinished: dict[asyncio.Task[None], Handshake] = {}
        self._taking: asyncio.Task[None] | None = None

    def open(self, ended: Callable[[], None]) -> None:
        """Connections are taken from here on. ended: called when none is taken any more, for whatever reason."""
        self._listening.listen(BACKLOG)
        self._taking = asyncio.get_running_loop().create_task(self._take())
        self._taking.add_done_callback(lambda _: ended())

    def close(self) -> None:
        """Take no more; handshakes end where they are. What is connected is its protocol's."""
        if self._taking is not None:
            self._taking.cancel()
        for handshake in self._unfinished.values():
            if self._handshakes.leave(handshake):
                handshake.end()

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
                    short = error.errno in _EXHAUSTED and not self._handshakes.make_room()
                    await asyncio.sleep(PAUSE_SECONDS if short else 0)
                else:
                    self._let_in(Handshake(taken, network_of(str(address[0])) if address else "", self._handshakes))
                    await asyncio.sleep(0)  # a full queue at the door is no reason for everybody else to wait
        finally:
            self._listening.close()

    def _let_in(self, handshake: Handshake) -> None:
        task = handshake.begin(self._protocol, self._tls)
        self._unfinished[task] = handshake
        task.add_done_callback(self._unfinished.pop)
