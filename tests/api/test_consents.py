"""Consents over REST, with a real gateway behind it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway.api.app import make_app
from gateway.exchange.activate import issue_token
from tests.api.conftest import session
from tests.api.wire import listening
from tests.exchange.conftest import place, template  # noqa: F401
from tests.exchange.deployed import JAIL, PROBATION, Deployed

CONSENT = {
    "person": {"sid": "FR-119-0284"},
    "labels": ["sud.*"],
    "recipient": PROBATION,
    "purpose": "supervision",
    "from": "2026-01-01",
    "until": "2026-12-31",
    "document": "sha-256:" + "5f" * 32,
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def jail(place: Deployed) -> AsyncIterator[aiohttp.ClientSession]:  # noqa: F811
    token = await issue_token(place.gateway, JAIL, actor="test")
    async with (
        listening(make_app(place.gateway)) as port,
        session(f"http://127.0.0.1:{port}", Authorization=f"Bearer {token}") as client,
    ):
        yield client


async def hand_in(client: aiohttp.ClientSession, **changed: Any) -> tuple[int, Any]:
    body = json.dumps({**CONSENT, **changed})
    answer = await client.post("/v1/consents", data=body, headers=JSON)
    return answer.status, await answer.json(content_type=None)


async def test_a_consent_is_handed_in_listed_and_taken_back(jail: aiohttp.ClientSession) -> None:
    status, made = await hand_in(jail)
    assert status == 201
    (consent,) = made["items"]
    assert (consent["from"], consent["labels"], consent["revoked"]) == ("2026-01-01", ["sud.*"], None)
    listed = await (await jail.get("/v1/consents")).json()
    assert listed == {"items": [consent], "next": None}
    for _ in range(2):
        answer = await jail.post(f"/v1/consents/{consent['id']}/revoke")
        assert answer.status == 200
        assert (await answer.json())["revoked"] is not None


async def test_one_consent_is_made_for_each_number(jail: aiohttp.ClientSession) -> None:
    _, made = await hand_in(jail, person={"sid": "FR-119-0284", "doc": "0563317"})
    assert len(made["items"]) == 2
    page = await (await jail.get("/v1/consents", params={"limit": 1})).json()
    assert page["next"] == page["items"][0]["id"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"person": {"sid": "FR-119-0284", "shoe": "SECRET-44"}}, "person.shoe"),
        ({"from": "SECRET"}, "from"),
        ({"extra": "SECRET"}, "extra"),
        ({"labels": []}, "labels"),
        ({"purpose": "SECRET purpose"}, "purpose"),
    ],
)
async def test_what_is_wrong_is_named_and_never_echoed(
    jail: aiohttp.ClientSession, changed: dict[str, Any], named: str
) -> None:
    status, problem = await hand_in(jail, **changed)
    assert (status, problem["code"]) == (422, "consent.refused")
    assert named in problem["detail"]
    assert "SECRET" not in json.dumps(problem)


async def test_what_is_no_json_is_refused(jail: aiohttp.ClientSession) -> None:
    answer = await jail.post("/v1/consents", data=b"{", headers=JSON)
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (422, "consent.refused")
    answer = await jail.post("/v1/consents", data=b"<a/>", headers={"Content-Type": "application/xml"})
    assert answer.status == 415


async def test_a_consent_nobody_knows_is_unknown(jail: aiohttp.ClientSession) -> None:
    answer = await jail.post("/v1/consents/019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d/revoke")
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (404, "consent.unknown")
