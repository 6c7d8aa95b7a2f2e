"""Agency files: who an agency is, for `gateway agency add`.

Keys and certificates are not in them: they come from the agency itself, or from the gateway's own authority.
"""

import re

from gateway.agency import (
    REPLY_ADDRESSES_MAX,
    Agency,
    AgencyKind,
    Contact,
    Duty,
    Endpoint,
    EndpointKind,
    SignatureForm,
    Unit,
)
from gateway.document.source import Table, read_source
from gateway.finding import Finding
from gateway.policy.reading import WORD, Reading, nearest

_ORI = re.compile(r"[A-Z]{2}[A-Z0-9]{7}")
STATE = re.compile(r"[A-Z]{2}")
_URL = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[!-~]*)?|https?://\[[0-9a-fA-F:]+\](:[0-9]{1,5})?(/[!-~]*)?"
)
_PLAIN = "plain HTTP is for a loopback address only, with private_network: true; register an https address"


def read_agency(data: bytes, file: str) -> tuple[Agency | None, tuple[Finding, ...]]:
    """The agency a file describes, or None with everything that is wrong with it."""
    root, findings = read_source(data, file)
    if root is None:
        return None, findings
    reading = Reading("agency", file)
    reading.findings.extend(findings)
    agency = _agency(reading, root)
    return (None if reading.findings else agency), tuple(reading.findings)


def _agency(reading: Reading, root: Table) -> Agency | None:
    reading.table(
        root,
        ("agency", "name", "kind"),
        ("ori", "address", "state", "units", "contacts", "duties", "endpoint", "reply_to", "signs", "sign_answers"),
    )
    agency = reading.agency(root, "agency")
    kind = reading.choice(root, "kind", AgencyKind)
    name = reading.text(root, "name")
    hint = "an ORI is nine capital letters and digits, the first two the state"
    ori = reading.pattern(root, "ori", _ORI, hint)
    address = reading.text(root, "address")
    state = reading.pattern(root, "state", STATE, "a state is its two capital letters: NY")
    units = _units(reading, root)
    contacts = read_contacts(reading, root)
    duties = _duties(reading, root)
    endpoint = _endpoint(reading, root)
    reply_to = _reply_to(reading, root)
    signs = reading.flag(root, "signs", absent=False)
    sign_answers = reading.flag(root, "sign_answers", absent=False)
    if agency is None or kind is None:
        return None
    return Agency(
        id=agency,
        name=name,
        kind=kind,
        ori=ori,
        address=address,
        state=state,
        units=units,
        contacts=contacts,
        duties=duties,
        endpoint=endpoint,
        reply_to=reply_to,
        signs=signs,
        sign_answers=sign_answers,
    )


def _units(reading: Reading, root: Table) -> tuple[Unit, ...]:
    units: dict[str, Unit] = {}
    for node in reading.items(root, "units"):
        table = reading.table(node, ("id", "name"))
        if table is None:
            continue
        unit = reading.pattern(table, "id", WORD, "a unit's id is lower case words joined by hyphens")
        if unit in units:
            reading.wrong("named-twice", "another unit has this id", table.entries["id"])
        elif unit:
            units[unit] = Unit(id=unit, name=reading.text(table, "name"))
    return tuple(units.values())


def read_contacts(reading: Reading, root: Table) -> tuple[Contact, ...]:
    """The contacts of an agency file."""
    found: list[Contact] = []
    for node in reading.items(root, "contacts"):
        table = reading.table(node, ("role", "name"), ("phone", "email"))
        if table is not None:
            found.append(read_contact(reading, table))
    return tuple(found)


def read_contact(reading: Reading, table: Table) -> Contact:
    """One contact; role and name were asked for by the caller."""
    return Contact(
        role=reading.word(table, "role", "a contact's role"),
        name=reading.text(table, "name"),
        phone=reading.text(table, "phone"),
        email=reading.text(table, "email"),
    )


def _duties(reading: Reading, root: Table) -> frozenset[Duty]:
    known = [str(duty) for duty in Duty]
    duties = set()
    for node in reading.items(root, "duties"):
        text = reading.text_of(node)
        if text in known:
            duties.add(Duty(text))
        elif text:
            reading.wrong("unknown-word", f"a duty is one of {', '.join(known)}{nearest(text, known)}", node)
    return frozenset(duties)


def _endpoint(reading: Reading, root: Table) -> Endpoint:
    node = root.entries.get("endpoint")
    absent = Endpoint(kind=EndpointKind.INBOX)
    optional = ("url", "signature", "payload_alone", "mtom", "client_key", "private_network", "test")
    table = None if node is None else reading.table(node, ("kind",), optional)
    if table is None:
        return absent
    kind = reading.choice(table, "kind", EndpointKind) or EndpointKind.INBOX
    url = reading.pattern(table, "url", _URL, "a URL begins with https:// or http:// and names a host")
    if kind is EndpointKind.INBOX and "url" in table.entries:
        reading.wrong("endpoint", "an inbox is held here and has no url", table.entries["url"])
    if kind is not EndpointKind.INBOX and "url" not in table.entries:
        reading.wrong("endpoint", f"a {kind} endpoint needs a url", table)
    private = reading.flag(table, "private_network", absent=absent.private_network)
    if url.startswith("http:") and not private:
        reading.wrong("endpoint", _PLAIN, table.entries["url"])
    signature = reading.choice(table, "signature", SignatureForm) or SignatureForm.COVER
    if kind is EndpointKind.SOAP and signature is SignatureForm.ENVELOPED:
        reading.wrong("endpoint", "SOAP payloads are never enveloped: their signature is in the Cover", table)
    mtom = reading.flag(table, "mtom", absent=absent.mtom)
    if mtom and kind is not EndpointKind.SOAP:
        reading.wrong("endpoint", "mtom is for SOAP endpoints: others take the message as one document", table)
    return Endpoint(
        kind=kind,
        url=url,
        signature=signature,
        payload_alone=reading.flag(table, "payload_alone", absent=absent.payload_alone),
        mtom=mtom,
        client_key=reading.flag(table, "client_key", absent=absent.client_key),
        private_network=private,
        test=reading.flag(table, "test", absent=absent.test),
    )


def _reply_to(reading: Reading, root: Table) -> tuple[Endpoint, ...]:
    """Where answers to the agency's requests may go."""
    found: dict[str, Endpoint] = {}
    for node in reading.items(root, "reply_to"):
        table = reading.table(node, ("url",), ("client_key", "private_network"))
        if table is None:
            continue
        url = reading.pattern(table, "url", _URL, "a URL begins with https:// or http:// and names a host")
        private = reading.flag(table, "private_network", absent=False)
        if url in found:
            reading.wrong("named-twice", "this address stands here already", table.entries["url"])
        elif url.startswith("http:") and not private:
            reading.wrong("endpoint", _PLAIN, table.entries["url"])
        elif url:
            key = reading.flag(table, "client_key", absent=True)
            found[url] = Endpoint(kind=EndpointKind.SOAP, url=url, client_key=key, private_network=private)
    if len(found) > REPLY_ADDRESSES_MAX:
        reading.wrong("too-many", f"an agency has at most {REPLY_ADDRESSES_MAX} of them", root.entries["reply_to"])
    return tuple(found.values())
