"""Each way of falsifying evidence is found by the verifier alone: which check, and from which entry on."""

import asyncio
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.audit import verifier
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.note import sign_note
from gateway.audit.tree import leaf_hash, root
from gateway.exchange.acting import Acting
from gateway.exchange.export import RevealReason, export
from gateway.exchange.selection import About
from gateway.exchange.sequence import sequence
from gateway.keys.authority import self_signed
from gateway.user import UserRole
from tests.exchange.deployed import NAME, Deployed, deployed, release, sample
from tests.exchange.gateways import SetClock
from tests.exchange.officers import officer
from tests.exchange.tampered import SOURCE, Evidence, Signer, verify

Fault = Callable[[Evidence], tuple[str, int | None]]
"""Changes the evidence; gives the check that must fail, and the first bad entry."""


class Originals:
    """What everything is made from: one package about a message with its contents, one of the whole log."""

    def __init__(self, some: Evidence, log: Evidence, kept: bytes) -> None:
        self.some, self.log, self.kept = some, log, kept


@pytest.fixture(scope="module")
def originals(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Originals:
    async def make() -> Originals:
        async with deployed(template, tmp_path_factory.mktemp("tampered") / "deployment") as place:
            by = await officer(place.gateway, roles=frozenset({UserRole.PRIVACY_OFFICER}))
            await place.accept(release(given="Abel"))
            await _order(place)
            kept = await place.gateway.store.checkpoint() or b""
            message = (await place.accept(sample("fullest"))).id
            await _order(place)
            some = await _package(place, About(message=message), by, RevealReason.AUDIT)
            return Originals(some, await _package(place, About(), None, None), kept)

    return asyncio.run(make())


async def _order(place: Deployed) -> None:
    await sequence(place.gateway.store, place.gateway.keys.log_signer, origin=NAME)


async def _package(place: Deployed, about: About, by: Acting | None, reveal: RevealReason | None) -> Evidence:
    file = io.BytesIO()
    await export(place.gateway, about, file, verifier=SOURCE, by=by, reveal=reveal)
    keys, authority = place.gateway.keys, place.authority.certificate_pem
    return Evidence.read(file.getvalue(), log=keys.log_signer, receipts=keys.receipt_signer, authority=authority)


# --- faults of a package with some entries ------------------------------------------------------------------------


def edited_entry(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate", 1)
    evidence.edit(at, shared=1)
    return "inclusion", evidence.index(at)


def inserted_entry(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate")
    evidence.entries.insert(at, json.loads(json.dumps(evidence.entries[at])))
    evidence.edit(at, recipient="harborlight-services", id="019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d")
    return "inclusion", evidence.index(at)


def repeated_entry(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate")
    evidence.entries.insert(at, evidence.entries[at])
    return "order", evidence.index(at)


def reordered(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate")
    evidence.entries[at], evidence.entries[at + 1] = evidence.entries[at + 1], evidence.entries[at]
    return "order", evidence.index(at + 1)


def moved_entry(evidence: Evidence) -> tuple[str, int | None]:
    at = len(evidence.entries) - 1
    evidence.entries[at]["index"] += 1
    return "inclusion", evidence.index(at)


def unreadable_entry(evidence: Evidence) -> tuple[str, int | None]:
    evidence.entries[0] = {"index": 0, "body": "nothing", "proof": []}
    return "inclusion", None


def wrong_proof(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("receive")
    evidence.entries[at]["proof"] = evidence.entries[at + 1]["proof"]
    return "inclusion", evidence.index(at)


def truncated_proof(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("receive")
    del evidence.entries[at]["proof"][-1]
    return "inclusion", evidence.index(at)


def forged_signature(evidence: Evidence) -> tuple[str, int | None]:
    note = evidence.files["checkpoint"]
    size = evidence.head.size
    evidence.files["checkpoint"] = note.replace(f"\n{size}\n".encode(), f"\n{size + 1}\n".encode())
    return "checkpoint", None


def other_origin(evidence: Evidence) -> tuple[str, int | None]:
    head = replace(evidence.head, origin="gateway.example.org/log")
    evidence.sign_head(head, by=Signer("gateway.example.org/log"))
    return "checkpoint", None


def not_a_head(evidence: Evidence) -> tuple[str, int | None]:
    evidence.files["checkpoint"] = sign_note(f"{evidence.head.origin}\nmany\n", evidence.log).encode()
    return "checkpoint", None


def other_head(evidence: Evidence) -> tuple[str, int | None]:
    evidence.sign_head(replace(evidence.head, root=bytes(32)))
    return "inclusion", evidence.index(0)


def replayed_checkpoint(evidence: Evidence) -> tuple[str, int | None]:
    evidence.words += ["--at-least", str(evidence.head.size + 1)]
    return "size", None


def swapped_cover(evidence: Evidence) -> tuple[str, int | None]:
    first, second = [evidence.number("disseminate", nth) for nth in (0, 1)]
    names = [f"covers/{evidence.body(at)['dissemination']}.xml" for at in (first, second)]
    one, other = (evidence.files[name] for name in names)
    evidence.files.update(zip(names, (other, one), strict=True))
    return "covers", evidence.index(first)


def altered_cover(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate", 2)
    name = f"covers/{evidence.body(at)['dissemination']}.xml"
    evidence.files[name] = evidence.files[name].replace(b"FieldsWithheld>true<", b"FieldsWithheld>false<")
    return "covers", evidence.index(at)


def slipped_in_cover(evidence: Evidence) -> tuple[str, int | None]:
    evidence.files["covers/019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d.xml"] = b"<cover:Cover/>"
    return "covers", None


def other_authority(evidence: Evidence) -> tuple[str, int | None]:
    key = ec.generate_private_key(ec.SECP256R1())
    evidence.anchors["--authority"] = self_signed(key, NAME, now=SetClock().now()).decode()
    return "certificates", evidence.index(evidence.number("disseminate"))


def altered_mou_text(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate")
    name = f"agreements/{evidence.body(at)['mou']}.json"
    evidence.files[name] = evidence.files[name].replace(b'"1 year"', b'"9 years"')
    first = next(n for n in range(len(evidence.entries)) if evidence.body(n).get("mou") == evidence.body(at)["mou"])
    return "agreements", evidence.index(first)


def mou_with_a_key_twice(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate")
    name = f"agreements/{evidence.body(at)['mou']}.json"
    evidence.files[name] = evidence.files[name].replace(b"{", b'{"title": "What people read",', 1)
    first = next(n for n in range(len(evidence.entries)) if evidence.body(n).get("mou") == evidence.body(at)["mou"])
    return "agreements", evidence.index(first)


def altered_law(evidence: Evidence) -> tuple[str, int | None]:
    name = next(name for name in evidence.files if name.startswith("laws/") and "@" in name)
    law = json.loads(evidence.files[name])
    evidence.files[name] = json.dumps(law | {"title": "Anything goes"}).encode()
    first = next(n for n in range(len(evidence.entries)) if "laws" in evidence.body(n))
    return "laws", evidence.index(first)


def altered_receipt(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("receive")
    name = f"receipts/{evidence.body(at)['message']}"
    evidence.files[name] = evidence.files[name].replace(b"\nreceived 2026-", b"\nreceived 2025-")
    return "receipts", evidence.index(at)


def missing_leaf(evidence: Evidence) -> tuple[str, int | None]:
    del evidence.entries[evidence.number("receive")]
    return "receipts", None


def receipt_of_another_leaf(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("receive")
    name = f"receipts/{evidence.body(at)['message']}"
    text = evidence.files[name].decode().partition("\n\n")[0].splitlines()
    text[-1] = f"leaf {'0' * 64}"
    evidence.files[name] = sign_note("\n".join((*text, "")), evidence.receipts).encode()
    return "receipts", evidence.index(at)


def altered_content(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate")
    evidence.files[f"payloads/{evidence.body(at)['dissemination']}"] += b" "
    return "payloads", evidence.index(at)


def other_salt(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("disseminate", 1)
    name = f"payloads/{evidence.body(at)['dissemination']}.opening"
    evidence.files[name] = json.dumps(json.loads(evidence.files[name]) | {"salt": "00" * 32}).encode()
    return "payloads", evidence.index(at)


def other_person(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("approve")
    evidence.files[f"people/{evidence.body(at)['fingerprint']}.key"] = b"00" * 32
    return "acts", evidence.index(at)


def cosigner_forged(evidence: Evidence) -> tuple[str, int | None]:
    partner = Signer("gateway.example.org/witness")
    cosigned = partner.cosigned(evidence.files["checkpoint"].decode()).splitlines()
    other = partner.cosigned(sign_note("another\n1\n" + "A" * 43 + "=\n", evidence.log)).splitlines()
    evidence.files["checkpoint"] = "\n".join((*cosigned[:-1], other[-1], "")).encode()
    evidence.anchors["--witness"] = partner.cosigner_key
    return "countersignatures", None


def negative_index(evidence: Evidence) -> tuple[str, int | None]:
    evidence.entries[0]["index"] = -1
    return "inclusion", -1


def entry_with_a_key_twice(evidence: Evidence) -> tuple[str, int | None]:
    evidence.entries[0]["body"] = '{"type":"approve",' + evidence.entries[0]["body"][1:]
    return "inclusion", None


def receipt_with_a_line_more(evidence: Evidence) -> tuple[str, int | None]:
    at = evidence.number("receive")
    name = f"receipts/{evidence.body(at)['message']}"
    text = evidence.files[name].decode().partition("\n\n")[0]
    evidence.files[name] = sign_note(f"{text}\nleaf {'0' * 64}\n", evidence.receipts).encode()
    return "receipts", evidence.index(at)


def cosigner_missing(evidence: Evidence) -> tuple[str, int | None]:
    evidence.anchors["--witness"] = Signer("gateway.example.org/witness").cosigner_key
    evidence.words += ["--witnesses", "1"]
    return "countersignatures", None


def one_cosigner_counted_twice(evidence: Evidence) -> tuple[str, int | None]:
    partner = Signer("gateway.example.org/witness")
    once = partner.cosigned(evidence.files["checkpoint"].decode())
    evidence.files["checkpoint"] = partner.cosigned(once, seconds=1_772_000_060).encode()
    evidence.anchors["--witness"] = partner.cosigner_key
    evidence.words += ["--witness", Signer("gateway.example.net/witness").cosigner_key, "--witnesses", "2"]
    return "countersignatures", None


def key_rotation_without_the_new_key(evidence: Evidence) -> tuple[str, int | None]:
    evidence.rotate(evidence.log, to=Signer(NAME))
    return "key rotation", None


def key_rotation_without_the_old_key(evidence: Evidence) -> tuple[str, int | None]:
    thief = Signer(NAME)
    evidence.rotate(thief, to=thief)
    evidence.sign_head(evidence.head, by=thief)
    return "checkpoint", None


def key_rotation_under_an_old_checkpoint(evidence: Evidence) -> tuple[str, int | None]:
    thief = Signer(NAME)
    note = sign_note(evidence.head.text, evidence.log) + sign_note(evidence.head.text, thief).rpartition("\n\n")[2]
    evidence.files["rotations/0001"] = note.encode()
    evidence.sign_head(evidence.head, by=thief)
    return "key rotation", None


def head_by_a_key_given_up(evidence: Evidence) -> tuple[str, int | None]:
    new = Signer(NAME)
    evidence.rotate(evidence.log, new, to=new, size=evidence.head.size - 1)
    return "checkpoint", None


def altered_file(evidence: Evidence) -> tuple[str, int | None]:
    evidence.files["README.txt"] = b"Nothing to see here.\n"
    evidence.sealed = True
    return "files", None


def missing_file(evidence: Evidence) -> tuple[str, int | None]:
    del evidence.files["README.html"]
    evidence.sealed = True
    return "files", None


def slipped_in_file(evidence: Evidence) -> tuple[str, int | None]:
    evidence.files["README.rtf"] = b"Read me instead."
    evidence.sealed = True
    return "files", None


def statement_of_another_gateway(evidence: Evidence) -> tuple[str, int | None]:
    evidence.receipts = Signer(f"{NAME}/receipt")
    return "statement", None


def statement_of_another_head(evidence: Evidence) -> tuple[str, int | None]:
    said = evidence.files["statement"].decode()
    evidence.files["statement"] = said.replace(f"size {evidence.head.size}", f"size {evidence.head.size - 1}").encode()
    return "statement", None


def one_name_twice(evidence: Evidence) -> tuple[str, int | None]:
    evidence.doubled = "checkpoint"
    return "form", None


def name_that_leaves_the_folder(evidence: Evidence) -> tuple[str, int | None]:
    evidence.files["../verifier.py"] = b"print('ok')"
    return "form", None


SOME: tuple[Fault, ...] = (
    edited_entry,
    inserted_entry,
    repeated_entry,
    reordered,
    moved_entry,
    unreadable_entry,
    wrong_proof,
    truncated_proof,
    forged_signature,
    other_origin,
    not_a_head,
    other_head,
    replayed_checkpoint,
    swapped_cover,
    altered_cover,
    slipped_in_cover,
    other_authority,
    altered_mou_text,
    mou_with_a_key_twice,
    altered_law,
    altered_receipt,
    missing_leaf,
    receipt_of_another_leaf,
    altered_content,
    other_salt,
    other_person,
    negative_index,
    entry_with_a_key_twice,
    receipt_with_a_line_more,
    cosigner_forged,
    cosigner_missing,
    one_cosigner_counted_twice,
    key_rotation_without_the_new_key,
    key_rotation_without_the_old_key,
    key_rotation_under_an_old_checkpoint,
    head_by_a_key_given_up,
    altered_file,
    missing_file,
    slipped_in_file,
    statement_of_another_gateway,
    statement_of_another_head,
    one_name_twice,
    name_that_leaves_the_folder,
)


# --- faults of a whole log ----------------------------------------------------------------------------------------


def log_edited_entry(evidence: Evidence) -> tuple[str, int | None]:
    leaf = evidence.entries[7]["leaf"]
    evidence.edit(7, actor="somebody.else")
    evidence.entries[7]["leaf"] = leaf
    return "entries", 7


def log_edited_entry_and_hash(evidence: Evidence) -> tuple[str, int | None]:
    evidence.edit(7, actor="somebody.else")
    return "root", None


def log_deleted_entry(evidence: Evidence) -> tuple[str, int | None]:
    del evidence.entries[5]
    return "entries", 5


def log_deleted_entry_renumbered(evidence: Evidence) -> tuple[str, int | None]:
    del evidence.entries[5]
    evidence.renumber()
    return "entries", evidence.head.size - 1


def log_deleted_tail(evidence: Evidence) -> tuple[str, int | None]:
    del evidence.entries[-4:]
    return "entries", evidence.head.size - 4


def log_reordered(evidence: Evidence) -> tuple[str, int | None]:
    evidence.entries[10], evidence.entries[11] = evidence.entries[11], evidence.entries[10]
    return "entries", 10


def log_reordered_renumbered(evidence: Evidence) -> tuple[str, int | None]:
    evidence.entries[10], evidence.entries[11] = evidence.entries[11], evidence.entries[10]
    evidence.renumber()
    return "root", None


def log_inserted(evidence: Evidence) -> tuple[str, int | None]:
    evidence.entries.insert(3, json.loads(json.dumps(evidence.entries[3])))
    evidence.edit(3, id="019a3c5e-7d10-7c3f-9b0e-2f1d5a6b7c8d")
    return "entries", 4


def log_rewritten(evidence: Evidence) -> tuple[str, int | None]:
    evidence.edit(7, actor="somebody.else")
    evidence.sign_head()
    return "consistency", None


def log_rolled_back(evidence: Evidence) -> tuple[str, int | None]:
    newest = sign_note(evidence.head.text, evidence.log).encode()
    del evidence.entries[-6:]
    evidence.sign_head()
    evidence.kept = {"newest": newest}
    return "consistency", evidence.head.size


def log_of_another_origin(evidence: Evidence) -> tuple[str, int | None]:
    leaves = [leaf_hash(line["body"].encode()) for line in evidence.entries]
    evidence.sign_head(Checkpoint(origin="gateway.example.org/log", size=len(leaves), root=root(leaves)))
    return "consistency", None


def log_rewritten_after_a_partner_countersigned(evidence: Evidence) -> tuple[str, int | None]:
    partner = Signer("gateway.example.org/witness")
    evidence.files["heads/0001"] = partner.cosigned(evidence.kept.pop("earlier").decode()).encode()
    evidence.anchors["--witness"] = partner.cosigner_key
    evidence.words += ["--witnesses", "1"]
    evidence.edit(7, actor="somebody.else")
    evidence.sign_head()
    return "consistency", None


def log_unreadable_line(evidence: Evidence) -> tuple[str, int | None]:
    evidence.entries[9] = {"index": "nine"}
    return "entries", 9


WHOLE: tuple[Fault, ...] = (
    log_edited_entry,
    log_edited_entry_and_hash,
    log_deleted_entry,
    log_deleted_entry_renumbered,
    log_deleted_tail,
    log_reordered,
    log_reordered_renumbered,
    log_inserted,
    log_rewritten,
    log_rolled_back,
    log_of_another_origin,
    log_rewritten_after_a_partner_countersigned,
    log_unreadable_line,
)


# --- the tests ----------------------------------------------------------------------------------------------------


def test_untouched_evidence_passes(originals: Originals, tmp_path: Path) -> None:
    for evidence in (originals.some, originals.log):
        verdict = verify(evidence.copy(), tmp_path)
        assert (verdict.status, verdict.failed, verdict.not_made) == (0, {}, {"countersignatures"})


@pytest.mark.parametrize("fault", SOME, ids=lambda fault: fault.__name__)
def test_a_falsified_package_is_found_out(originals: Originals, tmp_path: Path, fault: Fault) -> None:
    evidence = originals.some.copy()
    check, index = fault(evidence)
    verdict = verify(evidence, tmp_path)
    assert verdict.status == 1
    assert check in verdict.failed, verdict.texts
    assert verdict.failed[check] == index, verdict.texts[check]


@pytest.mark.parametrize("fault", WHOLE, ids=lambda fault: fault.__name__)
def test_a_falsified_log_is_found_out(originals: Originals, tmp_path: Path, fault: Fault) -> None:
    evidence = originals.log.copy()
    evidence.kept = {"earlier": originals.kept}
    check, index = fault(evidence)
    verdict = verify(evidence, tmp_path)
    assert verdict.status == 1
    assert check in verdict.failed, verdict.texts
    assert verdict.failed[check] == index, verdict.texts[check]


def test_a_damaged_zip_is_a_failed_check_and_no_stack_trace(originals: Originals, tmp_path: Path) -> None:
    whole = originals.some.copy().written()
    for place in range(40, len(whole), len(whole) // 12):
        broken = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        verdict = verify(originals.some.copy(), tmp_path, change=lambda _, broken=broken: broken)
        assert verdict.status == 1 or _read(broken) == _read(whole), place  # or it was a date that nobody reads
        cut = whole[:place]
        assert verify(originals.some.copy(), tmp_path, change=lambda _, cut=cut: cut).status == 1


BEGUN = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'


@pytest.mark.parametrize("data", [b">" * 200_000, b">" + BEGUN * 20_000], ids=["angles", "signatures"])
def test_a_cover_made_to_be_searched_for_hours_is_refused_at_once(data: bytes) -> None:
    asked = f"from gateway.audit import verifier; verifier.open_cover(b'<cover:Cover ' + {data[:1]!r}"
    many = {True: f"* {len(data)})", False: f"+ {BEGUN!r} * {data.count(BEGUN)})"}[BEGUN not in data]
    # A process of its own: a search that does not end cannot be stopped from within.
    done = subprocess.run([sys.executable, "-c", asked + many], capture_output=True, timeout=30, check=False)
    assert b"not a Cover as a gateway writes it" in done.stderr


def test_a_zip_full_of_long_heads_is_not_read_into_memory(originals: Originals, tmp_path: Path) -> None:
    evidence = originals.log.copy()
    evidence.files["heads/1"] = bytes(verifier.LINE_MAX + 1)
    verdict = verify(evidence, tmp_path)
    assert verdict.status == 1
    assert "heads/1 is larger than such a file can be" in verdict.texts["form"]


def _read(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_a_log_with_a_new_key_is_followed_from_the_old_one(originals: Originals, tmp_path: Path) -> None:
    evidence, new = originals.some.copy(), Signer(NAME)
    evidence.rotate(evidence.log, new, to=new, size=evidence.head.size - 1)
    evidence.sign_head(evidence.head, by=new)
    verdict = verify(evidence, tmp_path)
    assert (verdict.status, verdict.failed) == (0, {})
    assert "took over" in verdict.texts["key rotation"]


def test_countersignatures_are_counted_and_told_with_their_time(originals: Originals, tmp_path: Path) -> None:
    evidence, partner = originals.some.copy(), Signer("gateway.example.org/witness")
    evidence.files["checkpoint"] = partner.cosigned(evidence.files["checkpoint"].decode()).encode()
    evidence.anchors["--witness"] = partner.cosigner_key
    evidence.words += ["--witnesses", "1"]
    verdict = verify(evidence, tmp_path)
    assert (verdict.status, verdict.failed) == (0, {})
    said = f"countersigned by {partner.name} on 2026-02-25T06:13:20Z over {evidence.head.size} entries"
    assert verdict.texts["countersignatures"] == said


def test_partners_that_countersigned_at_different_times_are_counted_together(
    originals: Originals, tmp_path: Path
) -> None:
    evidence, one, other = originals.log.copy(), Signer("gateway.example.org/a"), Signer("gateway.example.org/b")
    evidence.files["heads/0001"] = one.cosigned(originals.kept.decode()).encode()
    evidence.files["checkpoint"] = other.cosigned(evidence.files["checkpoint"].decode()).encode()
    evidence.words += ["--witness", one.cosigner_key, "--witness", other.cosigner_key, "--witnesses", "2"]
    verdict = verify(evidence, tmp_path)
    assert (verdict.status, verdict.failed) == (0, {})
    assert verdict.texts["consistency"].startswith("goes on from")


def test_what_could_not_be_checked_is_said(originals: Originals, tmp_path: Path) -> None:
    evidence = originals.some.copy()
    del evidence.anchors["--authority"], evidence.anchors["--receipt-key"]
    verdict = verify(evidence, tmp_path)
    assert verdict.status == 0
    assert verdict.not_made == {"statement", "certificates", "receipts", "countersignatures"}


def test_an_entry_that_is_not_in_the_log_is_held_against_its_files_all_the_same(
    originals: Originals, tmp_path: Path
) -> None:
    evidence = originals.some.copy()
    evidence.edit(evidence.number("disseminate"), cover_digest="sha-256:" + "0" * 64)
    assert {"inclusion", "covers"} == verify(evidence, tmp_path).failed.keys()


UNBOUND = ("README.", "verifier.py", "keys/", "certificates/")
"""What only the list of files binds, and whoever hands out the package can make that anew."""


def test_whatever_else_is_changed_by_one_bit_is_found(
    originals: Originals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, for it is many times; that the verifier alone says the same is shown above."""
    evidence = originals.some.copy()
    evidence.written()  # the list of files is made
    words = [str(tmp_path / "evidence.zip"), "--json"]
    for option, text in evidence.anchors.items():
        (tmp_path / option).write_text(text)
        words += [option, str(tmp_path / option)]
    for name, content in evidence.files.items():
        if name.startswith(UNBOUND) or name.endswith(".yaml") or name in {"entries.jsonl", "files.txt"}:
            continue
        for place in {0, len(content) // 3, len(content) - 2}:
            changed = originals.some.copy()
            changed.files[name] = content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :]
            if name == "statement":
                changed.files["files.txt"], changed.sealed = evidence.files["files.txt"], True
            (tmp_path / "evidence.zip").write_bytes(changed.written())
            assert verifier.main(words) == 1, (name, place)
            capsys.readouterr()


def test_a_made_up_file_paints_no_verdict_of_its_own(originals: Originals, tmp_path: Path) -> None:
    evidence = originals.some.copy()
    said = evidence.files["statement"].replace(b"\nof ", b"\nof \x1b[2J\x1b[HPASSED ")
    evidence.files["statement"] = said
    (tmp_path / "evidence.zip").write_bytes(evidence.written())
    words = [sys.executable, "-I", verifier.__file__, "evidence.zip"]
    for option in ("--key", "--receipt-key"):
        words += [option, evidence.anchors[option]]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "PASSED" in run.stdout
    assert "\x1b" not in run.stdout


def test_more_witnesses_than_keys_is_a_mistake_of_use(originals: Originals, tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(originals.some.copy().written())
    with pytest.raises(SystemExit) as ending:
        verifier.main([str(tmp_path / "evidence.zip"), "--key", originals.some.anchors["--key"], "--witnesses", "1"])
    assert ending.value.code == 2
