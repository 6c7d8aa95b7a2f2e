"""How long something takes, told so that two of them may be compared although much else lives in this process."""

import gc
import time
from collections.abc import Callable


def fastest(act: Callable[[], object], runs: int = 3) -> float:
    """Seconds of this process for the quickest of some runs.

    Without the collector of cycles, which walks over all that every earlier test left: after half an hour of tests it
    takes longer than what is measured, and it comes as often as many things are made.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return min(_seconds(act) for _ in range(runs))
    finally:
        if collects:
            gc.enable()


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began
