"""The head of the log, for answers that state under which they were read."""

from gateway.audit.checkpoint import Checkpoint, read_checkpoint
from gateway.audit.note import NoteKey
from gateway.exchange.gateway import Gateway


async def log_head(gateway: Gateway) -> Checkpoint | None:
    """The newest signed head of the log; None when nothing is in it yet. Raises what `read_checkpoint` raises."""
    note = await gateway.store.checkpoint()
    signer = gateway.keys.log_signer
    key = NoteKey(signer.name, signer.public_bytes)
    return read_checkpoint(note, [key], origin=key.name) if note is not None else None
