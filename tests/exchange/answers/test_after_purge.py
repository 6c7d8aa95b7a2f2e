"""When the records are destroyed the answers stay: what was sent, late, withheld. What was destroyed is one of them."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.exchange.answers.asked import Asked
from gateway.exchange.answers.disclosures import Between, disclosures
from gateway.exchange.answers.explain import PURGED, explained
from gateway.exchange.answers.late import late_notices
from gateway.exchange.answers.reveal import DESTROYED, Reveal
from gateway.exchange.answers.sample import sample
from gateway.exchange.holds import place_hold
from gateway.exchange.retention_tables import certificates_table, due_table, holds_table
from gateway.report.period import read_period
from gateway.report.table import Table
from gateway.retention.hold import Cause, Scope
from tests.exchange.answers.story import PRIVACY, Story, tell
from tests.exchange.answers.test_golden import GOLDEN, forms, same
from tests.exchange.deployed import JAIL, POLICE, Deployed, deployed, make_template
from tests.exchange.officers import OPERATOR, officer
from tests.exchange.purging import purged

MARCH = Asked(period=read_period("2026-03"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def told(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Deployed, Story]]:
    """The story, told on a database of each kind."""
    if request.param == "postgresql":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres_url"))
        template = await asyncio.to_thread(make_template, tmp_path / "template")
    async with deployed(template, tmp_path / "deployment") as place:
        yield place, await tell(place)


async def test_what_was_sent_and_late_is_answered_alike_when_the_records_are_gone(told: tuple[Deployed, Story]) -> None:
    place, story = told
    ended = Between(recipient=POLICE)
    before = await disclosures(place.gateway, MARCH, ended), await late_notices(place.gateway, MARCH)
    place.clock.go(days=120)
    await purged(place)
    kept = await place.gateway.store.message(story.full)
    assert kept is None or kept.original.ciphertext == b""
    after = await disclosures(place.gateway, MARCH, ended), await late_notices(place.gateway, MARCH)
    assert after[0].digest == before[0].digest

    def arrived_late(table: Table) -> list[tuple[object, ...]]:
        return [row for row in table.rows if row[7] == "arrived"]

    assert arrived_late(after[1]) == arrived_late(before[1]) != []


async def test_what_was_withheld_is_explained_alike_for_places_hold_no_values(told: tuple[Deployed, Story]) -> None:
    place, story = told
    before = await explained(place.gateway, story.full, Asked(), to=POLICE)
    place.clock.go(days=120)
    await purged(place)
    after = await explained(place.gateway, story.full, Asked(), to=POLICE)
    assert (after.digest, after.note) == (before.digest, "")


async def test_without_its_row_the_counts_of_what_was_withheld_stay(
    told: tuple[Deployed, Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, story = told
    before = await explained(place.gateway, story.full, Asked(), to=POLICE)

    async def none(_: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(place.gateway.store, "disseminations", none)
    after = await explained(place.gateway, story.full, Asked(), to=POLICE)
    assert after.note == PURGED
    assert {row[2] for row in after.rows} == {None}
    assert sum(int(row[8] or 0) for row in after.rows) == len(before.rows)


async def test_nobody_sees_persons_of_what_is_destroyed_and_a_sample_says_so(told: tuple[Deployed, Story]) -> None:
    place, _ = told
    place.clock.go(days=120)
    await purged(place)
    by = await officer(place.gateway, OPERATOR, number=11, roles=PRIVACY)
    table = await disclosures(place.gateway, MARCH, Between(), Reveal(by=by, reason="audit"))
    assert {row[-1] for row in table.rows} == {DESTROYED}
    found = await sample(place.gateway, MARCH, count=3, replay=True, seed="spring", actor="test")
    assert found.same
    assert all(str(row[8]).startswith("cannot be decided again") for row in found.table.rows)


async def test_what_is_due_held_and_destroyed_is_the_one_that_was_read_through(told: tuple[Deployed, Story]) -> None:
    place, _ = told
    by = await officer(place.gateway, JAIL, number=11, roles=PRIVACY)
    scope = Scope(mou="A-1", agency=JAIL)
    await place_hold(
        place.gateway, scope, cause=Cause.LITIGATION, authority="Superior Court of Harlan County, order 26-1187", by=by
    )
    until = place.clock.now() + timedelta(days=60)
    tables = {
        "retention-due": await due_table(place.gateway, until, within="60 days"),
        "retention-holds": await holds_table(place.gateway, every=False),
    }
    place.clock.go(days=120)
    await purged(place)
    tables["retention-certificates"] = await certificates_table(place.gateway, None)
    wrong = []
    for name, table in tables.items():
        assert table.rows, name
        for ending, text in forms(table).items():
            file = GOLDEN / f"{name}.{ending}"
            if os.environ.get("GOLDEN") == "write":
                file.write_bytes(same(text).encode())
            elif file.read_bytes().decode() != same(text):
                wrong.append(file.name)
    assert wrong == []
