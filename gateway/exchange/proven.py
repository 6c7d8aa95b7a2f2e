"""The check of an agreement under the law of a day, with the exchanges and agencies of a configuration. Pure."""

from collections.abc import Callable
from datetime import date

from gateway.agency import AgencyId
from gateway.document.source import read_source
from gateway.exchange.configured import Configured
from gateway.policy.check import Check, check
from gateway.policy.law_bind import Bound
from gateway.policy.mou import Clause, Mou


def check_under_law(
    configured: Configured,
    mou: Mou,
    data: bytes,
    file: str,
    *,
    on: date,
    begun: Callable[[Clause], None] = lambda _: None,
) -> Check:
    """The check of an agreement that was read from this file. `begun` is told of each clause before it is looked at."""
    source, _ = read_source(data, file)

    def law(clause: Clause, recipient: AgencyId) -> Bound:
        return configured.law(mou, clause, recipient, on=on)

    return check(mou, configured.iepds, law=law, source=source, begun=begun)
