"""Whether an earlier try of a delivery may have arrived. Only then is a recipient believed that says it has it already:
anything else that answers so - a key remembered before the message was stored, another system at that address - would
lose the message."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.delivery.outcome import MAY_HAVE_ARRIVED


class EarlierTry(NamedTuple):
    """What the log says of a try, or of the delivery being begun anew: then `number` is None.

    number  1 for the first try; code of its outcome
    """

    number: int | None
    code: str


BEGUN_ANEW = EarlierTry(None, "")
"""A person sent it once more; tries are counted from one again."""


def may_have_arrived(earlier: Iterable[EarlierTry], number: int) -> bool:
    """Whether one before the try with this number may have: its outcome is not known, or nothing is told of it, since
    its worker ended before it could write.

    earlier  in the order in which they were written
    """
    told = 0
    for each in earlier:
        if each.number is None:
            told = 0
        elif each.number > told + 1 or each.code in MAY_HAVE_ARRIVED:
            return True
        else:
            told = max(told, each.number)
    return number > told + 1
