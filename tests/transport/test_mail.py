"""Alerts by mail: over TLS or not at all, plain words, and a code for what goes wrong."""

import asyncio
import email
import email.policy
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.keys.files import KeyStore
from gateway.transport.mail import MailWay, Post
from tests.alert.test_keep import NOW, notice
from tests.exchange.gateways import SetClock
from tests.transport.mail_server import MailServer, mail_server


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    clock = SetClock()
    clock.moment = datetime.now(UTC)
    return KeyStore.create(
        tmp_path_factory.mktemp("keys") / "keys", name="gateway.test", clock=clock, hosts=("localhost", "127.0.0.1")
    )


@pytest.fixture
def context(keys: KeyStore) -> ssl.SSLContext:
    files = keys.tls_files
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(files.certificate, files.key)
    return made


def post(server: MailServer, keys: KeyStore | None = None, **changes: object) -> Post:
    made = Post(
        host="127.0.0.1",
        port=server.port,
        security="starttls",
        sender="gateway@county.example",
        to=("officer@county.example", "deputy@county.example"),
        authorities=keys.authority.certificate_pem if keys else b"",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def told(made: Post) -> str:
    return await MailWay(made, gateway="gateway.test", deadline_seconds=3).tell([notice()], now=NOW)


async def test_it_goes_to_everybody_over_tls_and_says_what_to_run(keys: KeyStore, context: ssl.SSLContext) -> None:
    async with mail_server(context) as server:
        assert await told(post(server, keys)) == ""
    (message,) = server.messages
    assert server.encrypted == [True]
    assert server.recipients == ["<officer@county.example>", "<deputy@county.example>"]
    assert "Subject: [gateway.test] warning: delivery.backlog raised" in message
    assert "gateway deliveries list --state waiting" in message
    assert "Message-ID: <n-1@gateway.test>" in message
    assert "Auto-Submitted: auto-generated" in message


async def test_a_server_that_speaks_tls_from_the_first_byte(keys: KeyStore, context: ssl.SSLContext) -> None:
    async with mail_server(context, tls=True) as server:
        assert await told(post(server, keys, security="tls", user="gw", password=b"secret")) == ""
    assert server.encrypted == [True]
    assert len(server.passwords) == 1


async def test_a_server_without_tls_gets_no_message_and_no_password(keys: KeyStore) -> None:
    async with mail_server() as server:
        assert await told(post(server, keys, user="gw", password=b"secret")) == "alerts.no-answer"
    assert (server.messages, server.passwords) == ([], [])


async def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(context: ssl.SSLContext) -> None:
    async with mail_server(context) as server:
        assert (await told(post(server))).startswith("alerts.")
    assert server.messages == []


async def test_on_this_machine_it_may_go_without_tls(keys: KeyStore) -> None:
    async with mail_server() as server:
        assert await told(post(server, security="none")) == ""
    assert server.encrypted == [False]


async def test_what_goes_wrong_is_a_code(keys: KeyStore) -> None:
    async with mail_server() as server:
        server.refuses = "550 nobody of that name"
        assert (await told(post(server, security="none"))).startswith("alerts.")
        server.silent = True
        async with asyncio.timeout(8):
            assert await told(post(server, security="none")) == "alerts.time-out"
    assert await told(post(server, security="none")) == "alerts.no-answer"
    assert server.messages == []


def test_its_password_stays_out_of_its_text(tmp_path: Path) -> None:
    made = Post(host="h", port=1, security="tls", sender="a@b", to=("c@d",), password=b"very-secret")
    assert "very-secret" not in repr(made)


async def test_a_head_of_the_log_goes_as_a_file_with_words_on_what_it_is_for(
    keys: KeyStore, context: ssl.SSLContext
) -> None:
    note = "gateway.test\n7\nroot\n\n— signed\n".encode()
    async with mail_server(context) as server:
        way = MailWay(post(server, keys), gateway="gateway.test", deadline_seconds=3)
        assert await way.give(note, size=7, to=("keeper@court.example",), now=NOW) == ""
    (message,) = server.messages
    assert server.recipients == ["<keeper@court.example>"]
    read = email.message_from_string(message, policy=email.policy.default)
    (attached,) = read.iter_attachments()
    assert attached.get_filename() == "000000000007.checkpoint"
    assert attached.get_content() == note
    assert "gateway audit verify --checkpoint" in read.get_body().get_content()
