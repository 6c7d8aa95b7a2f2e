"""How many acceptances a second the store takes: `python bench/store_rate.py [URL ...]`, five seconds for each URL.

Without a URL: SQLite in a temporary folder. Each row is a number of callers at once, in one process; one message has
one recipient, two payloads of 6 KB and two audit entries. The load is made in the same process, so that it is the whole
cost of a write in one core, and not what many nodes reach.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gateway.store.database import sqlite_url
from gateway.store.open import migrate, open_store
from tests.store.examples import acceptance

SECONDS = 1.5
CALLERS = (1, 16, 64)


async def rate(url: str, callers: int) -> tuple[float, float]:
    """Acceptances a second, and the 99th percentile of one call in milliseconds."""
    store = open_store(url)
    await store.open()
    ready = [acceptance(size_bytes=6_000) for _ in range(int(SECONDS * 20_000))]
    times: list[float] = []
    end = time.perf_counter() + SECONDS

    async def caller() -> None:
        while ready and (start := time.perf_counter()) < end:
            await store.accept(ready.pop())
            times.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    seconds = time.perf_counter() - start
    await store.close()
    return len(times) / seconds, sorted(times)[int(len(times) * 0.99)] * 1000


def main(urls: list[str]) -> None:
    """Print a row for each URL and number of callers."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for url in urls or [sqlite_url(Path(folder) / "bench.db")]:
            migrate(url)
            for callers in CALLERS:
                accepted, slowest = asyncio.run(rate(url, callers))
                name = url.partition(":")[0]
                print(f"{name:12} {callers:3} callers {accepted:8,.0f} accepts/s   p99 {slowest:6.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
