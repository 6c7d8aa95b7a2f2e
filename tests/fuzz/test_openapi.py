"""Every operation of the OpenAPI document, asked in ways it describes and in ways it does not.

A real `gateway serve` over a socket: it never fails, answers as it says it does, and does nothing for nobody.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from tests.acceptance.place import JAIL, Place
from tests.acceptance.place import place as placed
from tests.fuzz.mutations import EXAMPLES

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: make setup-dev")

from hypothesis import HealthCheck, given, settings  # noqa: E402  (after the guard)
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]
"""No 5xx, no breach of the document, no success without a credential."""

OPEN = frozenset({"/healthz", "/readyz", "/v1/audit/checkpoint", "/v1/audit/keys"})
"""What anybody may ask."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        yield stack.enter_context(placed(tmp_path_factory.mktemp("place") / "deployment", "sqlite:///gateway.db"))


@pytest.fixture(scope="module")
def document(place: Place) -> dict[str, Any]:
    return dict(requests.get(f"{place.console}/openapi.json", timeout=20).json())


def operations(document: dict[str, Any]) -> list[Any]:
    """Each operation, by method and path."""
    return [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]


def test_the_document_describes_what_is_served(document: dict[str, Any]) -> None:
    assert len(operations(document)) >= 15


def test_no_operation_fails_or_answers_otherwise_than_it_says(place: Place, document: dict[str, Any]) -> None:
    session, authority = place.callers[JAIL].session, str(place.parts / "authority.pem")

    def check(case: Any) -> None:
        case.call_and_validate(base_url=place.url, session=session, checks=CHECKS, timeout=30, verify=authority)

    wrong = [told for operation in operations(document) if (told := tried(operation, check, max(EXAMPLES // 6, 5)))]
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_anything_without_a_credential(place: Place, document: dict[str, Any]) -> None:
    authority = str(place.parts / "authority.pem")

    def check(case: Any) -> None:
        answer = case.call(base_url=place.url, verify=authority, timeout=30)
        assert 400 <= answer.status_code < 500, answer.status_code

    asked = [operation for operation in operations(document) if operation.path not in OPEN]
    wrong = [told for operation in asked if (told := tried(operation, check, 5))]
    assert not wrong, "\n".join(wrong)


def tried(operation: Any, check: Callable[[Any], None], examples: int) -> str:
    """Cases of one operation; what is wrong with it, "" for nothing. All operations are tried, and told of together."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        check(case)

    try:
        run()
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  (see above)
        return f"{operation.method.upper()} {operation.path}: {error}"
    return ""
