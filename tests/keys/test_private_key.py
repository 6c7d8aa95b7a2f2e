"""Weak keys are not loaded, and what is wrong with a key file is said."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from gateway.keys.private_key import (
    KeyKind,
    WeakKey,
    WrongPassphrase,
    algorithm_name,
    from_pem,
    generate,
    to_pem,
)
from gateway.keys.secret_file import KeyUnreadable
from tests.signing.parties import rsa_key


def pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    ("kind", "name"), [(KeyKind.P256, "ECDSA P-256"), (KeyKind.RSA2048, "RSA 2048"), (KeyKind.ED25519, "Ed25519")]
)
@pytest.mark.parametrize("passphrase", [None, b"correct horse battery staple"])
def test_a_key_is_read_again(kind: KeyKind, name: str, passphrase: bytes | None) -> None:
    key = generate(kind)
    read = from_pem(to_pem(key, passphrase), passphrase, name="k", note=kind is KeyKind.ED25519)
    assert read.public_key() == key.public_key()
    assert algorithm_name(read.public_key()) == name


def test_rsa_comes_in_the_sizes_it_is_named_by() -> None:
    assert [int(kind[3:]) for kind in KeyKind if kind.startswith("rsa")] == [2048, 3072, 4096]


@pytest.mark.parametrize(
    "key",
    [
        rsa_key(1024),
        ec.generate_private_key(ec.SECP192R1()),
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
        generate(KeyKind.ED25519),
    ],
    ids=["rsa-1024", "p-192", "secp256k1", "x25519", "ed25519"],
)
def test_a_weak_or_unsuitable_key_is_refused(key: PrivateKeyTypes) -> None:
    with pytest.raises(WeakKey, match=r"cover\.key\.pem") as refused:
        from_pem(pem(key), None, name="cover.key.pem", note=False)
    assert refused.value.code == "key.weak"


def test_the_log_signs_with_ed25519_only() -> None:
    with pytest.raises(WeakKey):
        from_pem(pem(generate(KeyKind.P256)), None, name="log.key.pem", note=True)


def test_passphrases_are_missing_wrong_or_of_no_use() -> None:
    open_key, closed = to_pem(generate(KeyKind.P256), None), to_pem(generate(KeyKind.P256), b"right one")
    for content, passphrase, text in (
        (closed, None, "no passphrase is set"),
        (closed, b"wrong one", "wrong"),
        (open_key, b"right one", "not encrypted"),
    ):
        with pytest.raises(WrongPassphrase, match=text) as refused:
            from_pem(content, passphrase, name="k", note=False)
        assert refused.value.code == "key.passphrase"
        assert "right one" not in refused.value.text


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(content: bytes) -> None:
    with pytest.raises(KeyUnreadable):
        from_pem(content, None, name="k", note=False)
