"""Every vector that is a signed SOAP envelope."""

from tests.signing.attacks import envelope_coverage, envelope_keys, envelope_wrapping
from tests.signing.attacks.vector import Table, Vector


def _table() -> Table:
    table = Table()
    for each in (envelope_keys, envelope_wrapping, envelope_coverage):
        each.enter(table)
    return table


ENVELOPES: dict[str, Vector] = _table().vectors
