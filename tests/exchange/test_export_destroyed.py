"""Evidence about a message that is gone: what the log still proves, and the certificate of its destruction."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit import verifier
from gateway.audit.note import sign_note
from gateway.exchange.selection import About
from gateway.message import MessageId
from tests.exchange.deployed import Deployed, release
from tests.exchange.officers import officer
from tests.exchange.purging import fates, purged
from tests.exchange.tampered import Evidence, verify
from tests.exchange.test_export import OFFICER, ordered, package


@pytest.fixture
async def evidence(place: Deployed) -> Evidence:
    """A package about a message whose time is up."""
    by = await officer(place.gateway, roles=OFFICER)
    message = (await place.accept(release(given="Zebulon"))).id
    place.clock.moment = max(fate.kept.due_at for fate in await fates(place.gateway, message)) + timedelta(days=8)
    await purged(place)
    await ordered(place)
    _, data = await package(place, About(message=MessageId(message)), by=by)
    keys, authority = place.gateway.keys, place.authority.certificate_pem
    return Evidence.read(data, log=keys.log_signer, receipts=keys.receipt_signer, authority=authority)


async def test_its_certificate_is_in_the_package_and_verified(evidence: Evidence, tmp_path: Path) -> None:
    verdict = verify(evidence, tmp_path)
    assert (verdict.status, verdict.failed) == (0, {})
    assert verdict.texts["destructions"].startswith("1 destruction certificates")
    assert "certificate of the destruction" in evidence.files["README.txt"].decode()
    assert not [name for name in evidence.files if name.startswith(("covers/", "payloads/", "receipts/"))]


async def test_an_altered_certificate_is_found(evidence: Evidence, tmp_path: Path) -> None:
    name = next(name for name in evidence.files if name.startswith("destructions/"))
    evidence.files[name] = evidence.files[name].replace(b'"count":', b'"count":1')
    verdict = verify(evidence, tmp_path)
    assert verdict.failed.keys() == {"destructions"}
    assert verdict.failed["destructions"] is not None


async def test_a_certificate_made_later_is_not_the_one_that_the_log_names(evidence: Evidence, tmp_path: Path) -> None:
    name = next(name for name in evidence.files if name.startswith("destructions/"))
    first, body = evidence.files[name].decode().partition("\n\n")[0].split("\n")
    said = json.dumps(json.loads(body) | {"count": 1}, sort_keys=True, separators=(",", ":"))
    evidence.files[name] = sign_note(f"{first}\n{said}\n", evidence.receipts).encode()
    verdict = verify(evidence, tmp_path)
    assert "another one than the log names" in verdict.texts["destructions"]


async def test_a_certificate_whose_intent_is_not_in_the_log(evidence: Evidence, tmp_path: Path) -> None:
    at = next(n for n in range(len(evidence.entries)) if evidence.body(n).get("kind") == "intent")
    index = evidence.index(at)
    del evidence.entries[at]
    verdict = verify(evidence, tmp_path)
    assert verdict.failed == {"destructions": index}
    assert "its leaf is missing" in verdict.texts["destructions"]


async def test_a_certificate_alone_is_verified_with_the_receipt_key(evidence: Evidence, tmp_path: Path) -> None:
    name = next(name for name in evidence.files if name.startswith("destructions/"))
    (tmp_path / "certificate").write_bytes(evidence.files[name])
    words = [str(tmp_path / "certificate"), "--receipt-key", evidence.anchors["--receipt-key"]]
    assert verifier.main(words) == 0
    (tmp_path / "certificate").write_bytes(evidence.files[name].replace(b"NIST", b"nist"))
    assert verifier.main(words) == 1
