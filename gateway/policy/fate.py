"""Fate: what may become of one element under the rules, and why.

The cut reads a message; a proof has none, so it asks what may become of an element in any message that the schema
takes. An element may come out, may be left out, may come out with nothing in it, or come out under another name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fate:
    """What may become of an element.

    stays  it may come out
    goes   it may be left out, whoever needs it
    bare   it may come out with nothing in it; such a one is left out where nobody needs it
    names  under which it comes out
    leaf   whenever it comes out, there is a value to read at or below it
    """

    stays: bool
    goes: bool
    bare: bool = False
    names: frozenset[str] = frozenset()
    leaf: bool = False

    def options(self, *, needed: bool) -> Sequence[str | None]:
        """The names it may be left under, None = left out. `needed`: a bare one stays."""
        left: list[str | None] = [*sorted(self.names)] if self.stays else []
        if self.goes or (self.bare and not needed):
            left.append(None)
        return left


GONE = Fate(stays=False, goes=True)
"""Of an element that the rules never let out."""


def together(fates: Iterable[Fate]) -> Fate:
    """What may become of it when any of these may."""
    every = tuple(fates)
    if len(every) == 1:
        return every[0]
    return Fate(
        stays=any(fate.stays for fate in every),
        goes=any(fate.goes for fate in every),
        bare=any(fate.bare for fate in every),
        names=frozenset().union(*(fate.names for fate in every)),
        leaf=all(fate.leaf for fate in every if fate.stays),
    )
