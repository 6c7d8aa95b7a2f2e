"""Who has yet to approve an agreement."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import AgencyId
from gateway.policy.approval import Approved, lacking
from gateway.user import UserId
from tests.policy.examples import mou_of

A, B = AgencyId("agency-a"), AgencyId("agency-b")
MOU = replace(mou_of(), parties=(A, B), digest="sha-256:this")
NOBODY = frozenset[AgencyId]()


def approved(party: AgencyId, user: str, digest: str = MOU.digest) -> Approved:
    return Approved(party=party, user=UserId(user), digest=digest)


def missing(*approvals: Approved, widened: frozenset[AgencyId] = NOBODY) -> dict[AgencyId, int]:
    return {lack.party: lack.people for lack in lacking(MOU, approvals, widened=widened)}


def test_each_party_approves_by_one_person() -> None:
    assert missing() == {A: 1, B: 1}
    assert missing(approved(A, "ann")) == {B: 1}
    assert missing(approved(A, "ann"), approved(B, "bo")) == {}


def test_a_party_whose_data_gets_wider_approves_by_two_people() -> None:
    both = (approved(A, "ann"), approved(B, "bo"))
    assert missing(*both, widened=frozenset({A})) == {A: 1}
    assert missing(*both, approved(A, "ann"), widened=frozenset({A})) == {A: 1}  # the same person twice is one person
    assert missing(*both, approved(A, "abe"), widened=frozenset({A})) == {}


def test_nobody_approves_for_two_parties() -> None:
    assert missing(approved(A, "ann"), approved(B, "ann")) == {B: 1}


def test_an_approval_of_other_words_is_none() -> None:
    assert missing(approved(A, "ann", "sha-256:other"), approved(B, "bo")) == {A: 1}


@given(st.lists(st.builds(approved, st.sampled_from([A, B]), st.sampled_from(["ann", "bo", "cy"])), max_size=8))
def test_one_more_approval_by_somebody_new_never_makes_more_missing(approvals: list[Approved]) -> None:
    before, after = missing(*approvals), missing(*approvals, approved(A, "zoe"))
    assert all(after.get(party, 0) <= people for party, people in before.items())
