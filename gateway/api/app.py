"""The two applications, and every URL in one list."""

import time
from collections.abc import Awaitable, Callable, Sequence

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import __version__
from gateway.api import audit, consents, operations, rest, sandbox, soap_description
from gateway.api.admission import Admission
from gateway.api.edge import Edge
from gateway.api.openapi import openapi
from gateway.api.soap import soap
from gateway.exchange.gateway import Gateway
from gateway.store.interface import StoreUnavailable
from gateway.telemetry import Metrics


async def openapi_document(request: Request) -> Response:
    """GET /openapi.json."""
    api: FastAPI = request.app
    return JSONResponse(openapi(api, api.state.gateway.current))


class _Act:
    """An endpoint with nothing around it: Starlette would look for handlers of errors, which are the Edge's here."""

    def __init__(self, act: Callable[[Request], Awaitable[Response]]) -> None:
        self._act = act
        self.__name__ = act.__name__  # what metrics and log lines call it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        response = await self._act(Request(scope, receive, send))
        await response(scope, receive, send)


# First the hot path: routes are tried in this order.
AGENCIES: Sequence[BaseRoute] = (
    Route("/v1/messages", _Act(rest.submit), methods=["POST"]),
    Route("/soap", _Act(soap), methods=["POST"]),
    Route("/v1/messages/{id:path}/correct", _Act(rest.correct), methods=["POST"]),
    Route("/v1/messages/{id:path}/cancel", _Act(rest.cancel), methods=["POST"]),
    Route("/v1/sandbox/messages", _Act(sandbox.try_out), methods=["POST"]),
    Route("/soap", soap_description.service_description),
    Route("/soap/callback", soap_description.callback_description),
    Route("/soap/xsd", soap_description.exchange_list),
    Route("/soap/xsd/gateway.xsd", soap_description.service_schema),
    Route("/soap/xsd/{name}/{version}/{path:path}", soap_description.exchange_file),
    Route("/healthz", operations.alive),
    Route("/readyz", operations.ready),
)
"""Agencies' listener, and with it the FastAPI routes of `rest`, `audit` and `consents`."""

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

    def build_middleware_stack(self) -> ASGIApp:
        """Without FastAPI's own layers, which answer errors in their way and raise them again."""
        return AsyncExitStackMiddleware(self.router)


def make_app(gateway: Gateway, *, metrics: Metrics | None = None, docs: bool = False, share: float = 1.0) -> ASGIApp:
    """The agencies' application: REST and SOAP.

    metrics  of this process; a new set when None
    docs     serve the docs, metrics and OpenAPI here too: for one plain listener on loopback
    share    this process's part of what callers may ask: one divided by how many processes serve
    """
    routes = (*AGENCIES, *(CONSOLE if docs else ()))
    return _application(routes, gateway, metrics, asking=True, share=share)


def make_console_app(gateway: Gateway, *, metrics: Metrics | None = None) -> ASGIApp:
    """The second listener's application: docs, OpenAPI, metrics, health."""
    return _application(CONSOLE, gateway, metrics, asking=False)


def _application(
    plain: Sequence[BaseRoute], gateway: Gateway, metrics: Metrics | None, *, asking: bool, share: float = 1.0
) -> ASGIApp:
    """The plain routes, and behind them FastAPI's (`asking`), which only describes itself in the second listener."""
    api = _Api(version=__version__, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    api.include_router(rest.router)
    api.include_router(audit.router)
    api.include_router(consents.router)
    api.state.gateway = gateway
    api.state.metrics = metrics or Metrics()
    admission = Admission(limits=gateway.settings.limits, now=time.monotonic, share=share)
    router = Router(plain, redirect_slashes=False, default=api if asking else None)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = api  # where routes find the gateway, and what makes Starlette raise 404 and 405
        try:
            await router(scope, receive, send)
        except StoreUnavailable:
            gateway.health.failed(gateway.clock.now())
            raise

    return Edge(app, clock=gateway.clock, metrics=api.state.metrics, admission=admission)
