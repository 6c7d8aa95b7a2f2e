"""Laws of the cut, over the samples and the shipped clauses, and over random messages and policies.

Random trials are named by their seeds: one that fails is printed as `Trial(exchange=…, message=…, policy=…)`, and a
line in `seeds.txt` runs it for good. `LAW_RUNS` says how many there are in all: 2,000 unless told, 20,000 by
`make soak`.
"""

import base64
import os
from functools import cache
from pathlib import Path

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.names import XS, join
from gateway.document.parse import Document, parse, to_bytes
from gateway.iepd.package import Iepd
from gateway.policy.mou import Clause, How
from gateway.policy.transform import accepts
from tests.iepd.instances import Instance, Planted, generate
from tests.iepd.leaf_values import PREFIX
from tests.iepd.specifications import messages, specifications
from tests.pictures import png
from tests.policy.examples import STRUCTURES, clause_of, clauses, exchanges, samples
from tests.policy.laws import haystack, hold, outcome
from tests.policy.strategies import Policy, Trial, every_exchange, exchange, policy, trials

RUNS = int(os.environ.get("LAW_RUNS", "2000"))
GROUPS = 8
SEEDS = Path(__file__).with_name("seeds.txt")


def runs(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def groups() -> list[tuple[str, ...]]:
    """All exchanges, dealt out: a group fails by itself, and the large ones are spread."""
    dealt = [every_exchange()[number::GROUPS] for number in range(GROUPS)]
    return [names for names in dealt if names]


def named(trial: Trial) -> tuple[Instance, Policy, Iepd]:
    iepd = exchange(trial.exchange)
    return generate(iepd, trial.message), policy(trial.exchange, trial.policy), iepd


# --- real messages ---------------------------------------------------------------------------------------------------


def with_canaries(data: bytes, iepd: Iepd) -> Instance:
    """A real message with a text of its own in every leaf whose type takes one, and in every id."""
    document = parse(data)
    planted = []
    for number, element in enumerate(document.root.iter(etree.Element)):
        canary = f"{PREFIX}{number:05}"
        field = iepd.catalog.find(_steps(element))
        if field is None or not element.text:
            continue
        if field.kind == "binary":
            element.text = base64.b64encode(png(canary.encode())).decode()
        elif field.kind == "string" and accepts(field.value, canary):
            element.text = canary
        else:
            continue
        planted.append(Planted(canary=canary, element=element, attribute=""))
    names = _name_ids(document) if STRUCTURES in iepd.schema.structures else frozenset[str]()
    return Instance(document=document, planted=tuple(planted), names=names)


def _steps(element: etree._Element) -> tuple[str, ...]:
    above = [str(each.tag) for each in element.iterancestors()][:-1]
    return (*reversed(above), str(element.tag)) if element.getparent() is not None else ()


def _name_ids(document: Document) -> frozenset[str]:
    """Give ids that would give a person away; what points at them follows."""
    named = {}
    for number, element in enumerate(document.root.iter(etree.Element)):
        id = element.get(join(STRUCTURES, "id"))
        if id is not None:
            named[id] = f"{PREFIX}9{number:04}"
    for element in document.root.iter(etree.Element):
        for name, value in element.items():
            words = [named.get(word.removeprefix("#"), "") for word in str(value).split()]
            if any(words) and (STRUCTURES in str(name) or str(name).endswith("metadataRef")):
                element.set(
                    name, " ".join(("#" if str(value).startswith("#") else "") + word for word in words if word)
                )
    return frozenset(named.values())


def under(clause: Clause) -> Policy:
    return Policy(clause=clause, restrictions={}, holding=frozenset())


def test_the_shipped_clauses_hold_the_laws_over_every_sample() -> None:
    for _, clause, iepd in clauses():
        for data in samples(iepd).values():
            assert hold(with_canaries(data, iepd), under(clause), iepd) is not None


def test_the_canaries_are_there_to_be_found() -> None:
    for iepd in exchanges().values():
        instance = with_canaries(samples(iepd)["fullest.xml"], iepd)
        there = haystack(to_bytes(instance.document))
        assert len(instance.planted) > 20
        assert all(each.canary in there for each in instance.planted)


@runs(max(60, RUNS // 20))
@given(st.data())
def test_random_policies_hold_the_laws_over_our_samples(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(exchanges())))
    iepd = exchange(name)
    sample = data.draw(st.sampled_from(sorted(samples(iepd))))
    hold(with_canaries(samples(iepd)[sample], iepd), policy(name, data.draw(st.integers(0, 2**32 - 1))), iepd)


@pytest.mark.parametrize("name", specifications())
def test_random_policies_hold_the_laws_over_the_real_messages_of_each_specification(name: str) -> None:
    for path in messages(name)[:6]:
        for seed in range(max(2, RUNS // 1000)):
            hold(with_canaries(path.read_bytes(), exchange(name)), policy(name, seed), exchange(name))


# --- generated messages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", groups(), ids=str)
def test_random_policies_hold_the_laws_over_generated_messages(names: tuple[str, ...]) -> None:
    @runs(max(20, RUNS // GROUPS))
    @given(trials(names))
    def holds(trial: Trial) -> None:
        hold(*named(trial))

    holds()


def kept_seeds() -> list[Trial]:
    """Trials that failed once."""
    lines = [line.split("#")[0].split() for line in SEEDS.read_text(encoding="utf-8").splitlines()]
    return [Trial(exchange=words[0], message=int(words[1]), policy=int(words[2])) for words in lines if words]


@pytest.mark.parametrize("trial", kept_seeds(), ids=str)
def test_what_failed_once_holds_the_laws(trial: Trial) -> None:
    if trial.exchange not in every_exchange():
        pytest.skip("needs ../shared/niem/samples, which is not here")
    hold(*named(trial))


@pytest.mark.parametrize("names", groups(), ids=str)
def test_where_everything_is_shared_and_nothing_points_nothing_is_lost(names: tuple[str, ...]) -> None:
    for name in names:
        iepd = exchange(name)
        for seed in range(3):
            instance = generate(iepd, seed, plain=True)
            kept = outcome(instance.document, under(clause_of(iepd, *iepd.catalog.labels())), iepd)
            there = "" if kept is None else haystack(to_bytes(kept.document))
            known = [each for each in instance.planted if iepd.catalog.find(_place(each)) is not None]
            assert [each for each in known if each.canary not in there] == [], (name, seed)


def test_a_cut_of_a_cut_changes_nothing_where_no_fact_is_asked_and_nothing_points() -> None:
    same = 0
    for name in every_exchange():
        iepd = exchange(name)
        for seed in range(max(4, RUNS // 400)):
            tried = policy(name, seed)
            if any(each.unless or each.when for each in tried.clause.share) or any(
                each.how in {How.PSEUDONYMIZE, How.GENERALIZE} for each in tried.clause.transforms
            ):
                continue  # a token of a token is another one, and a year may be a field that is not shared
            once = outcome(generate(iepd, seed, plain=True).document, tried, iepd)
            if once is not None:
                twice = outcome(parse(to_bytes(once.document)), tried, iepd)
                assert twice is not None, (name, seed)
                assert to_bytes(twice.document) == to_bytes(once.document), (name, seed)
                same += 1
    assert same >= len(every_exchange())


def _place(each: Planted) -> tuple[str, ...]:
    return (*_steps(each.element), *(["@" + each.attribute] if each.attribute else []))


# --- the second schema processor -------------------------------------------------------------------------------------

SMALL = (
    "custody-release/1.0", "elder-five/1.0", "elder-two/1.0", "crash-driver-4.0", "crash-driver-6.0",
    "superhero-association", "superhero-augmentation", "superhero-ism", "ojbc-audit-log-search-results",
    "ojbc-access-control-response", "ojbc-incident-search-results",
)  # fmt: skip
"""Schema sets that xmlschema compiles in a second."""


@cache
def second_opinion(name: str, folder: Path) -> xmlschema.XMLSchema:
    """The schema set, compiled by xmlschema from files."""
    driver = etree.Element(join(XS, "schema"), nsmap={"xs": XS})
    for number, (place, data) in enumerate(sorted(exchange(name).schema.documents.items())):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        namespace = etree.fromstring(data).get("targetNamespace") or ""
        etree.SubElement(driver, join(XS, "import"), namespace=namespace, schemaLocation=place, id=f"n{number}")
    (folder / "driver.xsd").write_bytes(etree.tostring(driver))
    return xmlschema.XMLSchema(str(folder / "driver.xsd"))


@pytest.mark.parametrize("name", [name for name in SMALL if name in every_exchange()])
def test_both_schema_processors_agree_on_what_goes_in_and_what_comes_out(name: str, tmp_path: Path) -> None:
    schema = second_opinion(name, tmp_path)
    released = 0
    for seed in range(max(10, RUNS // 200)):
        instance, random_policy, iepd = named(Trial(exchange=name, message=seed, policy=seed))
        kept = hold(instance, random_policy, iepd)
        for document in (instance.document, *(() if kept is None else (kept.document,))):
            text = to_bytes(document).decode()
            assert [str(error.reason) for error in schema.iter_errors(text)] == []
        released += kept is not None
    assert released
