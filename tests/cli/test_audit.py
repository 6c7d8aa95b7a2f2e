"""`gateway audit` on a log in memory: what a person and a machine are told, and what an outsider is handed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from gateway.audit.evidence import read_evidence, verify_evidence
from gateway.audit.handover import LogKey
from gateway.cli import audit
from gateway.exchange.sequence import sequence
from gateway.keys.heads import KeptHeads
from gateway.message import MessageId, uuid7
from tests.audit.memory_log import START, PretendSigner, entry, filled

MESSAGE = MessageId("019ab1c2-0001-7000-8000-000000000001")


class PretendDeployment:
    """A deployment whose log is in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signer = PretendSigner()
        self.log = asyncio.run(filled(self.signer, 300, 300))

    @asynccontextmanager
    async def open(self, directory: Path) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(
            store=self.log,
            keys=SimpleNamespace(
                log_signer=self.signer,
                log_key=SimpleNamespace(signer=self.signer, every=lambda: (LogKey(key=self.signer.key),)),
                heads=KeptHeads(self.folder / "heads"),
            ),
            settings=SimpleNamespace(name=self.signer.name),
            clock=SimpleNamespace(now=lambda: START),
            new_id=lambda now: uuid7(now, b"0123456789"),
        )

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(audit.app, list(words))


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PretendDeployment:
    pretended = PretendDeployment(tmp_path)
    monkeypatch.setattr(audit, "open_deployment", pretended.open)
    return pretended


def test_an_untouched_log_is_verified(deployment: PretendDeployment) -> None:
    result = deployment.run("verify")
    assert result.exit_code == 0
    assert "verified: 600 entries read, 600 signed" in result.output


def test_a_machine_is_told_the_same_as_data(deployment: PretendDeployment) -> None:
    answer = json.loads(deployment.run("verify", "--json", "--since", "2026-03-01").stdout)
    assert (answer["verified"], answer["entries"], answer["size"], answer["findings"]) == (True, 600, 600, [])


def test_an_altered_log_ends_with_status_1_and_names_the_place(deployment: PretendDeployment) -> None:
    deployment.log.leaves[5] = entry(5, code="schema.other")
    result = deployment.run("verify")
    assert result.exit_code == 1
    assert "audit.root-wrong" in result.output
    answer = json.loads(deployment.run("verify", "--json").stdout)
    assert [(each["code"], each["index"]) for each in answer["findings"]] == [
        ("audit.root-wrong", 0),
        ("audit.hash-altered", 0),
    ]
    assert answer["first_bad"] == 0


def test_a_log_put_back_is_found_by_a_checkpoint_kept_elsewhere(deployment: PretendDeployment, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(deployment.log.checkpoints.pop(600))
    del deployment.log.leaves[300:]
    assert deployment.run("verify").exit_code == 0  # nothing here knows better
    result = deployment.run("verify", "--checkpoint", str(kept))
    assert result.exit_code == 1
    assert "audit.log-cut" in result.output


def test_evidence_of_an_entry_is_printed_or_written(deployment: PretendDeployment, tmp_path: Path) -> None:
    seventh = deployment.log.leaves[7].id
    printed = deployment.run("evidence", seventh).stdout
    assert verify_evidence(read_evidence(printed), [deployment.signer.key]).index == 7
    file = tmp_path / "seven.tlog-proof"
    assert deployment.run("evidence", seventh, "-o", str(file)).exit_code == 0
    assert file.read_text() == printed


def test_evidence_of_a_message_is_a_file_an_entry(deployment: PretendDeployment, tmp_path: Path) -> None:
    about = entry(600, message=MESSAGE)
    deployment.log.waiting = [about]
    assert deployment.run("evidence", "--message", MESSAGE).exit_code == 3
    asyncio.run(sequence(deployment.log, deployment.signer, origin=deployment.signer.name))
    assert deployment.run("evidence", "--message", MESSAGE, "-o", str(tmp_path / "proofs")).exit_code == 0
    (file,) = (tmp_path / "proofs").iterdir()
    assert verify_evidence(read_evidence(file.read_text()), [deployment.signer.key]).body == about.body


def test_evidence_wants_an_entry_or_a_message(deployment: PretendDeployment) -> None:
    assert deployment.run("evidence").exit_code == 2
    assert deployment.run("evidence", "one", "--message", MESSAGE).exit_code == 2
    assert deployment.run("evidence", "019ab1c2-0009-7000-8000-000000000001").exit_code == 1
