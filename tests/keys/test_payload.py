"""Payloads are read again by whoever has the key directory, until their key is destroyed."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway.keys.payload
from gateway.errors import Misconfigured, Refused, Tampered
from gateway.keys.payload import BucketDamaged, KeyGone, PayloadKeys, PayloadTampered
from gateway.keys.secret_file import KeyPermissions
from gateway.message import Sealed
from tests.keys.clocks import StoppedClock

WRAPPING = bytes(range(32))
BUCKET = "2027-W05"
IDENTITY = b"0195579e-0000-7000-8000-000000000001"
PAYLOAD = b"<Release/>" * 600


def keys(directory: Path, wrapping: bytes = WRAPPING) -> PayloadKeys:
    return PayloadKeys(directory / "buckets", wrapping=wrapping, clock=StoppedClock(), fingerprint="sha-256:test")


def sealed(directory: Path, payload: bytes = PAYLOAD) -> Sealed:
    return keys(directory).seal(payload, bucket=BUCKET, aad=IDENTITY, random=os.urandom(17))


def bucket_file(directory: Path) -> Path:
    return directory / "buckets" / f"{BUCKET}.key"


def test_a_payload_is_read_again_after_a_restart(tmp_path: Path) -> None:
    assert keys(tmp_path).open(sealed(tmp_path), aad=IDENTITY) == PAYLOAD


@given(payload=st.binary(max_size=300), identity=st.binary(max_size=50), random=st.binary(min_size=17, max_size=17))
@settings(max_examples=50)
def test_any_payload_comes_back(
    tmp_path_factory: pytest.TempPathFactory, payload: bytes, identity: bytes, random: bytes
) -> None:
    safe = keys(tmp_path_factory.getbasetemp() / "any")
    one = safe.seal(payload, bucket=BUCKET, aad=identity, random=random)
    assert safe.open(one, aad=identity) == payload
    assert one.index == int.from_bytes(random[:5])
    assert one.nonce == random[5:]


def test_a_payload_cannot_pass_for_another(tmp_path: Path) -> None:
    with pytest.raises(PayloadTampered) as refused:
        keys(tmp_path).open(sealed(tmp_path), aad=b"another message")
    assert isinstance(refused.value, Tampered)


@pytest.mark.parametrize("change", ["ciphertext", "nonce", "index"])
def test_a_changed_payload_is_refused(tmp_path: Path, change: str) -> None:
    one = sealed(tmp_path)
    damaged = {
        "ciphertext": replace(one, ciphertext=one.ciphertext[:-1] + bytes([one.ciphertext[-1] ^ 1])),
        "nonce": replace(one, nonce=bytes(12)),
        "index": replace(one, index=one.index ^ 1),
    }[change]
    with pytest.raises(PayloadTampered):
        keys(tmp_path).open(damaged, aad=IDENTITY)


def test_two_payloads_have_two_keys(tmp_path: Path) -> None:
    first, second = sealed(tmp_path), sealed(tmp_path)
    assert first.ciphertext != second.ciphertext
    assert keys(tmp_path).salt_of(first) != keys(tmp_path).salt_of(second)


def test_the_salt_comes_from_the_key_and_says_nothing_about_it(tmp_path: Path) -> None:
    safe = keys(tmp_path)
    one, salt = safe.seal_salted(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=os.urandom(17))
    assert salt == safe.salt_of(one) == keys(tmp_path).salt_of(one)
    assert len(salt) == 32
    assert salt not in bucket_file(tmp_path).read_bytes()


def test_the_payload_is_nowhere_in_the_clear(tmp_path: Path) -> None:
    assert b"Release" not in sealed(tmp_path).ciphertext


def test_a_bucket_is_one_file_for_the_gateways_account_alone(tmp_path: Path) -> None:
    sealed(tmp_path)
    # The other one is empty: whoever makes or rewrites the bucket is alone while its lock is held.
    assert sorted(path.name for path in (tmp_path / "buckets").iterdir()) == [f".{BUCKET}.lock", f"{BUCKET}.key"]
    assert bucket_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "buckets").stat().st_mode & 0o777 == 0o700


def test_a_bucket_open_to_others_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    one = sealed(tmp_path)
    bucket_file(tmp_path).chmod(0o640)
    with pytest.raises(KeyPermissions, match=f"chmod 600 {bucket_file(tmp_path)}"):
        keys(tmp_path).open(one, aad=IDENTITY)


def test_a_destroyed_bucket_takes_its_payloads_with_it(tmp_path: Path) -> None:
    one = sealed(tmp_path)
    bucket_file(tmp_path).unlink()
    with pytest.raises(KeyGone) as refused:
        keys(tmp_path).open(one, aad=IDENTITY)
    assert refused.value.code == "key.destroyed"
    assert isinstance(refused.value, Refused)


def test_a_process_that_read_a_bucket_forgets_it_when_another_destroys_it(tmp_path: Path) -> None:
    reader = keys(tmp_path)
    one = sealed(tmp_path)
    reader.open(one, aad=IDENTITY)
    bucket_file(tmp_path).unlink()
    with pytest.raises(KeyGone):
        reader.open(one, aad=IDENTITY)
    with pytest.raises(KeyGone):
        reader.salt_of(one)


def rewrite_punctured(directory: Path, index: int) -> None:
    """Destroy one payload's key, as another process would."""
    keys(directory).forget(BUCKET, [index])


def test_a_punctured_bucket_lacks_one_payload_and_keeps_the_others(tmp_path: Path) -> None:
    reader = keys(tmp_path)
    gone, kept = sealed(tmp_path), sealed(tmp_path)
    reader.open(gone, aad=IDENTITY)
    rewrite_punctured(tmp_path, gone.index)
    assert reader.open(kept, aad=IDENTITY) == keys(tmp_path).open(kept, aad=IDENTITY) == PAYLOAD
    for safe in (reader, keys(tmp_path)):
        with pytest.raises(KeyGone):
            safe.open(gone, aad=IDENTITY)


def test_a_forgotten_address_is_never_used_again(tmp_path: Path) -> None:
    gone = sealed(tmp_path)
    rewrite_punctured(tmp_path, gone.index)
    again = keys(tmp_path).seal(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=gone.index.to_bytes(5) + os.urandom(12))
    assert again.index != gone.index
    assert keys(tmp_path).open(again, aad=IDENTITY) == PAYLOAD


def test_a_bucket_file_under_another_name_is_refused(tmp_path: Path) -> None:
    one = sealed(tmp_path)
    bucket_file(tmp_path).rename(tmp_path / "buckets" / "2027-W06.key")
    with pytest.raises(BucketDamaged) as refused:
        keys(tmp_path).open(replace(one, bucket="2027-W06"), aad=IDENTITY)
    assert isinstance(refused.value, Misconfigured)


@pytest.mark.parametrize("content", [b"", b"gateway-bucket-1\n", b"x" * 200])
def test_a_damaged_bucket_file_is_refused_and_never_made_anew(tmp_path: Path, content: bytes) -> None:
    one = sealed(tmp_path)
    bucket_file(tmp_path).write_bytes(content)
    with pytest.raises(BucketDamaged):
        keys(tmp_path).open(one, aad=IDENTITY)
    with pytest.raises(BucketDamaged):
        sealed(tmp_path)


def test_another_key_directorys_bucket_is_refused(tmp_path: Path) -> None:
    one = sealed(tmp_path)
    with pytest.raises(BucketDamaged):
        keys(tmp_path, bytes(32)).open(one, aad=IDENTITY)


def test_what_a_crash_left_half_written_is_never_used(tmp_path: Path) -> None:
    (tmp_path / "buckets").mkdir(mode=0o700)
    (tmp_path / "buckets" / f".{BUCKET}.key.0123456789abcdef.tmp").write_bytes(b"gateway-buc")
    assert keys(tmp_path).open(sealed(tmp_path), aad=IDENTITY) == PAYLOAD


def test_a_bucket_is_durable_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of writing: file synced, name given, directory synced; then only the first encryption."""
    events: list[str] = []
    fsync, link = os.fsync, os.link

    def watched_fsync(descriptor: int) -> None:
        events.append("fsync directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "fsync file")  # noqa: PTH112
        fsync(descriptor)

    def watched_link(*names: Path) -> None:
        events.append("link")
        link(*names)

    safe = keys(tmp_path)
    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "link", watched_link)
    safe.seal(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=os.urandom(17))
    assert events[-3:] == ["fsync file", "link", "fsync directory"]


@pytest.mark.parametrize("bucket", ["", "../cover", "2027-05", "2027-W5", "2027-W05/x", "2027-W05\n"])
def test_a_bucket_is_named_by_its_week_and_nothing_else(tmp_path: Path, bucket: str) -> None:
    with pytest.raises(ValueError, match="week"):
        keys(tmp_path).seal(PAYLOAD, bucket=bucket, aad=IDENTITY, random=os.urandom(17))


def test_too_little_chance_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="17 random bytes"):
        keys(tmp_path).seal(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=os.urandom(16))


def test_more_buckets_than_memory_holds_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.keys.payload, "BUCKETS_IN_MEMORY_MAX", 2)
    safe = keys(tmp_path)
    weeks = [f"2027-W{week:02d}" for week in range(1, 6)]
    stored = [safe.seal(week.encode(), bucket=week, aad=IDENTITY, random=os.urandom(17)) for week in weeks]
    assert [safe.open(one, aad=IDENTITY).decode() for one in stored] == weeks


def test_threads_make_one_bucket(tmp_path: Path) -> None:
    safe = keys(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        stored = list(
            pool.map(lambda _: safe.seal(PAYLOAD, bucket=BUCKET, aad=IDENTITY, random=os.urandom(17)), range(40))
        )
    assert all(keys(tmp_path).open(one, aad=IDENTITY) == PAYLOAD for one in stored)


RACER = """
import os, sys
from pathlib import Path
from tests.keys.test_payload import BUCKET, IDENTITY, keys
safe = keys(Path(sys.argv[1]))
sys.stdin.read(1)
for week in range(1, 21):
    one = safe.seal(b"mine", bucket=f"2028-W{week:02d}", aad=IDENTITY, random=os.urandom(17))
    print(one.bucket, one.index, one.nonce.hex(), one.ciphertext.hex())
"""


def test_processes_that_make_the_same_buckets_at_once_agree_on_them(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("g")
        racer.stdin.flush()
    outputs = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    lines = [line.split() for output in outputs for line in output.splitlines()]
    assert len(lines) == 60
    for bucket, index, nonce, ciphertext in lines:
        one = Sealed(bucket=bucket, index=int(index), nonce=bytes.fromhex(nonce), ciphertext=bytes.fromhex(ciphertext))
        assert keys(tmp_path).open(one, aad=IDENTITY) == b"mine"
