"""The bench runs and gives its rows. What the numbers are is for people to judge, on a machine that is quiet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import table
from bench.__main__ import MEASURES, arguments
from bench.table import Row

ROOT = Path(__file__).parent.parent.parent


def run_bench(*words: str) -> dict[str, dict[str, Any]]:
    """The rows of a run, by name."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words, "--json"], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return {row["name"]: row for row in json.loads(done.stdout)["rows"]}


def test_a_quick_run_gives_a_number_and_what_is_wanted_for_each_row() -> None:
    rows = run_bench("--quick", "--rows", "decision,cut,later")
    assert {"decision", "cut", "cut-ids", "attachment", "mou-check"} == set(rows)
    for name in ("decision", "cut", "cut-ids"):
        assert rows[name]["value"] > 0
        assert rows[name]["met"] in {True, False}
    assert rows["attachment"]["value"] is None
    assert rows["attachment"]["met"] is None


def test_a_run_under_load_gives_a_rate_and_its_share_of_the_pipeline() -> None:
    rows = run_bench("--quick", "--rows", "accept")
    assert rows["accept-p256"]["value"] > 0
    assert 0 < rows["share-p256"]["value"]
    assert rows["accept-p256"]["cpu_ms_per_message"] > rows["share-p256"]["cpu_ms_per_message"] > 0
    assert rows["p99"]["value"] >= rows["p99"]["p50_ms"]


def test_a_row_is_met_by_its_own_direction() -> None:
    rate = Row(name="a", what="a", value=10, first=10)
    wait = Row(name="b", what="b", value=10, first=9, least=False)
    assert rate.met is True
    assert wait.met is False
    assert Row(name="c", what="c", first=1).met is None


def test_the_table_shows_what_was_measured_and_what_will_be_later() -> None:
    console = Console(record=True, width=200)
    table.show(
        [Row(name="a", what="accept", value=1234.5, unit="msg/s", first=1000), Row(name="b", what="proof")], console
    )
    text = console.export_text()
    assert "1,234 msg/s" in text
    assert "later" in text


def test_a_row_that_does_not_exist_is_refused_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--rows", "accept,speed"])
    told = capsys.readouterr().err
    assert "speed" in told
    assert all(name in told for name in MEASURES)
