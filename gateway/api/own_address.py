"""Where partners reach us: for what we hand out, and to check what they call us."""

import re
from collections.abc import Iterator

from starlette.requests import Request

from gateway.api.rest import running

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(?::[0-9]{1,5})?|\[[0-9a-fA-F:]{2,45}\](?::[0-9]{1,5})?")


def base_url(request: Request) -> str:
    """As configured; else as this caller does, who hears of it alone."""
    settings = running(request).settings
    host = request.headers.get("host", "")
    if settings.listen.public_url or not _HOST.fullmatch(host):
        return settings.public_url
    return f"{request.scope['scheme']}://{host}"


def soap_addresses(request: Request) -> Iterator[str]:
    """What wsa:To of a request may be: the address in the WSDL as this caller gets it, and those that the settings add.

    Where no public URL is set, that is what the caller types: a message for another service says so by its host.
    """
    yield f"{base_url(request)}/soap"
    yield from running(request).settings.listen.soap_addresses
