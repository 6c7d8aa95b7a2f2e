"""Laws of the proof, over our exchanges, the tiny one and the real specifications: random agreements, random messages.

What is refused really goes wrong on its counter-example; mended until it passes, the same agreement is held against
generated messages. `LAW_RUNS` sets how many are tried.
"""

import os

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.document.parse import parse, to_bytes
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.policy.redact import NotReleasable, cut
from tests.iepd.instances import Ungenerated, generate
from tests.iepd.our_exchanges import component_model
from tests.policy.examples import agreements, clauses, exchanges, samples
from tests.policy.proofs import mended, passed_holds, proof_of, replayed
from tests.policy.strategies import Policy, every_exchange, exchange, policy

RUNS = int(os.environ.get("LAW_RUNS", "1500")) // 10
"""A proof and its mending take ten times as long as a cut."""

FIELDS_MAX = 2_000
"""Larger specifications are looked at once, not at random: their catalogs alone take seconds."""

_SETTINGS = settings(
    max_examples=RUNS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def small() -> list[str]:
    return [name for name in every_exchange() if len(exchange(name).catalog.fields) <= FIELDS_MAX]


SEEDS = st.integers(0, 2**32 - 1)


@_SETTINGS
@given(st.data())
def test_what_is_refused_really_goes_wrong(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(small()))
    iepd = exchange(name)
    found = proof_of(policy(name, data.draw(SEEDS)), iepd)
    for flaw in found.flaws[:5]:
        if not flaw.joined:
            assert replayed(flaw, found, iepd) in {"lost", "invalid"}, flaw.place.path


@_SETTINGS
@given(st.data())
def test_what_passes_is_sent_as_promised(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(small()))
    sent_as_promised(name, data.draw(SEEDS), data.draw(SEEDS), losses=data.draw(st.booleans()))


def sent_as_promised(name: str, agreement: int, message: int, *, losses: bool) -> None:
    iepd = exchange(name)
    drawn, found = mended(policy(name, agreement), iepd, losses=losses)
    if not found.valid:
        left = {flaw.wrong for flaw in found.flaws} - {"lost"}
        assert left == {"nothing"}, "everything else can be mended by withholding more"
        return
    try:
        instance = generate(iepd, message)
    except Ungenerated:
        return
    passed_holds(instance.document, drawn, found, iepd)


def test_what_is_lost_with_an_element_that_has_text_is_its_attributes_too() -> None:
    sent_as_promised("elder-five/1.0", 760, 6903, losses=False)


def test_the_laws_hold_of_the_shipped_clauses_and_every_sample() -> None:
    for _, clause, iepd in clauses():
        drawn, found = mended(Policy(clause=clause, restrictions={}, holding=frozenset()), iepd)
        assert found.flaws == ()
        sent = [passed_holds(parse(data), drawn, found, iepd) for data in samples(iepd).values()]
        assert all(sent)


@pytest.mark.parametrize("name", ["custody-release", "police-contact", "supervision-record"])
def test_xmlschema_takes_what_passes_too(name: str) -> None:
    schema: xmlschema.XMLSchema10 = component_model(name)
    iepd: Iepd = exchanges()[f"{name}/1.0"]
    sent = 0
    for seed in range(12):
        drawn, found = mended(policy(iepd.id, seed), iepd)
        document = generate(iepd, seed).document
        if not found.valid:
            continue
        try:
            kept = cut(document, found.rules, evaluate(document, iepd), iepd, holding=drawn.holding)
        except NotReleasable:
            continue
        sent += 1
        assert list(schema.iter_errors(to_bytes(kept.document).decode())) == []
    assert sent > 3


def test_there_are_agreements_to_be_tried() -> None:
    assert len(agreements()) == 5
    assert len(small()) >= 4
