"""Whether two addresses are one: as URLs are compared, not as texts.

Scheme and host without regard to case, default ports, an empty path and a slash at the end make no difference;
anything else does. What is not a plain http(s) URL is the same as nothing. Source: RFC 3986, section 6.2.
"""

import re
from typing import Final
from urllib.parse import urlsplit

ADDRESS_LENGTH_MAX: Final = 2048

_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+:[0-9a-f:.]*")
"""A name, or a numeric address with colons in it."""

_DEFAULT_PORT: Final = {"http": 80, "https": 443}


def canonical(address: str) -> str | None:
    """One text for all spellings of an address; None for what names no place on the web: another scheme, a user in it,
    a fragment, characters outside printable ASCII."""
    if len(address) > ADDRESS_LENGTH_MAX or not address.isascii() or not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    scheme, name = parts.scheme.lower(), parts.hostname or ""
    if scheme not in _DEFAULT_PORT or not _HOST.fullmatch(name) or "@" in parts.netloc or "#" in address:
        return None
    host = f"[{name}]" if ":" in name else name.removesuffix(".")
    query = f"?{parts.query}" if "?" in address else ""
    return f"{scheme}://{host}:{port or _DEFAULT_PORT[scheme]}{parts.path.rstrip('/')}{query}"


def same(one: str, other: str) -> bool:
    """Both name one place."""
    first = canonical(one)
    return first is not None and first == canonical(other)
