"""Checkpoints say origin, size and root, signed."""

import pytest

from gateway.audit.checkpoint import (
    Checkpoint,
    ForeignCheckpoint,
    read_checkpoint,
    sign_checkpoint,
    unverified_checkpoint,
)
from gateway.audit.note import NoteMalformed, NoteSignatureWrong, sign_note
from gateway.audit.tree import leaf_hash
from tests.audit.memory_log import ORIGIN, PretendSigner

HEAD = Checkpoint(origin=ORIGIN, size=20852163, root=leaf_hash(b""))


def test_a_checkpoint_reads_as_the_specification_shows_it() -> None:
    published = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    head = unverified_checkpoint(published)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert published.startswith(head.text)


def test_a_signed_checkpoint_is_read_back() -> None:
    signer = PretendSigner()
    note = sign_checkpoint(HEAD, signer)
    assert read_checkpoint(note, [signer.key], origin=ORIGIN) == HEAD
    assert read_checkpoint(note.encode(), [signer.key]) == HEAD


def test_another_size_under_the_same_signature_is_tampering() -> None:
    signer = PretendSigner()
    note = sign_checkpoint(HEAD, signer).replace("20852163", "20852162")
    with pytest.raises(NoteSignatureWrong):
        read_checkpoint(note, [signer.key])


def test_a_checkpoint_of_another_log_is_not_taken_for_ours() -> None:
    signer = PretendSigner()
    with pytest.raises(ForeignCheckpoint):
        read_checkpoint(sign_checkpoint(HEAD, signer), [signer.key], origin="gateway.example.org/log")


@pytest.mark.parametrize(
    "text",
    [
        "origin\n",
        "origin\n5\n",
        "origin\n05\n" + "A" * 43 + "=\n",
        "origin\n-5\n" + "A" * 43 + "=\n",
        "origin\nfive\n" + "A" * 43 + "=\n",
        "origin\n5\nAAAA\n",
        "origin\n5\n?\n",
        "\n5\n" + "A" * 43 + "=\n",
        "origin\n5\n" + "A" * 43 + "=\n\nextension\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    signer = PretendSigner()
    with pytest.raises(NoteMalformed):
        read_checkpoint(sign_note(text, signer), [signer.key])


def test_a_checkpoint_has_one_line_of_origin_and_a_whole_root() -> None:
    signer = PretendSigner()
    for broken in (
        Checkpoint(origin="", size=1, root=HEAD.root),
        Checkpoint(origin="two\nlines", size=1, root=HEAD.root),
        Checkpoint(origin=ORIGIN, size=1, root=b""),
    ):
        with pytest.raises(ValueError, match="checkpoint"):
            sign_checkpoint(broken, signer)
