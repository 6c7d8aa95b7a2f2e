"""The answers to one small story, on both databases, in all forms. `GOLDEN=write pytest …` writes them anew."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.agency import AgencyId
from gateway.audit.note import NoteKey
from gateway.cli import who_saw as who_saw_command
from gateway.cli.mou_table import coverage_table, diff_table, history_table, lint_table, status_table, verify_table
from gateway.cli.table import as_text
from gateway.exchange.answers.accounted import intelligence_review, protected_health
from gateway.exchange.answers.admin import admin_actions
from gateway.exchange.answers.asked import Asked
from gateway.exchange.answers.denials import denials, denials_by_reason
from gateway.exchange.answers.disclosures import Between, disclosures
from gateway.exchange.answers.emergencies import overrides, secondary
from gateway.exchange.answers.explain import explained
from gateway.exchange.answers.late import late_notices
from gateway.exchange.answers.sample import sample
from gateway.exchange.disclosed import sought
from gateway.exchange.evidence import verify_log
from gateway.exchange.export import RevealReason
from gateway.exchange.gateway import Gateway
from gateway.exchange.life import history_of, status_of
from gateway.exchange.who_saw import Asked as Whom
from gateway.exchange.who_saw import who_saw
from gateway.policy.check import PROVING_KEY
from gateway.policy.coverage import Granted, coverage
from gateway.policy.diff import diff
from gateway.policy.outcome import outcomes
from gateway.policy.read import read_mou
from gateway.report.period import read_period
from gateway.report.table import Table, as_csv, as_html, as_json
from tests.exchange.answers.story import PRIVACY, Story, same, tell
from tests.exchange.deployed import FUSION, JAIL, PROBATION, Deployed, deployed, draft, make_template
from tests.exchange.officers import officer

GOLDEN = Path(__file__).parent / "golden"

MARCH = Asked(period=read_period("2026-03"))
UNDER = Asked(period=read_period("2026-Q1"), filters=(("mou", "JAIL-PD-2026-01"),))

Ask = Callable[[Deployed, Story], Awaitable[Table]]


def of(ask: Callable[[Gateway, Story], Awaitable[Table]]) -> Ask:
    """A question that is asked of the gateway."""
    return lambda place, story: ask(place.gateway, story)


async def _status(place: Deployed, _: Story) -> Table:
    found = await status_of(place.gateway, "JAIL-PD-2026-01")
    return await asyncio.to_thread(status_table, place.directory, found, "JAIL-PD-2026-01")


async def _history(place: Deployed, _: Story) -> Table:
    return await asyncio.to_thread(history_table, place.directory, await history_of(place.gateway, "A-1"))


NARROWER = draft("JAIL-PD-2026-01").replace(b"version: 1", b"version: 2").replace(b"        - person.dob\n", b"")


async def _diff(place: Deployed, _: Story) -> Table:
    current = place.gateway.current
    new, findings = read_mou(NARROWER, "v2", current.iepds)
    assert new is not None, findings
    old = current.mous["JAIL-PD-2026-01", 1]
    changes = diff(old, new, current.iepds, current.restrictions(place.clock.now()))
    return await asyncio.to_thread(diff_table, place.directory, old, new, changes)


async def _coverage(place: Deployed, _: Story) -> Table:
    current = place.gateway.current
    law = current.restrictions(place.clock.now())
    mou = next(each for each in current.in_force.mous if each.id == "A-1")
    (clause,) = mou.exchanges
    iepd = current.iepds[clause.exchange]
    decided = outcomes(clause, iepd.catalog, law(mou, clause, PROBATION), PROVING_KEY)
    granted = Granted(mou=mou, clause=clause, recipient=PROBATION, iepd=iepd, decided=decided)
    return await asyncio.to_thread(coverage_table, place.directory, coverage([granted]), PROBATION, "")


async def _lint(place: Deployed, _: Story) -> Table:
    wrong = NARROWER.replace(b"person.name", b"person.nmae").replace(b"until: 2028-12-31", b"until: 2025-12-31")
    _, findings = read_mou(wrong, "draft.yaml", place.gateway.current.iepds)
    return await asyncio.to_thread(lint_table, place.directory, findings, ["draft.yaml"])


async def _who_saw(place: Deployed, _: Story) -> Table:
    by = await officer(place.gateway, JAIL, number=11, roles=PRIVACY)
    asked = Whom(person=sought(("SID=FR-119-0284",)), reason=RevealReason.AUDIT)
    seen = await who_saw(place.gateway, asked, by=by, exported=False)
    table = await who_saw_command._table(place.gateway, seen, None, (("reason", "audit"),))
    # Those of one moment are told in the order of their ids, which is chance.
    return replace(table, rows=tuple(sorted(table.rows, key=lambda row: [str(cell) for cell in row[:2]])))


async def _verify(place: Deployed, _: Story) -> Table:
    signer = place.gateway.keys.log_signer
    since = datetime(2026, 3, 3, tzinfo=UTC)
    found = await verify_log(place.gateway.store, [NoteKey(signer.name, signer.public_bytes)], since=since)
    return await asyncio.to_thread(verify_table, place.directory, found, since)


async def _sampled(gateway: Gateway, story: Story) -> Table:
    # A seed of its own: the root differs from run to run, since keys do.
    return (await sample(gateway, MARCH, count=4, replay=True, seed="spring", actor="cli")).table


QUESTIONS: dict[str, Ask] = {
    "disclosures": of(lambda gateway, _: disclosures(gateway, UNDER, Between(mou="JAIL-PD-2026-01"))),
    "explain": of(lambda gateway, story: explained(gateway, story.full, Asked(), to=FUSION)),
    "late-notices": of(lambda gateway, _: late_notices(gateway, MARCH)),
    "overrides": of(lambda gateway, _: overrides(gateway, MARCH)),
    "denials": of(lambda gateway, _: denials(gateway, MARCH)),
    "denials-by-reason": of(lambda gateway, _: denials_by_reason(gateway, MARCH)),
    "secondary": of(lambda gateway, _: secondary(gateway, MARCH)),
    "cfr23-review": of(lambda gateway, _: intelligence_review(gateway, Asked(), within=timedelta(days=6 * 365))),
    "protected-health": of(lambda gateway, _: protected_health(gateway, MARCH)),
    "admin-actions": of(lambda gateway, _: admin_actions(gateway, MARCH)),
    "sample": of(_sampled),
    "who-saw": _who_saw,
    "mou-status": _status,
    "mou-history": _history,
    "mou-diff": _diff,
    "mou-coverage": _coverage,
    "mou-lint": _lint,
    "audit-verify": _verify,
}


@pytest.fixture(params=["sqlite", "postgresql"])
async def told(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Deployed, Story]]:
    """The story, told on a database of each kind."""
    if request.param == "postgresql":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres_url"))
        template = await _made(tmp_path / "template")
    async with deployed(template, tmp_path / "deployment") as place:
        yield place, await tell(place)


async def _made(directory: Path) -> Path:
    return await asyncio.to_thread(make_template, directory)


def forms(table: Table) -> dict[str, str]:
    """Each form, with what differs from run to run made the same; of the page what it shows."""
    page = re.sub(r"<style>.*?</style>", "", as_html(table), flags=re.DOTALL)
    return {"txt": as_text(table), "csv": as_csv(table), "json": as_json(table), "html": page}


async def test_every_answer_is_the_one_that_was_read_through(told: tuple[Deployed, Story]) -> None:
    place, story = told
    wrong = []
    for name, ask in QUESTIONS.items():
        for ending, text in forms(await ask(place, story)).items():
            file = GOLDEN / f"{name}.{ending}"
            if os.environ.get("GOLDEN") == "write":
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(same(text).encode())
            elif file.read_bytes().decode() != same(text):
                wrong.append(file.name)
    assert wrong == []


async def test_two_runs_give_the_same_digest_whatever_was_logged_between(told: tuple[Deployed, Story]) -> None:
    place, story = told
    for name, ask in QUESTIONS.items():
        if name == "admin-actions":  # asking is an act: this answer grows by itself
            continue
        first = await ask(place, story)
        place.clock.go(seconds=0 if name in {"late-notices", "cfr23-review"} else 1)
        second = await ask(place, story)
        assert second.digest == first.digest, name


async def test_no_answer_shows_a_name_of_a_person_or_a_value_of_a_message(told: tuple[Deployed, Story]) -> None:
    place, story = told
    for name, ask in QUESTIONS.items():
        shown = as_json(await ask(place, story))
        for word in ("Calvin", "Tansley", "Alder Street", "Quarry Road", "FR-119-0284", "He has a key"):
            assert word not in shown, name


async def test_each_answer_is_an_entry_with_its_number_of_rows(told: tuple[Deployed, Story]) -> None:
    place, story = told
    for name, ask in QUESTIONS.items():
        if name.startswith("mou-") or name in {"audit-verify", "who-saw"}:  # no record, or an entry of its own
            continue
        table = await ask(place, story)
        said = [entry for entry in await place.log() if entry["type"] == "read"][-1]
        assert (said["kind"], said["count"]) == (table.name.replace(" ", "-"), len(table.rows))
        assert json.loads(as_json(table))["row_count"] == len(table.rows)


async def test_an_empty_table_says_why_it_is_empty(told: tuple[Deployed, Story]) -> None:
    place, story = told
    ask = place.gateway
    slip = await disclosures(ask, Asked(), Between(recipient=AgencyId("millbrok-police")))
    assert (slip.rows, slip.note) == ((), "No agency millbrok-police is known here; did you mean 'millbrook-police'?")
    slip = await explained(ask, story.full, Asked(), to=AgencyId("nobody"))
    assert (slip.rows, slip.note) == ((), "No agency nobody is known here.")
    stranger = await explained(ask, story.consented, Asked(), to=FUSION)
    assert stranger.rows == ()
    assert stranger.note.startswith("Nothing of this message was given")
    assert (await explained(ask, story.full, Asked(), to=FUSION)).note == ""
