"""Whether an agreement has the approvals it needs before it may be in force.

Each party approves by one of its own people; a party whose data gets wider - more fields, more recipients, longer -
by two of them. Nobody approves for two parties. All approvals are of one digest: of these very words.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.policy.mou import Mou
from gateway.user import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """One person's approval of one version for one party; its signature was verified."""

    party: AgencyId
    user: UserId
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What is still missing: how many people of this party."""

    party: AgencyId
    people: int
    because: str


def lacking(mou: Mou, approvals: Iterable[Approved], *, widened: frozenset[AgencyId]) -> tuple[Lack, ...]:
    """Who has yet to approve, in the order of the parties; () when the agreement may be put in force.

    widened  parties whose data this version releases more of than the version in force
    """
    people: dict[AgencyId, set[UserId]] = defaultdict(set)
    elsewhere: dict[UserId, AgencyId] = {}
    for each in approvals:
        if each.digest == mou.digest and elsewhere.setdefault(each.user, each.party) == each.party:
            people[each.party].add(each.user)
    found = []
    for party in mou.parties:
        needed = 2 if party in widened else 1
        because = "this version releases more of its data" if party in widened else "each party approves"
        if len(people[party]) < needed:
            found.append(Lack(party=party, people=needed - len(people[party]), because=because))
    return tuple(found)
