"""Every vector with an enveloped signature: through the function, and through POST /v1/messages of a whole gateway."""

import json
import tracemalloc

import pytest

from gateway.document.canonical import exclusive
from gateway.document.parse import parse
from gateway.errors import GatewayError
from gateway.signing.enveloped import verify_enveloped
from gateway.signing.shape import SignatureMissing
from tests.signing.attacks.document import EVIL, notice
from tests.signing.attacks.documents import DOCUMENTS
from tests.signing.attacks.edge import Gateway
from tests.signing.attacks.keys import JAIL, NOW, trusted
from tests.signing.attacks.libraries import unsigned
from tests.signing.attacks.vector import Vector

GOOD = [each for each in DOCUMENTS.values() if each.valid]
BAD = [each for each in DOCUMENTS.values() if not each.valid]

GROWTH_BYTES_MAX = 100 * 1024 * 1024


def name_of(vector: Vector) -> str:
    return vector.name


@pytest.mark.parametrize("vector", GOOD, ids=name_of)
def test_what_is_signed_as_it_should_be_comes_back(vector: Vector) -> None:
    given_back = exclusive(verify_enveloped(parse(vector.make()), trusted(), now=NOW).root)
    assert given_back == unsigned(vector.make())
    assert given_back == exclusive(notice()) or vector.edge


@pytest.mark.parametrize("vector", BAD, ids=name_of)
def test_an_attack_is_refused_with_its_code(vector: Vector) -> None:
    data = vector.make()
    tracemalloc.start()
    try:
        with pytest.raises(GatewayError) as refused:
            verify_enveloped(parse(data), trusted(), now=NOW)
        growth_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.code in vector.codes
    assert EVIL not in refused.value.text
    assert growth_bytes < GROWTH_BYTES_MAX


@pytest.mark.parametrize("vector", GOOD, ids=name_of)
def test_what_is_signed_as_it_should_be_is_accepted(gateway: Gateway, vector: Vector) -> None:
    before = gateway.messages()
    answer = gateway.post("/v1/messages", vector.make(), Content_Type="application/xml", Idempotency_Key=vector.name)
    assert json.loads(answer.body).get("code", "") == vector.edge
    assert answer.status == (422 if vector.edge else 202)
    assert gateway.messages() == before + (not vector.edge)
    assert gateway.entered()[0]["type"] == ("refuse" if vector.edge else "receive")


@pytest.mark.parametrize("vector", BAD, ids=name_of)
def test_an_attack_is_refused_at_the_edge_and_recorded(gateway: Gateway, vector: Vector) -> None:
    before = gateway.messages()
    answer = gateway.post("/v1/messages", vector.make(), Content_Type="application/xml", Idempotency_Key=vector.name)
    told = json.loads(answer.body)
    assert told["code"] in vector.codes
    assert answer.status == (400 if told["code"].startswith("document.") else 403)
    assert told["correlation"] == answer.headers["x-correlation-id"]
    assert EVIL.encode() not in answer.body
    assert gateway.messages() == before
    (entry,) = gateway.entered()
    assert (entry["type"], entry["sender"], entry["code"]) == ("refuse", JAIL, told["code"])


def test_there_is_a_good_one_of_each_form() -> None:
    assert {"valid-p256", "valid-p256-by-id", "valid-p384", "valid-rsa", "valid-county"} <= {each.name for each in GOOD}
    assert len(BAD) > 250
    assert SignatureMissing.code in {code for each in BAD for code in each.codes}
