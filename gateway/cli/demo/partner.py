"""One agency of the demo, in a process of its own: receives, verifies, answers; sends what it is told to.

    python -m gateway.cli.demo.partner CONFIG.json

Standard input takes one JSON command a line, standard output gives one JSON event a line. An agency knows only what
a real one would: the gateway's addresses, its own credential, the gateway's authority and Cover certificate, and
the exchanges' schemas. Everything it received is kept byte for byte, so that the demo can search it for leaks.
"""

import asyncio
import json
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.agency import AgencyId
from gateway.cli.demo.soap_client import submit_by_soap
from gateway.clock import SystemClock
from gateway.document.canonical import exclusive, sha256_text
from gateway.document.names import COVER, SOAP12
from gateway.document.parse import parse
from gateway.errors import GatewayError
from gateway.iepd.package import load_archive
from gateway.iepd.registry import Registry
from gateway.iepd.validate import validate
from gateway.signing.certificate import pem_to_der
from gateway.signing.cover import check_payload, read_cover, verify_cover
from gateway.signing.enveloped import has_signature, verify_enveloped
from gateway.signing.header import verify_envelope
from gateway.signing.keyring import TrustedKeys

BODY_SIZE_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the agency was told when it joined.

    kind   rest, soap or inbox: how it receives
    gateway, token, certificate, key, authority, cover_certificate: as an integrator gets them
    server_certificate, server_key: of its own listener; "" for an inbox
    exchanges, received: folders with the exchanges' archives, and for what arrives
    """

    agency: str
    kind: str
    gateway: str
    authority: str
    cover_certificate: str
    exchanges: str
    received: str
    token: str = ""
    certificate: str = ""
    key: str = ""
    server_certificate: str = ""
    server_key: str = ""


@dataclass(slots=True)
class Partner:
    """The running agency. `effects` counts what had a visible effect: one for each dissemination."""

    config: Config
    registry: Registry
    trusted: TrustedKeys
    effects: dict[str, int] = field(default_factory=dict)

    def take(self, cover: bytes, payload: bytes) -> dict[str, Any]:
        """Verify the Cover, bind the payload to it, validate the payload, keep both. A repeat has no second effect."""
        now = SystemClock().now()
        verified = verify_cover(cover, self.trusted, now=now)
        check_payload(verified, sha256_text(payload), recipient=AgencyId(self.config.agency))
        document = parse(payload)
        if has_signature(document):
            document = verify_enveloped(document, self.trusted, now=now)
        iepd = self.registry.find(document)
        findings = validate(document, iepd)
        self.effects[verified.dissemination] = self.effects.get(verified.dissemination, 0) + 1
        folder = Path(self.config.received)
        (folder / f"{verified.dissemination}.cover.xml").write_bytes(cover)
        (folder / f"{verified.dissemination}.payload.xml").write_bytes(payload)
        return {
            "event": "received",
            "dissemination": verified.dissemination,
            "message": verified.message,
            "earlier": verified.earlier,
            "action": verified.action.value,
            "sender": verified.sender,
            "exchange": iepd.id,
            "mou": f"{verified.mou}@{verified.mou_version}",
            "findings": len(findings),
            "repeat": self.effects[verified.dissemination] > 1,
            "at": now.timestamp(),
        }


def say(event: Mapping[str, Any]) -> None:
    """One event on standard output."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


# --- receiving --------------------------------------------------------------------------------------------------


async def on_rest(request: web.Request) -> web.Response:
    """A multipart/related push: the Cover is the root part, the payload the second."""
    partner = request.app[PARTNER]
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + await request.read(), policy=policy.HTTP).get_payload()
    try:
        cover, payload = (part.get_payload(decode=True) for part in parts)  # type: ignore[union-attr]
        say(partner.take(cover, payload))  # type: ignore[arg-type]
    except (GatewayError, ValueError, TypeError, AttributeError) as error:
        say({"event": "refused", "code": getattr(error, "code", "partner.malformed")})
        return web.Response(status=422)
    return web.Response(status=202)


async def on_soap(request: web.Request) -> web.Response:
    """A SOAP 1.2 push: WS-Security first, then the Cover out of the header and the payload out of the body."""
    partner = request.app[PARTNER]
    try:
        envelope = verify_envelope(parse(await request.read()), partner.trusted, now=SystemClock().now()).root
        cover = envelope.find(f"{{{SOAP12}}}Header/{{{COVER}}}Cover")
        payload = envelope.find(f"{{{SOAP12}}}Body/*/*")
        if cover is None or payload is None:
            raise ValueError("no Cover or no payload")  # noqa: TRY301  (answered below, like what the checks raise)
        bare = exclusive(cover)
        say(partner.take(bare, exclusive(payload, prefixes=read_cover(bare).payload_prefixes)))
    except (GatewayError, ValueError) as error:
        say({"event": "refused", "code": getattr(error, "code", "partner.malformed")})
        return _soap(
            "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>"
            "<s:Reason><s:Text xml:lang='en'>refused</s:Text></s:Reason></s:Fault>",
            400,
        )
    return _soap("", 200)


def _soap(body: str, status: int) -> web.Response:
    text = f'<s:Envelope xmlns:s="{SOAP12}"><s:Body>{body}</s:Body></s:Envelope>'
    return web.Response(text=text, status=status, content_type="application/soap+xml")


PARTNER: web.AppKey[Partner] = web.AppKey("partner", Partner)


async def listen(partner: Partner) -> tuple[web.AppRunner | None, str]:
    """Start the listener, if this agency has one, and give its address. It demands the gateway's client certificate."""
    config = partner.config
    if config.kind == "inbox":
        return None, ""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(config.server_certificate, config.server_key)
    app = web.Application(client_max_size=BODY_SIZE_BYTES_MAX)
    app[PARTNER] = partner
    app.router.add_post("/receive", on_soap if config.kind == "soap" else on_rest)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"https://127.0.0.1:{port}/receive"


# --- sending ----------------------------------------------------------------------------------------------------


def client_context(config: Config) -> ssl.SSLContext:
    """TLS towards the gateway; with the agency's certificate when that is its credential."""
    context = ssl.create_default_context(cafile=config.authority)
    if config.certificate:
        context.load_cert_chain(config.certificate, config.key)
    return context


async def submit(session: aiohttp.ClientSession, config: Config, command: Mapping[str, Any]) -> dict[str, Any]:
    """Send one message over REST, or over SOAP with zeep when the agency speaks SOAP."""
    body = Path(command["file"]).read_bytes()
    if config.kind == "soap":
        return await asyncio.to_thread(submit_by_soap, config, body, str(command["id"]))
    address = f"{config.gateway}/v1/messages"
    if command.get("act"):
        address += f"/{command['message']}/{command['act']}"
    headers = {"Content-Type": "application/xml", "Idempotency-Key": str(command["id"])}
    async with session.post(address, data=body, headers=headers) as response:
        return {"status": response.status, "answer": await response.json(content_type=None)}


async def poll(session: aiohttp.ClientSession, partner: Partner) -> int:
    """Fetch, verify and acknowledge everything in the inbox; how many there were."""
    base, after, count = partner.config.gateway, 0, 0
    while True:
        async with session.get(f"{base}/v1/inbox", params={"after": after, "limit": 50}) as response:
            page = await response.json()
        for item in page["items"]:
            payload = await _get(session, base, item["payload_url"])
            cover = await _get(session, base, item["cover_url"])
            say(partner.take(cover, payload))
            async with session.post(f"{base}/v1/inbox/{item['delivery']}/ack") as response:
                response.raise_for_status()
            count += 1
        if not page["items"] or page["next"] is None:
            return count
        after = page["next"]


async def _get(session: aiohttp.ClientSession, base: str, url: str) -> bytes:
    async with session.get(url if "://" in url else base + url) as response:
        response.raise_for_status()
        return await response.read()


# --- the process ------------------------------------------------------------------------------------------------


async def commands(session: aiohttp.ClientSession, partner: Partner) -> None:
    """Do what standard input says until it ends or says stop."""
    reader = asyncio.StreamReader(limit=1024 * 1024)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        match command["do"]:
            case "send":
                say({"event": "sent", **await submit(session, partner.config, command)})
            case "poll":
                say({"event": "polled", "count": await poll(session, partner)})
            case _:
                return


async def main(config: Config) -> None:
    """Join, listen, obey."""
    archives = sorted(Path(config.exchanges).glob("*.zip"))
    registry = Registry.of(load_archive(file.read_bytes()) for file in archives)
    der = pem_to_der(Path(config.cover_certificate).read_bytes())
    trusted = TrustedKeys(agency=AgencyId("the-gateway"), pins=frozenset({der}))
    partner = Partner(config, registry, trusted)
    runner, address = await listen(partner)
    headers = {"Authorization": f"Bearer {config.token}"} if config.token else {}
    connector = aiohttp.TCPConnector(ssl=client_context(config))
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        say({"event": "ready", "address": address})
        await commands(session, partner)
    if runner is not None:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(Config(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
