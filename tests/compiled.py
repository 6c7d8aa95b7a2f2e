"""Schemas compiled once for a test run: compiling our three exchanges takes two seconds, and the bytes are the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from gateway import app
from gateway.exchange import configured


@contextmanager
def compiled_once() -> Iterator[None]:
    """While the block runs, what was loaded of an archive or a folder is not loaded again in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configured, "load_archive", cache(configured.load_archive))
        patch.setattr(app, "load_exchanges", cache(app.load_exchanges))
        yield
