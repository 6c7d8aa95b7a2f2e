import importlib
import json
import pkgutil
from collections.abc import Iterator

import pytest

import gateway
from gateway.api.problem import STATUS_OF_CODE, TITLES, problem_of, status_of
from gateway.errors import GatewayError, Misconfigured, Refused, Tampered, Unavailable


def leaf(family: type[GatewayError], code: str) -> GatewayError:
    return type("Leaf", (family,), {"code": code})("text for people")


@pytest.mark.parametrize(
    ("family", "code", "status"),
    [
        (Refused, "message.invalid", 422),
        (Refused, "exchange.unknown-root", 422),
        (Refused, "document.not-xml", 400),
        (Refused, "document.too-large", 413),
        (Refused, "identity.unknown", 401),
        (Refused, "agency.suspended", 403),
        (Refused, "policy.no-mou-in-force", 403),
        (Refused, "message.id-conflict", 409),
        (Refused, "message.unknown", 404),
        (Refused, "something.new", 422),
        (Tampered, "signature.wrong", 403),
        (Tampered, "something.new", 403),
        (Unavailable, "store.unavailable", 503),
        (Unavailable, "document.busy", 503),
        (Misconfigured, "settings.refused", 500),
        (Misconfigured, "policy.broken", 500),
    ],
)
def test_a_status_follows_from_code_area_and_family(family: type[GatewayError], code: str, status: int) -> None:
    assert status_of(leaf(family, code)) == status


def test_the_operators_errors_keep_their_text_from_callers() -> None:
    for family in (Unavailable, Misconfigured):
        problem = problem_of(leaf(family, "a.b"))
        assert problem.code == "a.b"
        assert "text for people" not in problem.detail
        assert not problem.callers_fault


def test_a_mistake_of_ours_is_told_by_nothing_but_its_status() -> None:
    problem = problem_of(KeyError("Jane"))
    assert (problem.status, problem.code) == (500, "gateway.error")
    assert "Jane" not in problem.detail


def test_a_problem_is_as_rfc_9457_has_it() -> None:
    body = json.loads(problem_of(leaf(Refused, "message.invalid")).to_json("c-1"))
    assert body == {
        "type": "urn:justice-gateway:problem:message.invalid",
        "title": "The message is not acceptable",
        "status": 422,
        "detail": "text for people",
        "code": "message.invalid",
        "correlation": "c-1",
        "findings": [],
    }


def test_every_status_has_a_title() -> None:
    assert set(STATUS_OF_CODE.values()) <= set(TITLES)


def leaves() -> Iterator[type[GatewayError]]:
    """Every error class of the gateway."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting = [GatewayError]
    while waiting:
        family = waiting.pop()
        waiting += family.__subclasses__()
        if family.__module__.startswith("gateway.") and not family.__subclasses__():
            yield family


def test_the_table_names_no_code_that_nobody_raises() -> None:
    codes = {each.code for each in leaves()}
    areas = {code.partition(".")[0] + ".*" for code in codes}
    framework = {"request.method", "request.not-found"}
    assert set(STATUS_OF_CODE) - codes - areas - framework == set()
