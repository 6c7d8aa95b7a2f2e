"""What a partner has who still runs suds: SOAP 1.1 with a client certificate. The acts and lines of every other client.

Run in a folder of the pack, by a Python that has suds and lxml.
"""

import hashlib
import ssl
import sys
import urllib.request
from pathlib import Path

from lxml import etree
from suds import WebFault
from suds.client import Client
from suds.sax.element import Element
from suds.sax.text import Raw
from suds.transport import TransportError
from suds.transport.http import HttpTransport

SERVICE = "urn:justice-gateway:soap:1.0"
G = f"{{{SERVICE}}}"
WSA = ("wsa", "http://www.w3.org/2005/08/addressing")
COVER = "{https://gateway.example/ns/cover/1.0/}Payload"
HERE = Path.cwd()
known = dict(line.split("=", 1) for line in (HERE / "gateway.properties").read_text().splitlines() if "=" in line)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Not followed."""


class Transport(HttpTransport):
    """TLS by the gateway's authority alone, and our certificate."""

    def u2handlers(self) -> list[urllib.request.BaseHandler]:
        context = ssl.create_default_context(cafile=known["authority"])
        context.load_cert_chain(known["certificate"], known["key"])
        return [NoRedirect(), urllib.request.HTTPSHandler(context=context)]


def call(operation: str, message_id: str = "", **content: object) -> etree._Element:
    client = Client(
        (HERE / known["wsdl"]).as_uri(), transport=Transport(), location=known["soap"], port="Gateway11",
        cache=None, retxml=True, timeout=60,
    )  # fmt: skip
    if message_id:
        client.set_options(soapheaders=Element("MessageID", ns=WSA).setText(message_id))
    try:
        root = etree.fromstring(getattr(client.service, operation)(**content))
    except WebFault as fault:
        root = etree.fromstring(fault.document.plain().encode())
    except TransportError as error:
        print("not available:", error, file=sys.stderr)
        raise SystemExit(3) from error
    problem = root.find(f".//{G}Problem")
    if problem is not None:
        print("refused", problem.findtext(f"{G}Code"), problem.findtext(f"{G}Text"), file=sys.stderr)
        for each in problem.iter(f"{G}Finding"):
            print(
                "finding", *[each.findtext(G + name, "") for name in ("Line", "Code", "Path", "Text")], file=sys.stderr
            )
        raise SystemExit(1)
    found = root.find(f".//{G}{operation}Response")
    assert found is not None
    return found


def submit(file: str, message_id: str) -> None:
    message = etree.tostring(etree.parse(file).getroot(), encoding="unicode")
    answer = call("Submit", message_id, Payload=Raw(message))
    print("accepted", answer.findtext(f"{G}Id"))
    for each in answer.iter(f"{G}Recipient"):
        print("recipient", each.findtext(f"{G}Agency"), each.findtext(f"{G}Outcome"), each.findtext(f"{G}Code", ""))


def status(message_id: str) -> None:
    for each in call("Status", Id=message_id).findall(f"{G}Delivery"):
        print("state", each.findtext(f"{G}Recipient"), each.findtext(f"{G}State"))


def poll(folder: str) -> None:
    into = Path(folder)
    into.mkdir(exist_ok=True)
    for item in call("Poll", Limit=100).findall(f"{G}Item"):
        delivery = item.findtext(f"{G}Delivery", "")
        cover, payload = (item.find(f"{G}{name}")[0] for name in ("Cover", "Payload"))  # type: ignore[index]
        said = cover.find(COVER)
        assert said is not None
        data = canonical(payload, said.get("prefixes", "").split())
        assert said.get("digest") == "sha-256:" + hashlib.sha256(data).hexdigest()
        (into / f"{delivery}.payload.xml").write_bytes(data)
        (into / f"{delivery}.cover.xml").write_bytes(canonical(cover, []))
        print("delivery", delivery, item.findtext(f"{G}Exchange"), item.findtext(f"{G}Mou"))


def canonical(element: etree._Element, prefixes: list[str]) -> bytes:
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes, with_tail=False
    )


def acknowledge(*deliveries: str) -> None:
    for each in call("Acknowledge", Delivery=list(deliveries)).findall(f"{G}Delivery"):
        print("acknowledged", each.text)


if __name__ == "__main__":
    {"submit": submit, "status": status, "poll": poll, "acknowledge": acknowledge}[sys.argv[1]](*sys.argv[2:])
