"""The content of a stored message, to decide on it again. Whoever opens it has written that they do."""

from gateway.document.parse import Document, parse
from gateway.exchange.gateway import Gateway
from gateway.signing.enveloped import has_signature, unsigned
from gateway.store.messages import MessageRecord


def open_stored(gateway: Gateway, record: MessageRecord) -> Document:
    """The message as it was read when it was accepted: what it was signed with was verified then.

    Raises `KeyGone` when its time is up, `PayloadTampered`.
    """
    document = parse(gateway.payloads.open(record.original, aad=record.message.id.encode()))
    return unsigned(document) if has_signature(document) else document
