import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.telemetry import FIELDS, Metrics, configure_logging, log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged from here on."""
    before, level, handlers = structlog.get_config(), logging.getLogger().level, logging.getLogger().handlers
    stream = io.StringIO()
    configure_logging("info", stream)
    yield stream
    structlog.configure(**before)
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


def read(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_json_with_its_fields(lines: io.StringIO) -> None:
    log.info("request", status=202, agency="harlan-county-jail")
    (line,) = read(lines)
    assert line.items() >= {"event": "request", "status": 202, "agency": "harlan-county-jail", "level": "info"}.items()
    assert str(line["timestamp"]).endswith("Z")


def test_a_field_nobody_declared_is_dropped_and_named(lines: io.StringIO) -> None:
    log.info("request", name="Jane Roe", status=200)
    (line,) = read(lines)
    assert line["undeclared"] == ["name"]
    assert "Jane" not in lines.getvalue()


def test_of_an_exception_only_type_and_places_are_kept(lines: io.StringIO) -> None:
    try:
        int("Jane Roe")
    except ValueError as error:
        log.error("failed", exc_info=error)
    (line,) = read(lines)
    assert line["error"] == "ValueError"
    assert "test_telemetry.py" in str(line["places"])
    assert "Jane" not in lines.getvalue()


def test_a_librarys_line_keeps_its_template_and_not_its_values(lines: io.StringIO) -> None:
    library = logging.getLogger("some.library")
    library.info("not important")
    library.warning("cannot read %s", "Jane Roe")
    try:
        int("Jane Roe")
    except ValueError:
        library.exception("Task exception was never retrieved\nfuture: Jane Roe")
    first, second = read(lines)
    assert first["event"] == "cannot read %s"
    assert second["event"] == "Task exception was never retrieved"
    assert second["error"] == "ValueError"
    assert "Jane" not in lines.getvalue()


def test_no_declared_field_is_of_a_person() -> None:
    assert FIELDS & {"name", "body", "payload", "token", "text", "detail", "value", "path"} == set()


def test_each_process_has_metrics_of_its_own() -> None:
    one, two = Metrics(), Metrics()
    one.accepted.labels("rest").inc()
    assert b'gateway_accepted_total{channel="rest"} 1.0' in one.exposition()
    assert b'channel="rest"' not in two.exposition()
