"""A second node for the store's tests."""

from collections.abc import AsyncIterator

import pytest

from gateway.store.interface import Store
from gateway.store.open import open_store


@pytest.fixture
async def second(store_url: str) -> AsyncIterator[Store]:
    """Another node on the same database."""
    opened = open_store(store_url)
    await opened.open()
    yield opened
    await opened.close()
