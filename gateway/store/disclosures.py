"""The disclosure index in the store: rows that say who got what of a person, and by which tokens they are found.

The store reads none of it. A row is written with the acceptance it speaks of; its tokens are arranged for finding a
little later, many rows at a time and in order, so that what a message writes does not grow with what is there already.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.audit.entry import AuditEntry
from gateway.message import Filed


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledRow:
    """A row and its number, by which it is deleted."""

    number: int
    filed: Filed


@dataclass(frozen=True, slots=True, kw_only=True)
class Expunging:
    """An order to forget a person that was written down, and whose keys may not all be destroyed yet.

    points  per generation, the leaves to destroy
    count   how many rows were deleted
    """

    id: str
    points: tuple[tuple[str, tuple[int, ...]], ...]
    count: int


class Disclosures(Protocol):
    """Rows of the disclosure index. Those of an acceptance or a release are written by `Messages`."""

    async def file(self, new: Sequence[Filed], entries: Sequence[AuditEntry]) -> None:
        """Write rows and entries that go with no message, all or nothing."""

    async def disclosures(self, tokens: Collection[int]) -> tuple[FiledRow, ...]:
        """Every row with one of these tokens, oldest first, whether arranged or not."""

    async def arrange_disclosures(self, limit: int) -> int:
        """Arrange the tokens of up to `limit` rows for finding; how many rows there were. Any number of processes may
        do it at once, and no row is left out."""

    async def oldest_generation(self) -> str | None:
        """The first, by name, that a row speaks of."""

    async def drop_disclosures(self, generation: str, limit: int) -> int:
        """Delete up to `limit` rows of a generation; how many there were."""

    async def expunge(
        self, expunging: Expunging, gone: Collection[int], moved: Sequence[Filed], entries: Sequence[AuditEntry]
    ) -> bool:
        """Delete rows, write those that take the place of some of them, the entries, and what is to be destroyed yet:
        all or nothing. False, and nothing written, when one of the rows is no longer there."""

    async def expungings(self) -> tuple[Expunging, ...]:
        """What is to be destroyed yet."""

    async def expunged(self, id: str, entries: Sequence[AuditEntry]) -> bool:
        """It is destroyed: note that with these entries. False, and nothing written, when somebody has noted it."""
