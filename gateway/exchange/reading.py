"""Reading: that somebody is given content, or what is held about it, is an entry, written before it is given.

What cannot be written is not given: every function here raises what the store raises, and its caller gives nothing.
Lists and states that systems ask for every few seconds name no content; of those the log hears at once, and from then
on once in a while with a number (`tally.py`).
"""

from typing import Any

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.exchange.gateway import Gateway
from gateway.message import MessageId


def reading(
    gateway: Gateway,
    kind: str,
    *,
    parties: tuple[AgencyId, ...] = (),
    message: MessageId | None = None,
    type: EntryType = EntryType.READ,
    **fields: Any,
) -> AuditEntry:
    """The entry. kind: what is given, in a word."""
    now = gateway.clock.now()
    return make(type, id=gateway.new_id(now), at=now, parties=parties, message=message, kind=kind, **fields)


async def record_read(gateway: Gateway, kind: str, **fields: Any) -> None:
    """Write the entry of `reading`; what it stands for may be given when this has returned. Raises `Unavailable`."""
    await gateway.store.record([reading(gateway, kind, **fields)])


async def record_asked(gateway: Gateway, kind: str, agency: AgencyId, *, channel: str) -> None:
    """An agency's system asks for a list or a state: written unless the log heard of the same a short while ago."""
    key = (kind, agency, channel)
    count = gateway.tally.due(key, gateway.clock.now())
    if count is None:
        return
    try:
        await record_read(gateway, kind, parties=(agency,), agency=agency, channel=channel, count=count)
    except BaseException:
        gateway.tally.unheard(key, count)
        raise
