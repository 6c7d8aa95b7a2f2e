"""The table of numbers: what was measured, against what is wanted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row. `value` is in `unit`; None = there is nothing to measure yet, or it could not be measured.

    first, goal  what is wanted now and in the end; None = nothing is: the row is there to compare with
    least        larger is better
    ratio        the value against something of the same run, in words
    note         how to read it, or why there is none
    """

    name: str
    what: str
    value: float | None = None
    unit: str = ""
    first: float | None = None
    goal: float | None = None
    least: bool = True
    ratio: str = ""
    note: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the first column is reached; None when there is none or nothing was measured."""
        if self.value is None or self.first is None:
            return None
        return self.value >= self.first if self.least else self.value <= self.first


def data(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as JSON values."""
    return [
        {
            "name": row.name,
            "what": row.what,
            "value": row.value,
            "unit": row.unit,
            "first": row.first,
            "goal": row.goal,
            "met": row.met,
            "ratio": row.ratio,
            "note": row.note,
            **row.more,
        }
        for row in rows
    ]


def show(rows: Iterable[Row], console: Console) -> None:
    """The rows for people."""
    table = Table(title="What is wanted, and what this run gave", title_justify="left")
    for column, justify in (("what", "left"), ("measured", "right"), ("wanted first", "right"), ("goal", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    table.add_column("")
    table.add_column("ratio within this run, and notes", overflow="fold")
    for row in rows:
        table.add_row(
            row.what,
            _number(row.value, row.unit) or "later",
            _number(row.first, row.unit),
            _number(row.goal, row.unit),
            {True: "[green]met[/]", False: "[red]not met[/]", None: ""}[row.met],
            "; ".join(part for part in (row.ratio, row.note) if part),
        )
    console.print(table)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()
