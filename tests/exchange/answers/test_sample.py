"""A random sample that nobody chose, decided again."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.answers import sample as module
from gateway.exchange.answers.asked import Asked
from gateway.exchange.answers.sample import Sampled, index_at, sample
from gateway.exchange.redecide import VersionGone
from gateway.report.period import read_period
from gateway.report.sample import draws
from tests.exchange.answers.story import tell
from tests.exchange.deployed import Deployed


async def drawn(place: Deployed, count: int = 5, asked: Asked | None = None, **more: Any) -> Sampled:
    values = {"replay": False, "seed": "spring", "actor": "test"} | more
    return await sample(place.gateway, asked or Asked(), count=count, **values)


def leaves(found: Sampled) -> list[object]:
    return [row[7] for row in found.table.rows]


async def test_the_same_seed_draws_the_same_and_another_seed_others(place: Deployed) -> None:
    await tell(place)
    first = await drawn(place)
    assert len(leaves(first)) == 5 == len(set(leaves(first)))
    assert leaves(await drawn(place)) == leaves(first)
    others = [leaves(await drawn(place, seed=seed)) for seed in ("summer", "fall", "winter")]
    assert any(other != leaves(first) for other in others)


async def test_without_a_seed_it_is_the_root_that_the_operator_cannot_choose(place: Deployed) -> None:
    await tell(place)
    found = await drawn(place, seed="")
    assert found.table.log is not None
    assert found.table.log.root.hex() in found.table.note
    assert leaves(await drawn(place, seed=found.table.log.root.hex())) == leaves(found)


async def test_more_than_there_are_gives_all_there_are_and_only_what_left_for_others(place: Deployed) -> None:
    await tell(place)
    log = await place.log()
    own = [
        index for index, each in enumerate(log) if each["type"] == "disseminate" and each["recipient"] != each["sender"]
    ]
    assert leaves(await drawn(place, count=500)) == own


async def test_the_sample_is_of_the_period(place: Deployed) -> None:
    await tell(place)
    assert leaves(await drawn(place, asked=Asked(period=read_period("2026-02")))) == []
    assert len(leaves(await drawn(place, count=500, asked=Asked(period=read_period("2026-03-03"))))) > 5


async def test_each_comes_out_the_same_and_that_it_was_opened_is_written(place: Deployed) -> None:
    await tell(place)
    found = await drawn(place, replay=True)
    assert found.same
    assert {row[8] for row in found.table.rows} == {"same"}
    read = [each for each in await place.log() if each.get("kind") == "replay"]
    assert {each["message"] for each in read} == {row[5] for row in found.table.rows}


async def test_a_decision_that_comes_out_otherwise_is_said(place: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    await tell(place)
    true = module.redecide

    async def otherwise(*args: Any, **kwargs: Any) -> Any:
        return [replace(each, shared=(each.shared[0], each.shared[0] + 1)) for each in await true(*args, **kwargs)]

    monkeypatch.setattr(module, "redecide", otherwise)
    found = await drawn(place, replay=True)
    assert not found.same
    assert {row[8] for row in found.table.rows} == {"different"}


async def test_what_cannot_be_decided_any_more_is_no_difference_and_is_said(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(place)

    async def gone(*_: Any, **__: Any) -> Any:
        raise VersionGone("gone")

    monkeypatch.setattr(module, "redecide", gone)
    found = await drawn(place, replay=True)
    assert found.same
    assert {row[8] for row in found.table.rows} == {"cannot be decided again (mou.version-gone)"}


async def test_an_empty_log_gives_an_empty_sample(place: Deployed) -> None:
    assert leaves(await drawn(place)) == []


async def test_the_place_of_a_moment_in_the_log(place: Deployed) -> None:
    await tell(place)
    log = await place.log()
    moments = [each["at"] for each in log]
    at = await index_at(place.gateway, place.clock.now() - timedelta(days=1), len(log))
    assert moments[at - 1] <= moments[-1]
    assert await index_at(place.gateway, place.clock.now() + timedelta(days=9), len(log)) == len(log)
    assert await index_at(place.gateway, place.clock.now() - timedelta(days=99), len(log)) == 0
    assert json.dumps(log)


@given(st.text(max_size=20), st.integers(0, 50), st.integers(1, 1000))
def test_draws_lie_within_and_are_the_same_each_time(seed: str, first: int, size: int) -> None:
    found = list(islice(draws(seed, first, first + size), 20))
    assert all(first <= each < first + size for each in found)
    assert found == list(islice(draws(seed, first, first + size), 20))


def test_from_nothing_nothing_is_drawn() -> None:
    assert list(draws("seed", 3, 3)) == []
