"""A type named in a value is covered by a signature when its prefix is written in the canonical form, and only then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.document.canonical import exclusive
from gateway.document.names import XSI
from gateway.document.parse import parse
from gateway.signing.enveloped import sign_enveloped, verify_enveloped
from gateway.signing.shape import SignatureShape
from gateway.signing.type_name import NAMED_MAX, are_covered, prefixes_in_values
from tests.seconds import fastest
from tests.signing.oracles import signxml_accepts, xmlsec_accepts
from tests.signing.parties import NOW, jail, trusted

DECLARED = f'xmlns:xsi="{XSI}" xmlns:t="urn:t" xmlns:u="urn:u"'


def tree(inside: str, root: str = "n") -> etree._Element:
    return etree.fromstring(f"<{root} {DECLARED}>{inside}</{root}>")


@pytest.mark.parametrize(
    ("root", "inside"),
    [
        ("n", "<a/>"),
        ("n", "<t:a xsi:type='t:T'/>"),  # its own name
        ("t:n", "<a xsi:type='t:T'/>"),  # a name further out
        ("n", "<a t:by='1' xsi:type=' t:T '/>"),  # an attribute's name
        ("n", "<a xsi:type='xml:T'/>"),
        ("n", "<a xmlns='urn:d' xsi:type='T'/>"),
        ("n", "<t:a xmlns:t='urn:other' xsi:type='t:T'/>"),  # bound again, and written again
    ],
)
def test_a_prefix_that_a_name_uses_is_covered(root: str, inside: str) -> None:
    assert are_covered(tree(inside, root), ())
    assert prefixes_in_values(tree(inside, root)) == ()


@pytest.mark.parametrize(
    ("root", "inside", "prefix"),
    [
        ("n", "<a xsi:type='t:T'/>", "t"),
        ("t:n", "<a xmlns:t='urn:other' xsi:type='t:T'/>", "t"),  # bound again where nothing writes it
        ("t:n", "<a xmlns:t='urn:other'><b xsi:type='t:T'/></a>", "t"),
        ("u:n", "<u:a xsi:type='t:T'/>", "t"),
        ("t:n", "<t:a xmlns='urn:d' xsi:type='T'/>", "#default"),
        ("t:n", "<t:a xsi:type='T'/>", "#default"),  # nor is it said that there is no default namespace
        ("n", "<a xsi:type='nobody:T'/>", "nobody"),
    ],
)
def test_a_prefix_that_stands_in_the_value_only_must_be_listed(root: str, inside: str, prefix: str) -> None:
    assert not are_covered(tree(inside, root), ())
    assert not are_covered(tree(inside, root), ("x", "u"))
    assert are_covered(tree(inside, root), (prefix,))
    assert prefixes_in_values(tree(inside, root)) == (prefix,)


def test_what_stands_around_a_signed_element_covers_nothing_in_it() -> None:
    outer = tree("<a><b xsi:type='t:T'/></a>", "t:n")
    assert are_covered(outer, ())
    assert not are_covered(outer[0], ())


def test_what_we_sign_covers_the_types_it_names() -> None:
    document = parse(f"<n {DECLARED}><a xsi:type='t:T'/></n>".encode())
    signed = sign_enveloped(document, jail())
    assert b'PrefixList="t"' in signed
    assert signxml_accepts(signed, jail())
    assert xmlsec_accepts(signed, jail())
    assert exclusive(verify_enveloped(parse(signed), trusted(jail()), now=NOW).root) == exclusive(document.root)
    assert not xmlsec_accepts(signed.replace(b'"urn:t"', b'"urn:evil"'), jail())


def test_a_signature_that_leaves_a_type_open_is_refused() -> None:
    document = parse(f"<n {DECLARED}><a xsi:type='t:T'/></n>".encode())
    signed = sign_enveloped(document, jail()).replace(b'PrefixList="t"', b'PrefixList="u"')
    with pytest.raises(SignatureShape, match="xsi:type"):
        verify_enveloped(parse(signed), trusted(jail()), now=NOW)


PREFIXES = st.sampled_from(["", "t", "u"])
URIS = st.sampled_from(["urn:t", "urn:u", "urn:v"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    """An element that binds prefixes again, uses some and names types by some."""
    bindings = draw(st.dictionaries(PREFIXES, URIS, max_size=2))
    declared = "".join(f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"' for prefix, uri in bindings.items())
    used, typed = draw(PREFIXES), draw(st.none() | PREFIXES)
    name = f"{used}:e" if used else "e"
    kind = "" if typed is None else f' xsi:type="{typed}:T"' if typed else ' xsi:type="T"'
    inside = "".join(draw(st.lists(elements(depth=depth + 1), max_size=2))) if depth < 3 else ""
    return f"<{name}{declared}{kind}>{inside}</{name}>"


def types(root: etree._Element) -> list[tuple[str, str]]:
    """Every type named, as a reader understands it."""
    found = []
    for element in root.iter(etree.Element):
        if (text := element.get(f"{{{XSI}}}type")) is not None:
            prefix, _, local = text.rpartition(":")
            found.append((element.nsmap.get(prefix or None, ""), local))
    return found


@given(elements())
def test_what_is_covered_means_the_same_when_it_is_read_from_the_canonical_form(inside: str) -> None:
    """What was signed, and nothing else, tells a reader what each type is."""
    root = tree(inside)
    assert are_covered(root, prefixes_in_values(root))
    if are_covered(root, ()):
        assert types(etree.fromstring(exclusive(root))) == types(root)


def test_as_many_types_as_a_document_has_elements_each_as_deep_as_may_be_are_looked_at_in_one_walk() -> None:
    """Each of them once walked outward: a request of 250 KB took five seconds."""

    def seconds(depth: int) -> float:
        inside = "<b>" * depth + "<c xsi:type='t:T'/>" * 20_000 + "</b>" * depth
        root = tree(inside)
        assert prefixes_in_values(root) == ("t",)
        return fastest(lambda: are_covered(root, ("u",)))

    assert seconds(90) < 6 * seconds(1)


def test_types_named_by_more_prefixes_than_are_told_apart_need_each_of_them_listed() -> None:
    prefixes = tuple(sorted(f"n{number}" for number in range(NAMED_MAX + 1)))
    root = tree("".join(f"<{each}:a xmlns:{each}='urn:n' xsi:type='{each}:T'/>" for each in prefixes))
    assert not are_covered(root, ())
    assert are_covered(root, prefixes)
    assert prefixes_in_values(root) == prefixes


@pytest.mark.parametrize(("other", "covered"), [("v", False), ("t", True)])
def test_an_attribute_of_the_same_namespace_counts_by_its_prefix(other: str, covered: bool) -> None:
    root = tree(f"<a xmlns:v='urn:t' {other}:by='1' xsi:type='t:T'/>")
    assert are_covered(root, ()) is covered
