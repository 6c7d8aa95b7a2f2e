"""Rows about the log: what it costs to write it while messages are accepted, and how fast an outsider verifies it."""

import asyncio
import contextlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import gateway.exchange.write as writing
from bench.message import RECIPIENT, SENDER, sample
from bench.run import Run
from bench.table import Row
from gateway.audit import verifier
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry, make
from gateway.audit.note import NoteKey
from gateway.exchange.accept import accept
from gateway.exchange.evidence import export_log
from gateway.exchange.gateway import Gateway
from gateway.exchange.sequence import sequence
from gateway.exchange.submission import Submission
from gateway.message import MessageId

AT_ONCE = 8
"""Messages under way in one process, as with 16 connections and two processes."""

ENTRIES = 2
"""Of a message with one recipient: its reception, and what the recipient gets."""

AUDIT = ("make", "commit", "make_receipt")
"""What `exchange.write` calls for the log and nothing else."""


def auditing(run: Run) -> list[Row]:
    """CPU time of all that is done for the log, as a share of accepting a message."""
    made = run.place("audit")
    messages = 160 if run.quick else 400

    async def measure(gateway: Gateway) -> tuple[float, float]:
        await _accept_many(gateway, 40)
        share = [await _round(gateway, messages) for _ in range(run.rounds + 1)]
        return min(whole for whole, _ in share), min(audit for _, audit in share)

    whole, audit = made.do(measure)
    return [
        Row(
            name="audit",
            what="audit work as a share of accept",
            value=audit / whole * 100,
            unit="%",
            first=15,
            goal=8,
            least=False,
            ratio=f"{audit * 1e6:.0f} µs of {whole * 1e6:.0f} µs CPU a message",
            note="two entries, two commitments, the receipt, their rows, ordering and checkpoint; accept without HTTP",
        )
    ]


async def _round(gateway: Gateway, messages: int) -> tuple[float, float]:
    """CPU seconds of a message: of accepting and ordering it, and of what of that is for the log."""
    with _timed() as making:
        begun = time.process_time()
        await _accept_many(gateway, messages)
        accepted = (time.process_time() - begun) / messages
    begun = time.process_time()
    ordered = await sequence(gateway.store, gateway.keys.log_signer, origin=gateway.settings.name)
    ordering = (time.process_time() - begun) / max(ordered, 1) * ENTRIES
    return accepted + ordering, sum(making) / messages + ordering + await _storing(gateway, messages)


async def _accept_many(gateway: Gateway, messages: int) -> None:
    left = iter(range(messages))

    async def one() -> None:
        for _ in left:
            id = gateway.clock.random(12).hex()
            only = frozenset([RECIPIENT])
            await accept(gateway, Submission(sender=SENDER, sender_id=id, body=sample(), only=only))

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


@contextlib.contextmanager
def _timed() -> Iterator[list[float]]:
    """CPU seconds of each call that `write` makes for the log while the block runs."""
    seconds: list[float] = []
    before = {name: getattr(writing, name) for name in AUDIT}

    def timing(act: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            begun = time.thread_time()
            try:
                return act(*arguments, **named)
            finally:
                seconds.append(time.thread_time() - begun)

        return timed

    for name, act in before.items():
        setattr(writing, name, timing(act))
    try:
        yield seconds
    finally:
        for name, act in before.items():
            setattr(writing, name, act)


async def _storing(gateway: Gateway, messages: int) -> float:
    """CPU seconds that two entries add to a transaction: what 18 cost above what 2 cost, eight times less."""
    entries = await gateway.store.entries(0, 500)
    kept = [each.entry for each in entries if each.entry.type in {EntryType.RECEIVE, EntryType.DISSEMINATE}]

    async def record(count: int) -> float:
        begun = time.process_time()
        for _ in range(max(messages // AT_ONCE, 1)):
            await gateway.store.record(fresh(gateway, kept, count))
        return time.process_time() - begun

    made = time.process_time()
    for _ in range(max(messages // AT_ONCE, 1)):
        fresh(gateway, kept, 16)
    making = time.process_time() - made
    few, more = await record(2), await record(18)
    return max(more - few - making, 0) / (max(messages // AT_ONCE, 1) * AT_ONCE)


def fresh(gateway: Gateway, entries: Sequence[AuditEntry], count: int) -> list[AuditEntry]:
    """Entries like these, with ids of their own."""
    now = gateway.clock.now()
    return [
        replace(entries[number % len(entries)], id=gateway.new_id(now), leaf_hash=gateway.clock.random(32))
        for number in range(count)
    ]


# --- verifying ----------------------------------------------------------------------------------------------------


def verifying(run: Run) -> list[Row]:
    """The single-file verifier over an export of the log."""
    made = run.place("log")
    size = 4_000 if run.quick else 20_000
    export = run.folder / "export"
    export.mkdir(exist_ok=True)
    made.do(lambda gateway: _export(gateway, size, export))
    words = ["--log", str(export / "log.jsonl"), "--checkpoint", str(export / "checkpoint")]
    words += ["--key", str(export / "log.vkey")]
    seconds = min(_verify(words) for _ in range(run.rounds))
    return [
        Row(
            name="verify",
            what="verify the log offline",
            value=size / seconds,
            unit="entries/s",
            first=10_000,
            goal=100_000,
            note=f"{size:,} entries of an export, by the single-file verifier, in one process",
        )
    ]


def _verify(words: list[str]) -> float:
    begun = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        status = verifier.main(words)
    if status != 0:
        raise RuntimeError("the log does not verify")
    return time.perf_counter() - begun


async def _export(gateway: Gateway, size: int, folder: Path) -> None:
    """A log of this many entries like those of deliveries, written to files."""
    now = gateway.clock.now()
    held = (await gateway.store.counts()).unsequenced + (await gateway.store.counts()).log_size
    for start in range(held, size, 1000):
        await gateway.store.record([_delivered(gateway, now) for _ in range(min(1000, size - start))])
    signer = gateway.keys.log_signer
    while await sequence(gateway.store, signer, origin=gateway.settings.name):
        pass
    with (folder / "log.jsonl").open("w", encoding="utf-8") as file:
        async for line in export_log(gateway.store, size=size):
            file.write(line)
    note = await gateway.store.checkpoint()
    assert note is not None
    (folder / "checkpoint").write_bytes(note)
    (folder / "log.vkey").write_text(f"{NoteKey(signer.name, signer.public_bytes)}\n", encoding="utf-8")


def _delivered(gateway: Gateway, now: datetime) -> AuditEntry:
    return make(
        EntryType.DELIVER,
        id=gateway.new_id(now),
        at=now,
        parties=(SENDER, RECIPIENT),
        message=MessageId(gateway.new_id(now)),
        dissemination=gateway.new_id(now),
        delivery=gateway.new_id(now),
        recipient=RECIPIENT,
        evidence="transport",
        attempts=1,
        channel="rest",
        mou="JAIL-PD-2026-01@1",
        clauses=("E1",),
    )
