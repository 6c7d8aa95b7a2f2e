"""A gateway as `init` makes it - shipped exchanges, agencies, agreements - without a server: real store, real keys.

It is made once for a test run; each test gets a copy of its folder, with a clock of its own.
"""

import asyncio
import functools
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.agency import AgencyId, Endpoint
from gateway.app import open_deployment
from gateway.audit import verifier
from gateway.exchange.accept import accept
from gateway.exchange.acting import fingerprint
from gateway.exchange.activate import put_agency
from gateway.exchange.gateway import Gateway
from gateway.exchange.sequence import sequence
from gateway.exchange.submission import Accepted, Submission
from gateway.folders import load_exchanges, shipped
from gateway.iepd.package import Iepd
from gateway.keys.authority import Authority
from gateway.message import Action
from tests.exchange.gateways import SetClock

JAIL = AgencyId("harlan-county-jail")
POLICE = AgencyId("millbrook-police")
PROBATION = AgencyId("harlan-probation")
FUSION = AgencyId("tri-county-fusion")
PROSECUTOR = AgencyId("harlan-district-attorney")
SHELTER = AgencyId("harborlight-services")
RELEASE = "custody-release/1.0"
CONTACT = "police-contact/1.0"

NAME = "gateway.test"


@functools.cache
def exchanges() -> dict[str, Iepd]:
    """Our exchanges by id, compiled once."""
    folders = shipped()
    return {iepd.id: iepd for iepd in load_exchanges(folders.iepd, folders.xsd)}


def sample(name: str, exchange: str = RELEASE) -> bytes:
    """A sample of an exchange."""
    return exchanges()[exchange].samples[f"{name}.xml"]


def release(action: Action = Action.NEW, earlier: str = "", *, given: str = "Calvin") -> bytes:
    """The smallest release notice, with this head and this first name."""
    text = sample("smallest").decode()
    head = f"<ec:MessageEarlierID>{earlier}</ec:MessageEarlierID>\n " if earlier else ""
    text = text.replace(">new</ec:MessageActionCode>", f">{action}</ec:MessageActionCode>")
    text = text.replace("<ec:RecordSealedIndicator>", f"{head}<ec:RecordSealedIndicator>")
    return text.replace(">Calvin<", f">{given}<").encode()


@contextmanager
def clock_of(clock: SetClock) -> Iterator[None]:
    """While the block runs, deployments of this process live by this clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "SystemClock", lambda: clock)
        yield


def make_template(directory: Path) -> Path:
    """A deployment in this folder, made on the morning of the SetClock's day."""
    with clock_of(SetClock()):
        asyncio.run(app.init_deployment(directory, {"name": NAME}, samples=True))
    return directory


@dataclass
class Deployed:
    """A copy of the template, open."""

    gateway: Gateway
    clock: SetClock
    directory: Path

    async def accept(self, body: bytes, id: str = "", *, sender: AgencyId = JAIL, **more: Any) -> Accepted:
        """Submit it."""
        return await accept(self.gateway, Submission(sender=sender, sender_id=id, body=body, **more))

    async def connect(self, id: AgencyId, endpoint: Endpoint) -> None:
        """Give an agency an endpoint."""
        await put_agency(self.gateway, replace(self.gateway.current.agencies[id], endpoint=endpoint), actor="test")

    async def said(self, message: str) -> list[str]:
        """Types of the entries about a message."""
        entries = await self.gateway.store.entries_of(message)  # type: ignore[arg-type]
        return [each.entry.type for each in entries]

    async def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Every entry from this one on, as the log has it; a thousand at most."""
        store = self.gateway.store
        await sequence(store, self.gateway.keys.log_signer, origin=NAME)
        return [json.loads(each.entry.body) for each in await store.entries(since, 1000)]

    @property
    def authority(self) -> Authority:
        """The gateway's own certificate authority."""
        return app.key_store(self.gateway.settings).authority

    @asynccontextmanager
    async def second(self) -> AsyncIterator[Gateway]:
        """Another process on the same deployment, with a clock a minute on: its ids are others."""
        clock = SetClock()
        clock.moment = self.clock.moment + timedelta(minutes=1)
        with clock_of(clock):
            opened = open_deployment(self.directory)
            gateway = await opened.__aenter__()
        try:
            yield gateway
        finally:
            await opened.__aexit__(None, None, None)


async def check_signatures(place: Deployed) -> None:
    """Every signature of a person in the log, as the verifier sees it."""
    users = {fingerprint(each.public_key): each.public_key for each in place.gateway.current.users.values()}
    for entry in await place.log():
        if entry["type"] in verifier.SIGNED or verifier.takes_two(entry) or "signature" in entry:
            verifier.check_signers(entry)
        for second in [which for which in ("", "second_") if f"{which}signature" in entry]:
            public = users[verifier.signer_of(entry, second)]
            verifier.check_act(entry, bytes.fromhex(public), second)


@asynccontextmanager
async def deployed(template: Path, directory: Path) -> AsyncIterator[Deployed]:
    """A copy of the template, open for the length of a test, a day later."""
    shutil.copytree(template, directory)
    clock = SetClock()
    clock.go(days=1)
    with clock_of(clock):
        async with open_deployment(directory) as gateway:
            yield Deployed(gateway=gateway, clock=clock, directory=directory)


def agreement(
    mou: str, sender: AgencyId, recipient: AgencyId, *, version: int = 1, share: str = "", exchange: str = RELEASE
) -> bytes:
    """The text of a small agreement, always in force."""
    return f"""\
mou: {mou}
version: {version}
title: Notices from {sender} to {recipient}
kind: mou
parties: [{sender}, {recipient}]
effective: {{from: 2026-01-01, until: 2099-12-31}}
exchanges:
  - id: E1
    exchange: {exchange}
    from: {sender}
    to: [{recipient}]
    purpose: release-notification
    role: patrol-officer
    fields:
      share: [{share or "message.head, message.sealed, juvenile.mark, person.name"}]
    deliver: {{evidence: transport, within: 15 minutes}}
    retention: {{gateway_copy: 30 days, recipient_copy: 1 year}}
""".encode()


def draft(file: str) -> bytes:
    """A shipped agreement's text."""
    return (shipped().policies / "mous" / f"{file}.yaml").read_bytes()
