"""Bad input: a clear error with a code, an entry in the log where the sender is known, and the service goes on."""

import re
import socket
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from gateway.exchange.activate import suspend_agency
from gateway.keys.authority import self_signed
from tests.acceptance.bad_input import BAD, CANARY, Bad, good, signed
from tests.acceptance.caller import Caller
from tests.acceptance.envelopes import SOAP11, SOAP12, code_of, submit, submit_envelope
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import JAIL, SHELTER, Pair, Place, until

BODY_BYTES_MAX = 10 * 1024 * 1024

INSIDE = re.compile(r"Traceback|File \"|\.py\b|line \d+, in |lxml|libxml|sqlite|psycopg|/gateway/", re.IGNORECASE)
"""What of the gateway's inside may stand in no answer."""


@dataclass
class Sender:
    """One agency that sends everything that is wrong, and what it was told: codes of the refusals that name it."""

    pair: Pair
    told: Counter[str] = field(default_factory=Counter)

    def refused(self, answer: requests.Response, status: int, code: str) -> None:
        """It was refused so, in words and with nothing of our inside or of the message."""
        check_words(answer)
        assert (answer.status_code, code_of(answer)) == (status, code)
        self.told[code] += 1


def check_words(answer: requests.Response) -> None:
    """It says nothing of the gateway's inside, and gives nothing of the message back."""
    assert INSIDE.search(answer.text) is None, answer.text
    assert CANARY not in answer.text


@pytest.fixture(scope="module")
def sender(place: Place) -> Sender:
    return Sender(place.pair())


@pytest.mark.parametrize("name", BAD)
def test_over_rest(place: Place, sender: Sender, name: str) -> None:
    bad = BAD[name]
    headers = {"Content-Type": "application/xml", **bad.headers} | ({"Idempotency-Key": bad.id} if bad.id else {})
    caller = sender.pair.caller
    answer = caller.session.post(f"{place.url}/v1/messages{bad.query}", data=bad.body, headers=headers, timeout=30)
    sender.refused(answer, bad.status, bad.code)
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["type"].endswith(bad.code)
    assert problem["correlation"] == answer.headers["X-Correlation-Id"]
    assert any(each["code"].startswith(bad.finding) for each in problem["findings"]) == bool(bad.finding)
    assert all(each["line"] and each["path"].startswith("/") for each in problem["findings"])


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("name", [name for name, bad in BAD.items() if bad.soap])
def test_over_soap(place: Place, sender: Sender, name: str, version: str) -> None:
    bad: Bad = BAD[name]
    answer = submit(sender.pair.caller, bad.body, version, message_id=bad.id)
    sender.refused(answer, 400 if version == SOAP12 else 500, bad.code)
    fault = etree.fromstring(answer.content).find(f".//{{{version}}}Fault")
    assert fault is not None
    kind = fault.findtext("faultcode") or fault.findtext(f"{{{SOAP12}}}Code/{{{SOAP12}}}Value") or ""
    assert kind.endswith("Client" if version == SOAP11 else "Sender")
    codes = [each.text or "" for each in fault.iterfind(".//{*}Finding/{*}Code")]
    assert any(code.startswith(bad.finding) for code in codes) == bool(bad.finding)


def test_an_envelope_that_is_not_xml(sender: Sender) -> None:
    answer = sender.pair.caller.post("/soap", b"<soap:Envelope", Content_Type="application/soap+xml")
    sender.refused(answer, 400, "document.not-xml")


def test_an_envelope_with_a_dtd(sender: Sender) -> None:
    body = b"<!DOCTYPE x []>" + submit_envelope(good(), SOAP12)
    sender.refused(sender.pair.caller.post("/soap", body, Content_Type="application/soap+xml"), 400, "document.dtd")


def test_an_envelope_with_the_media_type_of_the_other_version(sender: Sender) -> None:
    body = submit_envelope(good(), SOAP12)
    sender.refused(sender.pair.caller.post("/soap", body, Content_Type="text/xml"), 415, "soap.media-type")


def test_an_operation_nobody_offers(sender: Sender) -> None:
    body = submit_envelope(good(), SOAP12).replace(b"g:Submit", b"g:Delete")
    answer = sender.pair.caller.post("/soap", body, Content_Type="application/soap+xml")
    sender.refused(answer, 400, "soap.unknown-operation")


# --- too large ----------------------------------------------------------------------------------------------------


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(place: Place, sender: Sender) -> None:
    head = _head(sender.pair.caller, f"Content-Length: {BODY_BYTES_MAX + 1}")
    answer = _raw(place, sender.pair.caller, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"request.too-large"' in answer
    sender.told["request.too-large"] += 1


def test_a_chunked_body_that_grows_too_large_is_refused(place: Place, sender: Sender) -> None:
    chunk = b"x" * (1024 * 1024)
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk)] * 10 + [b"1\r\nx\r\n", b"0\r\n\r\n"]
    answer = _raw(place, sender.pair.caller, _head(sender.pair.caller, "Transfer-Encoding: chunked"), *parts)
    assert answer.startswith(b"HTTP/1.1 413 ")
    sender.told["request.too-large"] += 1


def _head(caller: Caller, length: str) -> bytes:
    return (
        f"POST /v1/messages HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {caller.token}\r\n"
        f"Content-Type: application/xml\r\n{length}\r\n\r\n"
    ).encode()


def _raw(place: Place, caller: Caller, *parts: bytes) -> bytes:
    """What comes back on a connection of one's own, up to the end of the answer's body."""
    address = urlsplit(place.url)
    context = ssl.create_default_context(cafile=str(caller.authority))
    with (
        socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=address.hostname) as connection,
    ):
        for part in parts:
            connection.sendall(part)
        answer = b""
        while b"}" not in answer and (more := connection.recv(65536)):
            answer += more
        return answer


# --- who ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/messages", "/soap"])
@pytest.mark.parametrize("token", ["", "gw_" + "0" * 64, "not-even-a-token"])
def test_nobody_known(place: Place, path: str, token: str) -> None:
    caller = Caller(place.url, place.parts / "authority.pem", token=token)
    media_type = "application/soap+xml" if path == "/soap" else "application/xml"
    answer = caller.post(path, good(), Content_Type=media_type)
    caller.close()
    check_words(answer)
    assert (answer.status_code, code_of(answer)) == (401, "identity.unknown")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_nobody_known_is_refused_before_the_body_is_read(place: Place) -> None:
    caller = Caller(place.url, place.parts / "authority.pem", token="gw_unknown")
    answer = _raw(place, caller, _head(caller, "Content-Length: 1000000"))
    caller.close()
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_certificate_of_a_stranger_does_not_get_through_the_handshake(place: Place) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = place.parts / "stranger.pem"
    own = self_signed(key, "stranger", now=place.operator.clock.now())
    file.write_bytes(key.private_bytes(*form) + own)
    caller = Caller(place.url, place.parts / "authority.pem", certificate=(file, file))
    with pytest.raises(requests.ConnectionError):
        caller.get("/v1/inbox")
    caller.close()


def test_a_suspended_agency_is_shut_out_within_five_seconds_and_let_in_again(place: Place) -> None:
    pair = place.pair()
    pair.caller.accepted(release(), fresh_id())
    place.do(lambda gateway: suspend_agency(gateway, pair.sender, actor="test"))
    began = time.monotonic()
    until(lambda: pair.caller.submit(good()).status_code == 403, "it is shut out", 5)
    assert time.monotonic() - began < 5
    answer = pair.caller.submit(good())
    check_words(answer)
    assert (answer.status_code, code_of(answer)) == (403, "agency.suspended")
    assert pair.caller.get("/v1/inbox").json()["code"] == "agency.suspended"
    fault = submit(pair.caller, good(), SOAP12)
    assert (fault.status_code, code_of(fault)) == (400, "agency.suspended")
    for _ in range(20):
        assert pair.caller.get("/v1/inbox").status_code == 403
    assert {each["code"] for each in place.wait_said("refuse", pair.sender, 2)} == {"agency.suspended"}
    tried = place.wait_said("access-refused", pair.sender, 2)
    assert sorted(each["channel"] for each in tried) == ["rest", "soap"]  # one each, however often it tries
    place.do(lambda gateway: suspend_agency(gateway, pair.sender, actor="test", suspended=False))
    until(lambda: pair.caller.submit(release()).status_code == 202, "it is let in again", 5)


def test_an_agency_without_any_agreement_sends_to_nobody(place: Place) -> None:
    answer = place.callers[SHELTER].submit(good(), fresh_id())
    check_words(answer)
    assert (answer.status_code, code_of(answer)) == (403, "policy.no-mou-in-force")
    assert "policy.no-mou-in-force" in {each["code"] for each in place.wait_said("refuse", SHELTER)}


# --- signatures ---------------------------------------------------------------------------------------------------


def test_signatures(place: Place) -> None:
    """A signed submission is taken; an altered one, and one signed by another agency, are not."""
    pair = place.pair()
    own, other = place.caller(pair.sender, by="certificate"), place.caller(JAIL, by="certificate")
    assert own.certificate is not None
    assert other.certificate is not None
    whole = signed(release(given="Calvin"), *own.certificate)
    taken = pair.caller.accepted(whole, fresh_id())
    pair.caller.wait_for(taken["id"], "delivered")
    assert b"Signature>" not in pair.mailbox.received[-1].payload
    wrong = {
        "signature.invalid": whole.replace(b">Calvin<", f">{CANARY}<".encode()),
        "signature.not-signer": signed(good(), *other.certificate),
        "signature.shape": whole.replace(b"</cr:CustodyRelease>", b"<cr:More/></cr:CustodyRelease>"),
    }
    for code, body in wrong.items():
        answer = pair.caller.submit(body)
        check_words(answer)
        assert (answer.status_code, code_of(answer)) == (403, code)
        fault = submit(pair.caller, body, SOAP12)
        assert (fault.status_code, code_of(fault)) == (400, code)
    said = place.wait_said("refuse", pair.sender, 6)
    assert Counter(each["code"] for each in said) == Counter(dict.fromkeys(wrong, 2))


def test_the_same_content_signed_and_unsigned_is_the_same_message(place: Place) -> None:
    pair = place.pair()
    own = place.caller(pair.sender, by="certificate")
    assert own.certificate is not None
    id = fresh_id()
    first = pair.caller.accepted(signed(release(), *own.certificate), id)
    assert pair.caller.accepted(release(), id)["receipt"] == first["receipt"]


# --- and afterwards -----------------------------------------------------------------------------------------------


def test_every_refusal_of_a_known_sender_is_in_the_log_and_the_service_goes_on(place: Place, sender: Sender) -> None:
    accepted = sender.pair.caller.accepted(release(), fresh_id())
    sender.pair.caller.wait_for(accepted["id"], "delivered")
    said = place.wait_said("refuse", sender.pair.sender, sender.told.total())
    assert Counter(each["code"] for each in said) == sender.told
    assert all(each["parties"] == [sender.pair.sender] for each in said)
    assert sender.pair.mailbox.messages == [accepted["id"]]
