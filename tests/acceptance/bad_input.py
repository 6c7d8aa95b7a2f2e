"""Everything that can be wrong with a submission, and what the sender should be told of it."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.document.parse import parse
from gateway.keys.signer import signer_of
from gateway.message import Action
from gateway.signing.enveloped import sign_enveloped
from tests.acceptance.messages import invalid, release

CANARY = "cnry" + "badinput2345"
"""The first name in every one of these: it may come back in no answer, and stand in no log."""

ENTITY = b'<!DOCTYPE r [<!ENTITY e "boom">]>'


@dataclass(frozen=True, kw_only=True)
class Bad:
    """One bad submission.

    status   HTTP status over REST
    finding  code of one of the findings, "" when there are none to be
    soap     whether it can be put into an envelope
    """

    body: bytes
    code: str
    status: int
    finding: str = ""
    soap: bool = True
    id: str = ""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def good() -> bytes:
    """A message with the canary in it."""
    return release(given=CANARY)


def _deep(levels: int) -> bytes:
    return good().replace(b"<nc:PersonName>", b"<nc:PersonName>" * levels).replace(
        b"</nc:PersonName>", b"</nc:PersonName>" * levels
    )  # fmt: skip


def _without_declaration(body: bytes) -> bytes:
    return body.partition(b"?>")[2]


BAD: dict[str, Bad] = {
    "nothing at all": Bad(body=b"", code="document.not-xml", status=400, soap=False),
    "not XML": Bad(body=f"name: {CANARY}".encode(), code="document.not-xml", status=400, soap=False),
    "cut off": Bad(body=good()[:-20], code="document.not-xml", status=400, soap=False),
    "a DTD": Bad(
        body=ENTITY + _without_declaration(good()).replace(b"Tansley", b"&e;"),
        code="document.dtd",
        status=400,
        soap=False,
    ),
    "a DTD in UTF-16": Bad(
        body=(ENTITY + _without_declaration(good())).decode().encode("utf-16"),
        code="document.dtd",
        status=400,
        soap=False,
    ),
    "a root nobody knows": Bad(
        body=f"<note><name>{CANARY}</name></note>".encode(), code="exchange.unknown-root", status=422
    ),
    "a person alone": Bad(
        body=b'<nc:Person xmlns:nc="https://docs.oasis-open.org/niemopen/ns/model/niem-core/6.0/"/>',
        code="exchange.unknown-root",
        status=422,
    ),
    "an element the schema does not have": Bad(
        body=good().replace(b"<nc:PersonName>", f"<nc:ShoeSize>{CANARY}</nc:ShoeSize><nc:PersonName>".encode()),
        code="message.invalid",
        status=422,
        finding="schema.",
    ),
    "a value that is no date": Bad(
        body=good().replace(b"2025-12-01T08:00:00-05:00", CANARY.encode()),
        code="message.invalid",
        status=422,
        finding="schema.",
    ),
    "schema error and dangling reference": Bad(
        body=invalid("schema-error-and-dangling-ref"), code="message.invalid", status=422, finding="reference."
    ),
    "a dangling reference": Bad(
        body=invalid("dangling-ref"), code="message.invalid", status=422, finding="reference."
    ),
    "too deep": Bad(body=_deep(150), code="document.too-deep", status=400),
    "not a media type of XML": Bad(
        body=good(), code="request.media-type", status=415, headers={"Content-Type": "application/json"}, soap=False
    ),
    "compressed": Bad(
        body=good(), code="request.content-encoding", status=415, headers={"Content-Encoding": "gzip"}, soap=False
    ),
    "an id with a space": Bad(body=good(), code="message.bad-id", status=400, id="two words", soap=False),
    "an id that is too long": Bad(body=good(), code="message.bad-id", status=400, id="x" * 256),
    "a parameter nobody reads": Bad(
        body=good(), code="request.parameter", status=400, query="?too=millbrook-police", soap=False
    ),
    "a recipient that is no agency's id": Bad(
        body=good(), code="request.parameter", status=400, query="?to=Millbrook%20PD", soap=False
    ),
    "a correction of nothing": Bad(
        body=release(Action.CORRECT, given=CANARY), code="message.earlier-unknown", status=422
    ),
    "a cancellation of what was never sent": Bad(
        body=release(Action.CANCEL, "NEVER-SENT-1", given=CANARY), code="message.earlier-unknown", status=422
    ),
    "a new message that names an earlier one": Bad(
        body=release(Action.NEW, "NEVER-SENT-1", given=CANARY), code="message.action-mismatch", status=409
    ),
}  # fmt: skip


def signed(body: bytes, certificate: Path, key: Path) -> bytes:
    """The message signed by the holder of this key."""
    private = load_pem_private_key(key.read_bytes(), None)
    signer = signer_of(private, x509.load_pem_x509_certificate(certificate.read_bytes()))  # type: ignore[arg-type]
    return sign_enveloped(parse(body), signer)
