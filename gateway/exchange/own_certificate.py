"""A certificate from an authority elsewhere for a key of the gateway: asked for, and put in place.

The request is for the next key, so that nothing changes until its certificate is there; the certificate is checked
before it is: whoever installs a wrong one would learn of it from partners. A certificate for the key in use, as some
authorities renew them, takes the place of the old one at once.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from gateway.exchange.acting import OPERATOR, Acting, allowed
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_key import Changed, Order, Role, Signing, Step, entered, order_next, write_entry
from gateway.exchange.rotate_log_key import KEEPERS
from gateway.keys.certified import CertifiedKey
from gateway.keys.succession import NextKey, key_print
from gateway.signing.own_certificate import Use, check_own, host_name, read_chain, to_pem

USES = {Role.TLS: Use.SERVER, Role.CLIENT: Use.CLIENT, Role.COVER: Use.SIGNATURE}
"""Keys that another authority may certify. Receipts have no certificate, and an authority certifies itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A request for the next key's certificate. pem: PKCS #10."""

    changed: Changed
    pem: bytes


async def request_certificate(gateway: Gateway, order: Order, *, by: Acting) -> Requested:
    """Make the next key and a request for its certificate; the same request again while it waits.

    Raises what `allowed` raises, `KeysBusy`, leaves of `Misconfigured`, `StoreUnavailable`.
    """
    signing = Signing(by=by, person=allowed(gateway, by, KEEPERS, OPERATOR))
    key = gateway.keys.certified(order.role.file)
    with gateway.keys.alone():
        kind = gateway.settings.keys.cover
        pem = await asyncio.to_thread(gateway.keys.request_next, order.role.file, hosts=order.hosts, kind=kind)
        following = await asyncio.to_thread(_next, key)
        if not await entered(gateway, "request", order.role, following.fingerprint):
            await write_entry(gateway, "request", order, following, signing)
    return Requested(changed=Changed(role=order.role, key=following.fingerprint, step=Step.REQUESTED), pem=pem)


def _next(key: CertifiedKey) -> NextKey:
    found = key.next()
    if found is None:
        raise ValueError("the next key was made under the same lock")
    return found


async def install_certificate(gateway: Gateway, order: Order, pem: bytes, *, by: Acting) -> Changed:
    """Put a certificate in place: the next key takes over with it, now or at the order's moment; one of the key in use
    takes the old one's place at once.

    Raises what `allowed`, `read_chain` and `check_own` raise, `KeysBusy`, leaves of `Misconfigured`,
    `StoreUnavailable`.
    """
    signing = Signing(by=by, person=allowed(gateway, by, KEEPERS, OPERATOR))
    chain = read_chain(pem)
    key = gateway.keys.certified(order.role.file)
    with gateway.keys.alone():
        following = await asyncio.to_thread(key.next_public)
        keys = [key.current().key.public_key(), *([following] if following is not None else [])]
        now = gateway.clock.now()
        own = check_own(chain, keys, USES[order.role], names=names_wanted(gateway, order), now=now)
        if following is not None and own == following:
            await asyncio.to_thread(key.certify_next, to_pem(chain))
            return await order_next(gateway, order, await asyncio.to_thread(_next, key), signing)
        return await _renew(gateway, order, key, to_pem(chain), chain[0].not_valid_after_utc, signing)


async def _renew(
    gateway: Gateway, order: Order, key: CertifiedKey, pem: bytes, until: datetime, signing: Signing
) -> Changed:
    present = NextKey(fingerprint=key_print(key.current().key.public_key()), valid_until=until)
    await write_entry(gateway, "renew", order, present, signing, gateway.clock.now())
    await asyncio.to_thread(key.renew, pem)
    return Changed(role=order.role, key=present.fingerprint, step=Step.DONE, valid_until=until)


def names_wanted(gateway: Gateway, order: Order) -> tuple[str, ...]:
    """Names that the server's certificate must hold: those given, else the one in its public address."""
    if order.hosts:
        return tuple(map(host_name, order.hosts))
    host = urlsplit(gateway.settings.public_url).hostname or ""
    return (host_name(host),)
