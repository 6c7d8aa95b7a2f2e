"""For operators and for people who read: is it alive, is it ready, its metrics, the docs page."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from gateway.alert.alert import Code, Notice, Severity, Standing
from gateway.alert.condition import LAG_MAX
from gateway.api.rest import running
from gateway.errors import GatewayError, Unavailable
from gateway.exchange.authorities import lists_of
from gateway.exchange.configured import Configured
from gateway.exchange.tell_due import NOTICES_MAX
from gateway.exchange.trouble import standing as found_of_own_log
from gateway.store.interface import Counts
from gateway.store.witness import LogTrouble
from gateway.telemetry import Metrics

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

DOCS_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
"""Styles inline: Swagger UI sets them on elements. Scripts never: nothing but our own files runs."""

_SWAGGER_UI = resources.files("fastapi_offline") / "static"
_OWN = resources.files("gateway.api") / "static"

ASSETS: dict[str, tuple[Traversable, str]] = {
    "swagger-ui.css": (_SWAGGER_UI / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript"),
    "start.js": (_OWN / "start.js", "text/javascript"),
    "docs.css": (_OWN / "docs.css", "text/css"),
}
"""Files of the docs page: a list, so that no path of a request ever names a file."""


async def alive(_request: Request) -> Response:
    """GET /healthz: the process answers."""
    return PlainTextResponse("alive\n")


async def ready(request: Request) -> Response:
    """GET /readyz: the database answers too, takes entries, and the log is the one that was signed. Alerts about the
    log, and alerts that cannot be told, stand below by their codes."""
    gateway = running(request)
    now = gateway.clock.now()
    try:
        await gateway.store.configuration_version()
        standing = standing_codes(await gateway.store.alerts(), await gateway.store.waiting_since(), now)
        found = await found_of_own_log(gateway)
    except GatewayError as error:
        return PlainTextResponse(f"not ready: {error.code}\n", status_code=503)
    if gateway.health.is_failing(now):
        return PlainTextResponse(f"not ready: {Code.LOG_NOT_WRITTEN}\n", status_code=503)
    altered = [Code.LOG_ALTERED.value] if gateway.health.altered or Code.LOG_ALTERED in standing else []
    # What was found - by verifying, by a partner who countersigns, by a receipt - stands until two people have decided.
    codes = dict.fromkeys((*altered, *(each.code for each in found)))
    if codes:
        return PlainTextResponse(f"not ready: {', '.join(codes)}\n", status_code=503)
    return PlainTextResponse("".join(("ready\n", *(f"alert: {code}\n" for code in standing))))


SHOWN = ("log.", "clock.", "alerts.")
"""Groups of codes that anybody may see: they are about this gateway alone."""


def standing_codes(alerts: Iterable[Standing], waiting_since: datetime | None, now: datetime) -> tuple[str, ...]:
    """Codes that stand, of those that anybody may see. A sequencer that is stuck is seen without anybody who watches:
    where no worker runs, none does."""
    codes = {each.code.value for each in alerts if each.cleared_at is None and each.code.startswith(SHOWN)}
    if waiting_since is not None and now - waiting_since > LAG_MAX:
        codes.add(Code.LOG_BEHIND.value)
    return tuple(sorted(codes))


async def metrics(request: Request) -> Response:
    """GET /metrics. What this process knows is told when the database says nothing, too."""
    gateway, measured = running(request), request.app.state.metrics
    now = gateway.clock.now()
    observe_lists(measured, gateway.current, now)
    try:
        observe(measured, await gateway.store.counts(), now)
        observe_troubles(measured, await gateway.store.troubles())
        observe_alerts(measured, await gateway.store.alerts(), await gateway.store.notices(NOTICES_MAX))
    except Unavailable:
        gateway.health.failed(now)
    if gateway.health.is_failing(now):
        measured.alerts.labels(Code.LOG_NOT_WRITTEN.value, Severity.CRITICAL.value).set(1)
    return Response(measured.exposition(), media_type=METRICS_TYPE)


def observe_alerts(metrics: Metrics, alerts: Iterable[Standing], notices: Iterable[Notice]) -> None:
    """Put what stands, and what is still to be told, into the gauges."""
    metrics.alerts.clear()
    for (code, severity), count in Counter(
        (each.code.value, each.severity.value) for each in alerts if each.cleared_at is None
    ).items():
        metrics.alerts.labels(code, severity).set(count)
    metrics.alerts_unsent.clear()
    for way, count in Counter(each.way for each in notices).items():
        metrics.alerts_unsent.labels(way).set(count)


def observe(metrics: Metrics, counts: Counts, now: datetime) -> None:
    """Put what the store counts into the gauges."""
    metrics.messages.set(counts.messages)
    metrics.deliveries.clear()
    for recipient, state, count in counts.deliveries:
        metrics.deliveries.labels(recipient, state.value).set(count)
    metrics.replies.clear()
    for agency, state, count in counts.replies:
        metrics.replies.labels(agency, state.value).set(count)
    metrics.oldest_delivery_seconds.set(_seconds_since(counts.oldest, now))
    metrics.emergencies.set(counts.emergencies)
    metrics.log_size.set(counts.log_size)
    metrics.log_unsequenced.set(counts.unsequenced)
    metrics.log_lag_seconds.set(_seconds_since(counts.unsequenced_since, now))


def observe_lists(metrics: Metrics, configured: Configured, now: datetime) -> None:
    """How long each revocation list that is held is still good."""
    metrics.crl_seconds_left.clear()
    for agency in {one.agency for one in configured.authorities}:
        for each in lists_of(configured, agency, now):
            if each.crl is not None:
                left = (each.crl.next_update - now).total_seconds()
                metrics.crl_seconds_left.labels(agency, each.fingerprint[:16]).set(left)


def observe_troubles(metrics: Metrics, troubles: Iterable[LogTrouble]) -> None:
    """What stands of what was found wrong, of our own log and of partners'."""
    metrics.log_tampered.clear()
    for each in troubles:
        if each.ended_at is None:
            metrics.log_tampered.labels(each.agency or "own", each.code).set(1)


def _seconds_since(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


# --- the docs page ------------------------------------------------------------------------------------------------


async def docs(_request: Request) -> Response:
    """GET /docs."""
    page = (_OWN / "docs.html").read_bytes()
    return Response(page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": DOCS_POLICY})


async def docs_asset(request: Request) -> Response:
    """GET /docs/{name}."""
    found = ASSETS.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return Response(found[0].read_bytes(), media_type=found[1], headers={"Cache-Control": "max-age=3600"})


async def docs_home(_request: Request) -> Response:
    """GET /: people land on the docs."""
    return RedirectResponse("/docs")
