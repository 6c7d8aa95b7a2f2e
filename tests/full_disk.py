"""A SQLite file that may not grow any more, as when the disk is full."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

UNBOUND = 1_073_741_823


@contextmanager
def full_disk(store: Any) -> Iterator[None]:
    """While this is open, every write to this store that needs a new page fails; pages that are free are used first."""
    writer = store._writer
    transact = writer._transact

    def bounded(bound: int) -> Any:
        def within(db: Any, works: Any) -> Any:
            # SQLite takes no bound below what the file has: 1 is "no larger than it is now".
            db.execute(f"PRAGMA max_page_count = {bound}")
            return transact(db, works)

        return within

    writer._transact = bounded(1)
    try:
        yield
    finally:
        writer._transact = bounded(UNBOUND)
