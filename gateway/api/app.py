"""The two applications, and every URL in one list."""

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gateway import __version__
from gateway.api import audit, operations, rest
from gateway.api.edge import Edge
from gateway.api.openapi import openapi
from gateway.api.soap import soap
from gateway.exchange.gateway import Gateway
from gateway.telemetry import Metrics


async def openapi_document(request: Request) -> Response:
    """GET /openapi.json."""
    api: _Api = request.app
    return JSONResponse(openapi(api.documented, api.state.gateway.current))


# First the hot path: routes are tried in this order.
AGENCIES: Sequence[BaseRoute] = (
    Route("/v1/messages", rest.submit, methods=["POST"]),
    Route("/soap", soap, methods=["POST"]),
    Route("/v1/messages/{id}/correct", rest.correct, methods=["POST"]),
    Route("/v1/messages/{id}/cancel", rest.cancel, methods=["POST"]),
    Route("/soap", operations.service_description),
    Route("/soap/xsd/gateway.xsd", operations.service_schema),
    Route("/soap/xsd/{name}/{version}/{path:path}", operations.exchange_file),
    Route("/healthz", operations.alive),
    Route("/readyz", operations.ready),
)
"""Agencies' listener; below it the FastAPI routes of `rest.router` and `audit.router`."""

CONSOLE: Sequence[BaseRoute] = (
    Route("/", operations.docs_home),
    Route("/docs", operations.docs),
    Route("/docs/{name}", operations.docs_asset),
    Route("/openapi.json", openapi_document),
    Route("/metrics", operations.metrics),
    Route("/healthz", operations.alive),
    Route("/readyz", operations.ready),
)
"""Listener for people and monitors: nothing here speaks for an agency, nothing here reads a message."""


class _Api(FastAPI):
    """FastAPI for routes and OpenAPI; errors are the Edge's."""

    documented: FastAPI

    def build_middleware_stack(self) -> ASGIApp:
        """Without FastAPI's own layers, which answer errors in their way and raise them again."""
        return AsyncExitStackMiddleware(self.router)


def make_app(gateway: Gateway, *, metrics: Metrics | None = None, docs: bool = False) -> ASGIApp:
    """The agencies' application: REST and SOAP.

    metrics  of this process; a new set when None
    docs     serve the docs, metrics and OpenAPI here too: for one plain listener on loopback
    """
    api = _agencies()
    api.router.routes[:0] = [*AGENCIES, *(CONSOLE if docs else ())]
    return _finish(api, api_documented=_agencies(), gateway=gateway, metrics=metrics)


def make_console_app(gateway: Gateway, *, metrics: Metrics | None = None) -> ASGIApp:
    """The second listener's application: docs, OpenAPI, metrics, health."""
    api = _bare()
    api.router.routes[:0] = list(CONSOLE)
    return _finish(api, api_documented=_agencies(), gateway=gateway, metrics=metrics)


def _bare() -> _Api:
    return _Api(version=__version__, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)


def _agencies() -> _Api:
    api = _bare()
    api.include_router(rest.router)
    api.include_router(audit.router)
    return api


def _finish(api: _Api, *, api_documented: FastAPI, gateway: Gateway, metrics: Metrics | None) -> ASGIApp:
    api.documented = api_documented
    api.state.gateway = gateway
    api.state.metrics = metrics or Metrics()
    return Edge(api, clock=gateway.clock, metrics=api.state.metrics)
