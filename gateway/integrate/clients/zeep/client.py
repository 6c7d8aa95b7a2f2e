"""A client with zeep: submit FILE [ID] | status ID | poll FOLDER | acknowledge DELIVERY...

Reads gateway.properties beside it. Ends with 0, 1 refused, 2 wrong words, 3 not available: try again.
"""

import hashlib
import os
import sys
import uuid
from pathlib import Path

import requests
import zeep
from lxml import etree
from zeep.transports import Transport

HERE = Path(__file__).resolve().parent
SERVICE = "urn:justice-gateway:soap:1.0"
WSA = "http://www.w3.org/2005/08/addressing"
COVER = "{https://gateway.example/ns/cover/1.0/}"


class Refused(Exception):
    """The gateway says no: code, text, and what is wrong with the message."""


class NoMessage(Exception):
    """The file cannot be read, or is not XML."""


class NotBelieved(Exception):
    """What came back is not signed by the gateway, or is not what its Cover was signed for."""


def settings():
    lines = (HERE / "gateway.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def beside(name):
    return str(HERE / name)


class Gateway:
    """The service, ready to be called."""

    def __init__(self, known):
        session = requests.Session()
        session.trust_env = False  # or REQUESTS_CA_BUNDLE would take the place of the authority below
        session.max_redirects = 0  # the gateway never redirects; whoever does would be handed the message
        session.verify = beside(known["authority"])
        if known["key"]:
            session.cert = (beside(known["certificate"]), beside(known["key"]))
        if known["token"]:
            session.headers["Authorization"] = "Bearer " + (HERE / known["token"]).read_text().strip()
        # strict: what does not follow the WSDL is an error here, not a field that is silently None.
        client = zeep.Client(
            beside(known["wsdl"]),
            wsse=signature(known),
            transport=Transport(session=session, operation_timeout=60),
            settings=zeep.Settings(strict=True, xml_huge_tree=False, forbid_external=True),
        )
        binding = named("Gateway" + known["version"].replace(".", ""))
        self.service = client.create_service(binding, known["soap"])

    def call(self, operation, message_id=None, **content):
        """An operation; the message's id goes as wsa:MessageID, the same one each time the same message is sent."""
        headers = [addressing("Action", SERVICE + ":" + operation)]
        headers += [addressing("MessageID", message_id)] if message_id else []
        try:
            return self.service[operation](_soapheaders=headers, **content)
        except zeep.exceptions.Fault as fault:
            raise Refused(fault) from fault


def signature(known):
    """What signs each request and checks each answer, or None."""
    if known["signed"] != "yes":
        return None
    from signature import Signature  # needs xmlsec, which whoever does not sign can do without

    return Signature(beside(known["key"]), beside(known["certificate"]), beside(known["cover"]), NotBelieved)


def named(name):
    return f"{{{SERVICE}}}{name}"


def addressing(name, text):
    element = etree.Element(f"{{{WSA}}}{name}", nsmap={"wsa": WSA})
    element.text = text
    return element


def submit(gateway, file, message_id=None):
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        message = etree.parse(file, parser).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise NoMessage(f"{file}: {error}") from error
    answer = gateway.call("Submit", message_id or f"urn:uuid:{uuid.uuid4()}", Payload={"_value_1": message})
    print("accepted", answer.Id)
    for each in answer.Recipient:
        print("recipient", each.Agency, each.Outcome, each.Code or "")


def status(gateway, message_id):
    answer = gateway.call("Status", Id=message_id)
    print("message", answer.Id)
    for each in answer.Delivery:
        print("state", each.Recipient, each.State)


def poll(gateway, folder):
    into = Path(folder)
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    for item in gateway.call("Poll", Limit=100).Item:
        cover, payload = item.Cover._value_1, item.Payload._value_1
        said = cover.find(COVER + "Payload")
        data = canonical(payload, said.get("prefixes", "").split())
        if "sha-256:" + hashlib.sha256(data).hexdigest() != said.get("digest"):
            raise NotBelieved(f"the payload of {item.Delivery} is not the one its Cover was signed for")
        (into / (item.Delivery + ".payload.xml")).write_bytes(data)
        (into / (item.Delivery + ".cover.xml")).write_bytes(canonical(cover, []))
        print("delivery", item.Delivery, item.Exchange, item.Mou)


def canonical(element, prefixes):
    """The bytes that were signed: exclusive C14N with the prefixes that the Cover names."""
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes, with_tail=False
    )


def acknowledge(gateway, *deliveries):
    # The answer's only element is a list, and zeep hands on that list itself.
    for delivery in gateway.call("Acknowledge", Delivery=list(deliveries)):
        print("acknowledged", delivery)


ACTS = {"submit": submit, "status": status, "poll": poll, "acknowledge": acknowledge}


def problem(fault):
    """The fault's detail as lines; every fault has one."""
    found = fault.detail.find(named("Problem")) if fault.detail is not None else None
    if found is None:
        return [f"refused {fault.code} {fault.message}"]
    lines = ["refused " + " ".join(values(found, "Code", "Text"))]
    return lines + [
        "finding " + " ".join(values(each, "Line", "Code", "Path", "Text")) for each in found.findall(named("Finding"))
    ]


def values(parent, *names):
    return [parent.findtext(named(name), "") for name in names]


def main(words):
    os.umask(0o077)
    if len(words) < 2 or words[0] not in ACTS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        ACTS[words[0]](Gateway(settings()), *words[1:])
    except Refused as error:
        print("\n".join(problem(error.args[0])), file=sys.stderr)
        return 1
    except NoMessage as error:
        print(error, file=sys.stderr)
        return 2
    except NotBelieved as error:
        print("not believed:", error, file=sys.stderr)
        return 1
    except (requests.RequestException, zeep.exceptions.TransportError) as error:
        print("not available:", error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
