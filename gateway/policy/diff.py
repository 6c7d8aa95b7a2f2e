"""Diff: what a new version of an agreement changes, in officers' words, and whether it widens.

Computed on what the two versions do - who gets which field, in which form, on which condition - and not on their
text: a clause may be written another way and change nothing. What cannot be judged counts as widening, because
that is what a second person looks at before it is in force.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.iepd.package import Iepd
from gateway.policy.access import Access
from gateway.policy.change import Change, Turn, merged
from gateway.policy.diff_access import access_changes
from gateway.policy.diff_clause import clause_changes, route_values
from gateway.policy.diff_fields import Outcomes, field_changes
from gateway.policy.diff_frame import frame_changes
from gateway.policy.explain import Law, fields_in_words, no_law
from gateway.policy.mou import Clause, Mou
from gateway.policy.outcome import OUTSIDE, outcomes

Flow = tuple[AgencyId, str, AgencyId]
"""Sender, exchange, recipient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """One version, ready to be compared."""

    mou: Mou
    access: Access
    flows: Mapping[Flow, tuple[Clause, ...]]
    iepds: Mapping[str, Iepd]
    law: Law

    def decided(self, clause: Clause, recipient: AgencyId) -> Outcomes:
        """What becomes of each field; nothing goes where access rules let no role at all in."""
        catalog = self.iepds[clause.exchange].catalog
        ways = self.access.ways[clause.sender, recipient, clause.exchange, clause.purpose]
        if not any(cell.open for cell in ways.by_role.values()):
            return {field.path: OUTSIDE for field in catalog.fields}
        return outcomes(clause, catalog, self.law(self.mou, clause, recipient))


def diff(old: Mou, new: Mou, iepds: Mapping[str, Iepd], law: Law = no_law) -> tuple[Change, ...]:
    """Every change from one version to another: around the clauses, then per recipient. () = they do the same.

    iepds  every exchange that either version names
    """
    before, after = (
        _Version(mou=mou, access=Access(mou), flows=_flows(mou), iepds=iepds, law=law) for mou in (old, new)
    )
    changes = [*frame_changes(old, new), *access_changes(before.access, after.access)]
    for flow in sorted(before.flows.keys() | after.flows.keys()):
        changes += _flow_changes(before, after, flow)
    return merged(changes)


def is_widening(old: Mou | None, new: Mou, iepds: Mapping[str, Iepd], law: Law = no_law) -> bool:
    """Whether somebody may see, keep or do more under the new version, or nobody can tell. A first version widens."""
    return old is None or any(change.turn is Turn.WIDENING for change in diff(old, new, iepds, law))


def _flows(mou: Mou) -> Mapping[Flow, tuple[Clause, ...]]:
    found: dict[Flow, list[Clause]] = {}
    for clause in mou.exchanges:
        for recipient in clause.recipients:
            found.setdefault((clause.sender, clause.exchange, recipient), []).append(clause)
    return {flow: tuple(clauses) for flow, clauses in found.items()}


def _flow_changes(before: _Version, after: _Version, flow: Flow) -> Iterator[Change]:
    recipient = flow[2]
    old, new = before.flows.get(flow, ()), after.flows.get(flow, ())
    iepd = after.iepds[flow[1]]
    pairs, gone, come = _paired(old, new)
    for one, other in pairs:
        yield from clause_changes(one, other, recipient=recipient)
        decided = (one, before.decided(one, recipient)), (other, after.decided(other, recipient))
        yield from field_changes(iepd, *decided, recipient=recipient)
    for clause in come:
        yield _appears(after, clause, recipient)
    for clause in gone:
        told = f" no longer gets {clause.exchange} from {clause.sender} for {clause.purpose} ({clause.role})."
        yield Change(
            turn=Turn.NARROWING,
            what="recipient",
            head="",
            tail=told,
            recipients=(recipient,),
            exchange=clause.exchange,
            clauses=(clause.id,),
        )
    deciding = [_deciding(version, clauses, pairs) for version, clauses in ((before, old), (after, new))]
    if max(len(old), len(new)) > 1 and deciding[0] != deciding[1]:
        told = ": a message it got under one may now go under the next, which may share more."
        yield Change(
            turn=Turn.WIDENING,
            what="order",
            head=f"Which clause decides {flow[1]} messages from {flow[0]} may change for ",
            tail=told,
            recipients=(recipient,),
            exchange=flow[1],
        )


def _deciding(version: _Version, clauses: tuple[Clause, ...], pairs: list[tuple[Clause, Clause]]) -> list[object]:
    """What decides which clause a message goes under: the first whose route fits and whose role may see it."""
    return [
        (next((at for at, pair in enumerate(pairs) if each in pair), each.id), route_values(each.route))
        for each in clauses
        if version.access.cell(each).open
    ]


def _appears(version: _Version, clause: Clause, recipient: AgencyId) -> Change:
    decided = version.decided(clause, recipient)
    fields = [each for each in version.iepds[clause.exchange].catalog.fields if decided[each.path].released]
    count = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
    what = f"{clause.exchange} from {clause.sender} for {clause.purpose} ({clause.role})"
    told = f" gets {what}, {count}: {fields_in_words(fields, most=8)}." if fields else f" gets {what}, without a field."
    return Change(
        turn=Turn.WIDENING,
        what="recipient",
        head="",
        tail=told,
        recipients=(recipient,),
        exchange=clause.exchange,
        clauses=(clause.id,),
        fields=tuple(each.name for each in fields),
    )


def _paired(
    old: tuple[Clause, ...], new: tuple[Clause, ...]
) -> tuple[list[tuple[Clause, Clause]], list[Clause], list[Clause]]:
    """The clauses that are each other's earlier and later form; those that are gone, and those that have come.

    By id, purpose and role; what is left by purpose and role, then by id: an id may be given to something else.
    """
    gone, come = list(old), list(new)
    pairs = []
    for alike in (_same_all, _same_reason, _same_id):
        for one in tuple(gone):
            other = next((each for each in come if alike(one, each)), None)
            if other is not None:
                gone.remove(one)
                come.remove(other)
                pairs.append((one, other))
    return pairs, gone, come


def _same_all(one: Clause, other: Clause) -> bool:
    return _same_id(one, other) and _same_reason(one, other)


def _same_reason(one: Clause, other: Clause) -> bool:
    return (one.purpose, one.role) == (other.purpose, other.role)


def _same_id(one: Clause, other: Clause) -> bool:
    return one.id == other.id
