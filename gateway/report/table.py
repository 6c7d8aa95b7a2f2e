"""Table: the answer to one question of an auditor, and its forms for people, spreadsheets, machines and paper.

Whatever its form, it states period, filter, number of rows, the checkpoint of the log it was read under, and the
SHA-256 digest of its rows. Two runs gave the same rows exactly when their digests are the same: neither the moment of
asking nor the checkpoint goes into the digest.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from gateway.audit.checkpoint import Checkpoint
from gateway.clock import timestamp
from gateway.report.pages import pages
from gateway.report.period import Period

Cell = str | int | datetime | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes as the beginning of a formula; the full-width signs too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """name: for machines; title: for people."""

    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An answer.

    name      of the command that gives it, such as "report disclosures"
    question  as an auditor asks it
    period    None = of all time, or as things stand now
    filters   what was asked for besides: name and value
    note      what a reader must know of the answer; "" = nothing
    log       head of the log it was read under; None = nothing is in the log yet
    next      key to go on with when there are more rows; "" = these are all
    """

    name: str
    title: str
    question: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    log: Checkpoint | None
    made_at: datetime
    period: Period | None = None
    filters: tuple[tuple[str, str], ...] = ()
    note: str = ""
    next: str = ""

    def __post_init__(self) -> None:
        if len(self.columns) < 2 or any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("a table has two columns or more, and each row a cell for each")

    @property
    def digest(self) -> str:
        """SHA-256 of `canonical`, "sha-256:…"."""
        return f"sha-256:{sha256(canonical(self)).hexdigest()}"


def columns(**titles: str) -> tuple[Column, ...]:
    """Columns from names and titles, in this order."""
    return tuple(Column(name=name, title=title) for name, title in titles.items())


def canonical(table: Table) -> bytes:
    """The rows for comparing: JSON without white space, [[column, …], [cell, …], …], moments as `clock.timestamp`, in
    UTF-8. Anybody can make it again from the JSON or the CSV form."""
    lines = [[column.name for column in table.columns], *([_plain(cell) for cell in row] for row in table.rows)]
    return json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()


def statement(table: Table) -> Iterator[tuple[str, str, str]]:
    """What every form states besides the rows: name, title and value."""
    yield "report", "Report", table.name
    yield "question", "Question", table.question
    yield "period", "Period", table.period.words if table.period else "none: all there is"
    yield "filter", "Filter", "; ".join(f"{name} {value}" for name, value in table.filters) or "none"
    yield "rows", "Rows", f"{len(table.rows)}"
    if table.next:
        yield "next", "More", f"there are more rows: go on with --after {table.next}"
    size, root = (table.log.size, table.log.root.hex()) if table.log else (0, "")
    yield "checkpoint", "Log checkpoint", f"{size} entries, root {root}" if table.log else "nothing is in the log yet"
    yield "digest", "Digest of the rows", table.digest
    yield "made_at", "Made", timestamp(table.made_at)
    if table.note:
        yield "note", "Note", table.note


def as_data(table: Table) -> dict[str, Any]:
    """For machines: the statement, and each row by the names of its columns."""
    return {
        "report": table.name,
        "title": table.title,
        "question": table.question,
        "period": _period(table.period),
        "filter": dict(table.filters),
        "row_count": len(table.rows),
        "next": table.next or None,
        "checkpoint": {"size": table.log.size, "root": table.log.root.hex()} if table.log else None,
        "digest": table.digest,
        "made_at": timestamp(table.made_at),
        "note": table.note or None,
        "columns": [{"name": column.name, "title": column.title} for column in table.columns],
        "rows": [_named(table, row) for row in table.rows],
    }


def as_json(table: Table) -> str:
    """`as_data` as text."""
    return json.dumps(as_data(table), indent=2, ensure_ascii=False) + "\n"


def as_csv(table: Table) -> str:
    """RFC 4180. The statement stands first, in records that begin with "#" and are as long as the others, then the
    names of the columns, then the rows. A text that a spreadsheet would run as a formula gets an apostrophe before."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    empty = [""] * (len(table.columns) - 2)
    for name, _, value in statement(table):
        writer.writerow([f"#{name}", _guarded(" ".join(value.split())), *empty])
    writer.writerow([column.name for column in table.columns])
    writer.writerows([_guarded(_plain(cell)) for cell in row] for row in table.rows)
    return file.getvalue()


def as_html(table: Table) -> str:
    """One page: no scripts, nothing from outside, readable on paper."""
    return pages.get_template("table.html").render(
        table=table, statement=list(statement(table)), rows=[[shown(cell) for cell in row] for row in table.rows]
    )


def shown(cell: Cell) -> str:
    """A cell as people read it."""
    return "" if cell is None else str(_plain(cell))


def _plain(cell: Cell) -> str | int | None:
    return timestamp(cell) if isinstance(cell, datetime) else cell


def _guarded(value: str | int | None) -> str | int | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _named(table: Table, row: tuple[Cell, ...]) -> Mapping[str, str | int | None]:
    return {column.name: _plain(cell) for column, cell in zip(table.columns, row, strict=True)}


def _period(period: Period | None) -> dict[str, str] | None:
    if period is None:
        return None
    return {"text": period.text, "since": timestamp(period.since), "until": timestamp(period.until)}
