"""The bench runs and gives its rows. What the numbers are is for people to judge, on a machine that is quiet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import client, place, table
from bench.__main__ import MEASURES, arguments
from bench.message import sample
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
    rows = run_bench("--quick", "--rows", "decision,cut,mou-check,log-proof,later")
    cuts = {"cut", "cut-ids", "cut-sizes", "cut-ids-sizes", "cut-rules"}
    assert {"decision", *cuts, "attachment", "mou-check", "log-proof"} == set(rows)
    for name in ("decision", *cuts, "mou-check", "log-proof"):
        assert rows[name]["value"] > 0
        assert rows[name]["met"] in {True, False}
    assert rows["attachment"]["value"] is None
    assert rows["attachment"]["met"] is None


def test_verifying_is_compared_with_what_xmlsec_alone_takes() -> None:
    rows = run_bench("--quick", "--rows", "signatures")
    assert set(rows) == {"verify-enveloped", "verify-envelope"}
    assert all(row["value"] > 0 and "key in hand" in row["note"] for row in rows.values())


def test_refusals_are_timed() -> None:
    row = run_bench("--quick", "--rows", "refusal")["refusal"]
    assert row["value"] == pytest.approx(max(row["slowest"].values()), abs=0.1)
    assert row["met"] in {True, False}


def test_the_load_counts_what_a_serving_gateway_accepts(tmp_path: Path) -> None:
    made = place.make(tmp_path / "deployment", cover="p256")
    body = tmp_path / "body.xml"
    body.write_bytes(sample())
    head = made.head(id=client.ID_MARK, size_bytes=len(sample())).decode()
    with place.serving(made, "--no-worker") as served:
        job = client.Job(port=served.port, head=head, body=str(body), seconds=0.3, warm=2, connections=2)
        load = client.load(job)
        assert served.cpu_seconds() > 0
        assert served.memory_bytes() > 0
    assert load.statuses == {"202": load.answers}
    assert 0 < load.p50_ms <= load.p99_ms
    stored = made.do(lambda gateway: gateway.store.counts())
    assert stored.messages >= load.answers + job.warm


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
