"""Edge: the outermost layer of both applications.

Every request gets a correlation id, which its answer and its log line carry; every error that comes this far
becomes a problem; every answer gets the headers that keep browsers and caches from doing anything clever.
"""

import functools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.admission import Admission, Admitted
from gateway.api.body import ClientGone
from gateway.api.network import network_of
from gateway.api.problem import MEDIA_TYPE, Problem, problem_of
from gateway.clock import Clock
from gateway.exchange.gateway import AgencySuspended
from gateway.finding import Finding
from gateway.keys.payload import PayloadTampered
from gateway.telemetry import Metrics, log

SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
CLOSE = (b"connection", b"close")
ENDS_CONNECTION = frozenset({AgencySuspended.code})
"""Who is shut out keeps no connection."""

HSTS = (b"strict-transport-security", b"max-age=31536000")
"""One year, on TLS only. Source: ASVS 5.0, V3."""


WATCHED = frozenset({"/healthz", "/readyz"})
"""Monitors get their answer however much is asked from where they are."""


@dataclass(slots=True, kw_only=True)
class Trace:
    """What is known of a request while it is answered, for its log line; ids and codes only."""

    correlation: str
    admitted: Admitted
    agency: str = ""
    code: str = ""
    message: str = ""
    status: int = 500
    started: bool = field(default=False)


def trace_of(scope: Scope) -> Trace:
    """The trace of this request."""
    trace: Trace = scope["state"]["trace"]
    return trace


class Edge:
    """Wraps an application. Nothing but `BaseException`s that stop the process gets past it."""

    def __init__(self, app: ASGIApp, *, clock: Clock, metrics: Metrics, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._clock = clock
        self._metrics = metrics
        # Finding a labeled metric anew takes longer than the rest of the report.
        self._seconds = functools.lru_cache(maxsize=1024)(metrics.request_seconds.labels)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        trace = Trace(correlation=self._clock.random(8).hex(), admitted=self._admission.request())
        scope.setdefault("state", {})["trace"] = trace
        more = (
            (b"x-correlation-id", trace.correlation.encode()),
            *((HSTS,) if scope.get("scheme") == "https" else ()),
        )

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace.started = True
                trace.status = message["status"]
                own = message.get("headers", [])
                ending = (CLOSE,) if trace.code in ENDS_CONNECTION else ()
                message["headers"] = [*own, *more, *ending, *_unless_given(own)]
            await send(message)

        began = time.perf_counter()
        try:
            _check_address(scope)
            if scope["path"] not in WATCHED:
                self._admission.arrive(network_of(scope["client"][0]) if scope.get("client") else "")
            await self._app(scope, receive, answer)
        except ClientGone:
            trace.status, trace.code = 499, "connection.client-gone"  # 499: nginx's word for it; nobody reads it
        except Exception as error:  # noqa: BLE001  (the outermost edge: it answers for all that is below)
            await _fail(error, trace, scope, receive, answer)
        finally:
            trace.admitted.leave()
        self._report(scope, trace, time.perf_counter() - began)

    def _report(self, scope: Scope, trace: Trace, seconds: float) -> None:
        act = getattr(scope.get("endpoint"), "__name__", "unknown")
        self._seconds(act, str(trace.status)).observe(seconds)
        if trace.code:
            self._metrics.refused.labels(act, trace.code).inc()
        log.info(
            "request",
            act=act,
            status=trace.status,
            duration_ms=round(seconds * 1000, 2),
            correlation=trace.correlation,
            agency=trace.agency,
            code=trace.code,
            message=trace.message,
        )


def _check_address(scope: Scope) -> None:
    """No id or name of ours holds a NUL, and PostgreSQL cannot even be asked for one."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise HTTPException(404)


def _unless_given(own: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    """The docs page has a policy of its own, a tile of the log a cache of its own."""
    given = {name.lower() for name, _ in own}
    return (header for header in SECURITY_HEADERS if header[0] not in given)


async def _fail(error: Exception, trace: Trace, scope: Scope, receive: Receive, send: Send) -> None:
    problem = _problem(error)
    trace.code = problem.code
    # A stored payload that was changed is the operator's trouble, whatever the caller is told.
    if problem.status >= 500 or isinstance(error, PayloadTampered):
        log.error("failed", correlation=trace.correlation, code=problem.code, exc_info=error)
    if trace.started:  # half an answer is out: the server closes the connection, and the client sees it is cut
        return
    await problem_response(problem, trace.correlation)(scope, receive, send)


def problem_response(problem: Problem, correlation: str) -> Response:
    """The problem as an answer."""
    return Response(
        problem.to_json(correlation),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(problem.headers),
    )


def _problem(error: Exception) -> Problem:
    """As `problem_of`, and the framework's own errors."""
    if isinstance(error, HTTPException):
        headers = tuple((error.headers or {}).items())
        if error.status_code == 405:
            methods = (error.headers or {}).get("Allow", "other methods")
            return Problem(status=405, code="request.method", detail=f"this address takes {methods}", headers=headers)
        return Problem(status=404, code="request.not-found", detail="there is nothing at this address")
    if isinstance(error, RequestValidationError):
        findings = tuple(_finding(each["loc"], each["type"]) for each in error.errors())
        return Problem(status=400, code="request.parameter", detail="a parameter is not acceptable", findings=findings)
    return problem_of(error)


_WRONG = {
    "missing": "it is missing",
    "int_parsing": "it is not a whole number",
    "greater_than_equal": "it is too small",
    "less_than_equal": "it is too large",
}
"""The framework's words for what is wrong with a parameter, in ours."""


def _finding(place: Iterable[object], kind: str) -> Finding:
    return Finding(
        code="request.parameter",
        path=".".join(str(part) for part in place),
        text=_WRONG.get(kind, "it is not acceptable"),
    )
