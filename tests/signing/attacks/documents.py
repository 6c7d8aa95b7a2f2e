"""Every vector that is a document with an enveloped signature."""

from tests.signing.attacks import algorithms, content, identities, references, signers, values, wrapping
from tests.signing.attacks.vector import Table, Vector


def _table() -> Table:
    table = Table()
    for each in (signers, wrapping, identities, references, algorithms, values, content):
        each.enter(table)
    return table


DOCUMENTS: dict[str, Vector] = _table().vectors
