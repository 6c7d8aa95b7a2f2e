"""What becomes of an element's children: held against every short sequence of them, tried one by one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.iepd.components import Components
from gateway.iepd.content import Content
from gateway.iepd.declarations import read_components
from gateway.policy.fate import GONE, Fate
from gateway.policy.inclusion import Step
from gateway.policy.rules import Need
from gateway.policy.verdict import Verdict, judge
from tests.iepd.test_content import LETTERS, choice, contents, element, schema_of, sequence, takes

LENGTH_MAX = 4


def kept(name: str) -> Fate:
    return Fate(stays=True, goes=False, names=frozenset({name}), leaf=True)


def maybe(name: str) -> Fate:
    return Fate(stays=True, goes=True, names=frozenset({name}), leaf=True)


def read(content: Content) -> tuple[Components, str, tuple[Need, ...]]:
    components = read_components([(schema_of(content), "")])
    type_name = components.elements["root"].type
    needs = tuple(
        Need(frozenset({particle.name}), particle.least)
        for particle in components.children(type_name).values()
        if particle.least > 0
    )
    return components, type_name, needs


def verdict_on(content: Content, fates: Mapping[str, Fate]) -> Verdict:
    components, type_name, needs = read(content)
    return judge(components, type_name, needs, fates)


def test_leaving_out_what_is_optional_breaks_nothing() -> None:
    found = verdict_on(sequence(element("a"), element("b", 0)), {"a": kept("a"), "b": maybe("b")})
    assert found.stays
    assert found.leaf
    assert found.lacking is None
    assert found.broken is None
    assert not found.bare


def test_an_element_without_what_it_needs_goes() -> None:
    found = verdict_on(sequence(element("a"), element("b")), {"a": kept("a")})
    assert not found.stays
    assert found.lacking == (Step("a", "a"), Step("b", None))


def test_an_element_that_may_not_have_what_it_needs_may_go() -> None:
    found = verdict_on(sequence(element("a"), element("b")), {"a": kept("a"), "b": maybe("b")})
    assert found.stays
    assert found.lacking == (Step("a", "a"), Step("b", None))


def test_a_choice_that_loses_its_branch_is_broken() -> None:
    """The cut knows what must be there, not what one of two must: nothing takes the element out."""
    found = verdict_on(sequence(element("c"), choice(element("a"), element("b"))), {"a": kept("a"), "c": kept("c")})
    assert found.broken == (Step("c", "c"), Step("b", None))


def test_half_of_a_repeated_pair_is_broken() -> None:
    pairs = sequence(element("a"), element("b"), least=0, most=None)
    found = verdict_on(pairs, {"a": kept("a"), "b": maybe("b")})
    assert found.broken == (Step("a", "a"), Step("b", None))


def test_a_lesser_form_under_another_name_may_be_one_too_many() -> None:
    model = sequence(element("a", 0), element("b", 0))
    renamed = Fate(stays=True, goes=False, names=frozenset({"b"}), leaf=True)
    assert verdict_on(model, {"a": renamed, "b": kept("b")}).broken == (Step("a", "b"), Step("b", "b"))
    assert verdict_on(model, {"a": renamed}).broken is None
    assert verdict_on(choice(element("a"), element("b"), least=0), {"a": renamed, "b": kept("b")}).broken is None


def test_what_is_left_bare_goes_only_where_nobody_needs_it() -> None:
    bare = Fate(stays=True, goes=False, bare=True, names=frozenset({"a"}))
    assert verdict_on(sequence(element("a")), {"a": bare}).lacking is None
    assert not verdict_on(sequence(element("a")), {"a": bare}).bare
    assert verdict_on(sequence(element("a", 0)), {"a": bare}).bare


# --- against trying ----------------------------------------------------------------------------------------------


def compiles(content: Content) -> bool:
    """Whether libxml2 takes it: a model that is ambiguous is no model."""
    try:
        etree.XMLSchema(schema_of(content))
    except etree.XMLSchemaParseError:
        return False
    return True


def words(components: Components, type_name: str) -> list[str]:
    made = components.automaton(type_name)
    every = ("".join(word) for length in range(LENGTH_MAX + 1) for word in product(LETTERS, repeat=length))
    return [word for word in every if takes(made, word)]


def images(word: str, fates: Mapping[str, Fate], needs: tuple[Need, ...]) -> Iterator[tuple[bool, str]]:
    """Everything that may be left of a word, by the cut's own order: what is withheld, then what is bare. Whether
    what is needed is there."""
    options = []
    for letter in word:
        fate = fates.get(letter, GONE)
        here: list[tuple[str, bool]] = [(name, fate.bare) for name in sorted(fate.names)] if fate.stays else []
        options.append(here + ([("", False)] if fate.goes else []))
    for left in product(*options):
        names = [name for name, _ in left if name]
        if not enough(names, needs):
            yield False, "".join(names)
            continue
        for going in product(*([False, True] if bare else [False] for _, bare in left)):
            rest = [name for (name, _), gone in zip(left, going, strict=True) if name and not gone]
            if enough(rest, needs):
                yield True, "".join(rest)


def enough(names: list[str], needs: tuple[Need, ...]) -> bool:
    count = Counter(names)
    return all(sum(count[name] for name in need.names) >= need.least for need in needs)


def fates_of() -> st.SearchStrategy[dict[str, Fate]]:
    one = st.builds(
        Fate,
        stays=st.booleans(),
        goes=st.booleans(),
        bare=st.booleans(),
        names=st.frozensets(st.sampled_from(LETTERS), min_size=1, max_size=2),
    ).map(lambda fate: fate if fate.stays or fate.goes else GONE)
    itself = st.sampled_from(LETTERS).map(kept)
    return st.dictionaries(st.sampled_from(LETTERS), st.one_of(one, itself), max_size=3)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(contents(), fates_of())
def test_the_verdict_is_what_trying_every_short_sequence_finds(content: Content, fates: dict[str, Fate]) -> None:
    assume(compiles(content))
    components, type_name, needs = read(content)
    made = components.automaton(type_name)
    found = judge(components, type_name, needs, fates)
    for word in words(components, type_name):
        for whole, left in images(word, fates, needs):
            assert whole or found.lacking is not None
            assert found.stays or not whole
            assert not whole or takes(made, left) or found.broken is not None
            assert not whole or needs or left or found.bare
    for steps in (found.lacking, found.broken):
        assert steps is None or takes(made, "".join(step.name for step in steps)), "it is a sequence of the schema's"
    if found.lacking is not None:
        assert not enough([step.left for step in found.lacking if step.left], needs)
    if found.broken is not None:
        left = "".join(step.left for step in found.broken if step.left)
        assert enough(list(left), needs)
        assert not takes(made, left), "and what is left of it is not"
