"""Vector: one thing somebody may send, what it is, and what the gateway must answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One vector.

    family  the chapter of the page it stands in
    says    what was done, for people
    make    its bytes; remembered, because signing is dear
    codes   what it may be refused with: the code of the check that comes first; () = it must be accepted
    why     why the gateway refuses it where a library does not; "" = nothing to explain
    asked   whether the libraries are asked too; some vectors take them many seconds
    edge    what a good signature is refused with all the same, because what it signs breaks the schema; "" = nothing
    """

    name: str
    family: str
    says: str
    make: Callable[[], bytes]
    codes: tuple[str, ...] = ()
    why: str = ""
    asked: bool = True
    edge: str = ""

    @property
    def valid(self) -> bool:
        """Whether it must be accepted."""
        return not self.codes


class Table:
    """Vectors by name, in the order they were written."""

    def __init__(self) -> None:
        self.vectors: dict[str, Vector] = {}

    def add(self, family: str, name: str, make: Callable[[], bytes], *codes: str, says: str, **more: Any) -> None:
        """One more."""
        if name in self.vectors:
            raise ValueError(f"there is a vector {name} already")
        self.vectors[name] = Vector(name=name, family=family, says=says, make=cache(make), codes=codes, **more)
