import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from gateway.audit.checkpoint import Checkpoint
from gateway.report.period import Period, PeriodUnreadable, read_period
from gateway.report.table import Table, as_csv, as_data, as_html, as_json, columns

AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def table(*rows: tuple[str | int | datetime | None, ...]) -> Table:
    return Table(
        name="report disclosures",
        title="Disclosures",
        question="What was sent?",
        columns=columns(at="When", recipient="To", count="How many"),
        rows=rows,
        log=Checkpoint(origin="gateway.example/log", size=7, root=bytes(range(32))),
        made_at=AT,
        period=read_period("2026-Q3"),
        filters=(("mou", "JAIL-PD-2026-01"),),
    )


SOME = table((AT, "city-pd", 3), (AT + timedelta(days=1), None, 0))


def test_each_form_states_period_filter_number_of_rows_checkpoint_and_digest() -> None:
    for text in (as_csv(SOME), as_json(SOME), as_html(SOME)):
        assert "2026-Q3" in text
        assert "JAIL-PD-2026-01" in text
        assert SOME.digest in text
        assert bytes(range(32)).hex() in text


def test_the_digest_is_of_the_rows_and_of_nothing_else() -> None:
    later = replace(SOME, made_at=AT + timedelta(hours=1), log=None, note="something", filters=(), period=None)
    assert later.digest == SOME.digest


def test_any_other_cell_gives_another_digest() -> None:
    assert table((AT, "city-pd", 3), (AT, None, 0)).digest != SOME.digest
    assert table((AT, "city-pd", 3)).digest != SOME.digest
    assert table((AT, "1", 3)).digest != table((AT, 1, 3)).digest
    assert table((AT, "", 3)).digest != table((AT, None, 3)).digest


def test_the_digest_can_be_made_again_from_the_json_form() -> None:
    data = json.loads(as_json(SOME))
    names = [column["name"] for column in data["columns"]]
    lines = [names, *([row[name] for name in names] for row in data["rows"])]
    again = sha256(json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
    assert data["digest"] == f"sha-256:{again}"
    assert data["row_count"] == len(data["rows"]) == 2


def test_csv_has_as_many_fields_in_every_record_and_ends_each_with_crlf() -> None:
    text = as_csv(SOME)
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert {len(record) for record in csv.reader(io.StringIO(text))} == {3}


def test_the_rows_of_a_csv_stand_after_the_names_of_the_columns() -> None:
    plain = [record for record in csv.reader(io.StringIO(as_csv(SOME))) if not record[0].startswith("#")]
    assert plain == [
        ["at", "recipient", "count"],
        ["2026-11-25T09:30:00.00Z", "city-pd", "3"],
        ["2026-11-26T09:30:00.00Z", "", "0"],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_of_a_csv_begins_like_a_formula(start: str) -> None:
    evil = replace(
        table((AT, f"{start}cmd|' /C calc'!A0", -3)), filters=(("--reason", f"{start}1+1"),), note=f"{start}2"
    )
    records = list(csv.reader(io.StringIO(as_csv(evil), newline="")))
    cells = [cell for record in records for cell in record]
    assert not [cell for cell in cells if cell.startswith(start) and cell != "-3"]
    assert records[-1][2] == "-3"  # a number is a number


@given(st.lists(st.tuples(st.text(), st.one_of(st.none(), st.text()), st.integers(0, 2**53)), max_size=5))
def test_whatever_the_cells_the_forms_can_be_read_again(rows: list[tuple[str, str | None, int]]) -> None:
    given_rows = table(*rows)
    assert [tuple(row.values()) for row in json.loads(as_json(given_rows))["rows"]] == rows
    records = list(csv.reader(io.StringIO(as_csv(given_rows), newline="")))
    assert {len(record) for record in records} == {3}
    assert as_data(given_rows)["digest"] == table(*rows).digest


def test_html_runs_nothing_and_shows_text_as_text() -> None:
    page = as_html(table((AT, "<script>alert(1)</script>", 1)))
    root = lxml_html.document_fromstring(page)
    assert root.xpath("//script | //@onclick | //link | //img") == []
    assert root.xpath("//tbody/tr/td/text()")[1] == "<script>alert(1)</script>"


def test_an_empty_answer_says_so() -> None:
    assert "No rows." in as_html(table())
    assert as_data(table())["row_count"] == 0


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2028-02-29", "2028-02-29", "2028-03-01"),
        ("2026-07-01/2026-09-30", "2026-07-01", "2026-10-01"),
        ("2026-Q3/2026-11", "2026-07-01", "2026-12-01"),
    ],
)
def test_a_period_has_these_bounds(text: str, since: str, until: str) -> None:
    period = read_period(text)
    assert (period.since.isoformat(), period.until.isoformat()) == (
        f"{since}T00:00:00+00:00",
        f"{until}T00:00:00+00:00",
    )


def test_a_period_holds_its_first_moment_and_not_the_one_after_its_last_day() -> None:
    period = read_period("2026-Q3")
    assert period.since in period
    assert period.until - timedelta(microseconds=1) in period
    assert period.until not in period


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26",
        "2026-Q5",
        "2026-13",
        "2026-00",
        "2026-02-30",
        "2026-1",
        "0000",
        "9999",
        "2026/",
        "/2026",
        "2026-12/2026-11",
    ],
)
def test_what_is_no_period_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(PeriodUnreadable):
        read_period(text)


def test_a_period_that_lasts_no_time_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="lasts"):
        Period(since=AT, until=AT, text="")
