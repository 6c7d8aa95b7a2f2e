"""A caller that is known and turned away: that it tried is an entry, whatever it asked for.

The credential was good, so somebody who should not be there holds it, or does not know that he should not. A stranger
without one is not recorded: anybody could fill the log. Nor can who is known: the entries are bounded (`tally.py`).
"""

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.exchange.gateway import AgencySuspended, CredentialsDisagree, Gateway

TurnedAway = AgencySuspended | CredentialsDisagree


async def record_access_refused(gateway: Gateway, error: TurnedAway, *, channel: str) -> None:
    """Write it, unless the log heard of the same a short while ago: then it is counted.

    Raises `Unavailable` when it cannot be written.
    """
    parties, fingerprint = _who(error)
    now = gateway.clock.now()
    key = (error.code, channel, *parties, fingerprint)
    count = gateway.tally.due(key, now)
    if count is None:
        return
    entry = make(
        EntryType.ACCESS_REFUSED,
        id=gateway.new_id(now),
        at=now,
        parties=tuple(dict.fromkeys(parties)),
        code=error.code,
        agency=parties[0],
        channel=channel,
        fingerprint=fingerprint or None,
        count=count,
    )
    try:
        await gateway.store.record([entry])
    except BaseException:
        gateway.tally.unheard(key, count)
        raise


def _who(error: TurnedAway) -> tuple[tuple[AgencyId, ...], str]:
    """The agency acting first. Of two credentials the certificate is the better proof: who shows it holds its key; the
    token may be stolen, so the entry names it."""
    if isinstance(error, CredentialsDisagree):
        return (error.by_certificate, error.by_token), error.token_fingerprint
    return (error.agency,), ""
