"""Order new audit entries into the log and sign its new head."""

from collections.abc import Iterable, Sequence

from gateway.audit.checkpoint import Checkpoint, sign_checkpoint, unverified_checkpoint
from gateway.audit.entry import AuditEntry
from gateway.audit.handover import LogKey, next_key, next_key_line, read_head
from gateway.audit.note import NoteKey, NoteSigner
from gateway.audit.tree import grow
from gateway.errors import Tampered, Unavailable
from gateway.store.interface import Store
from gateway.store.log import NewLeaves, TreeHead


class LogAltered(Tampered):
    """The stored tree is not the one that was signed last; nothing is signed on top of it."""

    code = "audit.log-altered"


class LogKeyReplaced(Unavailable):
    """Another key signs the log from its last checkpoint on; read the key again."""

    code = "audit.log-key-replaced"


async def sequence(
    store: Store,
    signer: NoteSigner,
    *,
    origin: str,
    limit: int = 10_000,
    keys: Iterable[LogKey] = (),
    successor: NoteSigner | None = None,
) -> int:
    """How many entries went into the log; each of them is under the checkpoint signed here.

    keys       every key the log ever had; none: the signer is its first
    successor  the key that signs the log from this checkpoint on: both sign it

    Raises `LogAltered`, `HashMissing`, and what `read_head` raises, when the log as stored is not the one that was
    signed: a signature on top of it would vouch for the change. `LogKeyReplaced` when the signer has handed over.
    """
    known = tuple(keys) or (LogKey(key=NoteKey(signer.name, signer.public_bytes)),)
    signers = (signer,) if successor is None else (signer, successor)

    def build(head: TreeHead, entries: Sequence[AuditEntry]) -> NewLeaves:
        return new_leaves(head, entries, *signers, keys=known, origin=origin)

    return await store.sequence(limit, build)


def new_leaves(
    head: TreeHead, entries: Sequence[AuditEntry], *signers: NoteSigner, keys: Iterable[LogKey], origin: str
) -> NewLeaves:
    """The subtrees these entries complete, and the signed checkpoint over them; a second signer takes over by it."""
    growth = grow(head.size, head.hashes, [entry.leaf_hash for entry in entries])
    if head.checkpoint is None:
        if head.size:
            raise LogAltered(f"the log has {head.size} entries and no checkpoint")
    else:
        last = _last(head.checkpoint, signers[0], keys, origin)
        if (last.size, last.root) != (head.size, growth.root_before):
            raise LogAltered(f"the log of {head.size} entries is not the one of {last.size} that was signed last")
    named = tuple(next_key_line(NoteKey(each.name, each.public_bytes)) for each in signers[1:])
    checkpoint = Checkpoint(origin=origin, size=growth.size, root=growth.root, extensions=named)
    return NewLeaves(
        subtrees=growth.subtrees, size=growth.size, checkpoint=sign_checkpoint(checkpoint, *signers).encode()
    )


def _last(note: bytes, signer: NoteSigner, keys: Iterable[LogKey], origin: str) -> Checkpoint:
    """The head to go on from, which this signer may do."""
    following = next_key(unverified_checkpoint(note))
    if following is not None and following != NoteKey(signer.name, signer.public_bytes):
        raise LogKeyReplaced("the log's key was replaced; the new one signs from here on")
    return read_head(note, keys, origin=origin)
