"""An evidence file proves its entry, and no altered file proves anything."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import Checkpoint, sign_checkpoint
from gateway.audit.evidence import Evidence, EvidenceMalformed, read_evidence, verify_evidence, write_evidence
from gateway.audit.note import NoteKeyUnknown, NoteMalformed
from gateway.audit.proof import ProofWrong, inclusion, inclusion_ranges
from gateway.audit.tree import root
from gateway.errors import GatewayError
from tests.audit.memory_log import ORIGIN, PretendSigner, entry
from tests.audit.stored_hashes import StoredHashes

SIGNER = PretendSigner()
ENTRIES = [entry(number) for number in range(300)]
STORED = StoredHashes([each.leaf_hash for each in ENTRIES])
HEAD = Checkpoint(origin=ORIGIN, size=300, root=root(STORED.leaves))
NOTE = sign_checkpoint(HEAD, SIGNER)


def evidence(index: int) -> Evidence:
    proof = inclusion(index, HEAD.size, STORED.read(inclusion_ranges(index, HEAD.size)))
    return Evidence(body=ENTRIES[index].body, index=index, proof=proof, checkpoint=NOTE)


def test_a_file_read_back_proves_its_entry() -> None:
    proved = verify_evidence(read_evidence(write_evidence(evidence(123))), [SIGNER.key], origin=ORIGIN)
    assert (proved.body, proved.index, proved.checkpoint) == (ENTRIES[123].body, 123, HEAD)


def test_the_file_is_laid_out_as_the_specification_says() -> None:
    lines = write_evidence(evidence(0)).split("\n")
    assert lines[:3] == [
        "c2sp.org/tlog-proof@v1",
        "extra " + base64.b64encode(ENTRIES[0].body).decode(),
        "index 0",
    ]
    gap = lines.index("")
    assert [base64.b64decode(line) for line in lines[3:gap]] == list(evidence(0).proof)
    assert "\n".join(lines[gap + 1 :]) == NOTE


def test_the_only_entry_of_a_log_needs_no_hashes() -> None:
    note = sign_checkpoint(Checkpoint(origin=ORIGIN, size=1, root=STORED.leaves[0]), SIGNER)
    alone = Evidence(body=ENTRIES[0].body, index=0, proof=(), checkpoint=note)
    assert verify_evidence(read_evidence(write_evidence(alone)), [SIGNER.key]).index == 0


@given(st.data())
def test_a_file_with_one_letter_changed_proves_nothing_else(data: st.DataObject) -> None:
    text = write_evidence(evidence(77))
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters(exclude_categories=["Cs"])) + text[at + 1 :]
    try:
        proved = verify_evidence(read_evidence(changed), [SIGNER.key], origin=ORIGIN)
    except GatewayError:
        return
    assert (proved.body, proved.index, proved.checkpoint) == (ENTRIES[77].body, 77, HEAD)


def test_another_entry_s_body_or_index_is_not_proved() -> None:
    for changed in (replace(evidence(5), body=ENTRIES[6].body), replace(evidence(5), index=6)):
        with pytest.raises(ProofWrong):
            verify_evidence(changed, [SIGNER.key])


def test_a_file_of_a_forger_is_not_believed() -> None:
    forged = replace(evidence(5), checkpoint=sign_checkpoint(HEAD, PretendSigner()))
    with pytest.raises(NoteKeyUnknown):
        verify_evidence(forged, [SIGNER.key])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("extra ", "more "),
        ("extra ", "extra ?"),
        ("index 5", "index 05"),
        ("index 5", "index -5"),
        ("index 5\n", ""),
        ("index 5\n", "index 5\nAAAA\n"),
        ("index 5\n", "index 5\n" + ("A" * 43 + "=\n") * 64),
        ("\n\n", "\n"),
        ("c2sp", "x" * 140_000),
    ],
)
def test_what_is_not_an_evidence_file_is_refused(old: str, new: str) -> None:
    with pytest.raises((EvidenceMalformed, NoteMalformed)):
        verify_evidence(read_evidence(write_evidence(evidence(5)).replace(old, new)), [SIGNER.key])
