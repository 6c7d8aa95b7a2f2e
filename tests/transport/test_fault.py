from datetime import timedelta

import pytest

from gateway.delivery.outcome import OutcomeKind
from gateway.document.names import SOAP11, WSA, WSSE
from gateway.transport.answer import Answer
from gateway.transport.fault import read_answer
from tests.pretend_wire import SOAP12, fault

ID = "urn:uuid:01950000-0000-7000-8000-00000000d155"


def answered(body: bytes, status: int = 500, **more: object) -> tuple[OutcomeKind, str]:
    answer = Answer(status=status, media_type="application/soap+xml", body=body, **more)  # type: ignore[arg-type]
    outcome = read_answer(answer, message_id=ID)
    return outcome.kind, outcome.code


def soap11(code: str) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{SOAP11}" xmlns:wsse="{WSSE}"><e:Body><e:Fault><faultcode>{code}</faultcode>'
        "<faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>"
    ).encode()


def related(to: str) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{SOAP12}"><e:Header><a:RelatesTo xmlns:a="{WSA}">{to}</a:RelatesTo></e:Header>'
        "<e:Body/></e:Envelope>"
    ).encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("e:Client", OutcomeKind.REFUSED),
        ("e:Client.Validation", OutcomeKind.REFUSED),
        ("e:Server", OutcomeKind.FAILED),
        ("Server", OutcomeKind.FAILED),
        ("e:VersionMismatch", OutcomeKind.REFUSED),
        ("wsse:FailedAuthentication", OutcomeKind.FAILED),
        ("", OutcomeKind.FAILED),
    ],
)
def test_faults_of_soap_1_1_are_understood_too(code: str, kind: OutcomeKind) -> None:
    assert answered(soap11(code))[0] is kind


def test_a_fault_is_a_fault_under_any_status() -> None:
    assert answered(fault("Sender"), 200) == (OutcomeKind.REFUSED, "delivery.soap-sender-fault")
    assert answered(fault("Receiver"), 200) == (OutcomeKind.FAILED, "delivery.soap-receiver-fault")


@pytest.mark.parametrize("status", [401, 407, 408, 425, 429])
def test_a_sender_fault_about_credentials_or_time_is_tried_again(status: int) -> None:
    assert answered(fault("Sender"), status) == (OutcomeKind.FAILED, "delivery.soap-sender-fault")


def in_parts(body: bytes, status: int, boundary: str = "uuid:7") -> tuple[OutcomeKind, str]:
    """As Apache CXF and .NET answer a request in parts."""
    answer = Answer(
        status=status,
        media_type="multipart/related",
        content_type=f'multipart/related; type="application/xop+xml"; start="<r>"; boundary="{boundary}"',
        body=b"--uuid:7\r\nContent-ID: <r>\r\nContent-Type: application/xop+xml\r\n\r\n" + body + b"\r\n--uuid:7--",
    )
    outcome = read_answer(answer, message_id=ID)
    return outcome.kind, outcome.code


def test_an_answer_in_parts_is_an_answer() -> None:
    assert in_parts(related(ID), 200)[0] is OutcomeKind.ACKNOWLEDGED
    assert in_parts(related("urn:other"), 200) == (OutcomeKind.UNKNOWN, "delivery.answer-unrelated")
    assert in_parts(fault("Sender"), 400) == (OutcomeKind.REFUSED, "delivery.soap-sender-fault")
    assert in_parts(related(ID), 200, boundary="b") == (OutcomeKind.UNKNOWN, "delivery.answer-malformed")
    assert in_parts(related(ID), 503, boundary="b") == (OutcomeKind.FAILED, "delivery.http-503")


def test_a_receiver_that_asks_for_time_is_heard() -> None:
    assert answered(fault("Receiver"), 503, retry_after=timedelta(seconds=9))[0] is OutcomeKind.RETRY_LATER


def test_an_answer_to_another_message_says_nothing_about_ours() -> None:
    assert answered(related(ID), 200) == (OutcomeKind.ACKNOWLEDGED, "")
    assert answered(related("urn:uuid:another"), 200) == (OutcomeKind.UNKNOWN, "delivery.answer-unrelated")


def test_an_error_status_without_a_fault_counts_by_its_status() -> None:
    assert answered(related(ID), 503) == (OutcomeKind.FAILED, "delivery.http-503")
    assert answered(b"<html/>", 422) == (OutcomeKind.REFUSED, "delivery.http-422")


def test_an_answer_that_did_not_come_whole_is_no_answer() -> None:
    assert answered(fault("Sender"), 200, whole=False) == (OutcomeKind.UNKNOWN, "delivery.answer-malformed")
    assert answered(b"", 200, whole=False)[0] is OutcomeKind.UNKNOWN


def test_a_fault_hidden_in_a_second_body_is_not_taken_for_an_answer() -> None:
    two = f'<e:Envelope xmlns:e="{SOAP12}"><e:Body/><e:Body/></e:Envelope>'.encode()
    assert answered(two, 200) == (OutcomeKind.UNKNOWN, "delivery.answer-malformed")
