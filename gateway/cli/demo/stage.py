"""The demo's stage: a deployment, a gateway process, a process for each agency, and the scenes played on it."""

import asyncio
import os
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.agency import AgencyId, Endpoint, EndpointKind
from gateway.app import NotEmpty, init_deployment, issue_certificate, key_store, open_deployment
from gateway.cli.demo.process import GatewayProcess, PartnerProcess, ProcessFailed
from gateway.cli.demo.story import CERTIFIED, KINDS, Scene
from gateway.config import read_settings
from gateway.delivery.delivery import State
from gateway.exchange.activate import issue_token, put_agency
from gateway.exchange.gateway import Gateway
from gateway.keys.files import KeyStore
from gateway.store.messages import DisseminationRecord

DELIVER_SECONDS_MAX = 90.0
PARTNERS = "partners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A scene as it was played: what the gateway answered, and when it was sent."""

    scene: Scene
    status: int
    answer: Mapping[str, Any]
    at: float

    @property
    def accepted(self) -> bool:
        """Whether the gateway took it."""
        return self.status == 202

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.answer.get("code", ""))


@dataclass(slots=True, kw_only=True)
class Stage:
    """The running demo."""

    directory: Path
    url: str
    docs: str
    partners: Mapping[AgencyId, PartnerProcess]
    sent: list[Sent] = field(default_factory=list)

    async def play(self, scenes: Sequence[Scene], advance: Callable[[], None]) -> None:
        """Send one after the other, as the agencies would."""
        files = self.directory / PARTNERS / "outgoing"
        files.mkdir(exist_ok=True, mode=0o700)
        for number, scene in enumerate(scenes, start=len(self.sent)):
            file = files / f"{number:03d}.xml"
            await asyncio.to_thread(file.write_bytes, scene.body)
            at = time.time()
            event = await self.partners[scene.agency].ask({"do": "send", "file": str(file), "id": scene.id})
            self.sent.append(Sent(scene=scene, status=event["status"], answer=event["answer"], at=at))
            advance()

    async def wait_delivered(self, gateway: Gateway, progress: Callable[[int, int], None]) -> None:
        """Let the inboxes be polled and the pushes arrive. Raises `ProcessFailed` when they do not in time."""
        deadline = time.monotonic() + DELIVER_SECONDS_MAX
        while True:
            for agency, partner in self.partners.items():
                if KINDS[agency] == "inbox":
                    await partner.ask({"do": "poll"})
            records = [record for sent in self.accepted() for record in await self.records(gateway, sent)]
            done = sum(1 for record in records if record.delivery.state in {State.DELIVERED, State.RECALLED})
            progress(done, len(records))
            if done == len(records):
                return
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{len(records) - done} of {len(records)} deliveries did not arrive in time")
            await asyncio.sleep(0.2)

    def accepted(self) -> list[Sent]:
        """What was taken in, each message once."""
        return [sent for sent in self.sent if sent.accepted and not sent.scene.repeat]

    async def records(self, gateway: Gateway, sent: Sent) -> tuple[DisseminationRecord, ...]:
        """What the gateway disseminated of it."""
        return await gateway.store.disseminations(sent.answer["id"])

    def received(self) -> dict[tuple[str, AgencyId], dict[str, Any]]:
        """First receptions, by message and recipient."""
        first: dict[tuple[str, AgencyId], dict[str, Any]] = {}
        for agency, partner in self.partners.items():
            for event in partner.received:
                if event["event"] == "received":
                    first.setdefault((event["message"], agency), event)
        return first


@asynccontextmanager
async def stage(directory: Path, port: int) -> AsyncIterator[Stage]:
    """Build the stage in a new folder, start everything, and take it down at the end. Raises `NotEmpty`."""
    if directory.exists() and any(directory.iterdir()):
        raise NotEmpty(
            f"{directory}: a demonstration is played in a new folder; this one: gateway serve -C {directory}"
        )
    async with AsyncExitStack() as stack:
        console = _free_port()
        listen = {"host": "127.0.0.1", "port": port or _free_port(), "console": console}
        await init_deployment(directory, {"name": "gateway.demo", "listen": listen}, samples=True)
        settings = read_settings(directory)
        keys = key_store(settings)
        folder = directory / PARTNERS
        folder.mkdir(mode=0o700)
        for name, content in keys.public_parts().items():
            (folder / name).write_bytes(content)
        async with open_deployment(directory) as gateway:
            for number, exchange in enumerate((await gateway.store.configuration()).exchanges):
                (folder / f"exchange-{number}.zip").write_bytes(exchange.archive)
            configs = {id: await _join(gateway, keys, id, folder, settings.public_url) for id in KINDS}
            starts = [PartnerProcess.start(id, config, folder) for id, config in configs.items()]
            partners = dict(zip(configs, await asyncio.gather(*starts), strict=True))
            for partner in partners.values():
                stack.push_async_callback(partner.stop)
            for id, partner in partners.items():
                await _connect(gateway, id, partner)
        process = await GatewayProcess.start(directory, directory / "gateway.log")
        stack.push_async_callback(process.stop)
        await _wait_ready(settings.public_url, folder / "authority.pem", process)
        yield Stage(
            directory=directory,
            url=settings.public_url,
            docs=f"http://127.0.0.1:{console}/docs",
            partners=partners,
        )


async def _join(gateway: Gateway, keys: KeyStore, id: AgencyId, folder: Path, url: str) -> dict[str, str]:
    """An agency joins: it gets its credential and what it needs to trust the gateway."""
    received = folder / f"{id}.received"
    received.mkdir()
    config = {
        "agency": str(id),
        "kind": KINDS[id],
        "gateway": url,
        "authority": str(folder / "authority.pem"),
        "cover_certificate": str(folder / "cover.pem"),
        "exchanges": str(folder),
        "received": str(received),
    }
    if id in CERTIFIED:
        config |= await issue_certificate(gateway, id, folder)
    else:
        config["token"] = await issue_token(gateway, id, actor="demo")
    if KINDS[id] != "inbox":
        config |= _server(keys, gateway, id, folder)
    return config


def _server(keys: KeyStore, gateway: Gateway, id: AgencyId, folder: Path) -> dict[str, str]:
    """Key and certificate of the agency's own listener, from the gateway's authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = keys.authority.issue_server(("127.0.0.1",), key.public_key(), now=gateway.clock.now())
    files = {"server_key": folder / f"{id}.server.key.pem", "server_certificate": folder / f"{id}.server.cert.pem"}
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(files["server_key"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    files["server_certificate"].write_bytes(certificate)
    return {name: str(path) for name, path in files.items()}


async def _connect(gateway: Gateway, id: AgencyId, partner: PartnerProcess) -> None:
    """The operator enters where the agency listens; loopback must be allowed by name."""
    endpoint = Endpoint(kind=EndpointKind(KINDS[id]), url=partner.address, private_network=bool(partner.address))
    await put_agency(gateway, replace(gateway.current.agencies[id], endpoint=endpoint), actor="demo")


def _free_port() -> int:
    import socket  # noqa: PLC0415  (only here)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _wait_ready(url: str, authority: Path, process: GatewayProcess) -> None:
    context = ssl.create_default_context(cafile=str(authority))

    def alive() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2, context=context) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    for _ in range(300):
        if process.process.returncode is not None:
            raise ProcessFailed("the gateway did not start; gateway.log in its folder says why")
        if await asyncio.to_thread(alive):
            return
        await asyncio.sleep(0.1)
    raise ProcessFailed("the gateway did not answer on /healthz within 30 seconds")
