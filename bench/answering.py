"""Rows about auditors' questions: how long each answer takes over many messages, on both kinds of database."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

from bench.filling import PERSONS, fill, in_the_past
from bench.message import RECIPIENT, SENDER
from bench.run import Run
from bench.table import Row
from gateway.agency import AgencyId
from gateway.app import open_deployment
from gateway.cli.mou_table import coverage_table, diff_table, history_table, lint_table, status_table
from gateway.errors import Refused
from gateway.exchange.accept import accept
from gateway.exchange.acting import Acting
from gateway.exchange.answers.accounted import intelligence_review, protected_health
from gateway.exchange.answers.admin import admin_actions
from gateway.exchange.answers.asked import Asked
from gateway.exchange.answers.denials import denials
from gateway.exchange.answers.disclosures import Between, disclosures
from gateway.exchange.answers.emergencies import overrides, secondary
from gateway.exchange.answers.explain import explained
from gateway.exchange.answers.late import late_notices
from gateway.exchange.answers.sample import sample as drawn
from gateway.exchange.evidence import evidence_of
from gateway.exchange.export import RevealReason
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import keep_log
from gateway.exchange.life import history_of, status_of
from gateway.exchange.people import add_user
from gateway.exchange.retention_tables import certificates_table, due_table, holds_table
from gateway.exchange.submission import Submission
from gateway.exchange.verify import verify
from gateway.exchange.who_saw import Asked as AskedOf
from gateway.exchange.who_saw import who_saw
from gateway.folders import shipped
from gateway.keys.personal import throwaway
from gateway.message import MessageId
from gateway.policy.check import PROVING_KEY
from gateway.policy.coverage import Granted, coverage
from gateway.policy.diff import diff
from gateway.policy.outcome import outcomes
from gateway.policy.person import Person
from gateway.policy.read import read_mou
from gateway.report.period import read_period
from gateway.user import User, UserId, UserRole
from tests.store.postgres_server import NoPostgres, fresh_database, running_server

MESSAGES, QUICK = 100_000, 2_000
MOU = "JAIL-PD-2026-01"
WITHIN_SECONDS = 1.0
SAMPLES = ("fullest", "protected-victim", "smallest")

Question = Callable[[], Awaitable[object]]


def answering(run: Run) -> list[Row]:
    """Each of the twenty on SQLite and on PostgreSQL: the slowest decides."""
    rows = _measured(run, "SQLite", "sqlite:///gateway.db")
    try:
        with running_server() as server, fresh_database(server) as url:
            rows += _measured(run, "PostgreSQL", url)
    except NoPostgres as none:
        rows.append(Row(name="answers-postgresql", what="the slowest of the twenty answers", note=str(none)))
    return rows


def _measured(run: Run, kind: str, database: str) -> list[Row]:
    count = QUICK if run.quick else MESSAGES
    with in_the_past():
        made = run.place(f"answers-{kind.lower()}", database=database)

    async def measure() -> tuple[float, dict[str, float]]:
        async with open_deployment(made.directory) as gateway:
            begun = time.monotonic()
            messages = await _filled(gateway, count)
            filling = time.monotonic() - begun
            by = await _auditor(gateway)
            took: dict[str, float] = {}
            for name, question in _questions(gateway, made.directory, messages, by).items():
                took[name] = await _best(question, run.rounds)
            return filling, took

    filling, took = asyncio.run(measure())
    slowest = max(took, key=lambda name: took[name])
    each = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in took.items())
    return [
        Row(
            name=f"answers-{kind.lower()}",
            what=f"the slowest of the twenty answers on {kind}, {count:,} messages",
            value=took[slowest],
            unit="s",
            first=WITHIN_SECONDS,
            least=False,
            ratio=f"{slowest}; filled with {count / filling:,.0f} messages/s",
            note=f"ms, of 1,000 rows at most: {each}",
            more={"seconds": {name: round(seconds, 4) for name, seconds in took.items()}},
        )
    ]


async def _best(question: Question, rounds: int) -> float:
    """Seconds, of the best of some tries: the first one reads from disk."""
    times = []
    for _ in range(max(rounds, 2)):
        begun = time.perf_counter()
        await question()
        times.append(time.perf_counter() - begun)
    return min(times)


async def _filled(gateway: Gateway, count: int) -> list[MessageId]:
    samples = shipped().iepd / "custody-release/1.0/samples"
    given = [
        Submission(sender=SENDER, sender_id=f"ORIGINAL-{name}", body=(samples / f"{name}.xml").read_bytes())
        for name in SAMPLES
    ]
    messages = await fill(gateway, given, count)
    for number in range(max(count // 500, 10)):  # some are refused
        with contextlib.suppress(Refused):
            await accept(gateway, Submission(sender=SENDER, sender_id=f"WRONG-{number}", body=b"<lone/>"))
    while (await keep_log(gateway)).count:
        pass
    return messages


async def _auditor(gateway: Gateway) -> Acting:
    sign, public_key = throwaway()
    user = User(
        id=UserId("auditor.one"),
        agency=AgencyId(""),
        roles=frozenset({UserRole.COMPLIANCE_OFFICER, UserRole.PRIVACY_OFFICER}),
        public_key=public_key,
        since=gateway.clock.now(),
    )
    await add_user(gateway, user, actor="bench")
    await gateway.refresh()
    return Acting(user=user.id, sign=sign, public_key=public_key)


def _questions(gateway: Gateway, directory: Path, messages: list[MessageId], by: Acting) -> Mapping[str, Question]:
    """The twenty, in the order of the list that auditors' questions stand in; what each command calls."""
    now = gateway.clock.now()
    middle = messages[len(messages) // 2]
    day = now - timedelta(days=100)
    quarter = Asked(period=read_period(f"{day:%Y}-Q{(day.month + 2) // 3}"))
    everything = Asked()
    since = now - timedelta(days=7)
    person = Person(numbers=(f"sid:XX{PERSONS // 70:07d}",))
    wanted = AskedOf(person=person, reason=RevealReason.AUDIT)
    old = gateway.current.mous[MOU, 1]

    async def evidence() -> object:
        (first, *_) = await gateway.store.entries_of(middle)
        return await evidence_of(gateway.store, first.entry.id)

    async def status() -> object:
        return await asyncio.to_thread(status_table, directory, await status_of(gateway, None), "")

    async def compared() -> object:
        text = (shipped().policies / "mous" / f"{MOU}.yaml").read_bytes().replace(b"version: 1", b"version: 2")
        new, _ = read_mou(text, "v2", gateway.current.iepds)
        assert new is not None
        changes = diff(old, new, gateway.current.iepds, gateway.current.restrictions(now))
        await asyncio.to_thread(history_table, directory, await history_of(gateway, MOU))
        return await asyncio.to_thread(diff_table, directory, old, new, changes)

    async def seen() -> object:
        clause = old.exchanges[0]
        iepd = gateway.current.iepds[clause.exchange]
        law = gateway.current.restrictions(now)
        decided = outcomes(clause, iepd.catalog, law(old, clause, RECIPIENT), PROVING_KEY)
        granted = Granted(mou=old, clause=clause, recipient=RECIPIENT, iepd=iepd, decided=decided)
        return await asyncio.to_thread(coverage_table, directory, coverage([granted]), RECIPIENT, "")

    async def unclassified() -> object:
        text = (shipped().policies / "mous" / f"{MOU}.yaml").read_bytes()
        _, findings = read_mou(text, MOU, gateway.current.iepds)
        return await asyncio.to_thread(lint_table, directory, findings, [MOU])

    return {
        "1 who-saw": lambda: who_saw(gateway, wanted, by=by),
        "2 explain": lambda: explained(gateway, middle, everything),
        "3 disclosures": lambda: disclosures(gateway, quarter, Between(mou=MOU)),
        "4 verify": lambda: verify(gateway, since=since),
        "5 evidence": evidence,
        "6 due": lambda: due_table(gateway, now + timedelta(days=30)),
        "7 certificates": lambda: certificates_table(gateway, None),
        "8 holds": lambda: holds_table(gateway, every=True),
        "9 late-notices": lambda: late_notices(gateway, quarter),
        "10 mou-status": status,
        "11 mou-diff": compared,
        "12 coverage": seen,
        "13 lint": unclassified,
        "14 overrides": lambda: overrides(gateway, everything),
        "15 denials": lambda: denials(gateway, everything),
        "16 secondary": lambda: secondary(gateway, everything),
        "17 cfr23-review": lambda: intelligence_review(gateway, everything, within=timedelta(days=365)),
        "18 protected-health": lambda: protected_health(gateway, everything),
        "19 admin-actions": lambda: admin_actions(gateway, everything),
        "20 sample": lambda: drawn(gateway, quarter, count=50, replay=True, seed="bench", actor="bench"),
    }
