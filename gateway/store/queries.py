"""The named queries in `sql/common/*.sql` and `sql/<database>/*.sql`, as texts: aiosql reads the files, each store runs
them its own way. What both databases understand stands in common, once."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aiosql

_FOLDER: Final = Path(__file__).parent / "sql"

_ROW: Final = re.compile(r"\bVALUES\s*\(([^()]*)\)")


@lru_cache
def named_queries(database: str, driver: str) -> Mapping[str, str]:
    """Name to text, with placeholders in the style of the driver ("sqlite3", "psycopg")."""
    return MappingProxyType({**_read("common", driver), **_read(database, driver)})


def _read(folder: str, driver: str) -> dict[str, str]:
    queries = aiosql.from_path(_FOLDER / folder, driver, mandatory_parameters=False)
    names = (name for name in queries.available_queries if not name.endswith("_cursor"))
    return {name: str(getattr(queries, name).sql) for name in names}


@lru_cache(maxsize=1024)
def of_rows(query: str, count: int) -> str:
    """A query with one row of named values after VALUES, made to take `count` rows of values by position.

    One statement for a whole batch: the writer thread gives up the interpreter lock once, not once a row.
    """
    match = _ROW.search(query)
    if match is None:
        raise ValueError("the query has no row of values")
    row = "(" + ", ".join("?" for _ in match[1].split(",")) + ")"
    return f"{query[: match.start()]}VALUES {', '.join([row] * count)}{query[match.end() :]}"
