"""IepdRefused: an exchange definition that cannot be used, with everything that is wrong with it."""

from collections.abc import Iterable

from gateway.errors import Misconfigured
from gateway.finding import Finding


class IepdRefused(Misconfigured):
    """The files of an exchange cannot be used. `findings` names each place, all at once."""

    code = "iepd.refused"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        first = f": {self.findings[0]}" if self.findings else ""
        super().__init__(f"the exchange definition has {len(self.findings)} finding(s){first}")
