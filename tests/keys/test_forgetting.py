"""What is forgotten is forgotten by everybody, for good, and takes nothing with it, whoever else is at the bucket."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gateway.keys.payload
import gateway.keys.secret_file
from gateway.errors import Unavailable
from gateway.keys.payload import BucketClosed, BucketTorn, KeyGone, PayloadKeys
from gateway.keys.secret_file import KeysBusy, KeyUnreadable
from gateway.keys.tree import DEPTH, Node, _child, root
from gateway.message import Sealed
from tests.keys.test_payload import BUCKET, IDENTITY, PAYLOAD, bucket_file, keys, sealed


def gone(safe: PayloadKeys, one: Sealed) -> bool:
    try:
        safe.open(one, aad=IDENTITY)
    except KeyGone:
        return not safe.remembers(one.bucket, one.index)
    return False


def way_to(secret: bytes, index: int) -> list[Node]:
    """Every node from the root down to a leaf."""
    nodes = [root(secret)]
    for depth in range(1, DEPTH + 1):
        nodes.append(_child(nodes[-1], index >> (DEPTH - depth) & 1))
    return nodes


def test_many_are_forgotten_with_one_rewriting_and_the_others_stay(tmp_path: Path) -> None:
    lost, kept = [sealed(tmp_path) for _ in range(20)], [sealed(tmp_path) for _ in range(20)]
    reader = keys(tmp_path)
    reader.open(lost[0], aad=IDENTITY)
    keys(tmp_path).forget(BUCKET, [one.index for one in lost])
    for safe in (reader, keys(tmp_path)):
        assert all(gone(safe, one) for one in lost)
        assert all(safe.open(one, aad=IDENTITY) == PAYLOAD for one in kept)


def test_no_secret_on_the_way_to_a_forgotten_payload_is_in_the_file(tmp_path: Path) -> None:
    one = sealed(tmp_path)
    sealed(tmp_path)
    safe = keys(tmp_path)
    (top,) = safe._find(BUCKET, make=False).nodes
    safe.forget(BUCKET, [one.index])
    left = {node.secret for node in keys(tmp_path)._find(BUCKET, make=False).nodes}
    assert left.isdisjoint(node.secret for node in way_to(top.secret, one.index))


def test_forgetting_again_is_as_good_as_once(tmp_path: Path) -> None:
    one = sealed(tmp_path)
    keys(tmp_path).forget(BUCKET, [one.index])
    before = bucket_file(tmp_path).stat().st_ino
    keys(tmp_path).forget(BUCKET, [one.index])
    assert bucket_file(tmp_path).stat().st_ino == before


def test_a_bucket_that_is_forgotten_is_never_made_anew(tmp_path: Path) -> None:
    """Old rows still name it: keys made anew would make of a destroyed payload a damaged one."""
    one = sealed(tmp_path)
    safe = keys(tmp_path)
    safe.forget_bucket(BUCKET)
    assert gone(safe, one)
    with pytest.raises(BucketClosed) as refused:
        keys(tmp_path).seal(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=os.urandom(17))
    assert isinstance(refused.value, Unavailable)
    assert bucket_file(tmp_path).stat().st_size < 100
    safe.forget_bucket(BUCKET)


def test_a_bucket_without_a_file_is_taken_too(tmp_path: Path) -> None:
    keys(tmp_path).forget_bucket(BUCKET)
    with pytest.raises(BucketClosed):
        sealed(tmp_path)


def test_a_closed_bucket_is_read_and_takes_nothing_more(tmp_path: Path) -> None:
    writer = keys(tmp_path)
    one = writer.seal(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=os.urandom(17))
    keys(tmp_path).close(BUCKET)
    with pytest.raises(BucketClosed):  # also for a process that had it in memory
        writer.seal(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=os.urandom(17))
    assert writer.open(one, aad=IDENTITY) == keys(tmp_path).open(one, aad=IDENTITY) == PAYLOAD
    keys(tmp_path).forget(BUCKET, [one.index])
    with pytest.raises(BucketClosed):
        sealed(tmp_path)


def test_what_a_killed_process_left_beside_the_bucket_is_erased(tmp_path: Path) -> None:
    """It holds the bucket as it was before."""
    one = sealed(tmp_path)
    left = tmp_path / "buckets" / f".{BUCKET}.key.0123456789abcdef.tmp"
    left.write_bytes(bucket_file(tmp_path).read_bytes())
    keys(tmp_path).forget(BUCKET, [one.index])
    assert not left.exists()


def test_what_the_file_held_is_overwritten(tmp_path: Path) -> None:
    one = sealed(tmp_path)
    with bucket_file(tmp_path).open("rb") as old:
        keys(tmp_path).forget(BUCKET, [one.index])
        content = old.read()
    assert content == bytes(len(content))
    assert content


@pytest.mark.parametrize("step", ["_written_beside", "sync_directory", "_blank"])
def test_a_rewriting_that_fails_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    one, other = sealed(tmp_path), sealed(tmp_path)

    def broken(*arguments: object) -> None:
        raise OSError(28, "no space left")

    safe = keys(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(gateway.keys.secret_file, step, broken)
        with pytest.raises(KeyUnreadable):
            safe.forget(BUCKET, [one.index])
    assert keys(tmp_path).open(other, aad=IDENTITY) == PAYLOAD
    keys(tmp_path).forget(BUCKET, [one.index])
    assert gone(keys(tmp_path), one)
    assert keys(tmp_path).open(other, aad=IDENTITY) == PAYLOAD


def test_a_bucket_is_not_torn_to_a_size_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = sealed(tmp_path)
    monkeypatch.setattr(gateway.keys.payload, "BUCKET_BYTES_MAX", 1000)
    with pytest.raises(BucketTorn):
        keys(tmp_path).forget(BUCKET, [one.index])
    assert keys(tmp_path).open(one, aad=IDENTITY) == PAYLOAD


def test_a_bucket_with_very_many_holes_is_read_whole(tmp_path: Path) -> None:
    """Its file is larger than other secrets may be."""
    kept = sealed(tmp_path)
    holes = [int.from_bytes(os.urandom(5)) for _ in range(1500)]
    keys(tmp_path).forget(BUCKET, [each for each in holes if each != kept.index])
    assert bucket_file(tmp_path).stat().st_size > 1024 * 1024
    assert keys(tmp_path).open(kept, aad=IDENTITY) == PAYLOAD
    assert keys(tmp_path).nodes_in(BUCKET) > 20_000


def test_one_run_of_destruction_at_a_time(tmp_path: Path) -> None:
    with keys(tmp_path).alone(), pytest.raises(KeysBusy), keys(tmp_path).alone():
        raise AssertionError("two runs")
    with keys(tmp_path).alone():
        pass


def test_whoever_reads_while_the_file_is_replaced_reads_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = sealed(tmp_path), sealed(tmp_path)
    reader, read = keys(tmp_path), gateway.keys.payload.read_secret
    calls: list[Path] = []

    def slow(path: Path, *, size_bytes_max: int) -> bytes:
        content = read(path, size_bytes_max=size_bytes_max)
        calls.append(path)
        if len(calls) == 1:
            keys(tmp_path).forget(BUCKET, [one.index])
            return bytes(len(content))  # as the old file is by now
        return content

    monkeypatch.setattr(gateway.keys.payload, "read_secret", slow)
    assert reader.open(other, aad=IDENTITY) == PAYLOAD
    assert gone(reader, one)


RACER = """
import os, sys
from pathlib import Path
from tests.keys.test_payload import BUCKET, IDENTITY, keys
safe = keys(Path(sys.argv[1]))
sys.stdin.read(1)
for number in range(40):
    one = safe.seal(b"mine", bucket=BUCKET, aad=IDENTITY, random=os.urandom(17))
    if number % 2:
        safe.forget(BUCKET, [one.index])
    print(number % 2, one.index, one.nonce.hex(), one.ciphertext.hex())
"""


def test_processes_that_seal_and_forget_in_one_bucket_lose_nothing_and_keep_nothing(tmp_path: Path) -> None:
    place = Path(__file__).parents[2]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(place)},
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("g")
        racer.stdin.flush()
    outputs = [racer.communicate(timeout=120)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    lines = [line.split() for output in outputs for line in output.splitlines()]
    assert len(lines) == 120
    safe = keys(tmp_path)
    for forgotten, index, nonce, ciphertext in lines:
        one = Sealed(bucket=BUCKET, index=int(index), nonce=bytes.fromhex(nonce), ciphertext=bytes.fromhex(ciphertext))
        if forgotten == "1":
            assert gone(safe, one)
        else:
            assert safe.open(one, aad=IDENTITY) == b"mine"
    assert not list((tmp_path / "buckets").glob("*.tmp"))


def test_what_a_process_left_that_was_killed_while_it_made_a_bucket_is_not_the_bucket(tmp_path: Path) -> None:
    """The half-made name and the bucket's are two names of one file: erasing the first one must not empty it."""
    one = sealed(tmp_path)
    path = bucket_file(tmp_path)
    left = path.with_name(f".{path.name}.0123456789abcdef.tmp")
    os.link(path, left)
    keys(tmp_path).copy_of(BUCKET)
    assert not left.exists()
    assert keys(tmp_path).open(one, aad=IDENTITY) == PAYLOAD
    os.link(path, left)
    keys(tmp_path).forget(BUCKET, [one.index])
    assert not left.exists()
    assert gone(keys(tmp_path), one)


def test_a_bucket_is_made_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = gateway.keys.payload.create
    seen: list[bool] = []

    def create(path: Path, content: bytes) -> bool:
        with pytest.raises(KeysBusy), gateway.keys.secret_file.locked(path.parent / f".{BUCKET}.lock", wait=False):
            seen.append(False)
        seen.append(True)
        return made(path, content)

    monkeypatch.setattr(gateway.keys.payload, "create", create)
    sealed(tmp_path)
    assert seen == [True]
