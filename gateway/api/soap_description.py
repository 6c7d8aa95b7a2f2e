"""What SOAP toolkits read: the WSDL, its schema, and the schema sets of the exchanges beside it. Open to everybody:
schemas are no secrets, and a programmer reads them before there is a credential.

No path of a request ever names a file: each is looked up among the files of a registered exchange, which are in memory.
"""

from collections.abc import Iterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.api.own_address import base_url
from gateway.api.rest import running
from gateway.iepd.package import Iepd
from gateway.soap.callback import callback_wsdl
from gateway.soap.wsdl import SCHEMA, wsdl

XSD_TYPE = "application/xml"
"""XSD has no media type of its own; as text/xml some readers would take it for US-ASCII (RFC 3023)."""

WHOLE = "singlewsdl"
"""Asks for one file with the schema in it, as .NET's services have it."""


async def service_description(request: Request) -> Response:
    """GET /soap?wsdl, however the toolkit writes it: ?WSDL, ?wsdl=1, ?singleWsdl."""
    asked = {name.lower() for name in request.query_params}
    if not asked & {"wsdl", WHOLE}:
        raise HTTPException(405, headers={"Allow": "POST"})
    text = wsdl(f"{base_url(request)}/soap", whole=WHOLE in asked)
    return Response(text, media_type="text/xml; charset=utf-8")


async def callback_description(request: Request) -> Response:
    """GET /soap/callback?wsdl: what a partner's receiver of answers has to understand."""
    if "wsdl" not in {name.lower() for name in request.query_params}:
        raise HTTPException(404)
    return Response(callback_wsdl(), media_type="text/xml; charset=utf-8")


async def service_schema(_request: Request) -> Response:
    """GET /soap/xsd/gateway.xsd: the schema the WSDL imports."""
    return Response(SCHEMA, media_type=XSD_TYPE)


async def exchange_list(request: Request) -> Response:
    """GET /soap/xsd: the schema documents and samples of every exchange, by addresses relative to this one.

    All documents of a set are named: some hold only what stands in place of something else, and no import leads there.
    """
    return JSONResponse({"exchanges": [_described(iepd) for iepd in running(request).current.registry]})


def _described(iepd: Iepd) -> dict[str, Any]:
    below = f"xsd/{iepd.id}/"
    return {
        "exchange": iepd.id,
        "title": iepd.title,
        "root": iepd.root,
        "digest": iepd.digest,
        "schemas": [below + name for name in sorted(iepd.schema.documents)],
        "samples": [f"{below}iepd/{iepd.id}/samples/{name}" for name in sorted(iepd.samples)],
    }


async def exchange_file(request: Request) -> Response:
    """GET /soap/xsd/{name}/{version}/{path}: the schemas, catalog and samples of a registered exchange.

    Below this address they lie as in the project, `iepd/{name}/{version}/` beside `xsd/`: relative locations hold.
    """
    wanted = request.path_params
    registry = running(request).current.registry
    exchange = f"{wanted['name']}/{wanted['version']}"
    if exchange not in registry.ids():
        raise HTTPException(404)
    content = dict(_served(registry.by_id(exchange))).get(wanted["path"])
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type=XSD_TYPE if wanted["path"].endswith((".xsd", ".xml")) else "text/plain")


def _served(iepd: Iepd) -> Iterator[tuple[str, bytes]]:
    """Its files by the address below its own."""
    for name, content in iepd.files.items():
        folder, _, rest = name.partition("/")
        yield (f"iepd/{iepd.id}/{rest}" if folder == "iepd" else name), content
