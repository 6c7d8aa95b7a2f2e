"""The single-file verifier finds every way of falsifying the log, without a line of the gateway's code."""

import ast
import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.audit import verifier
from gateway.audit.checkpoint import Checkpoint, sign_checkpoint
from gateway.audit.receipt import make_receipt
from gateway.audit.tree import root
from gateway.exchange.evidence import evidence_of, export_log
from gateway.message import MessageId
from tests.audit.memory_log import JAIL, ORIGIN, START, MemoryLog, PretendSigner, entry, filled

SIGNER = PretendSigner()


class Outsider:
    """Somebody with a folder of files, the log's key on paper, and the verifier."""

    def __init__(self, folder: Path, log: MemoryLog, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.log = log
        self.capsys = capsys

    def write(self, name: str, text: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    async def lines(self) -> list[str]:
        return [line async for line in export_log(self.log)]

    def verify(self, *words: str, key: str = str(SIGNER.key)) -> tuple[int, dict[str, str]]:
        """Exit status, and the text of each failed check."""
        status = verifier.main([*words, *(("--key", key) if key else ()), "--json"])
        answer = json.loads(self.capsys.readouterr().out)
        failed = {check["name"]: check["text"] for check in answer["checks"] if check["passed"] is False}
        assert answer["passed"] == (not failed) == (status == 0)
        return status, failed

    async def verify_log(
        self, *words: str, lines: list[str] | None = None, size: int = 600, key: str = str(SIGNER.key)
    ) -> dict[str, str]:
        export = self.write("log.jsonl", "".join(await self.lines() if lines is None else lines))
        head = self.write("head", self.log.checkpoints[size])
        return self.verify("--log", export, "--checkpoint", head, *words, key=key)[1]


@pytest.fixture
async def outsider(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Outsider:
    return Outsider(tmp_path, await filled(SIGNER, 100, 500), capsys)


def line(number: int, *, code: str) -> str:
    other = entry(number, code=code)
    return json.dumps({"index": number, "leaf": other.leaf_hash.hex(), "body": other.body.decode()}) + "\n"


async def test_an_untouched_log_passes_every_check(outsider: Outsider) -> None:
    assert await outsider.verify_log("--earlier", outsider.write("old", outsider.log.checkpoints[100])) == {}


async def test_entries_told_by_their_hash_alone_pass_too(outsider: Outsider) -> None:
    hidden = [json.dumps({key: json.loads(each)[key] for key in ("index", "leaf")}) for each in await outsider.lines()]
    assert await outsider.verify_log(lines=[each + "\n" for each in hidden]) == {}


async def test_an_edited_entry_is_named(outsider: Outsider) -> None:
    lines = await outsider.lines()
    lines[321] = lines[321].replace("schema.missing-element", "schema.missing-elements")
    failed = await outsider.verify_log(lines=lines)
    assert failed["entries"].startswith("entry 321 was altered")
    assert "root" in failed


async def test_an_entry_edited_with_its_hash_does_not_lead_to_the_root(outsider: Outsider) -> None:
    lines = await outsider.lines()
    lines[321] = line(321, code="schema.other")
    assert list(await outsider.verify_log(lines=lines)) == ["root"]


async def test_a_deleted_tail_is_named(outsider: Outsider) -> None:
    lines = await outsider.lines()
    assert "entry 590 and later are missing" in (await outsider.verify_log(lines=lines[:590]))["entries"]


async def test_a_deleted_entry_is_named(outsider: Outsider) -> None:
    lines = await outsider.lines()
    assert "entry 200 is missing" in (await outsider.verify_log(lines=lines[:200] + lines[201:]))["entries"]


async def test_two_entries_that_changed_places_are_named(outsider: Outsider) -> None:
    lines = await outsider.lines()
    lines[10], lines[11] = lines[11], lines[10]
    assert "entry 10 is missing or out of order" in (await outsider.verify_log(lines=lines))["entries"]


async def test_a_reordered_log_with_new_numbers_does_not_lead_to_the_root(outsider: Outsider) -> None:
    entries = [json.loads(each) for each in await outsider.lines()]
    entries[10], entries[11] = entries[11] | {"index": 10}, entries[10] | {"index": 11}
    assert list(await outsider.verify_log(lines=[json.dumps(each) + "\n" for each in entries])) == ["root"]


async def test_an_unreadable_line_is_named(outsider: Outsider) -> None:
    lines = await outsider.lines()
    for broken in ("nothing\n", "[]\n", '{"index": 10}\n', '{"index": 10, "leaf": "x", "body": ""}\n'):
        failed = await outsider.verify_log(lines=[*lines[:10], broken, *lines[11:]])
        assert failed["entries"] == "line 11 of the export is not an entry"


async def test_a_head_signed_with_another_key_is_refused(outsider: Outsider) -> None:
    other = str(PretendSigner("gateway.example.org/log").key)
    assert "another key" in (await outsider.verify_log(key=other))["checkpoint"]


async def test_a_head_whose_signature_was_forged_is_refused(outsider: Outsider) -> None:
    outsider.log.checkpoints[600] = outsider.log.checkpoints[600].replace(b"\n600\n", b"\n599\n")
    assert "forged or altered" in (await outsider.verify_log())["checkpoint"]


async def test_a_rightly_signed_head_over_other_entries_is_refused(outsider: Outsider) -> None:
    leaves = [each.leaf_hash for each in outsider.log.leaves]
    head = Checkpoint(origin=ORIGIN, size=600, root=root([*leaves[:-1], leaves[0]]))
    outsider.log.checkpoints[600] = sign_checkpoint(head, SIGNER).encode()
    assert list(await outsider.verify_log()) == ["root"]


async def test_an_old_head_shown_again_is_found_by_a_size_known_from_before(outsider: Outsider) -> None:
    assert await outsider.verify_log(size=100) == {}
    assert "shown again" in (await outsider.verify_log("--at-least", "600", size=100))["size"]


async def test_a_log_cut_back_is_found_by_a_head_kept_from_before(outsider: Outsider) -> None:
    newer = outsider.write("newer", outsider.log.checkpoints[600])
    assert "was cut" in (await outsider.verify_log("--earlier", newer, size=100))["consistency"]


async def test_a_log_rewritten_with_a_stolen_key_is_found_by_a_head_kept_from_before(outsider: Outsider) -> None:
    kept = outsider.write("kept", outsider.log.checkpoints[100])
    lines = await outsider.lines()
    lines[50] = line(50, code="schema.other")
    leaves = [bytes.fromhex(json.loads(each)["leaf"]) for each in lines]
    forged = sign_checkpoint(Checkpoint(origin=ORIGIN, size=600, root=root(leaves)), SIGNER)
    outsider.log.checkpoints[600] = forged.encode()
    assert await outsider.verify_log(lines=lines) == {}
    assert "rewritten" in (await outsider.verify_log("--earlier", kept, lines=lines))["consistency"]


async def test_a_head_of_another_log_is_not_gone_on_from(outsider: Outsider) -> None:
    head = Checkpoint(origin="gateway.example.org/log", size=1, root=outsider.log.leaves[0].leaf_hash)
    other = outsider.write("other", sign_checkpoint(head, SIGNER))
    assert "another log" in (await outsider.verify_log("--earlier", other))["consistency"]


async def test_one_entry_is_proved_and_shown(outsider: Outsider) -> None:
    proof = outsider.write("one.tlog-proof", await evidence_of(outsider.log, outsider.log.leaves[321].id))
    assert verifier.main([proof, "--key", str(SIGNER.key)]) == 0
    shown = outsider.capsys.readouterr().out
    assert "ok        inclusion: entry 321 is in the log" in shown
    assert json.loads(shown[shown.index("{") :]) == json.loads(outsider.log.leaves[321].body)


@pytest.mark.parametrize(
    ("old", "new", "failed"),
    [
        ("index 321", "index 320", "inclusion"),
        ("index 321", "index 600", "inclusion"),
        ("index 321", "index x", "form"),
        ("extra ", "extra e30=\nindex 1\n", "form"),
        ("extra ", "extra?", "form"),
        ("tlog-proof@v1", "tlog-proof@v2", "form"),
        ("\n600\n", "\n601\n", "checkpoint"),
        ("\n\n— ", "\n— ", "checkpoint"),
        (ORIGIN, "gateway.example.org/log", "checkpoint"),
    ],
)
async def test_a_falsified_proof_is_refused(outsider: Outsider, old: str, new: str, failed: str) -> None:
    text = await evidence_of(outsider.log, outsider.log.leaves[321].id)
    status, found = outsider.verify(outsider.write("one.tlog-proof", text.replace(old, new)))
    assert (status, list(found)) == (1, [failed])


async def test_a_proof_under_an_old_head_is_found_by_a_size_known_from_before(outsider: Outsider) -> None:
    proof = outsider.write("one.tlog-proof", await evidence_of(outsider.log, outsider.log.leaves[5].id))
    assert list(outsider.verify(proof, "--at-least", "601")[1]) == ["size"]


async def test_a_mistyped_key_is_told(outsider: Outsider) -> None:
    proof = outsider.write("one.tlog-proof", await evidence_of(outsider.log, outsider.log.leaves[5].id))
    name, digits, encoded = str(SIGNER.key).split("+", 2)
    for wrong in (f"{name}+00000000+{encoded}", f"{name}+{digits}+AAAA", f"other+{digits}+{encoded}", "+"):
        assert list(outsider.verify(proof, key=wrong)[1]) == ["key"]


async def test_the_key_can_be_in_a_file(outsider: Outsider) -> None:
    proof = outsider.write("one.tlog-proof", await evidence_of(outsider.log, outsider.log.leaves[5].id))
    assert outsider.verify(proof, key=outsider.write("log.key", f"{SIGNER.key}\n")) == (0, {})


async def test_a_receipt_is_held_against_the_log(outsider: Outsider) -> None:
    signer = PretendSigner("gateway.example.gov/receipts")

    def receipt(leaf_hash: bytes) -> str:
        message = MessageId("019ab1c2-0001-7000-8000-000000000001")
        digest = "sha-256:" + "a" * 64
        text = make_receipt(
            signer,
            origin=ORIGIN,
            message=message,
            sender=JAIL,
            received_at=START,
            digest=digest,
            leaf_hash=leaf_hash,
        )
        return outsider.write("receipt", text)

    export = outsider.write("log.jsonl", "".join(await outsider.lines()))
    kept = receipt(outsider.log.leaves[7].leaf_hash)
    head = outsider.write("head", outsider.log.checkpoints[600])
    log = ("--log", export, "--checkpoint", head)
    by = ("--receipt-key", str(signer.key))
    assert outsider.verify("--receipt", kept, *log, *by) == (0, {})
    broken = receipt(entry(1000).leaf_hash)
    assert outsider.verify("--receipt", broken, *by, key="") == (0, {})
    assert list(outsider.verify("--receipt", broken, *log, *by)[1]) == ["promised entry"]
    made_up = outsider.write("made-up", json.dumps({"index": 0, "leaf": entry(1000).leaf_hash.hex(), "body": None}))
    forged = ("--log", made_up, "--checkpoint", head)
    assert "entries" in outsider.verify("--receipt", broken, *forged, *by)[1]
    assert list(outsider.verify("--receipt", head, *by)[1]) == ["receipt"]


async def test_wrong_use_ends_with_status_2(outsider: Outsider) -> None:
    for words in (["--key", str(SIGNER.key)], ["absent.tlog-proof", "--key", str(SIGNER.key)], ["one"]):
        with pytest.raises(SystemExit) as ending:
            verifier.main(words)
        assert ending.value.code == 2


def test_it_imports_the_standard_library_and_cryptography_only() -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(Path(verifier.__file__).read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


async def test_it_runs_alone_in_an_outsider_s_folder(outsider: Outsider) -> None:
    shutil.copy(verifier.__file__, outsider.folder / "verifier.py")
    outsider.write("one.tlog-proof", await evidence_of(outsider.log, outsider.log.leaves[5].id))
    command = [sys.executable, "-I", "verifier.py", "one.tlog-proof", "--key", str(SIGNER.key)]
    run = await asyncio.to_thread(
        subprocess.run, command, cwd=outsider.folder, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "FAILED" not in run.stdout
