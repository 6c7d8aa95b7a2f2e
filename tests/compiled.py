"""Schemas and agreements compiled once for a test run: ours take two seconds, and the bytes are always the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from gateway import app
from gateway.app import drafts as app_drafts
from gateway.exchange import configured
from gateway.exchange.configured import Configured, compile_configuration
from gateway.keys.pseudonym import Pseudonyms
from gateway.store.configuration import Configuration


@contextmanager
def compiled_once() -> Iterator[None]:
    """While the block runs, a deployment that is opened takes over what the one before had compiled, by its digests,
    as a running gateway does when its configuration changes."""
    last: list[Configured] = []

    def compiled(stored: Configuration, *, before: Configured, pseudonyms: Pseudonyms | None = None) -> Configured:
        if last:
            known = last.pop()
            compiled_too = known.compiled if known.pseudonyms == before.pseudonyms else {}
            before = replace(before, iepds=known.iepds, mous=known.mous, compiled=compiled_too)
        last.append(compile_configuration(stored, before=before, pseudonyms=pseudonyms))
        return last[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configured, "load_archive", cache(configured.load_archive))
        patch.setattr(app, "load_exchanges", cache(app.load_exchanges))
        patch.setattr(app, "compile_configuration", compiled)
        drafts = cache(lambda: app_drafts(datetime.now(UTC)))
        patch.setattr(app, "drafts", lambda _: drafts())
        yield
