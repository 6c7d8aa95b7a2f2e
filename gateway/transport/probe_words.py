"""What went wrong on the way to an endpoint, in words that say who mends it. Pure."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.document.names import WSSE, WSU
from gateway.transport.answer import Answer
from gateway.transport.fault import SOAP_TYPES, fault_codes
from gateway.transport.tls import LIST_STALE, REVOKED, UNREADABLE, certificate_code


class Step(StrEnum):
    """The steps of a delivery, in order."""

    ADDRESS = "address"  # what is registered
    NAME = "name"  # where it leads
    CONNECTION = "connection"
    TLS = "tls"
    ANSWER = "answer"  # to the ping


class Tried(StrEnum):
    """What became of a step."""

    GOOD = "good"
    WRONG = "wrong"  # somebody must change something
    AWAY = "away"  # trying again may help


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of one step. code: as of a failed delivery, "" when it is good; status: HTTP, 0 = none."""

    step: Step
    tried: Tried
    text: str
    code: str = ""
    status: int = 0

    @classmethod
    def good(cls, step: Step, text: str, status: int = 0) -> "Said":
        """It went well."""
        return cls(step=step, tried=Tried.GOOD, text=text, status=status)

    @classmethod
    def wrong(cls, step: Step, code: str, text: str, status: int = 0) -> "Said":
        """Somebody must change something."""
        return cls(step=step, tried=Tried.WRONG, code=code, text=text, status=status)

    @classmethod
    def away(cls, step: Step, code: str, text: str, status: int = 0) -> "Said":
        """It may go well later."""
        return cls(step=step, tried=Tried.AWAY, code=code, text=text, status=status)


def of_connection(error: OSError) -> Said:
    """Why no connection was made."""
    if isinstance(error, ConnectionRefusedError):
        text = "the connection was refused: nothing listens at this port, or a firewall turns us away"
    elif isinstance(error, TimeoutError):
        text = "nobody answers: the machine is off, or a firewall drops what we send"
    else:
        text = "the network does not lead there"
    return Said.away(Step.CONNECTION, "delivery.no-connection", text)


_CERTIFICATE: Final = {
    UNREADABLE: "the server's certificate, or one above it, cannot be read here: whether it was revoked is not known",
    9: "the server's certificate is not valid yet; or a clock is wrong",
    10: "the server's certificate has expired: the agency must renew it",
    LIST_STALE: "the revocation list of its authority is out of date here: fetch the next one, gateway agency crl",
    18: "the server's certificate is self-signed, and none that we know",
    19: "the server's certificate is of an authority that we do not know",
    20: "the server's certificate is of an authority that we do not know",
    21: "the server's certificate is of an authority that we do not know, or the server does not send those between",
    REVOKED: "the server's certificate, or one of an authority above it, was revoked: the agency must have another",
    26: "the server's certificate is not one for servers",
    62: "the server's certificate is for another host name than the registered address has",
    64: "the server's certificate is not for the address that is registered: register a host name that it has",
    66: "the key of the server's certificate is too weak",
    68: "the server's certificate is signed with a hash that is too weak",
}
"""By OpenSSL's X509_V_ERR number."""

_UNKNOWN: Final = frozenset({18, 19, 20, 21})
_REGISTER: Final = "; register its authority: gateway agency add --id AGENCY --authority FILE"

_OUR_CERTIFICATE: Final = (
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "UNSUPPORTED_CERTIFICATE",
    "ACCESS_DENIED",
)
"""Alerts by which a server turns a client's certificate down."""


def of_handshake(error: Exception) -> Said:
    """Why TLS was not agreed on."""
    if isinstance(error, ssl.SSLCertVerificationError):
        number = error.verify_code
        text = _CERTIFICATE.get(number, "the server's certificate is not trusted")
        hint = _REGISTER if number in _UNKNOWN else ""
        return Said.wrong(Step.TLS, certificate_code(error), f"{text}{hint}")
    reason = str(getattr(error, "reason", "") or "")
    if refusal := _turned_down(Step.TLS, reason):
        return refusal
    if "PROTOCOL" in reason or "VERSION" in reason:
        older = "WRONG_VERSION" not in reason
        text = "the server has no TLS 1.2 or later" if older else "what answers there does not speak TLS"
        return Said.wrong(Step.TLS, "delivery.tls", text)
    if "HANDSHAKE_FAILURE" in reason:
        text = "the server agrees to none of our ciphers, or asks for a client certificate of another kind"
        return Said.wrong(Step.TLS, "delivery.tls", text)
    return Said.wrong(Step.TLS, "delivery.tls", "the server ended the handshake")


def of_request(error: BaseException) -> Said:
    """Why no answer came to the ping."""
    seen: BaseException | None = error
    while seen is not None:  # under TLS 1.3 a client's certificate is judged after the handshake
        if isinstance(seen, ssl.SSLError) and (refusal := _turned_down(Step.ANSWER, str(seen.reason or ""))):
            return refusal
        seen = seen.__cause__ or seen.__context__
    text = "the connection was closed without an answer; a server that wants another client certificate does that too"
    return Said.away(Step.ANSWER, "delivery.no-answer", text)


def _turned_down(step: Step, reason: str) -> Said | None:
    if any(each in reason for each in _OUR_CERTIFICATE):
        text = (
            "the server does not take our client certificate: the agency must trust it (gateway keys export), and the "
            "agency's file must not say client_key: false"
        )
        return Said.wrong(step, "delivery.client-certificate", text)
    return None


_NOT_A_NOTICE: Final = frozenset({400, 406, 409, 413, 415, 422, 501})
_NO_SUCH: Final = frozenset({404, 405, 410})
_NOT_LET_IN: Final = frozenset({401, 403, 407})


def of_answer(answer: Answer, *, soap: bool) -> Said:
    """What an answer to the ping says of deliveries."""
    status, code = answer.status, f"delivery.http-{answer.status}"
    if 300 <= status < 400:
        text = f"status {status}: the server redirects, which is not followed; register the address it leads to"
        return Said.wrong(Step.ANSWER, code, text, status)
    if soap and answer.media_type in SOAP_TYPES and answer.body:
        return _of_soap(answer)
    if status in _NOT_LET_IN:
        text = f"status {status}: the server does not let us in; does it know our client certificate?"
        return Said.wrong(Step.ANSWER, code, text, status)
    if status in _NO_SUCH:
        text = f"status {status}: nothing takes deliveries at this path"
        return Said.wrong(Step.ANSWER, code, text, status)
    if soap:
        return _not_soap(answer)
    if 200 <= status < 300:
        return Said.good(Step.ANSWER, f"status {status}: the ping was taken", status)
    if status in _NOT_A_NOTICE:
        text = f"status {status}: it answers, and says that a ping is not a notice, which is right"
        return Said.good(Step.ANSWER, text, status)
    return Said.away(Step.ANSWER, code, f"status {status}: something is broken or busy behind the address", status)


def _of_soap(answer: Answer) -> Said:
    status, codes = answer.status, fault_codes(answer)
    if codes is None:
        text = "it answers with something that is called SOAP and is no envelope"
        return Said.wrong(Step.ANSWER, "delivery.answer-malformed", text, status)
    if not codes:
        return Said.good(Step.ANSWER, f"status {status}: the ping was answered", status)
    if any(namespace in (WSSE, WSU) for namespace, _ in codes):
        text = "it faults our WS-Security: our certificate is not known there (gateway keys export), or a clock is off"
        return Said.wrong(Step.ANSWER, "delivery.soap-security-fault", text, status)
    if codes[0][1] == "MustUnderstand":
        text = "it does not understand WS-Security headers, and deliveries are signed by one"
        return Said.wrong(Step.ANSWER, "delivery.soap-sender-fault", text, status)
    if codes[0][1] == "VersionMismatch":
        return Said.wrong(Step.ANSWER, "delivery.soap-sender-fault", "it does not speak SOAP 1.2", status)
    text = f"status {status}: it read the envelope and faults the ping, which it need not know"
    return Said.good(Step.ANSWER, text, status)


def _not_soap(answer: Answer) -> Said:
    status = answer.status
    if 200 <= status < 300 and answer.whole and not answer.body:
        return Said.good(Step.ANSWER, f"status {status}: the ping was taken, one-way", status)
    if status >= 500 or status in (408, 429):
        text = f"status {status} without a SOAP fault: something is broken or busy behind the address"
        return Said.away(Step.ANSWER, f"delivery.http-{status}", text, status)
    text = f"status {status}, and no SOAP: the address is a page's, or a proxy's"
    return Said.wrong(Step.ANSWER, "delivery.answer-not-soap", text, status)
