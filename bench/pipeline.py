"""The pipeline alone: parse, validate, cut, validate, sign, encrypt, and nothing else, in two processes.

What is left of it when HTTP, identity, ids, audit, receipt and database come on top is the share that `accept` reaches.
Run as a program: says "ready", waits for a line, works, tells what it did.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bench.message import EXCHANGE, RECIPIENT, SENDER, sample
from gateway.app import drafts, key_store
from gateway.clock import SystemClock
from gateway.config import read_settings
from gateway.document.canonical import declared_prefixes, exclusive, sha256_text
from gateway.document.parse import parse
from gateway.exchange.gateway import SEAL_RANDOM_SIZE_BYTES
from gateway.iepd.facts import evaluate
from gateway.iepd.validate import validate
from gateway.message import Action, DisseminationId, MessageId, bucket_name, uuid7
from gateway.policy.redact import cut
from gateway.signing.cover import Cover, sign_cover

PROCESSES = 2


def rate(directory: Path, seconds: float) -> tuple[float, float]:
    """Messages a second of all processes together, under the keys of a deployment; and CPU seconds of a message."""
    command = [sys.executable, "-m", "bench.pipeline", str(directory), str(seconds)]
    root = Path(__file__).parent.parent
    made = [
        subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for process in made:
        assert process.stdout is not None
        process.stdout.readline()
    for process in made:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.communicate(timeout=60)[0]) for process in made]
    messages = sum(each["messages"] for each in told)
    return sum(each["messages"] / each["seconds"] for each in told), sum(each["cpu"] for each in told) / messages


# --- in each process ----------------------------------------------------------------------------------------------


def step(directory: Path) -> Callable[[], None]:
    """The pipeline of one message."""
    clock = SystemClock()
    now = clock.now()
    configured = drafts(now)
    keys = key_store(read_settings(directory))
    payloads = keys.payload_keys(clock)
    iepd = configured.iepds[EXCHANGE]
    body = sample()
    document = parse(body)
    (grant,), _ = configured.decide_recipients(
        sender=SENDER, exchange=EXCHANGE, facts=evaluate(document, iepd), on=now, only=frozenset([RECIPIENT])
    )
    rules = configured.rules(grant, iepd)
    bucket = bucket_name(now + timedelta(days=30))

    def seal(plaintext: bytes, id: str) -> None:
        random = clock.random(SEAL_RANDOM_SIZE_BYTES)
        payloads.seal_salted(plaintext, bucket=bucket, aad=id.encode(), random=random)

    def once() -> None:
        document = parse(body)
        if validate(document, iepd):
            raise ValueError("the sample is valid")
        kept = cut(document, rules, evaluate(document, iepd), iepd)
        if validate(kept.document, iepd):
            raise ValueError("what is left of the sample is valid")
        prefixes = declared_prefixes(kept.document.root)
        payload = exclusive(kept.document.root, prefixes=prefixes)
        id = uuid7(now, clock.random(10))
        cover = Cover(
            dissemination=DisseminationId(id),
            message=MessageId(id),
            action=Action.NEW,
            sender=SENDER,
            recipient=RECIPIENT,
            exchange=EXCHANGE,
            mou=grant.mou.id,
            mou_version=grant.mou.version,
            mou_digest=grant.mou.digest,
            clauses=(grant.clause.id,),
            purpose=grant.clause.purpose,
            role=grant.clause.role,
            keep_until=now,
            notices=grant.clause.notices,
            fields_withheld=True,
            contact="",
            created=now,
            payload_digest=sha256_text(payload),
            payload_prefixes=prefixes,
        )
        sign_cover(cover, keys.cover_signer)
        seal(body, id)
        seal(payload, id)

    return once


def main(directory: Path, seconds: float) -> None:
    """Get ready, wait, work, tell."""
    once = step(directory)
    for _ in range(20):
        once()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    messages, started, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        once()
        messages += 1
    done = {"messages": messages, "seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
