"""An approval that was taken back counts no more."""

import pytest

from gateway.agency import AgencyId
from gateway.audit import verifier
from gateway.exchange.acting import NotAllowed
from gateway.exchange.agreements import AgreementUnknown, NotApproved, activate_mou, approve_mou
from gateway.exchange.life import Signature, history_of
from gateway.exchange.withdraw import ApprovalUnknown, TooLate, withdraw_approval
from gateway.signing.act import Act, verify_act
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import POLICE, SHELTER, Deployed
from tests.exchange.officers import approve_for_all, officer
from tests.exchange.test_agreements import TEXT

ID = "S-1"


async def test_it_cannot_be_activated_until_the_party_approves_again(place: Deployed) -> None:
    await approve_for_all(place.gateway, TEXT)
    for number in (1, 2):
        place.clock.go(seconds=1)
        by = await officer(place.gateway, POLICE, number=number)
        await withdraw_approval(place.gateway, ID, None, party=POLICE, by=by)
    with pytest.raises(NotApproved) as refused:
        await activate_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    assert [each.party for each in refused.value.lacks] == [POLICE]
    place.clock.go(seconds=1)
    await approve_mou(place.gateway, TEXT, "file", party=POLICE, by=await officer(place.gateway, POLICE))
    await activate_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))


async def test_another_process_honors_it_at_once(place: Deployed) -> None:
    await approve_for_all(place.gateway, TEXT)
    async with place.second() as other:
        place.clock.go(seconds=1)
        for number in (1, 2):
            by = await officer(place.gateway, POLICE, number=number)
            await withdraw_approval(place.gateway, ID, None, party=POLICE, by=by)
        with pytest.raises(NotApproved):
            await activate_mou(other, TEXT, "file", by=await officer(other))


async def test_a_colleague_takes_it_back_and_both_stand_in_the_log(place: Deployed) -> None:
    await approve_for_all(place.gateway, TEXT)
    first, second = [await officer(place.gateway, POLICE, number=number) for number in (1, 2)]
    place.clock.go(seconds=1)
    row = await withdraw_approval(place.gateway, ID, 1, party=POLICE, of=first.user, by=second)
    act = Act(
        act="withdraw",
        subject=f"{ID}@1 {first.user}",
        digest=row.digest,
        agency=POLICE,
        user=second.user,
        at=row.at,
    )
    verify_act(act, row.signature, second.public_key)
    (entry,) = [each for each in await place.log() if each["type"] == "withdraw"]
    assert (entry["actor"], entry["user"], entry["agency"]) == (second.user, first.user, POLICE)
    verifier.check_act(entry, bytes.fromhex(second.public_key))
    with pytest.raises(verifier.Failed):
        verifier.check_act(entry | {"user": second.user}, bytes.fromhex(second.public_key))
    acts = (await history_of(place.gateway, ID)).acts
    assert [(each.act, each.signature) for each in acts][-1] == ("withdraw", Signature.VERIFIED)


async def test_nobody_takes_back_what_another_agency_approved(place: Deployed) -> None:
    await approve_for_all(place.gateway, TEXT)
    with pytest.raises(NotAllowed):
        await withdraw_approval(place.gateway, ID, 1, party=POLICE, by=await officer(place.gateway, SHELTER))


async def test_what_was_never_approved_cannot_be_taken_back(place: Deployed) -> None:
    by = await officer(place.gateway, POLICE)
    with pytest.raises(AgreementUnknown):
        await withdraw_approval(place.gateway, ID, None, party=POLICE, by=by)
    await approve_mou(place.gateway, TEXT, "file", party=SHELTER, by=await officer(place.gateway, SHELTER))
    with pytest.raises(ApprovalUnknown):
        await withdraw_approval(place.gateway, ID, None, party=POLICE, by=by)


async def test_after_activation_it_is_too_late(place: Deployed) -> None:
    await approve_for_all(place.gateway, TEXT)
    await activate_mou(place.gateway, TEXT, "file", by=await officer(place.gateway))
    with pytest.raises(TooLate, match="suspend"):
        await withdraw_approval(place.gateway, ID, None, party=POLICE, by=await officer(place.gateway, POLICE))


async def test_it_counts_on_when_that_cannot_be_written(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    await approve_for_all(place.gateway, TEXT)

    async def away(*_: object, **__: object) -> int:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(place.gateway.store, "change", away)
        with pytest.raises(StoreUnavailable):
            await withdraw_approval(place.gateway, ID, 1, party=POLICE, by=await officer(place.gateway, POLICE))
    assert AgencyId(POLICE) in {each.party for each in place.gateway.current.approvals if each.mou == ID}
