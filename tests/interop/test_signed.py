"""Clients that sign: X.509 WS-Security on what they send, as each toolkit makes it, and on what comes back."""

import re
import uuid
from base64 import b64encode, encodebytes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.integrate.client import client, names
from gateway.keys.authority import Authority
from gateway.keys.files import KeyStore
from tests.interop.live import JAIL, OPERATOR, ROOT, Live, Pack, need, until
from tests.interop.test_clients import SAMPLE, goes_through, packs
from tests.interop.test_connection import certificate, host_of, sent_to, stranger
from tests.pictures import png

SIGNING = [name for name in names() if client(name).signs]
CHECKING = ["java", "node", "zeep"]
"""Those that check the signature of answers too."""

WAYS = [pytest.param(name, version, id=f"{name}-{version}") for name in SIGNING for version in client(name).versions]


@pytest.mark.parametrize(("name", "version"), WAYS)
def test_a_signed_message_goes_from_one_client_to_the_other(live: Live, name: str, version: str) -> None:
    goes_through(live, *packs(live, name, version, "--issue", "--signed"))


def code_of(live: Live, file: Path) -> str:
    """The code with which an unsigned message is refused; "" = it is accepted."""
    return str(live.send(JAIL, file, f"unsigned-{uuid.uuid4()}").json().get("code", ""))


@contextmanager
def must_sign(live: Live, folder: Path) -> Iterator[None]:
    """The jail's messages must carry its signature."""
    before = ROOT / f"policies/agencies/{JAIL}.yaml"
    after = folder / "jail.yaml"
    after.write_text(before.read_text() + "signs: true\n")
    live.command("agency", "add", after, "--as", OPERATOR)
    unsigned = ROOT / "iepd/custody-release/1.0/samples/smallest.xml"
    try:
        until(lambda: code_of(live, unsigned) == "signature.missing", "it must sign")
        yield
    finally:
        live.command("agency", "add", before, "--as", OPERATOR)
        until(lambda: code_of(live, unsigned) == "", "it need not sign")


@pytest.mark.parametrize("name", SIGNING)
def test_who_must_sign_is_heard_signed_and_refused_unsigned(live: Live, name: str, tmp_path: Path) -> None:
    versions = client(name).versions
    made = [packs(live, name, version, "--issue", "--signed")[0] for version in versions]
    with must_sign(live, tmp_path):
        for version, jail in zip(versions, made, strict=True):
            jail.set(version=version)
            assert jail.run("submit", SAMPLE, f"signed-{uuid.uuid4()}").rows("accepted")
            jail.set(signed="no")
            try:
                done = jail.run("submit", SAMPLE, f"unsigned-{uuid.uuid4()}", status=1)
            finally:
                jail.set(signed="yes")
            assert "signature.missing" in done.err


@pytest.mark.parametrize("name", CHECKING)
def test_an_answer_that_somebody_else_signed_is_not_believed(live: Live, name: str) -> None:
    """The authority is trusted for TLS; it signs no answers."""
    for version in client(name).versions:
        jail, _ = packs(live, name, version, "--issue", "--signed")
        jail.set(cover="authority.pem")
        try:
            done = jail.run("submit", SAMPLE, f"forged-{uuid.uuid4()}", status=1)
        finally:
            jail.set(cover="cover.pem")
        assert not done.out
        assert "sign" in done.err  # in words of its own


@pytest.mark.parametrize("name", CHECKING)
def test_an_answer_that_nobody_signed_is_not_believed(live: Live, name: str, tmp_path: Path) -> None:
    found = client(name)
    need(found)
    authority: Authority = KeyStore.open(live.directory / "keys", name="gateway.interop").authority
    jail, _ = packs(live, name, "1.1", "--issue", "--signed")
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><g:StatusResponse '
        'xmlns:g="urn:justice-gateway:soap:1.0"><g:Id>made-up</g:Id></g:StatusResponse></s:Body></s:Envelope>'
    )
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with stranger(certificate(authority, host_of(jail), tmp_path), (head + body).encode()) as met:
        with sent_to(jail, met.port):
            done = jail.run("status", "made-up", status=1)
        assert met.heard
    assert not done.out
    assert "sign" in done.err


# --- JAX-WS with MTOM -------------------------------------------------------------------------------------------------

WATCHED = "-Dcom.sun.xml.ws.transport.http.client.HttpTransportPipe.dump=true"
"""JAX-WS prints what goes over the wire."""


def watched(pack: Pack) -> Pack:
    return replace(pack, client=replace(pack.client, run=("java", WATCHED, "-jar", "client.jar")))


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_jax_ws_sends_and_gets_pictures_beside_the_signed_message(live: Live, version: str) -> None:
    jail, police = packs(live, "java", version, "--issue", "--signed")
    picture = png(bytes(range(256)) * 64)  # 16 KB; smaller ones stay in the message on the way back
    sample = (jail.folder / "samples/custody-release/with-photo.xml").read_bytes()
    file = jail.folder / "large-photo.xml"
    file.write_bytes(with_picture(sample, picture))
    id = f"photo-{uuid.uuid4()}"
    for pack in (jail, police):
        pack.set(mtom="yes")
    try:
        sent = watched(jail).run("submit", file.name, id)
        [[ours]] = sent.rows("accepted")
        assert parts(sent.out) == {"sent"}
        assert live.message(JAIL, id)["id"] == ours
        delivery = live.delivery(JAIL, id, "millbrook-police")["delivery"]
        got = watched(police).run("poll", f"inbox-{id}")
        assert parts(got.out) == {"sent", "got"}
    finally:
        for pack in (jail, police):
            pack.set(mtom="no")
    payload = (police.folder / f"inbox-{id}/{delivery}.payload.xml").read_bytes()
    assert payload == live.ask("millbrook-police", f"/v1/inbox/{delivery}/payload").content
    assert b64encode(picture) in payload
    police.run("acknowledge", delivery)


def with_picture(message: bytes, picture: bytes) -> bytes:
    """The message with this picture in place of each of its own, with line breaks, as mail programs write base64."""
    return re.sub(rb"(<nc:Base64BinaryObject>)[^<]*", rb"\1" + encodebytes(picture), message)


def parts(dump: str) -> set[str]:
    """Which way anything went in parts: JAX-WS writes names of its own headers with capitals, the gateway without."""
    sent = re.search(r"^Content-Type: multipart/related;", dump, re.MULTILINE)
    got = re.search(r"^content-type: multipart/related;", dump, re.MULTILINE)
    return {name for name, found in (("sent", sent), ("got", got)) if found}
