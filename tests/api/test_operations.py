import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import aiohttp
import pytest
import requests
import zeep
from lxml import etree

from gateway.alert.alert import Code, Severity, Standing
from gateway.api.app import make_app, make_console_app
from gateway.api.operations import ASSETS
from gateway.config import Listen, Settings
from gateway.store.interface import StoreUnavailable
from gateway.store.witness import LogTrouble
from gateway.telemetry import Metrics
from tests.api.conftest import session
from tests.api.pretend_gateway import POLICE, PretendGateway
from tests.api.wire import listening


@pytest.fixture
async def console(gateway: PretendGateway) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        listening(make_console_app(gateway)) as port,
        session(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


async def test_the_process_is_alive_and_ready_while_the_database_answers(
    console: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    assert (await console.get("/healthz")).status == 200
    assert (await console.get("/readyz")).status == 200
    gateway.store.fails = StoreUnavailable("db.internal is away")
    assert (await console.get("/healthz")).status == 200
    answer = await console.get("/readyz")
    assert (answer.status, await answer.text()) == (503, "not ready: store.unavailable\n")


async def test_metrics_count_what_was_accepted_and_refused_and_show_what_waits(gateway: PretendGateway) -> None:
    metrics = Metrics()
    async with (
        listening(make_app(gateway, metrics=metrics)) as port,
        listening(make_console_app(gateway, metrics=metrics)) as console_port,
        session(f"http://127.0.0.1:{port}", Authorization="Bearer jail-token") as client,
        session(f"http://127.0.0.1:{console_port}") as console,
    ):
        await client.post("/v1/messages", data=b"<a/>", headers={"Content-Type": "text/xml"})
        await client.post("/v1/messages", data=b"<a/>", headers={"Content-Type": "text/html"})
        text = await (await console.get("/metrics")).text()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines['gateway_accepted_total{channel="rest"}'] == "1.0"
    assert lines['gateway_refused_total{act="submit",code="request.media-type"}'] == "1.0"
    assert lines['gateway_request_seconds_count{act="submit",status="202"}'] == "1.0"
    assert lines['gateway_deliveries{recipient="millbrook-police",state="waiting"}'] == "2.0"
    assert 29 < float(lines["gateway_oldest_delivery_seconds"]) < 40
    assert lines["gateway_log_size"] == "7.0"
    assert lines["gateway_emergency_releases"] == "2.0"


async def test_an_unknown_address_does_not_become_a_label(gateway: PretendGateway) -> None:
    metrics = Metrics()
    async with listening(make_app(gateway, metrics=metrics)) as port, session(f"http://127.0.0.1:{port}") as client:
        await client.get("/v1/secret-of-somebody")
    assert b"secret-of-somebody" not in metrics.exposition()


async def test_the_docs_page_loads_nothing_from_elsewhere(console: aiohttp.ClientSession) -> None:
    page = await console.get("/docs")
    text = await page.text()
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert "http://" not in text
    assert "https://" not in text
    assert "<script>" not in text
    for name in ASSETS:
        assert f"/docs/{name}" in text
        assert (await console.get(f"/docs/{name}")).status == 200


@pytest.mark.parametrize("path", ["/docs/../app.py", "/docs/%2e%2e%2fapp.py", "/docs/index.html", "/docs/app.py"])
async def test_no_address_names_a_file(console: aiohttp.ClientSession, path: str) -> None:
    assert (await console.get(path)).status == 404


async def test_the_console_speaks_for_no_agency(console: aiohttp.ClientSession) -> None:
    for path in ("/v1/inbox", "/v1/messages/m", "/soap", "/v1/audit/checkpoint"):
        answer = await console.get(path, headers={"Authorization": "Bearer jail-token"})
        assert answer.status == 404, path


async def test_the_agencies_listener_shows_no_metrics(gateway: PretendGateway) -> None:
    async with listening(make_app(gateway)) as port, session(f"http://127.0.0.1:{port}") as client:
        for path in ("/metrics", "/docs", "/openapi.json"):
            assert (await client.get(path)).status == 404, path


async def test_openapi_describes_every_route(console: aiohttp.ClientSession) -> None:
    document = json.loads(await (await console.get("/openapi.json")).read())
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/v1/messages",
        "/v1/messages/{id}",
        "/v1/messages/{id}/correct",
        "/v1/messages/{id}/cancel",
        "/v1/messages/{id}/receipt",
        "/v1/sandbox/messages",
        "/v1/audit/keys",
        "/v1/audit/witness",
        "/v1/audit/receipt",
        "/v1/inbox",
        "/v1/inbox/{delivery}/payload",
        "/v1/inbox/{delivery}/cover",
        "/v1/inbox/{delivery}/notice",
        "/v1/inbox/{delivery}/ack",
        "/v1/consents",
        "/v1/consents/{id}/revoke",
        "/v1/audit/checkpoint",
        "/v1/audit/tile/{level}/{path}",
        "/v1/audit/proof",
    }
    post = document["paths"]["/v1/messages"]["post"]
    assert post["requestBody"]["content"]["application/xml"]["examples"]["custody-release/1.0"]["value"] == "<Notice/>"
    assert {"202", "400", "401", "403", "409", "413", "415", "422", "503"} <= set(post["responses"])
    references = set(_references(document))
    assert {"#/components/schemas/Accepted", "#/components/schemas/ProblemOut"} <= references
    for reference in references:
        assert reference.rpartition("/")[2] in document["components"]["schemas"], reference


def _references(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [each for value in part.values() for each in _references(value)]
    if isinstance(part, list):
        return [each for value in part for each in _references(value)]
    return []


async def test_each_operation_of_openapi_says_who_may_call_it(console: aiohttp.ClientSession) -> None:
    document = json.loads(await (await console.get("/openapi.json")).read())
    open_to_all = {
        path for path, item in document["paths"].items() for operation in item.values() if "security" not in operation
    }
    assert open_to_all == {"/v1/audit/checkpoint", "/v1/audit/keys", "/v1/audit/tile/{level}/{path}"}


async def test_the_wsdl_names_the_address_its_reader_used(nobody: aiohttp.ClientSession, base: str) -> None:
    answer = await nobody.get("/soap?wsdl")
    assert answer.content_type == "text/xml"
    root = etree.fromstring(await answer.read())
    addresses = {each.get("location") for each in root.iter("{*}address")}
    assert addresses == {f"{base}/soap"}


async def test_the_wsdl_names_the_configured_address_whatever_host_is_asked_for(gateway: PretendGateway) -> None:
    gateway.settings = Settings(listen=Listen(public_url="https://gateway.example.gov/"))
    async with listening(make_app(gateway)) as port, session(f"http://127.0.0.1:{port}") as client:
        text = await (await client.get("/soap?WSDL", headers={"Host": "evil.example"})).text()
    assert 'location="https://gateway.example.gov/soap"' in text
    assert "evil" not in text


async def test_a_host_that_is_none_does_not_reach_the_wsdl(nobody: aiohttp.ClientSession) -> None:
    text = await (await nobody.get("/soap?wsdl", headers={"Host": 'a"><evil'})).text()
    assert "evil" not in text


async def test_get_on_soap_without_wsdl_is_405(nobody: aiohttp.ClientSession) -> None:
    answer = await nobody.get("/soap")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_schemas_lie_beside_the_wsdl_as_in_the_project(nobody: aiohttp.ClientSession) -> None:
    own = "/soap/xsd/custody-release/1.0/iepd/custody-release/1.0"
    assert await (await nobody.get(f"{own}/extension.xsd")).read() == b"<extension/>"
    assert await (await nobody.get(f"{own}/samples/smallest.xml")).read() == b"<Notice/>"
    assert await (await nobody.get("/soap/xsd/custody-release/1.0/xsd/niem.xsd")).read() == b"<niem/>"
    for path in ("iepd/extension.xsd", "xsd/../iepd/extension.xsd", "nothing.xsd"):
        assert (await nobody.get(f"/soap/xsd/custody-release/1.0/{path}")).status == 404
    assert (await nobody.get("/soap/xsd/unknown/1.0/xsd/niem.xsd")).status == 404


async def test_toolkits_read_the_wsdl_with_its_schema(base: str) -> None:
    def act() -> zeep.Client:
        return zeep.Client(f"{base}/soap?wsdl", transport=zeep.Transport(session=requests.Session()))

    client = await asyncio.to_thread(act)
    (service,) = client.wsdl.services.values()
    assert set(service.ports) == {"Gateway11", "Gateway12"}
    for port in service.ports.values():
        assert set(port.binding._operations) == {"Submit", "Preview", "Poll", "Acknowledge", "Status"}


def stands(code: Code, severity: Severity = Severity.CRITICAL, subject: str = "") -> Standing:
    now = datetime.now(UTC)
    return Standing(code=code, subject=subject, severity=severity, count=1, raised_at=now, told_at=now)


async def test_readiness_names_alerts_of_the_log_and_nothing_about_anybody(
    console: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    gateway.store.standing = [
        stands(Code.CREDENTIAL_EXPIRES, subject="millbrook-police"),
        stands(Code.NOT_SENT, subject="mail"),
        replace(stands(Code.LOG_VERIFY_FAILED), cleared_at=datetime.now(UTC)),
    ]
    assert await (await console.get("/readyz")).text() == "ready\nalert: alerts.not-sent\n"


async def test_a_stuck_sequencer_shows_without_anybody_who_watches(
    console: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    gateway.store.oldest_entry = datetime.now(UTC) - timedelta(seconds=9)
    assert await (await console.get("/readyz")).text() == "ready\n"
    gateway.store.oldest_entry = datetime.now(UTC) - timedelta(seconds=11)
    assert await (await console.get("/readyz")).text() == "ready\nalert: log.behind\n"


async def test_a_process_whose_entries_are_not_written_is_not_ready_until_one_is(
    console: aiohttp.ClientSession, client: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    xml = {"Content-Type": "text/xml"}
    gateway.fails = StoreUnavailable("no room")
    assert (await client.post("/v1/messages", data=b"<a/>", headers=xml)).status == 503
    answer = await console.get("/readyz")
    assert (answer.status, await answer.text()) == (503, "not ready: log.not-written\n")
    assert 'gateway_alerts{code="log.not-written",severity="critical"} 1.0' in await metrics_of(console)
    gateway.fails = None
    assert (await client.post("/v1/messages", data=b"<a/>", headers=xml)).status == 202
    assert (await console.get("/readyz")).status == 200


async def test_what_failed_a_minute_ago_lets_the_next_one_try(
    console: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    gateway.health.failed(datetime.now(UTC) - timedelta(seconds=61))
    assert (await console.get("/readyz")).status == 200


async def test_a_process_that_saw_an_altered_log_is_not_ready(
    console: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    gateway.health.altered = True
    answer = await console.get("/readyz")
    assert (answer.status, await answer.text()) == (503, "not ready: log.altered\n")


async def test_metrics_show_alerts_and_what_is_still_to_be_told(
    console: aiohttp.ClientSession, gateway: PretendGateway
) -> None:
    gateway.store.standing = [
        stands(Code.UNDELIVERABLE, Severity.WARNING, "millbrook-police"),
        stands(Code.UNDELIVERABLE, Severity.WARNING, "harlan-probation"),
        replace(stands(Code.BACKLOG, Severity.WARNING), cleared_at=datetime.now(UTC)),
    ]
    gateway.store.waiting = [SimpleNamespace(way="mail")]
    text = await metrics_of(console)
    assert 'gateway_alerts{code="delivery.undeliverable",severity="warning"} 2.0' in text
    assert "delivery.backlog" not in text
    assert 'gateway_alerts_unsent{way="mail"} 1.0' in text
    assert "millbrook-police" not in "".join(line for line in text.splitlines() if "alerts" in line)


async def metrics_of(console: aiohttp.ClientSession) -> str:
    return await (await console.get("/metrics")).text()


async def test_what_was_found_of_the_log_stands_on_readyz_and_in_the_metrics(gateway: PretendGateway) -> None:
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    gateway.store.found = [
        LogTrouble(id="1", code="audit.log-cut", at=now),
        LogTrouble(id="2", code="audit.root-wrong", at=now, ended_at=now),
        LogTrouble(id="3", code="audit.partner-log-forked", at=now, agency=POLICE.id),
    ]
    app = make_console_app(gateway)
    async with listening(app) as port, session(f"http://127.0.0.1:{port}") as client:
        ready = await client.get("/readyz")
        assert (ready.status, await ready.text()) == (503, "not ready: audit.log-cut\n")
        metrics = await (await client.get("/metrics")).text()
    assert 'gateway_log_tampered{code="audit.log-cut",log="own"} 1.0' in metrics
    assert f'gateway_log_tampered{{code="audit.partner-log-forked",log="{POLICE.id}"}} 1.0' in metrics
    assert "audit.root-wrong" not in metrics
