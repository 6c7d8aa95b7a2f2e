"""Rows about accepting: the rate, its share of the pipeline alone, and what TLS, signed senders and PostgreSQL cost."""

import http.client
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from bench import client, pipeline
from bench.client import CONNECTIONS, Load
from bench.message import RECIPIENT, SENDER, sample
from bench.place import START_SECONDS_MAX, Place, Serving, serving, started
from bench.run import Run
from bench.table import Row
from gateway.app import issue_certificate
from gateway.document.parse import parse
from gateway.keys.signer import signer_of
from gateway.signing.enveloped import sign_enveloped
from tests.store.postgres_server import NoPostgres, fresh_database, running_server

TWO = ("--processes", "2", "--no-worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Several rounds of one load; `cpu_seconds` is what the gateway spent on one message, in its cheapest round."""

    best: Load
    cpu_seconds: float

    @property
    def more(self) -> dict[str, float]:
        """For the JSON."""
        return {
            "cpu_ms_per_message": round(self.cpu_seconds * 1000, 3),
            "load_cpu_ms_per_message": round(self.best.cpu_seconds / self.best.answers * 1000, 3),
            "p50_ms": round(self.best.p50_ms, 2),
            "p99_ms": round(self.best.p99_ms, 2),
        }

    @property
    def note(self) -> str:
        """For people."""
        return f"{self.cpu_seconds * 1000:.2f} ms CPU a message, load generator aside"


def one(run: Run, made: Place, served: Serving, **more: object) -> tuple[Load, float]:
    """One load, and the CPU time of a message."""
    before = served.cpu_seconds()
    job = run.job(made, served.port, **more)
    load = client.load(job)
    return load, (served.cpu_seconds() - before) / (load.answers + job.warm)


def best_of(rounds: list[tuple[Load, float]]) -> Measured:
    """The best round."""
    return Measured(
        best=max((load for load, _ in rounds), key=lambda load: load.rate), cpu_seconds=min(cpu for _, cpu in rounds)
    )


FIRST = {"rsa2048": (1000, 2000, 0.40, 0.60, "RSA-2048"), "p256": (1300, 3000, 0.25, 0.45, "P-256")}


def accepting(run: Run) -> list[Row]:
    """accept, and its share of the pipeline alone; p99 at half of that load."""
    rows: list[Row] = []
    for cover, (first, goal, share_first, share_goal, name) in FIRST.items():
        made = run.place(cover, cover=cover)
        loads: list[tuple[Load, float]] = []
        alone: list[tuple[float, float]] = []
        with serving(made, *TWO) as served:
            for _ in range(run.rounds):
                loads.append(one(run, made, served))
                alone.append(pipeline.rate(made.directory, run.seconds / 2))
            got = best_of(loads)
            rate, pipeline_rate = got.best.rate, max(rate for rate, _ in alone)
            pipeline_cpu = min(cpu for _, cpu in alone)
            by_cpu = pipeline_cpu / (got.cpu_seconds + got.best.cpu_seconds / got.best.answers)
            run.rates[cover] = rate
            rows += [
                Row(
                    name=f"accept-{cover}",
                    what=f"accept, {name}",
                    value=rate,
                    unit="msg/s",
                    first=first,
                    goal=goal,
                    note=got.note,
                    more=got.more,
                ),
                Row(
                    name=f"share-{cover}",
                    what=f"accept as a share of pipeline-only, {name}",
                    value=rate / pipeline_rate,
                    first=share_first,
                    goal=share_goal,
                    ratio=f"pipeline-only {pipeline_rate:,.0f} msg/s in two processes; by CPU time {by_cpu:.2f}",
                    more={
                        "pipeline": round(pipeline_rate),
                        "cpu_ms_per_message": round(pipeline_cpu * 1000, 3),
                    },
                ),
            ]
            if cover == "p256":
                rows.append(half_load(run, made, served, rate))
    return rows


def half_load(run: Run, made: Place, served: Serving, rate: float) -> Row:
    """p99 when half as much comes, at even distances."""
    halves = [client.load(run.job(made, served.port, rate=rate / 2)) for _ in range(2)]
    best = min(halves, key=lambda load: load.p99_ms)
    return Row(
        name="p99",
        what="p99 of accept at half load",
        value=best.p99_ms,
        unit="ms",
        first=50,
        goal=20,
        least=False,
        ratio=f"{best.p99_ms / best.p50_ms:.1f} x the median of {best.p50_ms:.1f} ms",
        note=f"{rate / 2:,.0f} msg/s over {CONNECTIONS} connections; late answers count from when they were due",
        more={"p50_ms": round(best.p50_ms, 2)},
    )


def _beside(run: Run, name: str, what: str, got: Measured) -> Row:
    """A row that is there to compare with accept."""
    plain = run.rates.get("p256")
    ratio = f"{got.best.rate / plain:.2f} of accept, P-256" if plain else ""
    return Row(name=name, what=what, value=got.best.rate, unit="msg/s", ratio=ratio, note=got.note, more=got.more)


def with_tls(run: Run) -> list[Row]:
    """accept over TLS, connections kept."""
    made = run.place("p256")
    authority = run.folder / "authority.pem"
    authority.write_bytes((made.directory / "keys" / "ca.cert.pem").read_bytes())
    with serving(made, *TWO, GATEWAY_LISTEN__TLS="true") as served:
        got = best_of([one(run, made, served, authority=str(authority)) for _ in range(run.rounds)])
    return [_beside(run, "accept-tls", "accept over TLS, P-256", got)]


def with_signed_sender(run: Run) -> list[Row]:
    """accept of a message that carries its sender's signature."""
    made = run.place("p256")
    body = run.body(_signed(made, run.folder / "certificates"))
    with serving(made, *TWO) as served:
        got = best_of([one(run, made, served, body=body) for _ in range(run.rounds)])
    return [_beside(run, "accept-signed", "accept of a signed message, P-256", got)]


def _signed(made: Place, folder: Path) -> bytes:
    files = made.do(lambda gateway: issue_certificate(gateway, SENDER, folder))
    key = load_pem_private_key(Path(files["key"]).read_bytes(), None)
    certificate = load_pem_x509_certificate(Path(files["certificate"]).read_bytes())
    assert isinstance(key, EllipticCurvePrivateKey)
    return sign_enveloped(parse(sample()), signer_of(key, certificate))


def with_postgres(run: Run) -> list[Row]:
    """accept on PostgreSQL, when its server programs are there."""
    what = "accept on PostgreSQL, P-256"
    try:
        with running_server() as server, fresh_database(server) as url:
            made = run.place("postgres", database=url)
            with serving(made, *TWO) as served:
                got = best_of([one(run, made, served) for _ in range(run.rounds)])
    except NoPostgres as none:
        return [Row(name="accept-postgres", what=what, note=str(none))]
    return [_beside(run, "accept-postgres", what, got)]


def starting(run: Run) -> list[Row]:
    """From the start of `gateway serve` to the first accepted message."""
    made = run.place("p256")
    _start_seconds(made)  # the modules are compiled
    seconds = min(_start_seconds(made) for _ in range(run.rounds))
    return [
        Row(
            name="start",
            what="start to first message accepted",
            value=seconds,
            unit="s",
            first=3,
            goal=1,
            least=False,
            note="one process with its worker; three exchanges and five agreements in force",
        )
    ]


def _start_seconds(made: Place) -> float:
    begun = time.perf_counter()
    with started(made) as served:
        while not _accepted(made, served):
            if time.perf_counter() - begun > START_SECONDS_MAX:
                raise client.Refused("nothing was accepted in time")
            time.sleep(0.01)
        return time.perf_counter() - begun


def _accepted(made: Place, served: Serving) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        connection.request("POST", f"/v1/messages?to={RECIPIENT}", sample(), made.headers)
        return connection.getresponse().status == 202
    except OSError:
        return False
    finally:
        connection.close()
