"""The named queries are read without a word - what aiosql has to say of one would stand above every answer - and each
stands in one place."""

import logging

import pytest

from gateway.store import queries
from gateway.store.queries import named_queries

DATABASES = [("sqlite", "sqlite3"), ("postgres", "psycopg")]


@pytest.mark.parametrize(("database", "driver"), DATABASES)
def test_reading_the_queries_says_nothing(database: str, driver: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="aiosql"):
        assert named_queries.__wrapped__(database, driver)
    assert caplog.messages == []


@pytest.mark.parametrize(("database", "driver"), DATABASES)
def test_no_query_has_the_name_of_one_that_both_databases_share(database: str, driver: str) -> None:
    assert queries._read(database, driver).keys().isdisjoint(queries._read("common", driver))


def test_what_both_databases_would_ask_alike_stands_once() -> None:
    each = [queries._read(database, "sqlite3") for database, _ in DATABASES]
    assert [name for name in each[0].keys() & each[1].keys() if each[0][name] == each[1][name]] == []
