"""Faults: an error as a SOAP Fault of either version.

The Detail carries the service's own Problem element: code, text, correlation id, findings; the same words REST
answers with. Source: SOAP 1.1 section 4.4; SOAP 1.2 Part 1 section 5.4; WS-Addressing 1.0 SOAP Binding, section 6.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from lxml import etree

from gateway.document.names import WSA, XML
from gateway.finding import Finding
from gateway.soap.addressing import FAULT_ACTION, SOAP_FAULT_ACTION, AddressingInvalid, AddressingVersion
from gateway.soap.envelope import PREFIX as ENVELOPE_PREFIX
from gateway.soap.envelope import MustUnderstand, Version, VersionMismatch
from gateway.soap.reference import PREFIX as ADDRESSING_PREFIX
from gateway.soap.service import PREFIX, SERVICE, action_of, node


class FaultCode(Enum):
    """Who must act; the name in SOAP 1.1, the name in SOAP 1.2."""

    SENDER = ("Client", "Sender")
    RECEIVER = ("Server", "Receiver")
    VERSION_MISMATCH = ("VersionMismatch", "VersionMismatch")
    MUST_UNDERSTAND = ("MustUnderstand", "MustUnderstand")

    def in_version(self, version: Version) -> str:
        """The local name this version gives it."""
        return self.value[0] if version is Version.SOAP_11 else self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault before it is written.

    code         ours, "area.what-is-wrong"
    correlation  id under which the gateway logged it
    names        header blocks that were not understood, `{namespace}local`
    recipients   when nobody may have the message: each agency with the code of its refusal
    addressing   names that WS-Addressing gives this fault, from the general one to the special one
    header       the addressing header that is wrong, "" when none is
    """

    kind: FaultCode
    code: str
    text: str
    correlation: str = ""
    findings: tuple[Finding, ...] = ()
    names: tuple[str, ...] = ()
    recipients: tuple[tuple[str, str], ...] = ()
    addressing: tuple[str, ...] = ()
    header: str = ""

    @property
    def action(self) -> str:
        """wsa:Action of the message that brings it."""
        if self.addressing:
            return FAULT_ACTION
        soaps_own = self.kind in (FaultCode.VERSION_MISMATCH, FaultCode.MUST_UNDERSTAND)
        return SOAP_FAULT_ACTION if soaps_own else action_of("Problem")


def named_by_addressing(error: Exception) -> tuple[tuple[str, ...], str]:
    """What WS-Addressing calls an error, and the header it speaks of."""
    return (error.names, error.header) if isinstance(error, AddressingInvalid) else ((), "")


def not_understood(error: Exception) -> tuple[str, ...]:
    """Header blocks, `{namespace}local`, that had to be understood and were not."""
    return error.names if isinstance(error, MustUnderstand | AddressingVersion) else ()


def kind_of(error: Exception, *, callers_fault: bool) -> FaultCode:
    """The fault code that stands for an error."""
    if isinstance(error, VersionMismatch):
        return FaultCode.VERSION_MISMATCH
    if not_understood(error):
        return FaultCode.MUST_UNDERSTAND
    return FaultCode.SENDER if callers_fault else FaultCode.RECEIVER


def body(fault: Fault, version: Version) -> etree._Element:
    """The Fault element."""
    return _body_11(fault) if version is Version.SOAP_11 else _body_12(fault)


def headers(fault: Fault, version: Version) -> tuple[etree._Element, ...]:
    """The header blocks a fault brings: what was not understood, and which versions are."""
    if fault.kind is FaultCode.VERSION_MISMATCH:
        upgrade = etree.Element(Version.SOAP_12.name_of("Upgrade"), nsmap={"env": Version.SOAP_12.value})
        for each in (Version.SOAP_12, Version.SOAP_11):
            prefix = _prefix(each.value, version, "env" if each is Version.SOAP_12 else "v11")
            name = Version.SOAP_12.name_of("SupportedEnvelope")
            supported = etree.SubElement(upgrade, name, nsmap={prefix: each.value})
            supported.set("qname", f"{prefix}:Envelope")
        return (upgrade,)
    if version is Version.SOAP_11:
        return _fault_detail(fault)
    return tuple(_not_understood(name) for name in fault.names)


def _fault_detail(fault: Fault) -> tuple[etree._Element, ...]:
    """In 1.1 the detail element speaks of the Body alone; what is wrong with a header stands in a header."""
    if not fault.header:
        return ()
    block = etree.Element(f"{{{WSA}}}FaultDetail", nsmap={ADDRESSING_PREFIX: WSA})
    block.append(_problem_header(fault))
    return (block,)


def _problem_header(fault: Fault) -> etree._Element:
    made = etree.Element(f"{{{WSA}}}ProblemHeaderQName", nsmap={ADDRESSING_PREFIX: WSA})
    made.text = f"{ADDRESSING_PREFIX}:{fault.header}"
    return made


def _not_understood(name: str) -> etree._Element:
    qname = etree.QName(name)
    prefix = _prefix(qname.namespace or "", Version.SOAP_12, "block")
    nsmap = {prefix: qname.namespace} if qname.namespace else {}
    block = etree.Element(Version.SOAP_12.name_of("NotUnderstood"), nsmap=nsmap)
    block.set("qname", f"{prefix}:{qname.localname}" if qname.namespace else qname.localname)
    return block


def _prefix(namespace: str, version: Version, otherwise: str) -> str:
    """The prefix that stands for a namespace inside an envelope: its own keeps the one the envelope declares, since
    lxml drops a second declaration of the same namespace, and a name in an attribute's value is not mended."""
    return ENVELOPE_PREFIX if namespace == version.value else otherwise


def _body_11(fault: Fault) -> etree._Element:
    version = Version.SOAP_11
    made = _element(version)
    # The children of a SOAP 1.1 Fault have no namespace. It has room for one name: the most special one.
    etree.SubElement(made, "faultcode").text = (
        f"{ADDRESSING_PREFIX}:{fault.addressing[-1]}"
        if fault.addressing
        else f"{ENVELOPE_PREFIX}:{fault.kind.in_version(version)}"
    )
    etree.SubElement(made, "faultstring").text = fault.text
    etree.SubElement(made, "detail").append(problem(fault))
    return made


def _body_12(fault: Fault) -> etree._Element:
    version = Version.SOAP_12
    made = _element(version)
    code = etree.SubElement(made, version.name_of("Code"))
    etree.SubElement(code, version.name_of("Value")).text = f"{ENVELOPE_PREFIX}:{fault.kind.in_version(version)}"
    if fault.kind in (FaultCode.SENDER, FaultCode.RECEIVER):
        names = [f"{ADDRESSING_PREFIX}:{name}" for name in fault.addressing] or [f"{PREFIX}:{fault.code}"]
        for name in names:
            code = etree.SubElement(code, version.name_of("Subcode"))
            etree.SubElement(code, version.name_of("Value")).text = name
    reason = etree.SubElement(made, version.name_of("Reason"))
    text = etree.SubElement(reason, version.name_of("Text"))
    text.set(f"{{{XML}}}lang", "en-US")
    text.text = fault.text
    detail = etree.SubElement(made, version.name_of("Detail"))
    detail.append(problem(fault))
    if fault.header:
        detail.append(_problem_header(fault))
    return made


def _element(version: Version) -> etree._Element:
    nsmap = {ENVELOPE_PREFIX: version.value, PREFIX: SERVICE, ADDRESSING_PREFIX: WSA}
    return etree.Element(version.name_of("Fault"), nsmap=nsmap)


def problem(fault: Fault) -> etree._Element:
    """The Problem element of the service's schema."""
    made = node("Problem", node("Code", fault.code), node("Text", fault.text))
    if fault.correlation:
        made.append(node("CorrelationId", fault.correlation))
    made.extend(_findings(fault.findings))
    for agency, code in fault.recipients:
        made.append(node("Recipient", node("Agency", agency), node("Outcome", "refused"), node("Code", code)))
    return made


def _findings(findings: Iterable[Finding]) -> Iterable[etree._Element]:
    for finding in findings:
        made = node("Finding", node("Code", finding.code), node("Severity", finding.severity.value))
        made.append(node("Path", finding.path))
        if finding.line is not None:
            made.append(node("Line", str(finding.line)))
        made.append(node("Text", finding.text))
        yield made
