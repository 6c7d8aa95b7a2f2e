"""Coverage: who sees what. A table of an exchange's fields by recipient and purpose."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.agency import AgencyId
from gateway.iepd.catalog import Steps
from gateway.iepd.package import Iepd
from gateway.policy.condition import negation, parts
from gateway.policy.condition import said as in_words
from gateway.policy.mou import Clause, Grain, How, Mou, Transform
from gateway.policy.outcome import DEFAULT, Outcome

SHARED, REDUCED, WITHHELD = "shared", "reduced", "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One recipient of one clause."""

    mou: str
    version: int
    clause: str
    recipient: AgencyId
    purpose: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one recipient sees of one field.

    outcome     "shared", "reduced" or "withheld"
    how         of a reduced one, in words: "masked, last 4"
    conditions  in words; the field is withheld where one of them holds
    by          clause or section of law that decides
    because     the reason in the agreement's words
    """

    outcome: str
    how: str = ""
    conditions: tuple[str, ...] = ()
    by: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field, with a cell for each column."""

    field: str
    label: str
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The table of one exchange."""

    exchange: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """One clause as it is for one recipient. decided: `outcomes` under the law."""

    mou: Mou
    clause: Clause
    recipient: AgencyId
    iepd: Iepd
    decided: Mapping[Steps, Outcome]


def coverage(granted: Iterable[Granted]) -> tuple[Coverage, ...]:
    """A table for each exchange, in the order they come; columns likewise."""
    found: dict[str, list[Granted]] = {}
    for each in granted:
        found.setdefault(each.iepd.id, []).append(each)
    return tuple(_table(each) for each in found.values())


def _table(granted: list[Granted]) -> Coverage:
    iepd = granted[0].iepd
    titles = {fact.name: fact.title for fact in iepd.facts}
    return Coverage(
        exchange=iepd.id,
        title=iepd.title,
        columns=tuple(
            Column(
                mou=each.mou.id,
                version=each.mou.version,
                clause=each.clause.id,
                recipient=each.recipient,
                purpose=each.clause.purpose,
                role=each.clause.role,
            )
            for each in granted
        ),
        rows=tuple(
            Row(
                field=field.name,
                label=field.label,
                title=field.title,
                cells=tuple(_cell(each.decided[field.path], titles) for each in granted),
            )
            for field in iepd.catalog.fields
        ),
    )


def _cell(outcome: Outcome, titles: Mapping[str, str]) -> Cell:
    because = outcome.because.because if outcome.because is not None else ""
    if not outcome.released:
        by = "not listed" if outcome.clause == DEFAULT else outcome.clause
        return Cell(outcome=WITHHELD, by=by, because=because)
    return Cell(
        outcome=SHARED if outcome.change is None else REDUCED,
        how=in_short(outcome.because) if outcome.because is not None and outcome.change is not None else "",
        conditions=tuple(said(condition, titles) for condition in sorted(outcome.unless)),
        by=", ".join(dict.fromkeys((outcome.clause, *(law for _, law in sorted(outcome.laws))))),
        because=because,
    )


def said(condition: str, titles: Mapping[str, str]) -> str:
    """A condition in words: "not where: victim is protected"."""
    fact = condition.removeprefix(negation(""))
    if fact != condition and parts(condition) == {condition}:
        return f"only where: {titles.get(fact, fact)}"
    return f"not where: {in_words(condition, titles)}"


def in_short(transform: Transform) -> str:
    """What a transform leaves of a value, in a cell: "masked, last 4", "year only"."""
    match transform.how:
        case How.MASK:
            return f"masked, last {transform.keep_last}" if transform.keep_last else "masked"
        case How.REPLACE:
            return f'as "{transform.text}"'
        case How.PSEUDONYMIZE:
            return "as a token"
        case How.GENERALIZE:
            return _GRAINS[transform.to or Grain.YEAR]
        case How.REMOVE:
            return "nothing"


_GRAINS: Mapping[Grain, str] = {
    Grain.YEAR: "year only",
    Grain.MONTH: "year and month only",
    Grain.DAY: "day only",
    Grain.CITY_STATE: "city and state only",
    Grain.FIVE_YEARS: "band of five years only",
    Grain.TEN_YEARS: "band of ten years only",
    Grain.TENTH_DEGREE: "to a tenth of a degree only",
    Grain.HUNDREDTH_DEGREE: "to a hundredth of a degree only",
}


# --- for machines ------------------------------------------------------------------------------------------------


def data(tables: Iterable[Coverage]) -> list[dict[str, Any]]:
    """The tables as JSON values."""
    return [
        {
            "exchange": table.exchange,
            "title": table.title,
            "columns": [
                {
                    "mou": column.mou,
                    "version": column.version,
                    "clause": column.clause,
                    "recipient": str(column.recipient),
                    "purpose": column.purpose,
                    "role": column.role,
                }
                for column in table.columns
            ],
            "fields": [
                {
                    "field": row.field,
                    "label": row.label,
                    "title": row.title,
                    "cells": [
                        {
                            "outcome": cell.outcome,
                            "how": cell.how,
                            "conditions": list(cell.conditions),
                            "by": cell.by,
                            "because": cell.because,
                        }
                        for cell in row.cells
                    ],
                }
                for row in table.rows
            ],
        }
        for table in tables
    ]


_HEAD = (
    "exchange",
    "field",
    "label",
    "title",
    "recipient",
    "purpose",
    "role",
    "outcome",
    "how",
    "conditions",
    "by",
    "because",
    "mou",
    "version",
    "clause",
)


def as_csv(tables: Iterable[Coverage]) -> str:
    """The tables as CSV (RFC 4180), a line for each field and recipient."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for table in tables:
        writer.writerows(_lines(table))
    return out.getvalue()


def _lines(table: Coverage) -> Iterator[tuple[object, ...]]:
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            yield (
                table.exchange,
                row.field,
                row.label,
                row.title,
                column.recipient,
                column.purpose,
                column.role,
                cell.outcome,
                cell.how,
                "; ".join(cell.conditions),
                cell.by,
                _inert(cell.because),
                column.mou,
                column.version,
                column.clause,
            )


def _inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text
