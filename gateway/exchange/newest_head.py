"""The newest head of our log, for what travels with deliveries and answers: at most a second old, asked for rarely."""

import asyncio
from typing import Final

from gateway.errors import GatewayError
from gateway.exchange.gateway import Gateway

AGE_SECONDS_MAX: Final = 1.0
"""The log gets a new head each second; asking for each delivery would cost a round trip for nothing."""


async def newest_head(gateway: Gateway) -> bytes:
    """The signed note; b"" when nothing is signed yet, or the store does not answer: a delivery goes without it."""
    now = asyncio.get_running_loop().time()
    kept = gateway.newest_head
    if kept is None or now >= kept[1]:
        try:
            note = await gateway.store.checkpoint() or b""
        except GatewayError:
            note = b""
        kept = gateway.newest_head = (note, now + AGE_SECONDS_MAX)
    return kept[0]
