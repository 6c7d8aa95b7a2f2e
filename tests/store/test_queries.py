"""The named queries are read without a word: what aiosql has to say of one would stand above every answer."""

import logging

import pytest

from gateway.store.queries import named_queries


@pytest.mark.parametrize(("database", "driver"), [("sqlite", "sqlite3"), ("postgres", "psycopg")])
def test_reading_the_queries_says_nothing(database: str, driver: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="aiosql"):
        assert named_queries.__wrapped__(database, driver)
    assert caplog.messages == []
