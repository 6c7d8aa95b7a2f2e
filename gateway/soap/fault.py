"""Faults: an error as a SOAP Fault of either version.

The Detail carries the service's own Problem element: code, text, correlation id, findings; the same words REST
answers with. Source: SOAP 1.1 section 4.4; SOAP 1.2 Part 1 section 5.4.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from lxml import etree

from gateway.document.names import XML
from gateway.finding import Finding
from gateway.soap.envelope import PREFIX as ENVELOPE_PREFIX
from gateway.soap.envelope import MustUnderstand, Version, VersionMismatch
from gateway.soap.service import PREFIX, SERVICE, node


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
    """

    kind: FaultCode
    code: str
    text: str
    correlation: str = ""
    findings: tuple[Finding, ...] = ()
    names: tuple[str, ...] = ()
    recipients: tuple[tuple[str, str], ...] = ()


def kind_of(error: Exception, *, callers_fault: bool) -> FaultCode:
    """The fault code that stands for an error."""
    if isinstance(error, VersionMismatch):
        return FaultCode.VERSION_MISMATCH
    if isinstance(error, MustUnderstand):
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
        return ()
    return tuple(_not_understood(name) for name in fault.names)


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
    made = etree.Element(version.name_of("Fault"), nsmap={ENVELOPE_PREFIX: version.value, PREFIX: SERVICE})
    # The children of a SOAP 1.1 Fault have no namespace.
    etree.SubElement(made, "faultcode").text = f"{ENVELOPE_PREFIX}:{fault.kind.in_version(version)}"
    etree.SubElement(made, "faultstring").text = fault.text
    etree.SubElement(made, "detail").append(problem(fault))
    return made


def _body_12(fault: Fault) -> etree._Element:
    version = Version.SOAP_12
    made = etree.Element(version.name_of("Fault"), nsmap={ENVELOPE_PREFIX: version.value, PREFIX: SERVICE})
    code = etree.SubElement(made, version.name_of("Code"))
    etree.SubElement(code, version.name_of("Value")).text = f"{ENVELOPE_PREFIX}:{fault.kind.in_version(version)}"
    if fault.kind in (FaultCode.SENDER, FaultCode.RECEIVER):
        subcode = etree.SubElement(code, version.name_of("Subcode"))
        etree.SubElement(subcode, version.name_of("Value")).text = f"{PREFIX}:{fault.code}"
    reason = etree.SubElement(made, version.name_of("Reason"))
    text = etree.SubElement(reason, version.name_of("Text"))
    text.set(f"{{{XML}}}lang", "en-US")
    text.text = fault.text
    etree.SubElement(made, version.name_of("Detail")).append(problem(fault))
    return made


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
