"""A whole gateway on loopback - real store, keys, log, server - with the jail's certificates registered, to post to."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509

from gateway.agency import AgencyId
from gateway.api.app import make_app
from gateway.exchange.activate import change, issue_token, put_agency
from gateway.exchange.authorities import register_authority
from gateway.signing.certificate import to_pem
from gateway.store.configuration import Credential, CredentialKind
from tests.api.wire import listening
from tests.exchange.deployed import Deployed, deployed
from tests.signing.attacks.keys import JAIL, NOW, POLICE, county, pins, police, revoked

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, and how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


@dataclass
class Gateway:
    """The gateway as somebody with the jail's token finds it, and as its own log shows it afterwards."""

    place: Deployed
    port: int
    token: str
    loop: asyncio.AbstractEventLoop
    _seen: int = field(default=0)

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        """POST it. Underscores in names of headers become hyphens."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        begun = time.perf_counter()
        try:
            connection.request("POST", path, body, {"Authorization": f"Bearer {self.token}", **given})
            got = connection.getresponse()
            return Answer(
                status=got.status,
                headers={name.lower(): value for name, value in got.getheaders()},
                body=got.read(),
                seconds=time.perf_counter() - begun,
            )
        finally:
            connection.close()

    def run(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something on the gateway's own loop."""

        async def do() -> T:
            return await act()

        done: Future[T] = asyncio.run_coroutine_threadsafe(do(), self.loop)
        return done.result(timeout=30)

    def messages(self) -> int:
        """How many are stored."""

        async def count() -> int:
            return (await self.place.gateway.store.counts()).messages

        return self.run(count)

    def entered(self) -> list[dict[str, Any]]:
        """What the log says that it did not say when it was asked last."""

        async def read() -> list[dict[str, Any]]:
            return await self.place.log(self._seen)

        found = self.run(read)
        self._seen += len(found)
        return found


@contextmanager
def attacked(template: Path, directory: Path) -> Iterator[Gateway]:
    """The gateway, for the length of the block."""
    started: Future[Gateway] = Future()
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(ended.set))
        async with deployed(template, directory) as place:
            place.clock.moment = NOW
            token = await _registered(place)
            async with listening(make_app(place.gateway)) as port:
                started.set_result(Gateway(place=place, port=port, token=token, loop=loop))
                await ended.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    thread = threading.Thread(target=run, name="gateway under attack", daemon=True)
    thread.start()
    try:
        gateway = started.result(timeout=60)
        gateway.entered()
        yield gateway
    finally:
        if stop:
            stop[0]()
        thread.join(timeout=30)


async def _registered(place: Deployed) -> str:
    """Everything that is registered for the jail, in the state that the vectors suppose; its token."""
    gateway = place.gateway
    await put_agency(gateway, replace(gateway.current.agencies[JAIL], signs=True), actor="test")
    credentials = [_credential(JAIL, der) for der in pins()]
    credentials += [
        replace(_credential(JAIL, revoked().der), revoked_at=NOW),
        _credential(POLICE, police().der),
    ]
    await change(gateway, credentials, ())
    await register_authority(gateway, JAIL, to_pem(county().der), actor="test")
    return await issue_token(gateway, JAIL, actor="test")


def _credential(agency: AgencyId, der: bytes) -> Credential:
    """Put in as it stands: the certificate was good on the day it was registered."""
    certificate = x509.load_der_x509_certificate(der)
    return Credential(
        fingerprint=sha256(der).hexdigest(),
        kind=CredentialKind.CERTIFICATE,
        agency=agency,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        certificate=to_pem(der),
    )


TYPES = {
    "http://schemas.xmlsoap.org/soap/envelope/": "text/xml; charset=utf-8",
    "http://www.w3.org/2003/05/soap-envelope": "application/soap+xml; charset=utf-8",
}


def post(gateway: Gateway, data: bytes, **headers: str) -> Answer:
    """POST an envelope to /soap, as its version wants it."""
    kind = next(kind for soap, kind in TYPES.items() if soap.encode() in data)
    return gateway.post("/soap", data, Content_Type=kind, **headers)
