"""Rows about what goes on beside accepting: delivery to a recipient that listens, and the memory of `serve`."""

import time

from bench import client
from bench.place import Place, Serving, serving
from bench.recipient import Recipient, recipient
from bench.run import Run
from bench.table import Row

DRAIN_SECONDS_MAX = 30.0


def delivering(run: Run) -> list[Row]:
    """accept + deliver: as many messages as are sent within the time, until the last has arrived."""
    made = run.place("worked")  # by a worker from the start: nothing waits from other rows
    with recipient() as inbox:
        made.deliver_to(inbox.url)
        with serving(made, "--processes", "2") as served:
            rounds = [_round(run, made, served, inbox) for _ in range(run.rounds)]
        made.deliver_to("")
    rate, accepted = max(rounds)
    plain = run.rates.get("p256")
    return [
        Row(
            name="deliver",
            what="accept + deliver to one recipient",
            value=rate,
            unit="msg/s",
            first=600,
            goal=1500,
            ratio=f"{rate / plain:.2f} of accept alone, P-256" if plain else "",
            note=f"two processes and a worker, by REST, until the last arrived; accepted at {accepted:,.0f} msg/s",
            more={"accepted": round(accepted)},
        )
    ]


def _round(run: Run, made: Place, served: Serving, inbox: Recipient) -> tuple[float, float]:
    """Delivered a second, from the first submission until the last of them has arrived; and accepted a second."""
    before = inbox.count()
    job = run.job(made, served.port)
    load = client.load(job)
    ended = time.perf_counter()
    wanted = before + load.answers + job.warm
    while inbox.count() < wanted:
        if time.perf_counter() - ended > DRAIN_SECONDS_MAX:
            raise client.Refused("not all was delivered in time")
        time.sleep(0.02)
    return load.answers / (load.seconds + time.perf_counter() - ended), load.rate


def growing(run: Run) -> list[Row]:
    """Memory of `serve` from one number of messages to five times as many."""
    few, many = (400, 2_000) if run.quick else (2_000, 10_000)
    made = run.place("worked")  # by a worker from the start: nothing waits from other rows
    with serving(made) as served:
        client.load(run.job(made, served.port, seconds=60.0, warm=1, most=few - 1))
        before = served.memory_bytes()
        client.load(run.job(made, served.port, seconds=60.0, warm=1, most=many - few - 1))
        after = served.memory_bytes()
    growth = (after - before) / before * 100
    return [
        Row(
            name="memory",
            what=f"memory of serve, from message {few:,} to {many:,}",
            value=growth,
            unit="%",
            first=None if run.quick else 5,
            goal=None if run.quick else 5,
            least=False,
            ratio=f"{before / 2**20:.1f} MB to {after / 2**20:.1f} MB",
            note="one process with its worker; a quick run is too short to judge"
            if run.quick
            else "one process with its worker",
        )
    ]
