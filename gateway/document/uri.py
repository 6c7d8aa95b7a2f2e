"""What a structures:uri names, told the same way however it is written.

"#Nu%C3%B1ez" and "#Nuñez" are one element, HTTP://A.example:80/%70 and http://a.example/p are one object; whoever
compared the letters would take one person for two. Source: RFC 3986, sections 6.2.2 and 6.2.3; for letters beyond
ASCII section 3.1 of RFC 3987; for urn: RFC 8141, section 3.1.
"""

import re
from urllib.parse import quote, unquote

_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_KEPT = ":/?#[]@!$&'()*+,;=%"
_PORTS = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443", "ldap": "389"}


def uri_key(uri: str) -> str:
    """One key for all ways to write the uri: "#x" for the element x of the same document.

    A relative reference is its own key: a message has no address that it could be relative to.
    """
    text = uri.strip()
    if text.startswith("#"):
        return unquote(text) if "%" in text else text
    parts = _ABSOLUTE.fullmatch(text)
    if parts is None:
        return text
    scheme, authority, path, query, fragment = parts.groups()
    scheme = scheme.lower()
    path = _escaped(path)
    if authority is None:
        start = f"{scheme}:"
        path = _urn(path) if scheme == "urn" else path
    else:
        start = f"{scheme}://{_authority(authority, scheme)}"
        path = path or "/"
    if path.startswith("/"):
        path = _without_dots(path)
        # Without it, two slashes would begin an authority (RFC 3986, section 3.3).
        path = f"/.{path}" if authority is None and path.startswith("//") else path
    return f"{start}{path}{_escaped(query or '')}{_escaped(fragment or '')}"


def names_one(key: str) -> bool:
    """Whether a key is of one element of the same document, or of an object with an absolute uri.

    No relative reference is, nor the document itself ("#"), nor an XPointer with a scheme ("#element(x)").
    """
    if key.startswith("#"):
        return len(key) > 1 and "(" not in key
    return _ABSOLUTE.fullmatch(key) is not None


def _escaped(text: str) -> str:
    """With what must be escaped escaped, and nothing else."""
    return _ESCAPE.sub(_plain, quote(text, safe=_KEPT + "~"))


def _plain(escape: re.Match[str]) -> str:
    letter = chr(int(escape[0][1:], 16))
    return letter if letter in _UNRESERVED else escape[0].upper()


def _authority(authority: str, scheme: str) -> str:
    user, at, place = authority.rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or "]" in port:  # no port: what follows the last colon is of an IPv6 address
        host, port = place, ""
    port = "" if port == _PORTS.get(scheme) else port
    return f"{_escaped(user)}{at}{_escaped(host.lower()).lower()}{':' if port else ''}{port}"


def _urn(path: str) -> str:
    """The kind of a urn, and a UUID, are the same in capitals."""
    kind, colon, rest = path.partition(":")
    return f"{kind.lower()}{colon}{rest.lower() if kind.lower() == 'uuid' else rest}"


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4."""
    kept: list[str] = []
    *steps, last = path.split("/")[1:]
    for step in steps:
        if step == "..":
            del kept[-1:]
        elif step != ".":
            kept.append(step)
    if last == "..":
        del kept[-1:]
    kept.append("" if last in {".", ".."} else last)
    return "/" + "/".join(kept)
