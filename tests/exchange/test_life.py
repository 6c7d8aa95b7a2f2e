"""Where an agreement stands: what is due, what is lacking, what was tried; and its history, each signature checked."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.agency import AgencyId
from gateway.exchange.activate import suspend_agency
from gateway.exchange.agreements import AgreementUnknown, approve_mou, try_mou
from gateway.exchange.life import Due, Signature, VersionStatus, due, history_of, status_of
from gateway.exchange.submission import NoRecipient
from gateway.policy.approval import Lack
from gateway.policy.mou import Mou
from gateway.store.configuration import AgreementState
from tests.exchange.deployed import POLICE, PROBATION, SHELTER, Deployed, agreement, release, sample
from tests.exchange.officers import activate_mou, officer, stop_mou

MOU = "S-1"
TEXT = agreement(MOU, SHELTER, POLICE)
DAY = date(2026, 6, 1)


async def standing(place: Deployed, version: int = 1) -> VersionStatus:
    return next(each for each in await status_of(place.gateway, MOU) if each.agreement.version == version)


async def test_a_draft_tells_who_has_approved_and_who_has_yet_to(place: Deployed) -> None:
    await approve_mou(place.gateway, TEXT, "file", party=SHELTER, by=await officer(place.gateway, SHELTER))
    found = await standing(place)
    assert found.agreement.state is AgreementState.DRAFT
    assert found.mou is not None
    assert [each.party for each in found.approvals] == [SHELTER]
    assert [(each.party, each.people) for each in found.lacks] == [(POLICE, 1)]
    assert found.due == (Due.UNSIGNED,)


async def test_what_is_in_force_lacks_nothing_and_every_shipped_agreement_is_told(place: Deployed) -> None:
    await activate_mou(place.gateway, TEXT, "file")
    found = await status_of(place.gateway)
    assert {each.agreement.mou for each in found} == {one.mou for one in place.gateway.current.agreements}
    assert [each for each in found if each.lacks] == []


async def test_a_trial_is_counted_by_recipient_label_and_code(place: Deployed) -> None:
    await try_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    other = agreement("S-2", SHELTER, PROBATION)
    await try_mou(place.gateway, other, "file", by=await officer(place.gateway))
    await suspend_agency(place.gateway, PROBATION, actor="test")
    for body in (sample("fullest"), release()):
        with pytest.raises(NoRecipient):
            await place.accept(body, sender=SHELTER)
    trial = (await standing(place)).trial
    assert (trial.messages, trial.released, trial.nothing) == (2, {POLICE: 2}, {})
    assert trial.withheld["person.dob"] > 0
    (found,) = await status_of(place.gateway, "S-2")
    assert found.trial.messages == 2
    assert found.trial.nothing == {(PROBATION, "agency.suspended"): 2}


async def test_counts_of_a_trial_stay_when_it_has_ended(place: Deployed) -> None:
    await try_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    with pytest.raises(NoRecipient):
        await place.accept(release(), sender=SHELTER)
    await stop_mou(place.gateway, MOU, state=AgreementState.ENDED)
    found = await standing(place)
    assert (found.trial.messages, found.due, found.lacks) == (1, (), ())


def mou(**changes: object) -> Mou:
    made = Mou(
        id=MOU,
        version=1,
        title="Invented",
        kind="mou",  # type: ignore[arg-type]
        parties=(SHELTER, POLICE),
        since=date(2026, 1, 1),
        until=date(2027, 12, 31),
        exchanges=(),
        digest="sha-256:" + "0" * 64,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"review_by": date(2026, 5, 31)}, (Due.REVIEW,)),
        ({"review_by": DAY}, ()),
        ({"until": date(2026, 7, 31)}, (Due.ENDS,)),
        ({"until": date(2026, 8, 1)}, ()),
        ({"until": DAY}, (Due.ENDS,)),
        ({"until": date(2026, 5, 31)}, (Due.OVER,)),
    ],
)
def test_what_is_due_by_the_dates_of_an_agreement(changes: dict[str, date], expected: tuple[Due, ...]) -> None:
    assert due(mou(**changes), (), DAY) == expected


def test_lacking_approvals_and_a_draft_nobody_can_read_are_due() -> None:
    lack = Lack(party=AgencyId("millbrook-police"), people=1, because="each party approves")
    assert due(mou(), (lack,), DAY) == (Due.UNSIGNED,)
    assert due(None, (), DAY) == (Due.UNREADABLE,)


async def test_history_has_every_act_in_order_with_who_did_it_over_which_words(place: Deployed) -> None:
    await try_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    first = await activate_mou(place.gateway, TEXT, "file")
    await stop_mou(place.gateway, MOU, state=AgreementState.SUSPENDED)
    second = await activate_mou(place.gateway, agreement(MOU, SHELTER, POLICE, version=2), "file")
    found = await history_of(place.gateway, MOU)
    signed = [each for each in found.acts if each.act != "check"]  # the gateway's own, which nobody signs
    acts = [(each.act, each.version, each.state) for each in signed if each.act != "approve"]
    assert acts == [
        ("activate", 1, "trial"),
        ("activate", 1, "in-force"),
        ("suspend", 1, "suspended"),
        ("activate", 2, "in-force"),
        ("end", 1, "ended"),
    ]
    assert {(each.version, each.digest) for each in found.acts} == {(1, first.digest), (2, second.digest)}
    assert {each.signature for each in signed} == {Signature.VERIFIED}
    assert len([each for each in found.acts if each.act == "approve"]) == 8
    assert [(each.version, each.state) for each in found.versions] == [
        (1, AgreementState.ENDED),
        (2, AgreementState.IN_FORCE),
    ]
    approvals = [worth for version in found.versions for _, worth in version.approvals]
    assert approvals == [Signature.VERIFIED] * 8


async def test_an_approval_that_was_altered_in_the_database_shows(place: Deployed) -> None:
    await activate_mou(place.gateway, TEXT, "file")
    store = place.gateway.store
    approval = next(each for each in place.gateway.current.approvals if each.mou == MOU)
    other = next(each for each in place.gateway.current.approvals if each.mou == MOU and each.user != approval.user)
    await store.change([replace(approval, signature=other.signature)], ())
    (version,) = (await history_of(place.gateway, MOU)).versions
    worth = {each.user: worth for each, worth in version.approvals}
    assert worth.pop(approval.user) is Signature.WRONG
    assert set(worth.values()) == {Signature.VERIFIED}


async def test_an_agreement_nobody_knows_is_said_with_the_nearest(place: Deployed) -> None:
    for ask in (status_of, history_of):
        with pytest.raises(AgreementUnknown, match="JAIL-PD-2026-01"):
            await ask(place.gateway, "JAIL-PD-2026-10")
