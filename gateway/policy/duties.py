"""Duties: what rules of access demand of a person, in words; of a push they become the recipient's.

The gateway cannot see who opens a notice at another agency: what the rules demand of a person travels with the notice,
and the recipient attests to it (docs/decisions/0009).
"""

from gateway.policy.access import Access, Cell, Demand, DemandKind
from gateway.policy.explain import listed
from gateway.policy.mou import Clause, Mou


def duties(mou: Mou, clause: Clause) -> tuple[str, ...]:
    """What the recipient of a push under this clause takes on for its people, in words; () when nothing."""
    return duties_in(Access(mou).cell(clause)) if mou.access else ()


def duties_in(cell: Cell) -> tuple[str, ...]:
    """The same, of a role's cell."""
    if not cell.open or not cell.ways[0][1]:
        return ()
    ways = "; or else ".join(f"{in_words(demands)} (rule {rule})" for rule, demands in cell.ways)
    return (f"Whoever opens this must {ways}. The receiving agency attests to it.",)


def in_words(demands: frozenset[Demand]) -> str:
    """ "sign in with a second factor and give a case number"."""
    return listed(_demand_in_words(demand) for demand in sorted(demands))


def _demand_in_words(demand: Demand) -> str:
    if demand.kind is DemandKind.MFA:
        return "sign in with a second factor"
    if demand.kind is DemandKind.CASE_NUMBER:
        return "give a case number"
    return f"hold the training {demand.course}, not expired"
