"""The head of the log, for answers that state under which they were read."""

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.handover import read_head
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_log_key import log_keys


async def log_head(gateway: Gateway) -> Checkpoint | None:
    """The newest signed head of the log; None when nothing is in it yet. Raises what `read_head` raises."""
    note = await gateway.store.checkpoint()
    return read_head(note, log_keys(gateway), origin=gateway.keys.log_signer.name) if note is not None else None
