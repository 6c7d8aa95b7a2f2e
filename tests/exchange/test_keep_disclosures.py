"""The disclosure index is kept for its years, arranged meanwhile, and then gone with its keys."""

import pytest

from gateway.exchange.keep_disclosures import ARRANGED_AT_ONCE, arrange, expire_disclosures, kept_until
from gateway.exchange.planning import look_at_clock
from gateway.keys.payload import KeyGone
from gateway.policy.person import heard
from gateway.retention.seen import Seen, confirmed
from gateway.store.interface import StoreUnavailable
from tests.exchange.deployed import Deployed, release
from tests.store.test_promises_failing import break_at, mend

CALVIN = heard("TANSLEY|CALVIN")


async def rows(place: Deployed) -> list[bytes]:
    subjects = place.gateway.subjects
    assert subjects is not None
    found = await place.gateway.store.disclosures(subjects.tokens([CALVIN]))
    return [subjects.open(each.filed) for each in found]


async def destroyed(place: Deployed) -> list[tuple[str, int]]:
    return [(each["bucket"], each["count"]) for each in await place.log() if each.get("kind") == "disclosure-index"]


async def years_pass(place: Deployed) -> None:
    """With somebody looking at the clock all the while."""
    place.clock.moment = kept_until("2026-Q1.1", 6)
    await place.gateway.store.see(Seen(at=place.clock.moment))


async def test_rows_are_found_before_and_after_they_are_arranged(place: Deployed) -> None:
    await place.accept(release(), "one")
    before = await rows(place)
    assert 0 < await arrange(place.gateway) < ARRANGED_AT_ONCE
    assert await arrange(place.gateway) == 0
    assert await rows(place) == before


async def test_a_quarter_is_kept_for_six_years_from_its_end_and_then_forgotten(place: Deployed) -> None:
    await place.accept(release(), "one")
    kept = await place.gateway.store.disclosures(place.gateway.subjects.tokens([CALVIN]))  # type: ignore[union-attr]
    await years_pass(place)
    place.clock.go(seconds=-1)
    assert await expire_disclosures(place.gateway) == 0
    assert len(await rows(place)) == len(kept)
    place.clock.go(seconds=1)
    assert await expire_disclosures(place.gateway) == len(kept)
    assert await rows(place) == []
    with pytest.raises(KeyGone):
        place.gateway.subjects.open(kept[0].filed)  # type: ignore[union-attr]
    assert await destroyed(place) == [("2026-Q1.1", len(kept))]
    assert await expire_disclosures(place.gateway) == 0


async def test_a_run_that_was_stopped_is_finished_by_the_next(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.accept(release(), "one")
    await years_pass(place)
    break_at(monkeypatch, "drop.before-commit")
    with pytest.raises(StoreUnavailable):
        await expire_disclosures(place.gateway)
    mend(monkeypatch)
    assert await rows(place) == []  # its keys are gone already
    assert await expire_disclosures(place.gateway) > 0
    assert len(await destroyed(place)) == 1


async def test_a_clock_that_jumps_by_years_takes_nothing_from_the_index_until_people_have_looked(
    place: Deployed,
) -> None:
    await place.accept(release(), "one")
    await look_at_clock(place.gateway)
    now, before = place.clock.moment, await rows(place)
    place.clock.moment = kept_until("2026-Q1.1", 6)
    for _ in range(3):
        assert await expire_disclosures(place.gateway) == 0
        place.clock.go(minutes=1)
    place.clock.moment = now
    assert before
    assert await rows(place) == before
    await place.gateway.store.see(confirmed(Seen(at=kept_until("2026-Q1.1", 6), jumped_from=now)))
    place.clock.moment = kept_until("2026-Q1.1", 6)
    assert await expire_disclosures(place.gateway) == len(before)
