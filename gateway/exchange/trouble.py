"""What is done when a log is found not to be the one that was signed: it is entered, kept, and said aloud.

Nothing is mended here and nothing is decided. What is found of our own log stands - on /readyz, in the metrics, for
whoever asks - until two people have said what becomes of it (`resume_log.py`).
"""

from collections.abc import Sequence

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.exchange.gateway import Gateway
from gateway.store.witness import OWN_LOG, LogTrouble
from gateway.telemetry import log

FOUND = "found"


async def shout(
    gateway: Gateway, code: str, *, agency: AgencyId = OWN_LOG, size: int = 0, index: int | None = None
) -> bool:
    """Enter it and say it aloud; False when it stands already, and is said only once more in the process's log.

    agency  whose log; "" = our own. size: of the log or head concerned. index: of the first entry concerned
    """
    now = gateway.clock.now()
    trouble = LogTrouble(id=gateway.new_id(now), code=code, at=now, agency=agency, size=size, index=index)
    entry = make(
        EntryType.TAMPERED,
        id=gateway.new_id(now),
        at=now,
        parties=(agency,) if agency else (),
        action=FOUND,
        code=code,
        partner=agency or None,
        log_size=size,
        number=index,
    )
    log.error("log.tampered", code=code, agency=agency, count=size)
    return await gateway.store.report_trouble(trouble, [entry])


async def standing_logs(gateway: Gateway) -> tuple[bool, tuple[AgencyId, ...]]:
    """Whether something stands of our own log, and the partners of whose logs something does."""
    logs = {each.agency for each in await gateway.store.troubles() if each.ended_at is None}
    return OWN_LOG in logs, tuple(sorted(logs - {OWN_LOG}))


async def standing(gateway: Gateway) -> Sequence[LogTrouble]:
    """What was found of our own log and nobody has decided about."""
    return [each for each in await gateway.store.troubles() if each.agency == OWN_LOG and each.ended_at is None]
