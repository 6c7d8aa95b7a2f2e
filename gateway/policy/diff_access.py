"""Which roles may see more or less, and on which conditions, between two versions of an agreement."""

from collections.abc import Iterator

from gateway.policy.access import Access, Cell, Demand, category
from gateway.policy.change import Change, Turn
from gateway.policy.duties import in_words


def access_changes(old: Access, new: Access) -> Iterator[Change]:
    """What access rules change for roles, where both versions give the same recipient the same for the same purpose.

    Where neither has rules, a change of role is a change of its clause and told there.
    """
    if not old.mou.access and not new.mou.access:
        return
    for way in sorted(old.ways.keys() & new.ways.keys()):
        _, recipient, exchange, purpose = way
        before, after = old.ways[way], new.ways[way]
        for role in sorted(before.by_role.keys() | after.by_role.keys()):
            found = _change(before.of(role), after.of(role), role, f"{category(exchange)} for {purpose}")
            if found is not None:
                turn, head, tail = found
                yield Change(turn=turn, what="access", head=head, tail=tail, recipients=(recipient,), exchange=exchange)


def _change(old: Cell, new: Cell, role: str, what: str) -> tuple[Turn, str, str] | None:
    if not old.open and not new.open:
        return None
    if not old.open:
        return Turn.WIDENING, f"Whoever is {role} at ", f" may see {what}{_if(new)}."
    if not new.open:
        return Turn.NARROWING, f"Whoever is {role} at ", f" may no longer see {what}."
    before, after = _demands(old), _demands(new)
    if before == after:
        return None
    turn = Turn.NARROWING if _at_least(before, after) else Turn.WIDENING
    return turn, f"Whoever is {role} at ", f" may see {what}{_if(new)}; until now{_if(old) or ' whatever holds'}."


def _demands(cell: Cell) -> frozenset[frozenset[Demand]]:
    return frozenset(demands for _, demands in cell.ways)


def _at_least(before: frozenset[frozenset[Demand]], after: frozenset[frozenset[Demand]]) -> bool:
    """Whether everyone whom the rules let in now was let in before: each way in demands what an older one did."""
    return all(any(old <= new for old in before) for new in after)


def _if(cell: Cell) -> str:
    ways = [in_words(demands) for _, demands in cell.ways if demands]
    return f" on the condition to {'; or else to '.join(ways)}" if ways else ""
