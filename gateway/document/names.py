"""Namespaces that the gateway itself knows, and what to do with qualified names.

Nothing here ties an exchange to one NIEM version: which structures or niem-core namespace a schema set uses is
found by pattern, per set. A qualified name is written as lxml does, "{namespace}local".
"""

import re
from functools import lru_cache

XML = "http://www.w3.org/XML/1998/namespace"
XMLNS = "http://www.w3.org/2000/xmlns/"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

NC_60 = "https://docs.oasis-open.org/niemopen/ns/model/niem-core/6.0/"
J_60 = "https://docs.oasis-open.org/niemopen/ns/model/domains/justice/6.0/"
STRUCTURES_60 = "https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/"
APPINFO_60 = "https://docs.oasis-open.org/niemopen/ns/model/appinfo/6.0/"
NIEM_XS_60 = "https://docs.oasis-open.org/niemopen/ns/model/adapters/niem-xs/6.0/"
CT_60 = "https://docs.oasis-open.org/niemopen/ns/specification/conformanceTargets/6.0/"

COVER = "https://gateway.example/ns/cover/1.0/"
DS = "http://www.w3.org/2000/09/xmldsig#"
EC = "http://www.w3.org/2001/10/xml-exc-c14n#"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP11 = "http://schemas.xmlsoap.org/wsdl/soap/"
WSDL_SOAP12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
XOP = "http://www.w3.org/2004/08/xop/include"

# 2.x: http://niem.gov/niem/structures/2.0 · 3.x-5.x: http://release.niem.gov/niem/structures/5.0/
# 6.0: https://docs.oasis-open.org/niemopen/ns/model/structures/6.0/
_NIEM_VERSIONED = (
    r"https?://(?:(?:release\.)?niem\.gov/niem|docs\.oasis-open\.org/niemopen/ns/model)/%s/(\d+)\.[\d.]*/?"
)
_STRUCTURES = re.compile(_NIEM_VERSIONED % "structures")
_NIEM_CORE = re.compile(_NIEM_VERSIONED % "niem-core")
_NC_NAME = re.compile(r"[^\W\d][\w.\-]*")


@lru_cache(maxsize=4096)
def split(name: str) -> tuple[str, str]:
    """Namespace ("" when there is none) and local part of "{namespace}local"."""
    if name[:1] != "{":
        return "", name
    namespace, _, local = name[1:].rpartition("}")
    return namespace, local


def join(namespace: str, local: str) -> str:
    """ "{namespace}local", or the bare local part when there is no namespace."""
    return f"{{{namespace}}}{local}" if namespace else local


@lru_cache(maxsize=256)
@lru_cache(maxsize=128)
def structures_version(namespace: str) -> int | None:
    """NIEM's major version when this is a structures namespace of any version, else None."""
    match = _STRUCTURES.fullmatch(namespace)
    return int(match[1]) if match else None


def niem_core_version(namespace: str) -> int | None:
    """NIEM's major version when this is a niem-core namespace of any version, else None."""
    match = _NIEM_CORE.fullmatch(namespace)
    return int(match[1]) if match else None


def is_nc_name(text: str) -> bool:
    """True for a name without a colon, near enough to XML's rule for prefixes and keys."""
    return _NC_NAME.fullmatch(text) is not None
