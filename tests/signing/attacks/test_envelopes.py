"""Every vector that is a signed envelope: through the function, and through POST /soap of a whole gateway."""

import pytest
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.parse import parse
from gateway.errors import GatewayError
from gateway.signing.header import verify_envelope
from gateway.soap.service import SERVICE
from tests.signing.attacks.document import EVIL, notice
from tests.signing.attacks.edge import Answer, Gateway, post
from tests.signing.attacks.envelope import envelope, maker, sign, to_bytes
from tests.signing.attacks.envelopes import ENVELOPES
from tests.signing.attacks.keys import JAIL, NOW, trusted
from tests.signing.attacks.test_documents import name_of
from tests.signing.attacks.vector import Vector

VALID = [each for each in ENVELOPES.values() if each.valid]
BAD = [each for each in ENVELOPES.values() if not each.valid]


def code_of(answer: Answer) -> str:
    return etree.fromstring(answer.body).findtext(f".//{{{SERVICE}}}Problem/{{{SERVICE}}}Code") or ""


@pytest.mark.parametrize("vector", VALID, ids=name_of)
def test_what_is_signed_as_it_should_be_comes_back(vector: Vector) -> None:
    root = verify_envelope(parse(vector.make()), trusted(), now=NOW).root
    assert exclusive(root[1][0][0][0]) == exclusive(notice())
    assert [etree.QName(block).localname for block in root[0]] in ([], ["Action", "MessageID"])


@pytest.mark.parametrize("vector", BAD, ids=name_of)
def test_an_attack_is_refused_with_its_code(vector: Vector) -> None:
    with pytest.raises(GatewayError) as refused:
        verify_envelope(parse(vector.make(), instructions=False), trusted(), now=NOW)
    assert refused.value.code in vector.codes
    assert EVIL not in refused.value.text


@pytest.mark.parametrize("vector", VALID, ids=name_of)
def test_what_is_signed_as_it_should_be_is_accepted(gateway: Gateway, vector: Vector) -> None:
    before = gateway.messages()
    answer = post(gateway, vector.make())
    assert answer.status == 200, code_of(answer)
    assert gateway.messages() == before + 1
    assert gateway.entered()[0]["type"] == "receive"


@pytest.mark.parametrize("vector", BAD, ids=name_of)
def test_an_attack_is_refused_at_the_edge_and_recorded(gateway: Gateway, vector: Vector) -> None:
    before = gateway.messages()
    answer = post(gateway, vector.make())
    code = code_of(answer)
    assert code in vector.codes
    assert answer.status in (400, 500)
    assert answer.headers["x-correlation-id"].encode() in answer.body
    assert EVIL.encode() not in answer.body
    assert gateway.messages() == before
    (entry,) = gateway.entered()
    assert (entry["type"], entry["sender"], entry["code"], entry["channel"]) == ("refuse", JAIL, code, "soap")


# --- replay: each of these is signed well, and shown again ---------------------------------------------------------


def replayed(gateway: Gateway, data: bytes, **headers: str) -> Answer:
    """The answer to showing it a second time; no second message comes of it, whatever it is."""
    before = gateway.messages()
    answer = post(gateway, data, **headers)
    assert gateway.messages() == before
    gateway.entered()
    return answer


@pytest.mark.parametrize("options", [{"id": "again"}, {"addressed": False, "given": "Ada"}], ids=["id", "no-id"])
def test_an_envelope_shown_again_makes_no_second_message(gateway: Gateway, options: dict[str, object]) -> None:
    data = to_bytes(sign(envelope(**options)))  # type: ignore[arg-type]
    first, second = post(gateway, data), replayed(gateway, data)
    receipt = f".//{{{SERVICE}}}Receipt"
    assert etree.fromstring(second.body).findtext(receipt) == etree.fromstring(first.body).findtext(receipt)


def test_a_signature_makes_no_second_message_under_another_key(gateway: Gateway) -> None:
    data = maker({"addressed": False, "given": "Eva"})()
    assert post(gateway, data, Idempotency_Key="key-1").status == 200
    assert code_of(replayed(gateway, data, Idempotency_Key="key-2")) == "signature.replayed"


def test_another_spelling_of_the_same_signature_is_the_same_signature(gateway: Gateway) -> None:
    """White space in what is not signed does not make it a new one."""
    data = maker({"addressed": False, "given": "Ida"})()
    assert post(gateway, data, Idempotency_Key="spelled-1").status == 200
    value = data.partition(b"<ds:SignatureValue>")[2].partition(b"<")[0]
    for other in (
        data.replace(value, value[:20] + b"\n" + value[20:]),
        data.replace(b"<ds:KeyInfo>", b"<ds:KeyInfo>\n "),
    ):
        assert code_of(replayed(gateway, other, Idempotency_Key="spelled-2")) == "signature.replayed"


def test_there_is_a_good_one_of_each_form() -> None:
    assert {"valid-1.1", "valid-1.2", "valid-token-1.1", "valid-token-1.2", "valid-rsa"} <= {
        each.name for each in VALID
    }
    assert len(BAD) > 120
