"""What a SOAP answer says about a delivery: which faults are for good, which are tried again.

A Sender fault judges the message, so it is for good; but not one of WS-Security: a clock that is off, a certificate
the recipient does not know yet, are mended without touching the message. Text of a fault is never read.
"""

from lxml import etree

from gateway.delivery.outcome import Outcome, acknowledged, failed, refused, retry_later, unknown
from gateway.document.names import SOAP11, SOAP12, WSA, WSSE, WSU
from gateway.document.parse import Limits, parse
from gateway.errors import Refused
from gateway.media_type import media_type_of
from gateway.soap import mtom
from gateway.soap.mtom import MULTIPART
from gateway.transport.answer import Answer, outcome

SOAP_TYPES = frozenset({"application/soap+xml", "text/xml", MULTIPART})
"""A service that takes MTOM may answer so, too: Apache CXF and .NET do."""

LIMITS = Limits(size_bytes_max=64 * 1024, depth_max=50, elements_max=5_000)

FOR_GOOD = frozenset({"Sender", "Client", "VersionMismatch", "MustUnderstand", "DataEncodingUnknown"})

NOT_ABOUT_THE_MESSAGE = frozenset({401, 407, 408, 425, 429})
"""With these a Sender fault speaks of credentials or of time."""


def read_answer(answer: Answer, *, message_id: str) -> Outcome:
    """The outcome of a SOAP request.

    message_id  of the request; an answer that relates to another one says nothing about ours
    """
    good = 200 <= answer.status < 300
    if answer.media_type not in SOAP_TYPES or not answer.body:
        if not good:
            return outcome(answer)
        # A one-way service answers 202 and nothing. Anything else may be a proxy's page.
        return acknowledged() if answer.whole and not answer.body else unknown("delivery.answer-not-soap")
    envelope = _envelope(answer)
    if envelope is None:
        return unknown("delivery.answer-malformed") if good else outcome(answer)
    related = envelope.findtext(f"{{*}}Header/{{{WSA}}}RelatesTo")
    if related is not None and related.strip() != message_id:
        return unknown("delivery.answer-unrelated")
    fault = _fault(envelope)
    if fault is None:
        return acknowledged() if good else outcome(answer)
    return _of_fault(fault, answer)


def fault_codes(answer: Answer) -> list[tuple[str, str]] | None:
    """(namespace, local name) of a fault's codes; none when there is no fault, None when the answer is no envelope."""
    envelope = _envelope(answer)
    if envelope is None:
        return None
    fault = _fault(envelope)
    return [] if fault is None else _codes(fault) or [("", "")]


def _envelope(answer: Answer) -> etree._Element | None:
    """The envelope; None when it is not one, or not whole."""
    if not answer.whole:
        return None
    try:
        body = answer.body
        if answer.media_type == MULTIPART:  # nothing in its parts is of interest
            body = mtom.read(body, media_type_of(answer.content_type)).root
        root = parse(body, LIMITS, instructions=False).root
    except Refused:
        return None
    if root.tag not in (f"{{{SOAP11}}}Envelope", f"{{{SOAP12}}}Envelope"):
        return None
    bodies = [child for child in root if child.tag == f"{{{etree.QName(root).namespace}}}Body"]
    return root if len(bodies) == 1 and bodies[0] is root[-1] else None


def _fault(envelope: etree._Element) -> etree._Element | None:
    return envelope[-1].find(f"{{{etree.QName(envelope).namespace}}}Fault")


def _of_fault(fault: etree._Element, answer: Answer) -> Outcome:
    codes = _codes(fault)
    if any(namespace in (WSSE, WSU) for namespace, _ in codes):
        return _again("delivery.soap-security-fault", answer)
    first = codes[0][1].partition(".")[0] if codes else ""  # SOAP 1.1 refines with dots: Client.Authentication
    if first in FOR_GOOD and answer.status not in NOT_ABOUT_THE_MESSAGE:
        return refused("delivery.soap-sender-fault")
    return _again("delivery.soap-sender-fault" if first in FOR_GOOD else "delivery.soap-receiver-fault", answer)


def _again(code: str, answer: Answer) -> Outcome:
    return failed(code) if answer.retry_after is None else retry_later(code, answer.retry_after)


def _codes(fault: etree._Element) -> list[tuple[str, str]]:
    """(namespace, local name) of the fault's code and of its subcodes."""
    found: list[tuple[str, str]] = []
    for element in fault.iter("faultcode", f"{{{SOAP12}}}Value"):
        prefix, _, local = (element.text or "").strip().rpartition(":")
        found.append((element.nsmap.get(prefix or None) or "", local))
    return found
