"""Laws of the cut, over all samples, the shipped clauses and random ones.

Every leaf that can hold one carries a canary: a text that stands nowhere else. What a cut says it withheld, must
not be found in its bytes.
"""

import base64
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.parse import Document, parse, to_bytes
from gateway.iepd.facts import evaluate
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.policy.mou import Clause, Grain, How, Item, Mou, Transform
from gateway.policy.redact import Cut, NotReleasable, cut
from gateway.policy.rules import compile_rules
from gateway.policy.transform import accepts, misfit
from tests.policy.examples import STRUCTURES, clause_of, clauses, exchanges, mou_of, samples, texts

CANARY = re.compile("canary[0-9]{5}x")
_IDS = f"{{{STRUCTURES}}}id"


def with_canaries(data: bytes, iepd: Iepd) -> Document:
    """The sample with a text of its own in every leaf whose type takes one, and in every id and comment."""
    document = parse(data)
    number = 0
    for element in document.root.iter(etree.Element):
        number += 1
        canary = f"canary{number:05}x"
        field = iepd.catalog.find(_steps(element))
        if field is None or not element.text:
            continue
        if field.kind == "binary":
            element.text = base64.b64encode(canary.encode()).decode()
        elif accepts(field.value, canary):
            element.text = canary
    _name_ids(document)
    assert validate(document, iepd) == ()
    return document


def _steps(element: etree._Element) -> tuple[str, ...]:
    above = [str(each.tag) for each in element.iterancestors()][:-1]
    return (*reversed(above), str(element.tag)) if element.getparent() is not None else ()


def _name_ids(document: Document) -> None:
    """Ids that would give a person away."""
    for number, element in enumerate(document.root.iter(etree.Element)):
        id = element.get(_IDS)
        if id is not None:
            new = f"canary9{number:04}x"
            for other in document.root.iter(etree.Element):
                for name, value in other.items():
                    if STRUCTURES in str(name) and value in {id, f"#{id}"}:
                        other.set(name, str(value).replace(id, new))


def withheld_canaries(document: Document, kept: Cut, iepd: Iepd) -> set[str]:
    """The canaries at the places a cut says it withheld or reduced."""
    found: set[str] = set()
    for redaction in kept.redactions:
        places = document.root.xpath(redaction.path, namespaces=dict(iepd.namespaces))
        assert isinstance(places, list)
        for place in places:
            assert isinstance(place, etree._Element)
            found.update(canaries((place.text or "").encode()))
    return found


def canaries(data: bytes) -> set[str]:
    """Canaries in bytes, in plain sight and in base64."""
    found = set(CANARY.findall(data.decode()))
    for word in re.findall(r"[A-Za-z0-9+/=]{16,}", data.decode()):
        try:
            found.update(CANARY.findall(base64.b64decode(word, validate=True).decode("latin-1")))
        except ValueError:
            continue
    return found


def outcome(document: Document, mou: Mou, clause: Clause, iepd: Iepd) -> Cut | None:
    try:
        return cut(document, compile_rules(mou, clause, iepd), evaluate(document, iepd), iepd)
    except NotReleasable:
        return None


def hold_the_laws(document: Document, mou: Mou, clause: Clause, iepd: Iepd) -> None:
    before = to_bytes(document)
    kept = outcome(document, mou, clause, iepd)
    assert to_bytes(document) == before
    if kept is None:
        return
    data = to_bytes(kept.document)
    # valid as it stands
    assert validate(parse(data), iepd) == ()
    # nothing withheld is in it, ids neither
    there = canaries(data)
    assert not there & withheld_canaries(document, kept, iepd)
    assert not any(canary.startswith("canary9") for canary in there)
    # nothing is added but what transforms make
    made = sum(1 for redaction in kept.redactions if redaction.outcome != "withheld")
    added = [text for text in texts(kept.document) if text not in set(texts(document))]
    assert len(added) <= made
    # every leaf is told of, once
    told = [redaction for redaction in kept.redactions if redaction.field != "reference"]
    assert len({redaction.path for redaction in told}) == len(told)
    assert kept.shared + len(told) == len(texts(document))
    # the same message, read anew, is cut the same
    again = outcome(parse(to_bytes(document)), mou, clause, iepd)
    assert again is not None
    assert to_bytes(again.document) == data
    assert again.redactions == kept.redactions


def test_the_shipped_clauses_hold_the_laws_over_every_sample() -> None:
    for mou, clause, iepd in clauses():
        for data in samples(iepd).values():
            hold_the_laws(with_canaries(data, iepd), mou, clause, iepd)


def test_the_canaries_are_there_to_be_found() -> None:
    for iepd in exchanges().values():
        document = with_canaries(samples(iepd)["fullest.xml"], iepd)
        assert len(canaries(to_bytes(document))) > 20


@st.composite
def random_clauses(draw: st.DrawFn, iepd: Iepd) -> Clause:
    """A clause nobody would write: any labels and fields shared, removed and reduced, under any condition."""
    labels, names = iepd.catalog.labels(), iepd.catalog.names()
    words = st.sampled_from([*labels, *labels, *names, *sorted({f"{label.split('.')[0]}.*" for label in labels})])
    share: list[str | Item] = ["message.head"] if draw(st.integers(0, 9)) else []
    share += draw(st.lists(words, max_size=25))
    facts = [fact for fact in iepd.facts if fact.kind == "boolean"]
    for word in draw(st.lists(words, max_size=3)):
        fact = draw(st.sampled_from(facts))
        if all(field.path[: len(fact.each)] == fact.each for field in iepd.catalog.select(word)):
            share.append(draw(st.sampled_from([Item(what=word, unless=fact.name), Item(what=word, when=fact.name)])))
    transforms = [Transform(what=word, how=How.REMOVE) for word in draw(st.lists(words, max_size=3))]
    taken: set[tuple[str, ...]] = set()
    for word in draw(st.lists(words, max_size=4)):
        transform = draw(
            st.sampled_from(
                [
                    Transform(what=word, how=How.MASK, keep_last=2),
                    Transform(what=word, how=How.GENERALIZE, to=Grain.YEAR),
                    Transform(what=word, how=How.REPLACE, text="M"),
                    Transform(what=word, how=How.GENERALIZE, to=Grain.CITY_STATE),
                ]
            )
        )
        fields = iepd.catalog.select(word)
        if not any(misfit(transform, field) for field in fields) and not taken & {field.path for field in fields}:
            taken |= {field.path for field in fields}
            transforms.append(transform)
    return clause_of(iepd, *share, transforms=tuple(transforms))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_random_clauses_hold_the_laws(data: st.DataObject) -> None:
    iepd = data.draw(st.sampled_from(sorted(exchanges().values(), key=lambda each: each.id)))
    name = data.draw(st.sampled_from(sorted(samples(iepd))))
    clause = data.draw(random_clauses(iepd))
    hold_the_laws(with_canaries(samples(iepd)[name], iepd), mou_of(clause), clause, iepd)
