"""What changes for one recipient between two clauses, the fields aside: routes, duties, deadlines, retention."""

from collections.abc import Iterator
from datetime import timedelta

from gateway.policy.change import Change, Turn
from gateway.policy.duration import in_words
from gateway.policy.explain import listed
from gateway.policy.mou import Clause, Condition, Evidence

Route = dict[str, frozenset[bool | str]]


def clause_changes(old: Clause, new: Clause, *, recipient: str) -> Iterator[Change]:
    """Everything that is different between two clauses, as far as it is no field."""

    def change(turn: Turn, what: str, head: str, tail: str) -> Change:
        about = (recipient,)
        return Change(
            turn=turn, what=what, head=head, tail=tail, recipients=about, exchange=new.exchange, clauses=(new.id,)
        )

    if old.purpose != new.purpose:
        told = f" may use {new.exchange} for {new.purpose}, until now for {old.purpose}."
        yield change(Turn.WIDENING, "purpose", "", told)
    if old.role != new.role:
        yield change(Turn.WIDENING, "role", f"{new.exchange} goes to {new.role}, until now to {old.role}, at ", ".")
    turn = route_turn(old.route, new.route)
    if turn is not None:
        told = f": {_route_in_words(new.route)}; until now {_route_in_words(old.route)}."
        how = "Fewer" if turn is Turn.NARROWING else "More or other"
        yield change(turn, "route", f"{how} {new.exchange} messages go to ", told)
    for turn, what, told in (*_retention(old, new), *_timing(old, new), *_safeguards(old, new)):
        yield change(turn, what, f"{told} ({new.exchange} to ", ").")


def route_turn(old: tuple[Condition, ...], new: tuple[Condition, ...]) -> Turn | None:
    """Whether more messages go, or fewer; None when the same do. In doubt more."""
    before, after = route_values(old), route_values(new)
    if before == after:
        return None
    fewer = all(fact in after and after[fact] <= values for fact, values in before.items())
    return Turn.NARROWING if fewer else Turn.WIDENING


def route_values(route: tuple[Condition, ...]) -> Route:
    """The answers that let a message go, by fact: all conditions must hold, so two on one fact narrow each other."""
    found: Route = {}
    for each in route:
        values = frozenset(each.values)
        found[each.fact] = found[each.fact] & values if each.fact in found else values
    return found


def _route_in_words(route: tuple[Condition, ...]) -> str:
    if not route:
        return "every one"
    words = []
    for fact, values in sorted(route_values(route).items()):
        said = sorted(str(value).lower() if isinstance(value, bool) else value for value in values)
        words.append(f"{fact} is {listed(said, 'or') or 'anything at all'}")
    return f"where {listed(words)}"


Told = tuple[Turn, str, str]


def _retention(old: Clause, new: Clause) -> Iterator[Told]:
    for what, before, after in (
        ("The recipient's copy", old.retention.recipient_copy, new.retention.recipient_copy),
        ("The gateway's copy", old.retention.gateway_copy, new.retention.gateway_copy),
    ):
        if before != after:
            longer = after is None or (before is not None and after > before)
            told = f"{what} is kept {'longer' if longer else 'shorter'}: {_limit(after)}, until now {_limit(before)}"
            # Without a limit the gateway has one of its own, so that naming one may be longer.
            doubt = before is None and what.startswith("The gateway")
            yield (Turn.WIDENING if longer or doubt else Turn.NARROWING), "retention", told


def _limit(length: timedelta | None) -> str:
    return "without a limit" if length is None else in_words(length)


def _timing(old: Clause, new: Clause) -> Iterator[Told]:
    """When a message arrives, not what is in it: neither widens."""
    if old.within != new.within:
        now, until = (
            "at no set time" if each is None else f"within {in_words(each)}" for each in (new.within, old.within)
        )
        yield Turn.NEUTRAL, "delivery", f"Delivery is due {now}, until now {until}"
    if old.deadline != new.deadline:
        now, until = (
            "at no set time" if each is None else f"{in_words(each.at_least)} before {each.before}"
            for each in (new.deadline, old.deadline)
        )
        yield Turn.NEUTRAL, "deadline", f"Notice is due {now}, until now {until}"


def _safeguards(old: Clause, new: Clause) -> Iterator[Told]:
    if old.evidence is not new.evidence:
        turn = Turn.NARROWING if new.evidence is Evidence.SIGNED else Turn.WIDENING
        yield turn, "delivery", f"What counts as delivered is {new.evidence}, until now {old.evidence}"
    for notice in old.notices:
        if notice not in new.notices:
            yield Turn.WIDENING, "notices", f"A notice no longer travels with it: {notice!r}"
    for notice in new.notices:
        if notice not in old.notices:
            yield Turn.NARROWING, "notices", f"A notice travels with it: {notice!r}"
    if old.onward_sharing != new.onward_sharing:
        turn = Turn.WIDENING if new.onward_sharing else Turn.NARROWING
        now, until = (repr(each) if each else "nothing" for each in (new.onward_sharing, old.onward_sharing))
        yield turn, "onward-sharing", f"What may be passed on is {now}, until now {until}"
