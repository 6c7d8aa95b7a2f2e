"""The check of an agreement under the law of a day, with the exchanges and agencies of a configuration. Pure.

No version is tried or put in force that does not pass it.
"""

from collections.abc import Callable
from datetime import date

from gateway.agency import AgencyId
from gateway.document.source import read_source
from gateway.errors import Refused
from gateway.exchange.configured import Configured
from gateway.finding import Finding, Severity
from gateway.policy.certificate import Certificate, certificate
from gateway.policy.check import Check, check
from gateway.policy.law_bind import Bound
from gateway.policy.mou import Clause, Mou


class CheckFailed(Refused):
    """The check of an agreement found errors: what it lets out may be invalid, or what it promises cannot arrive."""

    code = "mou.check-failed"

    def __init__(self, mou: Mou, findings: tuple[Finding, ...]) -> None:
        number = f"{len(findings)} error{'s' if len(findings) != 1 else ''}"
        super().__init__(
            f"{mou.id} version {mou.version} does not pass its check: {number}; gateway mou check says more"
        )
        self.findings = findings


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


def passed(configured: Configured, mou: Mou, data: bytes, file: str, *, on: date) -> Certificate:
    """The certificate of a passed check. Raises `CheckFailed` with every error."""
    made = check_under_law(configured, mou, data, file, on=on)
    if not made.passed:
        wrong = (each.finding(file) for each in made.remarks if each.severity is Severity.ERROR)
        raise CheckFailed(mou, tuple(wrong))
    return certificate(made)
