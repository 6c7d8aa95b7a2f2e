"""Keys change under a running gateway: no connection is cut, no message is lost, and partners see the new ones."""

import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.agency import EndpointKind
from gateway.exchange.rotate_key import Order, Role, rotate_key
from gateway.signing.cover import certificate_in
from gateway.user import UserRole
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import POLICE, Place
from tests.acceptance.test_suspend import KEPT, read_answer
from tests.exchange.officers import officer

KEEPER = frozenset({UserRole.OPERATOR})


def rotate(place: Place, role: Role) -> None:
    async def act(gateway: object) -> None:
        by = await officer(gateway, number=7, roles=KEEPER)  # type: ignore[arg-type]
        await rotate_key(gateway, Order(role=role), by=by)  # type: ignore[arg-type]

    place.do(act)
    for name, content in place.keys.public_parts().items():  # as partners are given them
        (place.parts / name).write_bytes(content)


def connect(place: Place) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(place.parts / "authority.pem"))
    port = int(place.url.rpartition(":")[2])
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30), server_hostname="127.0.0.1")


def shown(connection: ssl.SSLSocket) -> x509.Certificate:
    der = connection.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def ask(connection: ssl.SSLSocket, token: str) -> bytes:
    connection.sendall(KEPT.replace(b"TOKEN", f"Authorization: Bearer {token}\r\n".encode()))
    return read_answer(connection)


def test_the_server_s_certificate_changes_and_open_connections_go_on(place: Place) -> None:
    token = place.callers[POLICE].token
    with connect(place) as open_before:
        before = shown(open_before)
        assert b" 200 " in ask(open_before, token)
        rotate(place, Role.TLS)
        with connect(place) as after:
            assert shown(after) == place.keys.tls_certificate != before
            assert b" 200 " in ask(after, token)
        assert b" 200 " in ask(open_before, token)
    assert place.callers[POLICE].get("/v1/inbox").status_code == 200


def test_covers_receipts_and_pushes_are_by_the_new_keys_from_the_next_message_on(place: Place) -> None:
    pairs = [place.pair(kind) for kind in (EndpointKind.REST, EndpointKind.SOAP)]
    for pair in pairs:
        id = pair.caller.accepted(release(), fresh_id("OLD"))["sender_id"]
        pair.caller.wait_for(id, "delivered")
    old = place.keys.cover_signer.certificate_der
    for role in (Role.COVER, Role.RECEIPT, Role.CLIENT):
        rotate(place, role)
    new = place.keys.cover_signer.certificate_der
    assert new != old
    for pair in pairs:
        accepted = pair.caller.accepted(release(), fresh_id("NEW"))
        pair.caller.wait_for(accepted["sender_id"], "delivered")
        first, second = pair.mailbox.effects.values()
        assert certificate_in(first.cover) == old
        assert certificate_in(second.cover) == new
        checked = pair.caller.post("/v1/audit/receipt", accepted["receipt"].encode(), Content_Type="text/plain")
        assert checked.status_code == 200, checked.text


def test_partners_see_the_new_client_certificate_with_the_next_push(place: Place) -> None:
    mailbox, jail = place.mailboxes[POLICE], place.callers["harlan-county-jail"]  # type: ignore[index]
    before = place.keys.certificate("client")
    id = jail.accepted(release(), fresh_id("SHOWN"))["sender_id"]
    jail.wait_for(id, "delivered", POLICE)
    assert mailbox.received[-1].client_certificate == before.public_bytes(Encoding.DER)
    rotate(place, Role.CLIENT)
    id = jail.accepted(release(), fresh_id("SHOWN"))["sender_id"]
    jail.wait_for(id, "delivered", POLICE)
    assert mailbox.received[-1].client_certificate == place.keys.certificate("client").public_bytes(Encoding.DER)
    assert place.keys.certificate("client") != before
