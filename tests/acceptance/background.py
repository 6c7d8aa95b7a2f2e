"""An event loop in a thread of its own: what runs while a test thinks, as partners and operators do."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0


class Background:
    """The loop. `do` runs a coroutine on it and gives what it gives."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="partners", daemon=True)
        self._thread.start()

    def do(self, act: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(PATIENCE_SECONDS)

    def close(self) -> None:
        """End the loop."""
        self.do(_cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self.loop.close()


async def _cancel_all() -> None:
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@contextlib.contextmanager
def background() -> Iterator[Background]:
    """A loop for the length of a block."""
    made = Background()
    try:
        yield made
    finally:
        made.close()
