"""What a query that both databases have is asked through."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.store import rows

_T = TypeVar("_T")


class Reads(ABC):
    """Reading by named queries."""

    @abstractmethod
    async def _all(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> tuple[_T, ...]:
        """All rows of a query as values."""

    @abstractmethod
    async def _one(self, of: Callable[[rows.Row], _T], query: str, **values: object) -> _T | None:
        """The first row of a query as a value, if there is one."""

    @abstractmethod
    def _listed(self, values: Sequence[object]) -> object:
        """A list as the database's queries take it."""
