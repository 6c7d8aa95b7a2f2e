import asyncio
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
import requests
import xmlschema
import zeep
from lxml import etree

from gateway.iepd.registry import Registry
from gateway.soap.service import OPERATIONS
from gateway.soap.wsdl import SCHEMA, SCHEMA_LOCATION
from tests.api.pretend_gateway import PretendGateway
from tests.iepd.our_exchanges import exchange

NAMES = ("custody-release", "supervision-record", "police-contact")


@pytest.fixture
def exchanges(gateway: PretendGateway) -> None:
    gateway.current = SimpleNamespace(registry=Registry.of(exchange(name) for name in NAMES))


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "Wsdl", "wsdl=1", "wsdl=", "singleWsdl", "singlewsdl", "x=1&wsdl"])
async def test_the_wsdl_is_there_however_it_is_asked_for(nobody: aiohttp.ClientSession, query: str) -> None:
    answer = await nobody.get(f"/soap?{query}")
    data = await answer.read()
    assert (answer.status, answer.content_type, answer.charset) == (200, "text/xml", "utf-8")
    assert etree.fromstring(data).tag == "{http://schemas.xmlsoap.org/wsdl/}definitions"
    assert (SCHEMA_LOCATION.encode() in data) is ("single" not in query.lower())


@pytest.mark.parametrize("path", ["/soap?wsdl", "/soap/xsd/gateway.xsd", "/soap/xsd"])
async def test_head_says_what_get_would(nobody: aiohttp.ClientSession, exchanges: None, path: str) -> None:
    whole, alone = await nobody.get(path), await nobody.head(path)
    assert (alone.status, await alone.read()) == (200, b"")
    for name in ("Content-Type", "Content-Length"):
        assert alone.headers[name] == whole.headers[name]


@pytest.mark.parametrize("query", ["", "?", "?disco", "?wsdl2", "?xsd=1", "?notwsdl"])
async def test_anything_else_is_405(nobody: aiohttp.ClientSession, query: str) -> None:
    answer = await nobody.get(f"/soap{query}")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_the_schema_lies_where_the_wsdl_says_from_its_own_address(
    nobody: aiohttp.ClientSession, base: str
) -> None:
    root = etree.fromstring(await (await nobody.get("/soap?wsdl")).read())
    (imported,) = root.iter("{http://www.w3.org/2001/XMLSchema}import")
    answer = await nobody.get(urljoin(f"{base}/soap?wsdl", imported.get("schemaLocation")))
    assert (answer.status, answer.content_type, await answer.text()) == (200, "application/xml", SCHEMA)


@pytest.mark.parametrize("query", ["wsdl", "singleWsdl"])
async def test_zeep_reads_it_strictly(base: str, query: str) -> None:
    def act() -> zeep.Client:
        settings = zeep.Settings(strict=True, xml_huge_tree=False)
        return zeep.Client(
            f"{base}/soap?{query}", transport=zeep.Transport(session=requests.Session()), settings=settings
        )

    client = await asyncio.to_thread(act)
    (service,) = client.wsdl.services.values()
    for port in service.ports.values():
        for name in OPERATIONS:
            operation = port.binding.get(name)
            assert operation.input.body.qname.localname == name
            assert set(operation.abstract.fault_messages) == {"Problem"}
            assert operation.soapaction.endswith(f":{name}")


def fetched(url: str) -> Any:
    return requests.get(url, timeout=5)


@pytest.mark.parametrize("name", NAMES)
async def test_the_whole_schema_set_of_an_exchange_is_fetched_over_http(base: str, exchanges: None, name: str) -> None:
    """By nothing but the list's address: every relative location in every document leads to a document of the set."""

    def act() -> None:
        listed = fetched(f"{base}/soap/xsd").json()["exchanges"]
        found = next(each for each in listed if each["exchange"] == f"{name}/1.0")
        documents = {
            urljoin(f"{base}/soap/xsd", each): fetched(urljoin(f"{base}/soap/xsd", each)) for each in found["schemas"]
        }
        declares = []
        for url, answer in documents.items():
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml")
            root = etree.fromstring(answer.content)
            for link in root.iter("{*}import", "{*}include"):
                assert urljoin(url, link.get("schemaLocation")) in documents
            if f"{{{root.get('targetNamespace')}}}" == found["root"][: found["root"].index("}") + 1]:
                declares.append(url)
        # A validator of others follows the locations itself, and agrees with the samples.
        schema = xmlschema.XMLSchema(declares[0], allow="all")
        for sample in found["samples"]:
            schema.validate(etree.fromstring(fetched(urljoin(f"{base}/soap/xsd", sample)).content))
        assert found["samples"]
        assert found["digest"] == exchange(name).digest

    await asyncio.to_thread(act)


@pytest.mark.parametrize(
    "path",
    [
        "xsd/../iepd/custody-release/1.0/extension.xsd",
        "iepd/police-contact/1.0/extension.xsd",
        "iepd/extension.xsd",
        "..%2f..%2fgateway.toml",
        "%2fetc%2fpasswd",
        "iepd/custody-release/1.0/",
        "iepd//custody-release/1.0/extension.xsd",
        "xsd",
        "",
    ],
)
async def test_no_path_leads_out_of_an_exchange(
    nobody: aiohttp.ClientSession, base: str, exchanges: None, path: str
) -> None:
    from yarl import URL

    answer = await nobody.get(URL(f"{base}/soap/xsd/custody-release/1.0/{path}", encoded=True))
    assert answer.status == 404
