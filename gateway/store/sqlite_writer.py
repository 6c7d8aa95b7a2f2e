"""The one thread of a process that writes to SQLite, and its group commit.

Whatever waits when the thread looks goes into one transaction and shares its fsync: 16 callers get 20,000 records/s
where one gets 2,000 (measured). The thread is woken when a turn of the event loop is over: a busy loop runs several
callers in one turn, and woken by the first of them it would commit that one alone. A caller's future is resolved only
after COMMIT has returned with synchronous FULL.

When something fails before COMMIT, nothing is stored and each caller's work is done again in a transaction of its own,
so that the one that cannot be stored fails alone. When COMMIT itself fails nobody knows: every caller gets
`StoreUnavailable`. If the machine stops before COMMIT has returned, no caller was answered; their clients ask again
with the same id.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from gateway.store.interface import StoreUnavailable
from gateway.store.points import reach

BATCH_MAX: Final = 64
"""Works in one transaction. More would make the first wait for the last: a 64th of an fsync is little already."""

BUSY_SECONDS_MAX: Final = 10.0
"""How long a caller waits for other processes to finish their transactions, which are some milliseconds long. Counted
from the call: those that wait behind one another for a lock that does not come free are told at the same time."""

_PAUSE_SECONDS_FIRST: Final = 0.0003
_PAUSE_SECONDS_MAX: Final = 0.001
# SQLite's own busy handler waits up to 100 ms between looks: far longer than a transaction here.


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One caller's write.

    kind        a write of `points.WRITES`
    what        what to write
    give_up_at  when the caller has waited long enough for the lock; on the monotonic clock
    """

    kind: str
    what: Any
    give_up_at: float
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]" = field(compare=False)


Transact = Callable[[sqlite3.Connection, Sequence[Work]], list[Any]]
"""Does all works inside the open transaction and gives their results; raises when one of them cannot be done."""


class _Stage(IntEnum):
    OUTSIDE = 0  # no transaction is open: nothing was stored
    INSIDE = 1  # nothing is stored yet, and nothing will be when it is rolled back
    COMMITTING = 2  # it may have been stored


class Writer:
    """A thread, its connection and its queue."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], transact: Transact) -> None:
        self._connect = connect
        self._transact = transact
        self._works: deque[Work] = deque()
        self._calls: queue.SimpleQueue[bool] = queue.SimpleQueue()  # True: look at the works; False: and then end
        self._called = False  # the turn of the event loop that is under way will call
        self._thread: threading.Thread | None = None
        self._stage = _Stage.OUTSIDE

    def start(self) -> None:
        """Connect and begin to work. Raises what connecting raises."""
        connection = self._connect()
        # A daemon, so that a process that ends without closing is not held: what is not committed was not answered.
        self._thread = threading.Thread(target=self._run, args=(connection,), name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, kind: str, what: object) -> Any:
        """Do this in the next transaction; returns when it is durable."""
        if self._thread is None:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        give_up_at = time.monotonic() + BUSY_SECONDS_MAX
        work = Work(kind=kind, what=what, give_up_at=give_up_at, loop=loop, answer=loop.create_future())
        self._works.append(work)
        if not self._called:
            self._called = True
            loop.call_soon(self._call)
        return await work.answer

    def _call(self) -> None:
        """What came in this turn of the event loop is together now."""
        self._called = False  # before the call: what is appended from here on calls again
        self._calls.put(True)

    async def stop(self) -> None:
        """Finish what is queued and let go."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._calls.put(False)
            await asyncio.to_thread(thread.join)

    def _run(self, connection: sqlite3.Connection) -> None:
        more = True
        while more:
            more = self._calls.get()
            while works := list(self._waiting(1)):
                results = self._group(connection, works, more=True)
                _deliver(works, results)
        connection.close()

    def _waiting(self, room: int) -> Iterator[Work]:
        """What waits now."""
        while room and self._works:
            yield self._works.popleft()
            room -= 1

    def _group(self, connection: sqlite3.Connection, works: list[Work], *, more: bool) -> list[Any]:
        """The result of each work, or its exception. With `more`, works that wait join in."""
        try:
            return self._transaction(connection, works, more=more)
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and the callers are told
            stage = self._stage
            _roll_back(connection)
            if stage is _Stage.INSIDE and len(works) > 1:
                return [result for work in works for result in self._group(connection, [work], more=False)]
            return [_told(error) for _ in works]

    def _transaction(self, connection: sqlite3.Connection, works: list[Work], *, more: bool) -> list[Any]:
        self._stage = _Stage.OUTSIDE
        _begin(connection, works[0].give_up_at)
        self._stage = _Stage.INSIDE
        if more:
            # Looked for only now: while another process had the lock, the queue grew.
            works.extend(self._waiting(BATCH_MAX - len(works)))
        results = self._transact(connection, works)
        kinds = sorted({work.kind for work in works})
        for kind in kinds:
            reach(f"{kind}.before-commit")
        self._stage = _Stage.COMMITTING
        connection.execute("COMMIT")
        for kind in kinds:
            reach(f"{kind}.after-commit")
        return results


def _begin(connection: sqlite3.Connection, give_up_at: float) -> None:
    """Take the write lock, waiting for other processes; tried at least once."""
    pause = _PAUSE_SECONDS_FIRST
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
        else:
            return
        time.sleep(pause)
        pause = min(pause * 1.5, _PAUSE_SECONDS_MAX)


def _roll_back(connection: sqlite3.Connection) -> None:
    """Leave the transaction, if it is still open: some errors have closed it already."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        # The connection is of no use; the next BEGIN fails and tells the next callers.
        return


def _told(error: Exception) -> Exception:
    """What the caller gets: the database's own words stay in the cause, the gateway's errors pass as they are."""
    if not isinstance(error, sqlite3.Error):
        return error
    unavailable = StoreUnavailable("the database did not confirm the write")
    unavailable.__cause__ = error
    return unavailable


def _deliver(works: Sequence[Work], results: Sequence[Any]) -> None:
    """Wake each event loop once, however many of its callers are answered."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for work, result in zip(works, results, strict=True):
        by_loop.setdefault(work.loop, []).append((work.answer, result))
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Sequence[tuple["asyncio.Future[Any]", Any]]) -> None:
    for future, result in answers:
        if future.done():  # the caller was canceled; what it asked for is stored all the same
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
