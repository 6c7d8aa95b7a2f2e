"""Early destruction: a record was sealed or expunged, a court orders it, its owner wants it back.

Two people stand for it. What still waits is recalled; every past recipient gets a notice by the normal outbox and is
asked to destroy its copies and to attest it (`attesting.py` follows up). A legal hold wins over it.
"""

from collections.abc import Sequence

from gateway.errors import Refused
from gateway.exchange.acting import Acting
from gateway.exchange.carry_out import Progress
from gateway.exchange.gateway import Gateway
from gateway.exchange.purge import Outcome, People, run_early
from gateway.exchange.status import MessageUnknown
from gateway.message import MessageId
from gateway.retention.hold import covers
from gateway.retention.plan import EARLY, Why

MESSAGES_MAX = 1000


class HeldByOrder(Refused):
    """A legal hold covers something of it: nothing of it is destroyed while the hold stands."""

    code = "retention.held"

    def __init__(self, holds: Sequence[str]) -> None:
        super().__init__(f"held by {', '.join(holds)}; a court has to say which order goes first")
        self.holds = tuple(holds)


class NothingKept(Refused):
    """All of it is destroyed already."""

    code = "retention.nothing-kept"


class EarlyRefused(Refused):
    """Too much at once, or a reason that is none for this."""

    code = "retention.early-refused"


async def destroy_early(
    gateway: Gateway,
    messages: Sequence[MessageId],
    *,
    reason: Why,
    by: Acting,
    second: Acting,
    on_progress: Progress | None = None,
) -> Outcome:
    """Destroy all that is kept of these messages, now. Durable, certified and told when this returns.

    Raises `MessageUnknown`, `HeldByOrder`, `NothingKept`, `EarlyRefused`, and what `run_purge` raises.
    """
    if reason not in EARLY or not 0 < len(messages) <= MESSAGES_MAX:
        raise EarlyRefused(f"one of {', '.join(sorted(EARLY))}, and at most {MESSAGES_MAX} messages at once")
    await gateway.refresh()
    fates = await gateway.store.kept_of(messages)
    unknown = set(messages) - {fate.kept.message for fate in fates}
    if unknown:
        raise MessageUnknown(
            f"{len(unknown)} of these messages are not here; it is the gateway's own id that is asked for"
        )
    now = gateway.clock.now()
    standing = [hold for hold in await gateway.store.holds() if hold.stands(now)]
    parts = [[fate.kept for fate in fates if fate.kept.message == message] for message in messages]
    held = sorted(hold.id for hold in standing if any(covers(hold.scope, each) for each in parts))
    if held:
        raise HeldByOrder(held)
    if all(fate.destroyed_at is not None for fate in fates):
        raise NothingKept("all that was kept of it is destroyed; see: gateway retention certificates")
    outcome = await run_early(gateway, People(first=by, second=second), reason, messages, on_progress=on_progress)
    if outcome.ran is None and not outcome.finished:
        raise HeldByOrder(sorted(outcome.plan.held))
    return outcome
