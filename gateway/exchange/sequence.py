"""Order new audit entries into the log and sign its new head."""

from collections.abc import Iterable, Sequence

from gateway.audit.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from gateway.audit.entry import AuditEntry
from gateway.audit.note import NoteKey, NoteSigner
from gateway.audit.tree import grow
from gateway.errors import Tampered
from gateway.store.interface import Store
from gateway.store.log import NewLeaves, TreeHead


class LogAltered(Tampered):
    """The stored tree is not the one that was signed last; nothing is signed on top of it."""

    code = "audit.log-altered"


async def sequence(
    store: Store,
    signer: NoteSigner,
    *,
    origin: str,
    limit: int = 10_000,
    earlier_keys: Iterable[NoteKey] = (),
) -> int:
    """How many entries went into the log; each of them is under the checkpoint signed here.

    earlier_keys  log keys whose checkpoints are still trusted after a change of key

    Raises `LogAltered`, `HashMissing`, and what `read_checkpoint` raises, when the log as stored is not the one that
    was signed: a signature on top of it would vouch for the change.
    """
    keys = (NoteKey(signer.name, signer.public_bytes), *earlier_keys)

    def build(head: TreeHead, entries: Sequence[AuditEntry]) -> NewLeaves:
        return new_leaves(head, entries, signer, keys=keys, origin=origin)

    return await store.sequence(limit, build)


def new_leaves(
    head: TreeHead, entries: Sequence[AuditEntry], signer: NoteSigner, *, keys: Iterable[NoteKey], origin: str
) -> NewLeaves:
    """The subtrees these entries complete, and the signed checkpoint over them."""
    growth = grow(head.size, head.hashes, [entry.leaf_hash for entry in entries])
    if head.checkpoint is None:
        if head.size:
            raise LogAltered(f"the log has {head.size} entries and no checkpoint")
    else:
        last = read_checkpoint(head.checkpoint, keys, origin=origin)
        if (last.size, last.root) != (head.size, growth.root_before):
            raise LogAltered(f"the log of {head.size} entries is not the one of {last.size} that was signed last")
    checkpoint = Checkpoint(origin=origin, size=growth.size, root=growth.root)
    return NewLeaves(
        subtrees=growth.subtrees, size=growth.size, checkpoint=sign_checkpoint(checkpoint, signer).encode()
    )
