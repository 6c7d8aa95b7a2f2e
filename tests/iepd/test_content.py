"""Content models as written, and their automata."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.document.names import XS
from gateway.iepd.content import Automaton, Content, Kind, Slot, TooLarge, automaton, slots
from gateway.iepd.declarations import read_components
from tests.policy.examples import TINY, exchanges, tiny

NS = "urn:test"
LETTERS = "abc"


def element(name: str, least: int = 1, most: int | None = 1) -> Content:
    return Content(Kind.ELEMENT, least, most, name)


def sequence(*parts: Content, least: int = 1, most: int | None = 1) -> Content:
    return Content(Kind.SEQUENCE, least, most, parts=parts)


def choice(*parts: Content, least: int = 1, most: int | None = 1) -> Content:
    return Content(Kind.CHOICE, least, most, parts=parts)


def itself(name: str) -> tuple[str]:
    return (name,)


def takes(made: Automaton, word: Iterable[str]) -> bool:
    state: int | None = 0
    for name in word:
        state = made.after(state, name) if state is not None else None
    return state is not None and made.accepting[state]


def test_a_sequence_of_elements_is_slots() -> None:
    model = sequence(element("a"), sequence(element("b", 0, None)), element("c", 2, 3))
    assert slots(model, itself) == (
        Slot(frozenset("a"), 1, 1),
        Slot(frozenset("b"), 0, None),
        Slot(frozenset("c"), 2, 3),
    )


def test_a_choice_of_single_elements_is_one_slot() -> None:
    assert slots(choice(element("a"), element("b")), itself) == (Slot(frozenset("ab"), 1, 1),)
    assert slots(choice(element("a"), element("b", 0)), itself) is None
    assert slots(choice(element("a"), element("b"), least=0, most=None), itself) == (Slot(frozenset("ab"), 0, None),)


def test_what_is_more_than_a_sequence_is_no_slots() -> None:
    assert slots(sequence(element("a"), element("a", 0)), itself) is None  # one element in two places
    assert slots(sequence(element("a"), element("b"), least=0, most=2), itself) is None
    assert slots(choice(element("a"), sequence(element("b"), element("c"))), itself) is None
    assert slots(Content(Kind.ALL, parts=(element("a"),)), itself) is None
    assert slots(sequence(Content(Kind.ANY)), itself) is None


def test_the_members_of_a_substitution_group_stand_where_their_head_is_asked_for() -> None:
    model = sequence(element("head", 1, 2))
    made = automaton(model, lambda _: ("x", "y"))
    assert slots(model, lambda _: ("x", "y")) == (Slot(frozenset("xy"), 1, 2),)
    assert takes(made, "x")
    assert takes(made, "yx")
    assert not takes(made, ["head"])


def test_counters_are_exact() -> None:
    made = automaton(sequence(element("a", 20, 300)), itself)
    assert [takes(made, "a" * number) for number in (19, 20, 300, 301)] == [False, True, True, False]


def test_a_model_with_too_many_states_is_refused() -> None:
    with pytest.raises(TooLarge):
        automaton(sequence(element("a", 0, 100_000)), itself)


def test_all_takes_its_elements_in_any_order() -> None:
    made = automaton(Content(Kind.ALL, parts=(element("a"), element("b", 0), element("c"))), itself)
    assert all(takes(made, word) for word in ("ac", "ca", "bca", "cab"))
    assert not any(takes(made, word) for word in ("a", "abb", "aca", ""))


def test_a_wildcard_takes_what_its_namespaces_say() -> None:
    other = automaton(sequence(Content(Kind.ANY, 0, None, "##other", home=NS)), itself)
    assert takes(other, ["{urn:else}x"])
    assert not takes(other, [f"{{{NS}}}x"])
    assert not takes(other, ["x"])
    listed = automaton(sequence(Content(Kind.ANY, name="##targetNamespace urn:else", home=NS)), itself)
    assert takes(listed, [f"{{{NS}}}x"])
    assert takes(listed, ["{urn:else}x"])
    assert not takes(listed, ["{urn:third}x"])


def test_an_extension_comes_after_what_it_extends() -> None:
    components = tiny().schema.components
    (first, *_) = components.slots(f"{{{TINY}}}ThingType") or ()
    assert first.names == {f"{{{TINY}}}Name"}
    assert f"{{{TINY}}}ThingType" in components.extensions(f"{{{TINY}}}NextType")


def test_every_model_of_our_exchanges_is_a_plain_sequence() -> None:
    for iepd in exchanges().values():
        components = iepd.schema.components
        assert [each.name for each in components.types.values() if components.slots(each.name) is None] == []


# --- against libxml2 ---------------------------------------------------------------------------------------------


@st.composite
def contents(draw: st.DrawFn, depth: int = 0) -> Content:
    least = draw(st.integers(0, 2))
    most = draw(st.one_of(st.none(), st.integers(max(least, 1), 3)))
    kind = draw(st.sampled_from([Kind.ELEMENT, Kind.ELEMENT, Kind.SEQUENCE, Kind.CHOICE]))
    if kind is Kind.ELEMENT or depth == 3:
        return element(draw(st.sampled_from(LETTERS)), least, most)
    parts = draw(st.lists(contents(depth + 1), min_size=1, max_size=3))
    return Content(kind, least, most, parts=tuple(parts))


def written(content: Content) -> str:
    most = "unbounded" if content.most is None else content.most
    occurs = f'minOccurs="{content.least}" maxOccurs="{most}"'
    if content.kind is Kind.ELEMENT:
        return f'<xs:element name="{content.name}" type="xs:string" {occurs}/>'
    return f"<xs:{content.kind} {occurs}>{''.join(map(written, content.parts))}</xs:{content.kind}>"


def schema_of(content: Content) -> etree._Element:
    return etree.fromstring(
        f'<xs:schema xmlns:xs="{XS}"><xs:element name="root"><xs:complexType><xs:sequence>{written(content)}'
        "</xs:sequence></xs:complexType></xs:element></xs:schema>"
    )


def expression(content: Content) -> str:
    """The words of a content model, as a regular expression."""
    if content.kind is Kind.ELEMENT:
        inner = content.name
    else:
        inner = ("|" if content.kind is Kind.CHOICE else "").join(map(expression, content.parts))
    return f"(?:{inner}){{{content.least},{'' if content.most is None else content.most}}}"


@settings(max_examples=300, deadline=None)
@given(contents(), st.lists(st.text(LETTERS, max_size=7), min_size=5, max_size=20))
def test_an_automaton_takes_the_words_of_its_content_model(content: Content, words: list[str]) -> None:
    document = schema_of(content)
    try:
        schema = etree.XMLSchema(document)
    except etree.XMLSchemaParseError:
        return  # ambiguous
    components = read_components([(document, "")])
    made = components.automaton(components.elements["root"].type)
    plain = components.slots(components.elements["root"].type)
    words_of_it = re.compile(expression(content))
    for word in words:
        root = etree.Element("root")
        root.extend([etree.Element(letter) for letter in word])
        taken = takes(made, word)
        assert taken is (words_of_it.fullmatch(word) is not None)
        # What is taken is valid; not the other way: libxml2 loses count where a choice that repeats holds one that may
        # be empty, and takes "bab" for (a*|b*) at most twice.
        assert schema.validate(root) or not taken
        if plain is not None:
            assert fills(plain, word) is taken


def fills(plain: tuple[Slot, ...], word: str) -> bool:
    """Whether a word is a sequence of these slots, which have no letter in common."""
    rest = word
    for slot in plain:
        count = 0
        while rest and rest[0] in slot.names:
            rest, count = rest[1:], count + 1
        if count < slot.least or (slot.most is not None and count > slot.most):
            return False
    return not rest
