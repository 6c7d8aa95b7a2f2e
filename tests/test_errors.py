"""The error tree: every leaf has a code of its own, one of four families, and a status at the edge."""

import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

import gateway
from gateway.api.problem import STATUS_OF_CODE, TITLES, problem_of, status_of
from gateway.errors import GatewayError, Misconfigured, Refused, Tampered, Unavailable

FAMILIES = (Refused, Unavailable, Tampered, Misconfigured)

SAME_TO_THE_CALLER = {
    # One code where a caller can do but one thing about it, wherever it is found.
    "message.bad-id",  # a header that is no id, and two headers that are two
    "agency.unknown",  # in an act on it, and in the preview for it
    "policy.not-routed",  # in a decision, and in the preview of one, which says why
    "policy.no-mou-in-force",  # nobody at all, and one recipient
    "policy.not-releasable",  # in a cut, and in the preview of one
    "request.parameter",
    "key.damaged",  # a file of payload keys, and one of keys of persons
    "message.unknown",  # to its sender's system, and to whoever asks for its explanation
}


def _all_modules() -> None:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if module.name != "gateway.__main__":
            importlib.import_module(module.name)


def below(family: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for leaf in family.__subclasses__():
        yield leaf
        yield from below(leaf)


_all_modules()
EVERY = sorted({leaf for family in FAMILIES for leaf in below(family)}, key=lambda leaf: (leaf.code, leaf.__name__))
LEAVES = [leaf for leaf in EVERY if "code" in vars(leaf)]


def test_there_are_four_families_and_nothing_beside_them() -> None:
    assert {family for family in GatewayError.__subclasses__() if family.__module__.startswith("gateway.")} == set(
        FAMILIES
    )
    assert len(LEAVES) > 60


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_each_leaf_has_a_code_of_its_own_and_says_what_it_is(leaf: type[GatewayError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z0-9]+)*", leaf.code)
    assert leaf.__doc__
    assert sum(issubclass(leaf, family) for family in FAMILIES) == 1


@pytest.mark.parametrize("kind", [each for each in EVERY if each not in LEAVES], ids=lambda kind: kind.__name__)
def test_what_has_no_code_of_its_own_is_a_kind_of_a_leaf_that_has_one(kind: type[GatewayError]) -> None:
    assert kind.__bases__[0] in LEAVES
    assert kind.__doc__


def test_codes_are_unique_but_for_those_that_mean_the_same_to_the_caller() -> None:
    by_code = defaultdict(set)
    for leaf in LEAVES:
        by_code[leaf.code].add(leaf)
    assert {code for code, leaves in by_code.items() if len(leaves) > 1} == SAME_TO_THE_CALLER


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_each_leaf_has_a_status_that_fits_its_family(leaf: type[GatewayError]) -> None:
    error = leaf.__new__(leaf)
    GatewayError.__init__(error, "a text")
    status = status_of(error)
    assert status in TITLES
    if issubclass(leaf, Refused | Tampered):
        assert 400 <= status < 500
    else:
        assert status == (503 if issubclass(leaf, Unavailable) else 500)


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if issubclass(leaf, Unavailable | Misconfigured)])
def test_what_is_for_the_operator_is_not_told_to_callers(leaf: type[GatewayError]) -> None:
    error = leaf.__new__(leaf)
    GatewayError.__init__(error, "/etc/gateway/keys/cover.key.pem on db.internal")
    told = problem_of(error)
    assert "/etc" not in told.detail
    assert "db.internal" not in told.detail


def test_a_mistake_of_ours_says_nothing_of_itself() -> None:
    told = problem_of(KeyError("Tansley"))
    assert (told.status, told.code) == (500, "gateway.error")
    assert "Tansley" not in told.detail


def test_the_table_of_statuses_names_codes_that_exist() -> None:
    codes = {leaf.code for leaf in LEAVES} | {"request.method", "request.not-found", "request.too-many"}
    areas = {f"{code.partition('.')[0]}.*" for code in codes}
    assert set(STATUS_OF_CODE) <= codes | areas


def test_an_error_keeps_its_text() -> None:
    assert Refused("a sentence").text == str(Refused("a sentence")) == "a sentence"
