"""Vector: one thing somebody may send, what it is, and what the gateway must answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

ACCEPTED = ""
"""In the place of a code: this one is as it should be."""


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One vector.

    family  the chapter of the page it stands in
    says    what was done, for people
    make    its bytes; remembered, because signing is dear
    codes   what it may be refused with: the code of the check that comes first; () = it must be accepted
    why     why the gateway refuses it where a library does not; "" = nothing to explain
    asked   whether the libraries are asked too; some vectors take them many seconds
    """

    name: str
    family: str
    says: str
    make: Callable[[], bytes]
    codes: tuple[str, ...] = ()
    why: str = ""
    asked: bool = True

    @property
    def valid(self) -> bool:
        """Whether it must be accepted."""
        return not self.codes


class Table:
    """Vectors by name, in the order they were written."""

    def __init__(self) -> None:
        self.vectors: dict[str, Vector] = {}

    def add(
        self,
        family: str,
        name: str,
        make: Callable[[], bytes],
        *codes: str,
        says: str,
        why: str = "",
        asked: bool = True,
    ) -> None:
        """One more."""
        if name in self.vectors:
            raise ValueError(f"there is a vector {name} already")
        self.vectors[name] = Vector(
            name=name, family=family, says=says, make=cache(make), codes=codes, why=why, asked=asked
        )

    def vector(
        self, family: str, name: str, *codes: str, says: str, why: str = "", asked: bool = True
    ) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
        """The decorated function makes one more."""

        def enter(make: Callable[[], bytes]) -> Callable[[], bytes]:
            self.add(family, name, make, *codes, says=says, why=why, asked=asked)
            return make

        return enter

    def all(self) -> list[Vector]:
        """All of them."""
        return list(self.vectors.values())
