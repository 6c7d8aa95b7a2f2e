"""Resume: two people have looked at what was found wrong with the log, and decide that it goes on as it is.

Nothing is hidden by that: the decision is an entry under both names, what was found stays listed, the heads that
partners keep still prove what was lost. Only the heads kept beside the keys are forgotten as far as they are beyond
the log, so that it can be signed again.
"""

import asyncio

from gateway.audit.catalog import EntryType
from gateway.audit.checkpoint import unverified_checkpoint
from gateway.errors import Refused
from gateway.exchange.acting import OPERATOR, Acting, allowed, sign_entry
from gateway.exchange.gateway import Gateway
from gateway.exchange.rotate_log_key import KEEPERS
from gateway.keys.heads import Kept
from gateway.user import UserRole

SECOND = (*KEEPERS, UserRole.COMPLIANCE_OFFICER, UserRole.PRIVACY_OFFICER, UserRole.SUPERVISOR)

RESUME = "resume"


class OnePersonTwice(Refused):
    """The second person is the first."""

    code = "audit.second-person"


async def resume_log(gateway: Gateway, *, reason: str, first: Acting, second: Acting) -> int:
    """Go on from the log as it is, and with what was found of partners' logs; how many entries ours has.

    reason  a code word for the log: backup-restored, database-repaired

    Raises what `allowed` raises, and `OnePersonTwice`.
    """
    one = allowed(gateway, first, KEEPERS, OPERATOR)
    other = allowed(gateway, second, SECOND)
    if one.id == other.id or one.public_key == other.public_key:
        raise OnePersonTwice("two different people decide this; give the second one's account with --second")
    note = await gateway.store.checkpoint()
    size = unverified_checkpoint(note).size if note else 0
    found = [each for each in await gateway.store.troubles() if each.ended_at is None]
    kept = await asyncio.to_thread(gateway.keys.heads.newest, Kept.SIGNED)
    known = max(size, unverified_checkpoint(kept).size if kept else 0, *(each.size for each in found))
    now = gateway.clock.now()
    entry = sign_entry(
        gateway,
        EntryType.TAMPERED,
        first,
        one,
        at=now,
        second=(second, other),
        action=RESUME,
        code=found[-1].code if found else "audit.log-restored",
        count=len(found),
        number=known,  # up to here heads of what was given up are about, and anybody may show them again
        reason=reason,
        log_size=size,
    )
    await gateway.store.end_troubles(now, [entry])
    if not found:
        await gateway.store.record([entry])
    await asyncio.to_thread(gateway.keys.heads.restart, size)
    return size
