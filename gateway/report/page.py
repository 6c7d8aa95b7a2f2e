"""Page: the check of an agreement as one HTML file - no scripts, nothing from outside, readable on paper."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.document.parse import parse
from gateway.finding import Severity
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.policy.certificate import Certificate
from gateway.policy.check import Check, Checked
from gateway.policy.coverage import REDUCED, SHARED, WITHHELD, Cell, Coverage, Granted, coverage, said
from gateway.policy.grant import matches
from gateway.policy.prove import APPROXIMATIONS, REASONS
from gateway.policy.side_by_side import Line, side_by_side
from gateway.policy.specimen import named
from gateway.report.pages import pages

FULLEST = "fullest"
"""A sample by this name shows most."""

PARTLY = "partly"

_MARKS = {SHARED: "●", REDUCED: "◐", PARTLY: "◑", WITHHELD: "○"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample message and what one clause leaves of it. lines: None = nothing is released."""

    checked: Checked
    name: str
    lines: tuple[Line, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The fields of one label.

    cells  for each column in a word what becomes of them, and whether that hangs on a condition
    rows   their numbers in the table
    """

    label: str
    cells: tuple[tuple[str, bool], ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A sentence on where a recipient gets nothing."""

    clause: str
    text: str


def page(check: Check, certificate: Certificate) -> str:
    """The whole report."""
    tables = coverage(granted(check))
    return pages.get_template("mou_check.html").render(
        check=check,
        mou=check.mou,
        certificate=certificate,
        counts={severity: check.count(severity) for severity in Severity},
        tables=[(table, groups(table)) for table in tables],
        nothing=list(_nothing(check.clauses)),
        freely=[APPROXIMATIONS[key] for key in _freely(check.clauses)],
        samples=[_sample(each) for each in check.clauses],
        marks=_MARKS,
        routes={each.clause.id: _route(each) for each in check.clauses},
    )


def tables_page(title: str, tables: Iterable[Coverage]) -> str:
    """Coverage by itself."""
    return pages.get_template("coverage.html").render(
        title=title, tables=[(table, groups(table)) for table in tables], marks=_MARKS
    )


def granted(check: Check) -> list[Granted]:
    """What each clause gives each recipient."""
    return [
        Granted(mou=check.mou, clause=each.clause, recipient=recipient, iepd=each.iepd, decided=each.decided)
        for each in check.clauses
        for recipient in each.recipients
    ]


def groups(table: Coverage) -> tuple[Group, ...]:
    """The fields by label, in the order of the catalog."""
    found: dict[str, list[int]] = {}
    for number, row in enumerate(table.rows):
        found.setdefault(row.label, []).append(number)
    return tuple(
        Group(
            label=label,
            rows=tuple(numbers),
            cells=tuple(_word([table.rows[n].cells[c] for n in numbers]) for c in range(len(table.columns))),
        )
        for label, numbers in sorted(found.items())
    )


def _word(cells: list[Cell]) -> tuple[str, bool]:
    words = {cell.outcome for cell in cells}
    word = words.pop() if len(words) == 1 else REDUCED if words == {SHARED, REDUCED} else PARTLY
    return word, any(cell.conditions for cell in cells)


def _titles(iepd: Iepd) -> Mapping[str, str]:
    return {fact.name: fact.title for fact in iepd.facts}


def _route(checked: Checked) -> list[str]:
    titles = _titles(checked.iepd)
    return [
        f"{titles.get(each.fact, each.fact)}: {' or '.join(str(value).lower() for value in each.values)}"
        for each in checked.clause.route
    ]


def _nothing(clauses: Iterable[Checked]) -> Iterable[Nothing]:
    for each in clauses:
        titles = _titles(each.iepd)
        for where in each.proof.nowhere:
            text = REASONS[where.reason]
            if where.names:
                text += f" ({', '.join(named(name, each.iepd.prefixes) for name in where.names)})"
            if where.joined:
                text += ", because an object stands in several places of the message and is withheld in one of them"
            if where.holding:
                text += "; " + ", ".join(said(condition, titles) for condition in sorted(where.holding))
            yield Nothing(clause=each.clause.id, text=text)


def _freely(clauses: Iterable[Checked]) -> list[str]:
    return sorted({key for each in clauses for key in each.proof.freely})


def _sample(checked: Checked) -> Sample:
    """The sample that shows most of those that take the clause's route."""
    iepd = checked.iepd
    by_size = sorted(iepd.samples.items(), key=lambda each: (FULLEST not in each[0], len(each[0]), each[0]))
    for name, data in by_size:
        document = parse(data)
        if matches(checked.clause.route, evaluate(document, iepd)):
            lines = side_by_side(document, checked.proof.rules, iepd, checked.proof.root.asked)
            return Sample(checked=checked, name=name, lines=lines)
    return Sample(checked=checked, name="", lines=None)
