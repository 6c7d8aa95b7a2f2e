"""Tables on the command line: the options every listing shares, and how an answer is shown or written."""

import io
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table as Shown

from gateway.cli.run import err, out, write
from gateway.report.period import Period, PeriodUnreadable, read_period
from gateway.report.table import Cell, Table, as_csv, as_html, as_json, shown, statement


class Format(StrEnum):
    """The forms of an answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


AsFormat = Annotated[
    Format | None,
    typer.Option("--format", help="Form of the answer.", show_default="by the ending of -o FILE, else table"),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to this file instead of the screen.", dir_okay=False),
]
InPeriod = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="PERIOD",
        help="2026, 2026-Q3, 2026-11, 2026-11-25, or FROM/TO of two of these, the whole of TO included; days in UTC.",
        show_default="all of it",
    ),
]
After = Annotated[str, typer.Option("--after", metavar="KEY", help="Go on where a page before ended.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="At most so many rows.")]

_WIDE = 10_000

LIMIT = 1000
"""Rows of an answer unless --limit says otherwise: a screen scrolls no further, a page prints no more."""

_FORMS: Mapping[Format, Callable[[Table], str]] = {Format.CSV: as_csv, Format.JSON: as_json, Format.HTML: as_html}


def in_period(text: str | None) -> Period | None:
    """The period asked for; ends the command with a sentence when it is none."""
    try:
        return read_period(text) if text is not None else None
    except PeriodUnreadable as error:
        raise typer.BadParameter(error.text, param_hint="--period") from error


def chosen(format: Format | None, output: Path | None, *, json: bool = False) -> Format:
    """The form to answer in: --json and --format as given, else by the file's ending."""
    if json:
        if format not in {None, Format.JSON}:
            raise typer.BadParameter("--json and another --format: give one of them")
        return Format.JSON
    if format is not None:
        return format
    ending = output.suffix[1:].lower() if output else ""
    if ending not in {"", "txt", *Format}:
        raise typer.BadParameter(f"no answer has the form .{ending}: .csv, .json, .html or .txt; or say --format")
    return Format(ending) if ending in set(Format) else Format.TABLE


def tell(table: Table, *, format: Format | None = None, output: Path | None = None, json: bool = False) -> None:
    """Answer with a table, on the screen or into a file."""
    form = chosen(format, output, json=json)
    if form is Format.TABLE and output is None and out.is_terminal:
        _show(table, out)
        return
    text = _FORMS[form](table) if form is not Format.TABLE else as_text(table)
    if output is None:
        sys.stdout.write(text)
        return
    write(output, text, private=True)  # it may name persons
    err.print(f"{len(table.rows)} rows written to {escape(str(output))}")


def as_text(table: Table) -> str:
    """Plain text for a pipe or a file: no row is broken, however wide the page."""
    page = io.StringIO()
    _show(table, Console(file=page, width=_WIDE, highlight=False, soft_wrap=True, emoji=False, color_system=None))
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())


def _told(cell: Cell) -> str:
    """A cell for a screen. What somebody wrote must not move the cursor, turn the line, or look like another row."""
    return escape("".join(sign if sign.isprintable() else "?" for sign in shown(cell)))


def _show(table: Table, page: Console) -> None:
    """A head, the rows, and the statement under them. On a screen that is too narrow for the longest words each row is
    told downwards."""
    page.print(f"[bold]{escape(table.title)}[/]")
    page.print(f"[dim]{escape(table.question)}[/]")
    page.print()
    grid = Shown(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in table.columns:
        grid.add_column(column.title, overflow="fold")
    for row in table.rows:
        grid.add_row(*(_told(cell) for cell in row))
    if Measurement.get(page, page.options.update(max_width=_WIDE), grid).minimum <= page.width:
        page.print(grid, soft_wrap=False)
    else:
        for row in table.rows:
            for column, cell in zip(table.columns, row, strict=True):
                page.print(f"[dim]{escape(column.title)}:[/] {_told(cell) or '-'}")
            page.print()
    page.print()
    for name, title, value in statement(table):
        if name not in {"report", "question"}:
            style = "yellow" if name in {"note", "next"} else "dim"
            page.print(f"[{style}]{escape(title)}:[/] {_told(value)}")
