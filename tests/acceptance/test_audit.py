"""The audit log of a running gateway: verified from outside, proved entry by entry, the same for all processes."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from gateway.audit.checkpoint import read_checkpoint
from gateway.audit.note import NoteKey
from gateway.audit.tree import leaf_hash
from gateway.cli.main import app
from tests.acceptance.messages import fresh_id, release, sample
from tests.acceptance.place import FUSION, JAIL, NAME, POLICE, PROBATION, PROSECUTOR, Place, until


def command(place: Place, *words: str) -> Any:
    """A command in the deployment of the running gateway."""
    return CliRunner().invoke(app, [*words, "-C", str(place.directory)])


@pytest.fixture(scope="module")
def message(place: Place) -> str:
    """A message that went out to everyone it goes to, all its entries in the log."""
    id: str = place.callers[JAIL].accepted(sample("fullest"), fresh_id())["id"]
    place.callers[JAIL].wait_for(id, "delivered", POLICE, PROBATION, PROSECUTOR)

    def ordered() -> bool:
        return all(each.index is not None for each in place.do(lambda gateway: gateway.store.entries_of(id)))  # type: ignore[arg-type]

    until(ordered, "all entries are in the log", 10)
    return id


def test_a_message_leaves_an_entry_for_each_act(place: Place, message: str) -> None:
    entries = place.do(lambda gateway: gateway.store.entries_of(message))  # type: ignore[arg-type]
    types = [each.entry.type for each in entries]
    assert types[0] == "receive"
    assert types.count("disseminate") == 4
    assert types.count("deliver") == 3
    shared = {body["recipient"]: body for body in (json.loads(each.entry.body) for each in entries) if "shared" in body}
    assert shared[POLICE]["withheld"]["medical.need"] > 0
    assert set(shared) == {POLICE, PROBATION, PROSECUTOR, FUSION}
    assert all(body["mou"].endswith("@1") and body["clauses"] for body in shared.values())


def test_an_entry_is_read_by_its_parties_alone(place: Place, message: str) -> None:
    entries = place.do(lambda gateway: gateway.store.entries_of(message))  # type: ignore[arg-type]
    to_police = next(each.entry.id for each in entries if each.entry.type == "deliver" and POLICE in each.entry.parties)
    for agency, status in ((JAIL, 200), (POLICE, 200), (PROBATION, 404)):
        assert place.callers[agency].get("/v1/audit/proof", entry=to_police).status_code == status


def test_the_log_is_verified_by_the_command(place: Place, message: str) -> None:
    result = command(place, "audit", "verify", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["verified"] is True
    assert report["findings"] == []
    assert report["entries"] == report["size"] >= len(place.entries()) - 50


def test_an_outsider_verifies_an_export_with_the_single_file_verifier(
    place: Place, message: str, tmp_path: Path
) -> None:
    result = command(place, "audit", "export", "--all", "-o", str(tmp_path / "log.zip"))
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(tmp_path / "log.zip") as opened:
        opened.extractall(tmp_path)
    words = ["verifier.py", "log.zip", "--key", str(place.parts / "log.vkey")]
    verified = subprocess.run(
        [sys.executable, "-I", *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    altered = (tmp_path / "log.jsonl").read_bytes().replace(b"harlan-county-jail", b"harlan-county-jale", 1)
    (tmp_path / "log.jsonl").write_bytes(altered)
    words[1:2] = ["--log", "log.jsonl", "--checkpoint", "checkpoint"]
    again = subprocess.run([sys.executable, "-I", *words], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert again.returncode == 1


def test_the_heads_that_partners_keep_are_consistent(place: Place, message: str) -> None:
    key = NoteKey.read((place.parts / "log.vkey").read_text())
    authority = str(place.parts / "authority.pem")

    def head() -> Any:
        note = requests.get(f"{place.url}/v1/audit/checkpoint", verify=authority, timeout=10)
        return read_checkpoint(note.content, [key], origin=NAME)

    old = head()
    place.callers[JAIL].accepted(release(), fresh_id())
    until(lambda: head().size > old.size, "the log grew", 10)
    new = head()
    proof = requests.get(f"{place.url}/v1/audit/proof?old={old.size}&new={new.size}", verify=authority, timeout=10)
    assert proof.status_code == 200
    assert proof.text.strip()
    place_of_leaf = requests.get(f"{place.url}/v1/audit/proof?index=0&size={new.size}", verify=authority, timeout=10)
    assert place_of_leaf.status_code == 200


def test_a_tile_holds_the_hashes_of_the_entries(place: Place, message: str) -> None:
    authority = str(place.parts / "authority.pem")
    entries = place.entries()[:8]
    tile = requests.get(f"{place.url}/v1/audit/tile/0/000.p/8", verify=authority, timeout=10)
    assert tile.content == b"".join(leaf_hash(each.entry.body) for each in entries)


def test_metrics_and_health_are_on_the_console_and_metrics_are_not_for_agencies(place: Place) -> None:
    assert requests.get(f"{place.console}/healthz", timeout=10).text == "alive\n"
    assert requests.get(f"{place.console}/readyz", timeout=10).text == "ready\n"
    assert place.callers[JAIL].get("/metrics").status_code == 404
    assert place.callers[JAIL].get("/healthz").status_code == 200
    openapi = requests.get(f"{place.console}/openapi.json", timeout=10).json()
    assert "/v1/messages" in openapi["paths"]
    assert requests.get(f"{place.console}/docs", timeout=10).status_code == 200


def test_an_address_that_is_not_there_and_a_method_that_is_not_taken(place: Place) -> None:
    nothing = place.callers[JAIL].get("/v1/nothing")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "request.not-found")
    method = place.callers[JAIL].get("/v1/messages")
    assert (method.status_code, method.json()["code"]) == (405, "request.method")
