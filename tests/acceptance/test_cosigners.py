"""Two gateways, each a process of its own: a delivery carries the log's head, the partner countersigns it; and a
database that is put back to a backup is found at the start, and by what the partner saw."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from gateway.agency import AgencyId, AgencyKind, Endpoint, EndpointKind
from gateway.audit.checkpoint import read_checkpoint, unverified_checkpoint
from gateway.audit.cosignature import CosignerKey, read_cosignatures
from gateway.audit.note import NoteKey
from gateway.cli.main import app
from gateway.exchange.activate import register_certificate
from gateway.exchange.cosigners import Watching, add_cosigner
from gateway.signing.certificate import pem_to_der
from gateway.signing.certificate_name import agency_name
from gateway.store.configuration import AgencyAuthority
from gateway.store.witness import Watch
from gateway.user import UserRole
from tests.acceptance import place as places
from tests.acceptance.caller import Caller
from tests.acceptance.messages import fresh_id, release
from tests.acceptance.place import Place, stop, until
from tests.exchange.officers import officer
from tests.store.postgres_server import fresh_database

OPERATOR = frozenset({UserRole.OPERATOR})


@dataclass
class Two:
    """The jail's gateway and the police's, and who the other is in each.

    police   the police, as the jail's gateway knows them: deliveries are pushed to their gateway
    jail     the jail, as the police's gateway knows it: its messages come by the jail's gateway
    sender   the jail's own system
    """

    ours: Place
    theirs: Place
    police: AgencyId
    jail: AgencyId
    sender: Caller


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Two]:
    """Ours on a file, theirs on a server."""
    with ExitStack() as stack:
        made = []
        theirs = stack.enter_context(fresh_database(postgres_server))
        for name, database in (("gateway.jail", "sqlite:///gateway.db"), ("gateway.police", theirs)):
            with pytest.MonkeyPatch.context() as named:
                named.setattr(places, "NAME", name)
                directory = tmp_path_factory.mktemp(name) / "deployment"
                made.append(stack.enter_context(places.place(directory, database)))
        yield introduced(*made)


def introduced(ours: Place, theirs: Place) -> Two:
    """Each gateway is an agency of the other: a client certificate, an authority for TLS, keys that were compared."""
    jail = theirs.agency(AgencyKind.JAIL)
    certificate = (ours.parts / "client.pem").read_bytes()
    theirs.do(lambda gateway: register_certificate(gateway, jail, pem_to_der(certificate), actor="test"))
    theirs.agree(jail, places.FUSION)
    url = f"{theirs.url}/v1/messages"
    endpoint = Endpoint(kind=EndpointKind.REST, url=url, private_network=True, payload_alone=True)
    police = ours.agency(AgencyKind.POLICE, endpoint)
    trust(ours, police, (theirs.parts / "authority.pem").read_bytes())
    sender = ours.agency(AgencyKind.JAIL)
    ours.agree(sender, police)
    enter(theirs, Watch.LOG, jail, ours, "log.vkey")
    enter(ours, Watch.COSIGNER, police, theirs, "witness.vkey")
    return Two(ours=ours, theirs=theirs, police=police, jail=jail, sender=ours.caller(sender))


def trust(place: Place, agency: AgencyId, pem: bytes) -> None:
    """This authority vouches for an agency's servers."""
    now = place.operator.clock.now()
    authority = AgencyAuthority(
        fingerprint="ab" * 32,
        agency=agency,
        names=(agency_name(agency),),
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=365),
        certificate=pem,
    )
    place.do(lambda gateway: gateway.store.change([authority], []))


def enter(place: Place, watch: Watch, agency: AgencyId, partner: Place, key: str) -> None:
    """Enter a partner's key."""

    async def act(gateway: Any) -> None:
        wanted = Watching(
            watch=watch,
            agency=agency,
            key=(partner.parts / key).read_text().strip(),
            url=partner.url,
            private_network=True,
            authorities=(partner.parts / "authority.pem").read_bytes(),
        )
        await add_cosigner(gateway, wanted, by=await officer(gateway, number=9, roles=OPERATOR))

    place.do(act)


def open_to_all(place: Place, path: str) -> requests.Response:
    return requests.get(place.url + path, verify=str(place.parts / "authority.pem"), timeout=10)


def cosigned(two: Two) -> bytes:
    """The newest head of our log with the partner's signature below it."""
    return open_to_all(two.ours, "/v1/audit/checkpoint?cosigned=true").content


def until_cosigned_beyond(two: Two, size: int) -> None:
    """Messages go out until a head of more entries is countersigned: the first may carry the head of a second ago."""

    def beyond() -> bool:
        two.sender.wait_for(two.sender.accepted(release(), fresh_id())["id"], "delivered", two.police)
        return unverified_checkpoint(cosigned(two)).size > size

    until(beyond, f"a head of more than {size} entries is countersigned", 30)


def test_a_delivery_carries_a_head_and_the_partner_s_cosignature_comes_back(two: Two) -> None:
    id = two.sender.accepted(release(), fresh_id())["id"]
    two.sender.wait_for(id, "delivered", two.police)
    until(lambda: open_to_all(two.ours, "/v1/audit/checkpoint?cosigned=true").status_code == 200, "a cosignature", 15)
    note = cosigned(two)
    log = NoteKey.read((two.ours.parts / "log.vkey").read_text())
    witness = CosignerKey.read((two.theirs.parts / "witness.vkey").read_text())
    assert read_checkpoint(note, [log], origin="gateway.jail").size > 0
    assert [each.cosigner for each in read_cosignatures(note, [witness])] == ["gateway.police/witness"]


def test_later_heads_go_on_from_the_one_before(two: Two) -> None:
    for _ in range(2):
        until_cosigned_beyond(two, unverified_checkpoint(cosigned(two)).size)


def test_the_partner_tells_what_it_saw_last_to_whom_the_log_belongs(two: Two) -> None:
    files = two.ours.keys.client_files
    ours = Caller(two.theirs.url, two.theirs.parts / "authority.pem", certificate=(files.certificate, files.key))
    answer = ours.get("/v1/audit/witness")
    ours.close()
    assert answer.status_code == 200
    assert unverified_checkpoint(answer.content).origin == "gateway.jail"
    other = two.theirs.callers[places.FUSION].get("/v1/audit/witness")
    assert (other.status_code, other.json()["code"]) == (404, "audit.no-checkpoint")
    asked = command(two.ours, "witness", "ask", "--json")
    assert asked.exit_code == 0
    assert json.loads(asked.stdout)[0]["size"] == unverified_checkpoint(answer.content).size


def command(place: Place, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "-C", str(place.directory)])


def test_a_sender_checks_a_receipt_over_rest_and_the_operator_by_command(two: Two, tmp_path: Path) -> None:
    accepted = two.sender.accepted(release(), fresh_id())
    receipt = accepted["receipt"].encode()
    kind = {"Content-Type": "text/plain"}

    def state() -> str:
        return str(two.sender.post("/v1/audit/receipt", receipt, **kind).json()["state"])

    until(lambda: state() == "kept", "the receipt is kept", 10)
    nosy = two.ours.callers[places.POLICE].post("/v1/audit/receipt", receipt, **kind)
    assert (nosy.status_code, nosy.json()["code"]) == (404, "receipt.unknown")
    altered = receipt.replace(b"received 2", b"received 1")
    assert two.sender.post("/v1/audit/receipt", altered, **kind).status_code == 403
    file = tmp_path / "receipt"
    file.write_bytes(receipt)
    said = command(two.ours, "audit", "receipt", str(file))
    assert said.exit_code == 0, said.output
    assert "kept" in said.stdout


def test_a_running_gateway_takes_up_a_new_log_key_and_the_partner_follows(two: Two) -> None:
    from gateway.exchange.rotate_log_key import rotate_log_key

    async def rotate(gateway: Any) -> Any:
        by = await officer(gateway, number=9, roles=OPERATOR)
        return await rotate_log_key(gateway, by=by, reason="scheduled")

    done = two.ours.do(rotate)
    until_cosigned_beyond(two, done.size)
    assert read_checkpoint(cosigned(two), [done.new], origin="gateway.jail").size > done.size
    keys = open_to_all(two.ours, "/v1/audit/keys").json()
    assert [(each["first"], each["until"]) for each in keys["keys"]] == [(0, done.size), (done.size, None)]
    assert len(keys["handovers"]) == 1


def test_a_database_put_back_to_a_backup_is_refused_to_be_signed_and_shown(two: Two) -> None:
    """Last in this file: the gateway is not ready afterwards."""
    place = two.ours
    stop(place.processes[-1])
    backup = place.directory / "backup"
    backup.mkdir()
    for file in place.directory.glob("gateway.db*"):
        shutil.copy(file, backup / file.name)
    process = place.start("serve")
    place.wait_ready(process)
    until_cosigned_beyond(two, unverified_checkpoint(cosigned(two)).size)
    stop(process)
    place.partners.do(place.operator.store.close())  # nobody has the file open while it is replaced
    for file in place.directory.glob("gateway.db*"):
        file.unlink()
    for file in backup.iterdir():
        shutil.copy(file, place.directory / file.name)
    place.partners.do(place.operator.store.open())
    place.start("serve")
    until(lambda: not_ready(place), "what was found stands on /readyz", 30)
    assert "audit.log-rolled-back" in requests.get(f"{place.console}/readyz", timeout=10).text
    metrics = requests.get(f"{place.console}/metrics", timeout=10).text
    assert 'gateway_log_tampered{code="audit.log-rolled-back",log="own"} 1.0' in metrics
    assert '"event": "log.tampered"' in place.log_file.read_text()
    asked = command(place, "witness", "ask")
    assert asked.exit_code == 1
    assert "cosigners have seen more" in asked.output
    verified = command(place, "audit", "verify", "--incremental", "--json")
    assert verified.exit_code == 1
    assert "audit.log-cut" in {each["code"] for each in json.loads(verified.stdout)["findings"]}


def not_ready(place: Place) -> bool:
    try:
        return "rolled-back" in requests.get(f"{place.console}/readyz", timeout=5).text
    except requests.ConnectionError:
        return False
