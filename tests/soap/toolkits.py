"""What toolkits really put on the wire: one Submit with one photo, as each of them packs it.

Written after captures and sources of the toolkits (Apache CXF, Metro, WCF, gSOAP, node-soap, SoapUI, Axis2, Oracle's
documentation); addresses, ids and names are invented.
"""

from dataclasses import dataclass

from gateway.document.names import SOAP11, SOAP12, XOP
from gateway.soap.service import SERVICE, action_of

PHOTO = bytes(range(256)) * 3 + b"\r\n--uuid:1a2b\r\n--" + b"\x00\xff"
"""Bytes that look like the structure around them: the boundary "uuid:1a2b-4c" is not in them, though nearly."""

ACTION = action_of("Submit")


@dataclass(frozen=True)
class Sent:
    """A message: Content-Type, body, and the version of its envelope."""

    content_type: str
    body: bytes
    version: str


def envelope(version: str, href: str, photo: str = "") -> bytes:
    """The envelope of a Submit; `photo` in place of the xop:Include."""
    inside = photo or f'<xop:Include xmlns:xop="{XOP}" href="cid:{href}"/>'
    return (
        f'<s:Envelope xmlns:s="{version}"><s:Body><g:Submit xmlns:g="{SERVICE}"><g:Payload>'
        f'<n:Notice xmlns:n="urn:n"><n:Photo>{inside}</n:Photo></n:Notice>'
        f"</g:Payload></g:Submit></s:Body></s:Envelope>"
    ).encode()


def body(
    boundary: str, root: str, content: bytes, part: str, photo: bytes, *, before: str = "", after: str = "\r\n"
) -> bytes:
    """Two parts with these heads (each line ends in CRLF)."""
    pieces = (before, "--", boundary, "\r\n", root, "\r\n")
    middle = ("\r\n--", boundary, "\r\n", part, "\r\n")
    end = ("\r\n--", boundary, "--", after)
    return "".join(pieces).encode() + content + "".join(middle).encode() + photo + "".join(end).encode()


def cxf(version: str) -> Sent:
    """Apache CXF: an empty line first, an encoded Content-ID and the same in the href, the action outside."""
    kind = "text/xml" if version == SOAP11 else "application/soap+xml"
    action = "" if version == SOAP11 else f'; action="{ACTION}"'
    cid = "0f8e6d2c-7b1a-1@http%3A%2F%2Frecords.example%2F"
    return Sent(
        'multipart/related; type="application/xop+xml"; boundary="uuid:1a2b-4c"; '
        f'start="<root.message@cxf.apache.org>"; start-info="{kind}"{action}',
        body(
            "uuid:1a2b-4c",
            f'Content-Type: application/xop+xml; charset=UTF-8; type="{kind}"{action}\r\n'
            "Content-Transfer-Encoding: binary\r\nContent-ID: <root.message@cxf.apache.org>\r\n",
            envelope(version, cid),
            f"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{cid}>\r\n",
            PHOTO,
            before="\r\n",
            after="",
        ),
        version,
    )


def metro(version: str) -> Sent:
    """Metro (JAX-WS RI): no spaces, Content-Id, and for 1.2 the action inside start-info behind escaped quotes."""
    kind = "text/xml" if version == SOAP11 else f'application/soap+xml;action=\\"{ACTION}\\"'
    root = "rootpart*1a2b@example.jaxws.sun.com"
    return Sent(
        f'multipart/related;start="<{root}>";type="application/xop+xml";boundary="uuid:1a2b-4c";start-info="{kind}"',
        body(
            "uuid:1a2b-4c",
            f"Content-Id: <{root}>\r\n"
            f'Content-Type: application/xop+xml;charset=utf-8;type="{kind}"\r\nContent-Transfer-Encoding: binary\r\n',
            b"<?xml version='1.0' encoding='UTF-8'?>" + envelope(version, "2f3a@example.jaxws.sun.com"),
            "Content-Id: <2f3a@example.jaxws.sun.com>\r\nContent-Type: image/jpeg\r\n"
            "Content-Transfer-Encoding: binary\r\n",
            PHOTO,
            after="",
        ),
        version,
    )


def wcf(version: str) -> Sent:
    """.NET (WCF): ids that are addresses, percent-encoded in the href only."""
    kind = "text/xml" if version == SOAP11 else "application/soap+xml"
    more = "" if version == SOAP11 else f'; action="{ACTION}"'
    return Sent(
        'multipart/related; type="application/xop+xml";start="<http://tempuri.org/0>";'
        f'boundary="uuid:1a2b-4c+id=1";start-info="{kind}"{more}',
        body(
            "uuid:1a2b-4c+id=1",
            "Content-ID: <http://tempuri.org/0>\r\nContent-Transfer-Encoding: 8bit\r\n"
            f'Content-Type: application/xop+xml;charset=utf-8;type="{kind}"\r\n',
            envelope(version, "http%3A%2F%2Ftempuri.org%2F1%2F6345"),
            "Content-ID: <http://tempuri.org/1/6345>\r\nContent-Transfer-Encoding: binary\r\n"
            "Content-Type: application/octet-stream\r\n",
            PHOTO,
        ),
        version,
    )


def gsoap(version: str) -> Sent:
    """gSOAP: a Content-ID that is no address, a boundary of base64 letters, charset on the multipart."""
    kind = "text/xml" if version == SOAP11 else "application/soap+xml"
    action = "" if version == SOAP11 else f'; action="{ACTION}"'
    return Sent(
        'multipart/related; charset=utf-8; boundary="==SGFybGFuIENvdW50eSBKYWls=="; type="application/xop+xml"; '
        f'start="<SOAP-ENV:Envelope>"; start-info="{kind}"{action}',
        body(
            "==SGFybGFuIENvdW50eSBKYWls==",
            f'Content-Type: application/xop+xml; charset=utf-8; type="{kind}"\r\n'
            "Content-Transfer-Encoding: binary\r\nContent-ID: <SOAP-ENV:Envelope>\r\n",
            b'<?xml version="1.0" encoding="UTF-8"?>\n' + envelope(version, "id1"),
            "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <id1>\r\n"
            "Content-Description: booking photo\r\n",
            PHOTO,
            after="",
        ),
        version,
    )


def node_soap(version: str) -> Sent:
    """node-soap: text/xml for either version, an unquoted boundary, no Content-Transfer-Encoding on the root."""
    action = "" if version == SOAP11 else f'; action="{ACTION}"'
    return Sent(
        'multipart/related; type="application/xop+xml"; start="<5e1f>"; start-info="text/xml"; '
        f"boundary=66ce22ce-58b1{action}",
        body(
            "66ce22ce-58b1",
            'Content-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\nContent-ID: <5e1f>\r\n',
            b'<?xml version="1.0" encoding="utf-8"?>' + envelope(version, "photo-1"),
            "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <photo-1>\r\n"
            'Content-Disposition: attachment; filename="photo.png"\r\n',
            PHOTO,
        ),
        version,
    )


def node_soap_old(version: str) -> Sent:
    """node-soap before 0.32: `start` without angle brackets."""
    sent = node_soap(version)
    return Sent(sent.content_type.replace("<5e1f>", "5e1f"), sent.body, version)


def soapui(version: str) -> Sent:
    """SoapUI: a boundary that begins with hyphens, more blanks, a file's name with letters beyond ASCII."""
    kind = "text/xml" if version == SOAP11 else "application/soap+xml"
    action = "" if version == SOAP11 else f'; action="{ACTION}"'
    boundary = "----=_Part_96_20122774.1369204635982"
    return Sent(
        f'multipart/related; type="application/xop+xml"; start="<rootpart@soapui.org>"; start-info="{kind}"{action}; '
        f'boundary="{boundary}"',
        body(
            boundary,
            f'Content-Type: application/xop+xml; charset=UTF-8; type="{kind}"{action}\r\n'
            "Content-Transfer-Encoding: 8bit\r\nContent-ID: <rootpart@soapui.org>\r\n",
            envelope(version, "152293"),
            'Content-Type: application/octet-stream; name="Größe.jpg"\r\nContent-Transfer-Encoding: binary\r\n'
            'Content-ID: <152293>\r\nContent-Disposition: attachment; name="Größe.jpg"; filename="Größe.jpg"\r\n',
            PHOTO,
        ),
        version,
    )


def axis2(version: str) -> Sent:
    """Axis2: colons in the href as in the Content-ID; for 1.2 the action inside `type` of the root part."""
    kind = "text/xml" if version == SOAP11 else f'application/soap+xml; action=\\"{ACTION}\\"'
    start = "0.urn:uuid:A3AD@apache.org"
    return Sent(
        'multipart/related; boundary=MIMEBoundaryurn_uuid_A3AD; type="application/xop+xml"; '
        f'start="<{start}>"; start-info="{kind.partition(";")[0]}"',
        body(
            "MIMEBoundaryurn_uuid_A3AD",
            f'Content-Type: application/xop+xml; charset=UTF-8; type="{kind}"\r\n'
            f"Content-Transfer-Encoding: binary\r\nContent-ID: <{start}>\r\n",
            envelope(version, "1.urn:uuid:A3AE@apache.org"),
            "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\n"
            "Content-ID: <1.urn:uuid:A3AE@apache.org>\r\n",
            PHOTO,
        ),
        version,
    )


def by_hand(version: str) -> Sent:
    """A script (PHP, curl): start and start-info left away, a preamble, blanks around the xop:Include."""
    pretty = envelope(version, "file-1").replace(b"<xop:", b"\n  <xop:").replace(b"/></n:", b"/>\n</n:")
    return Sent(
        'Multipart/Related; Boundary=MIME_boundary; Type="application/xop+xml"',
        body(
            "MIME_boundary",
            "Content-Type: application/xop+xml; charset=UTF-8\r\n",
            pretty,
            "Content-Type: image/jpeg\r\nContent-Id: file-1\r\n",
            PHOTO,
            before="This is a multi-part message in MIME format.\r\n",
        ),
        version,
    )


def python_mail(version: str) -> Sent:
    """Python's email package, used by hand: folded headers, and the photo as base64 in lines."""
    import base64

    kind = "text/xml" if version == SOAP11 else "application/soap+xml"
    return Sent(
        'multipart/related; type="application/xop+xml"; start="<root>";\r\n start-info="text/xml"; '
        'boundary="===============7330845974216740156=="'.replace("\r\n", ""),
        body(
            "===============7330845974216740156==",
            f'Content-Type: application/xop+xml; charset="utf-8";\r\n type="{kind}"\r\nMIME-Version: 1.0\r\n'
            "Content-Transfer-Encoding: 7bit\r\nContent-ID: <root>\r\n",
            envelope(version, "photo"),
            "Content-Type: image/jpeg\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n"
            "Content-ID: <photo>\r\n",
            base64.encodebytes(PHOTO).replace(b"\n", b"\r\n").strip(),
        ),
        version,
    )


ALL = (cxf, metro, wcf, gsoap, node_soap, node_soap_old, soapui, axis2, by_hand, python_mail)
VERSIONS = (SOAP11, SOAP12)
