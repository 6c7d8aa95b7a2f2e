"""What the gateway tells its operator: every log field and every metric, declared once.

Log lines are JSON, one an event, with ids, codes, counts and durations only: a field that is not declared here is
dropped and its name reported, and of an exception the type and the places are kept but never the text, which may
quote a message. Metrics are per process; with `PROMETHEUS_MULTIPROC_DIR` set to an empty folder, before the
processes start, each of them answers /metrics for all (gauges: the newest value of any).
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FIELDS = frozenset(
    {
        "act",  # what was done: the name of a route or verb
        "address",  # of a listener of ours
        "agency",  # id
        "attempts",
        "code",  # of an error
        "correlation",  # id told to the caller
        "count",
        "delivery",  # id
        "duration_ms",
        "error",  # type of an exception
        "event",  # what happened, a fixed text
        "exchange",  # id
        "level",
        "logger",
        "message",  # id
        "outcome",
        "places",  # file:line function of an exception, innermost last
        "process",
        "recipient",  # agency id
        "sender",  # agency id
        "status",  # HTTP
        "timestamp",
        "undeclared",  # names of fields somebody tried to log
        "version",  # of the configuration or the program
    }
)
"""Every field a log line may have."""

DURATIONS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
WAITS_SECONDS = (0.1, 0.5, 1, 5, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600, 72 * 3600)

_Event = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one process. Names are a contract: dashboards ask for them."""

    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=True))
    accepted: Counter = field(init=False)
    refused: Counter = field(init=False)
    connections_refused: Counter = field(init=False)
    delivered: Counter = field(init=False)
    failed: Counter = field(init=False)
    sequenced: Counter = field(init=False)
    countersigned: Counter = field(init=False)
    clock_steps: Counter = field(init=False)
    request_seconds: Histogram = field(init=False)
    accept_seconds: Histogram = field(init=False)
    delivery_seconds: Histogram = field(init=False)
    attempt_seconds: Histogram = field(init=False)
    messages: Gauge = field(init=False)
    deliveries: Gauge = field(init=False)
    replies: Gauge = field(init=False)
    oldest_delivery_seconds: Gauge = field(init=False)
    emergencies: Gauge = field(init=False)
    log_size: Gauge = field(init=False)
    log_unsequenced: Gauge = field(init=False)
    log_lag_seconds: Gauge = field(init=False)
    log_tampered: Gauge = field(init=False)
    crl_seconds_left: Gauge = field(init=False)
    alerts: Gauge = field(init=False)
    alerts_unsent: Gauge = field(init=False)
    alerts_told: Counter = field(init=False)

    def __post_init__(self) -> None:
        counters = {
            "accepted": ("gateway_accepted", "Messages accepted.", ("channel",)),
            "refused": ("gateway_refused", "Requests refused, by error code.", ("act", "code")),
            "connections_refused": ("gateway_connections_refused", "Refused before they were a request.", ("code",)),
            "delivered": ("gateway_delivered", "Deliveries that arrived.", ("recipient",)),
            "failed": ("gateway_delivery_failed", "Tries that did not arrive, by code.", ("recipient", "code")),
            "alerts_told": ("gateway_alerts_told", "Tries to tell of alerts, by way and outcome.", ("way", "outcome")),
            "sequenced": ("gateway_log_sequenced", "Audit entries put into the log by this process.", ()),
            "countersigned": ("gateway_heads", "Heads of partners' logs looked at.", ("agency", "outcome")),
            "clock_steps": ("gateway_clock_steps", "Times the clock was set by more than 30 s.", ("action",)),
        }
        histograms = {
            "request_seconds": ("gateway_request_seconds", "Time to answer a request.", ("act", "status")),
            "accept_seconds": ("gateway_accept_seconds", "Time to accept a message, durably.", ()),
            "attempt_seconds": ("gateway_attempt_seconds", "Time of one try to deliver.", ()),
        }
        gauges = {
            "messages": ("gateway_messages", "Messages held.", ()),
            "deliveries": ("gateway_deliveries", "Deliveries not yet done.", ("recipient", "state")),
            "replies": ("gateway_replies", "Answers to registered addresses, not yet done.", ("agency", "state")),
            "oldest_delivery_seconds": ("gateway_oldest_delivery_seconds", "How long the oldest push is overdue.", ()),
            "emergencies": ("gateway_emergency_releases", "Emergency releases, ever: alert when it grows.", ()),
            "log_size": ("gateway_log_size", "Leaves of the audit log.", ()),
            "log_unsequenced": ("gateway_log_unsequenced", "Audit entries not yet in the log.", ()),
            "log_lag_seconds": ("gateway_log_lag_seconds", "How long the oldest of those waits.", ()),
            "log_tampered": (
                "gateway_log_tampered",
                "What stands of findings on a log.",
                ("log", "code"),
            ),
            "crl_seconds_left": (
                "gateway_crl_seconds_left",
                "Until the revocation list of an agency's authority is out of date; below 0 it is.",
                ("agency", "authority"),
            ),
            "alerts": (
                "gateway_alerts",
                "What stands for somebody to see to; silenced ones too.",
                ("code", "severity"),
            ),
            "alerts_unsent": ("gateway_alerts_unsent", "News of alerts that is still to be told.", ("way",)),
        }
        for name, (metric, text, labels) in counters.items():
            self._declare(name, Counter(metric, text, labels, registry=self.registry))
        for name, (metric, text, labels) in histograms.items():
            self._declare(name, Histogram(metric, text, labels, registry=self.registry, buckets=DURATIONS_SECONDS))
        waits = "From reception to arrival."
        self._declare(
            "delivery_seconds",
            Histogram("gateway_delivery_seconds", waits, registry=self.registry, buckets=WAITS_SECONDS),
        )
        for name, (metric, text, labels) in gauges.items():
            gauge = Gauge(metric, text, labels, registry=self.registry, multiprocess_mode="mostrecent")
            self._declare(name, gauge)

    def _declare(self, name: str, metric: Counter | Histogram | Gauge) -> None:
        object.__setattr__(self, name, metric)

    def exposition(self) -> bytes:
        """The text that Prometheus reads: of this process, or of all when they share a folder."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """JSON lines to standard error, for our own events and for the libraries' (from warnings up)."""
    stream = stream or _STDERR
    least = logging.getLevelNamesMapping()[level.upper()]
    _configure(least, stream)
    library = logging.StreamHandler(stream)
    library.setFormatter(_LibraryLine())
    root = logging.getLogger()
    root.handlers = [library]
    root.setLevel(max(least, logging.WARNING))


class _Stderr:
    """Standard error as it is when a line is written: whoever replaces it, and closes theirs, breaks no logging."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STDERR = cast("TextIO", _Stderr())


def _configure(least: int, stream: TextIO) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_text,
            _declared_only,
            _json_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,  # some microseconds a line, and the configuration can be changed
    )


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


_encode = json.JSONEncoder(default=repr).encode
"""One encoder for all lines: `json.dumps` makes a new one each time, which costs more than the encoding."""


def _json_line(_logger: object, _method: str, event: _Event) -> str:
    return _encode(event)


def _exception_without_text(_logger: object, _method: str, event: _Event) -> _Event:
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["places"] = _places(error.__traceback__)
    return event


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-12:]
    return [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]  # noqa: PTH119


def _declared_only(_logger: object, _method: str, event: _Event) -> _Event:
    undeclared = event.keys() - FIELDS
    for name in undeclared:
        del event[name]
    if undeclared:
        event["undeclared"] = sorted(undeclared)
    return event


class _LibraryLine(logging.Formatter):
    """A library's log record as a JSON line: its logger and its template, never the values filled in."""

    def format(self, record: logging.LogRecord) -> str:
        # asyncio puts the repr of a failed task, exception text and all, on the lines after the first.
        template = record.msg.partition("\n")[0] if isinstance(record.msg, str) else type(record.msg).__name__
        event: dict[str, Any] = {
            "event": template[:200],
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        if record.exc_info:
            error = record.exc_info[1]
            if error is not None:
                event |= {"error": type(error).__name__, "places": _places(error.__traceback__)}
        structlog.processors.TimeStamper(fmt="iso", utc=True)(None, "", event)
        return _encode(event)


# structlog's own default prints exceptions with the values of local variables: never, not even unconfigured.
_configure(logging.WARNING, _STDERR)
