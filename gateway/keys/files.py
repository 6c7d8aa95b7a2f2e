"""KeyStore: the gateway's own keys, one PKCS #8 PEM file each, in a directory of its own.

    cover    signs Covers, enveloped payloads and WS-Security headers; certified by the own authority, as are
    tls      the gateway's server key, and
    client   what it shows when it pushes to a partner
    ca       the own authority
    log      Ed25519, signs checkpoints; how it is changed: `log_key.py`
    receipt  Ed25519, signs receipts
    digest   seed of the key that tells a repeat from a conflict, and of the one that cosigns partners' logs
    wrap     seed of the keys that encrypt the files of payload buckets and of the disclosure index

The first start makes them all. The file `directory-id` is made last and says that the directory is whole: without it
making goes on where it stopped, with it a missing key is an error and is never made anew. Several nodes may start on
one empty directory at once: of each file one node's stays, and all read that one.
Seeds are kept as Ed25519 keys because that gives them the file format, passphrase and fingerprint of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Self, cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.audit.cosignature import CosignerKey
from gateway.audit.note import NoteKey
from gateway.clock import Clock
from gateway.keys.authority import Authority, self_signed
from gateway.keys.heads import DIRECTORY as HEADS
from gateway.keys.heads import KeptHeads
from gateway.keys.log_key import LogKeyFiles
from gateway.keys.payload import PayloadKeys
from gateway.keys.private_key import (
    KeyKind,
    MessageKey,
    PrivateKey,
    WeakKey,
    algorithm_name,
    from_pem,
    generate,
    is_for,
    spki,
    to_pem,
)
from gateway.keys.secret_file import (
    PUBLIC_MODE,
    KeyMissing,
    KeyUnreadable,
    check_directory,
    create,
    make_directory,
    read_public,
    read_secret,
    replace,
)
from gateway.keys.signer import Ed25519Signer, signer_of
from gateway.keys.subject import SubjectKeys
from gateway.signing.keyring import Signer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
ID_FILE = "directory-id"
BUCKETS = "buckets"
SUBJECTS = "subjects"
NOTE_KEYS = ("log", "receipt", "digest", "wrap")
CERTIFIED = ("cover", "tls", "client")
MESSAGE_KEYS = ("ca", *CERTIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """One key, for people: no part of it is secret.

    fingerprint  SHA-256 of its SubjectPublicKeyInfo, hex
    expires      of its certificate; None for a key without one
    """

    name: str
    algorithm: str
    fingerprint: str
    created: datetime
    path: Path
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Files for `ssl.SSLContext.load_cert_chain`: certificate with its authority behind it, key, and passphrase."""

    certificate: Path
    key: Path
    passphrase: bytes | None


class KeyStore:
    """The keys of one directory, ready to use; safe from several threads. Made by `create` or `open`.

    cover_signer    signs what goes to partners
    log_signer      signs checkpoints, under the gateway's name, which is the log's origin
    receipt_signer  signs receipts, under the gateway's name and "/receipt"
    digest_key      32 bytes
    pseudonym_seed  32 bytes, of the keys of pseudonyms
    authority       issues certificates
    fingerprint     "sha-256:<hex>", names the directory; a database remembers it
    """

    def __init__(self, directory: Path, *, name: str, passphrase: bytes | None) -> None:
        """Read the keys. Raises leaves of `Misconfigured`."""
        check_directory(directory)
        self.directory = directory
        self._name = name
        self._passphrase = passphrase
        identity = _read_identity(directory)
        keys = {each: _read_key(directory, each, passphrase) for each in (*MESSAGE_KEYS, *NOTE_KEYS)}
        certificates = {each: _read_certificate(directory, each, keys[each]) for each in MESSAGE_KEYS}
        self._keys: Mapping[str, PrivateKey] = keys
        self._certificates: Mapping[str, x509.Certificate] = certificates
        self.fingerprint = "sha-256:" + sha256(identity).hexdigest()
        self.authority = Authority(cast("ec.EllipticCurvePrivateKey", keys["ca"]), certificates["ca"])
        self.cover_signer: Signer = signer_of(cast("MessageKey", keys["cover"]), certificates["cover"])
        self.log_key = LogKeyFiles(directory, name=name, passphrase=passphrase)
        self.heads = KeptHeads(directory / HEADS)
        self.receipt_signer = Ed25519Signer(_ed25519(keys, "receipt"), f"{name}/receipt")
        self.digest_key = _derived(_ed25519(keys, "digest"), b"gateway/digest-key/1")
        witness = _derived(_ed25519(keys, "digest"), b"gateway/witness-key/1")
        self.witness_signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(witness), f"{name}/witness")
        self.pseudonym_seed = _derived(_ed25519(keys, "digest"), b"gateway/pseudonym-seed/1")

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        name: str,
        clock: Clock,
        hosts: Sequence[str] = LOOPBACK,
        cover: str = KeyKind.P256,
        passphrase: bytes | None = None,
    ) -> Self:
        """Make what is not there yet, then open. A whole directory is only opened, and nothing in it changes.

        name    of the gateway; hosts: its host names and addresses
        cover   kind of the Cover key: p256, rsa2048, rsa3072 or rsa4096

        Raises leaves of `Misconfigured`.
        """
        make_directory(directory)
        check_directory(directory)
        if not (directory / ID_FILE).exists():
            _make_keys(directory, KeyKind(cover), passphrase)
            _make_certificates(directory, name=name, hosts=hosts, now=clock.now(), passphrase=passphrase)
            create(directory / ID_FILE, clock.random(32).hex().encode() + b"\n")
        return cls.open(directory, name=name, passphrase=passphrase)

    @classmethod
    def open(cls, directory: Path, *, name: str, passphrase: bytes | None = None) -> Self:
        """The keys of a directory that `create` made. Raises leaves of `Misconfigured`: key.missing, key.permissions,
        key.weak, key.passphrase, key.unreadable."""
        return cls(directory, name=name, passphrase=passphrase)

    @property
    def log_signer(self) -> Ed25519Signer:
        """Signs checkpoints; the key may be replaced while the process runs."""
        return self.log_key.signer

    @property
    def tls_files(self) -> TlsFiles:
        """For the gateway's own listener."""
        return self._files("tls")

    @property
    def client_files(self) -> TlsFiles:
        """For pushes to partners that ask for a client certificate."""
        return self._files("client")

    @property
    def tls_certificate(self) -> x509.Certificate:
        """Certificate of the gateway's own listener."""
        return self._certificates["tls"]

    def payload_keys(self, clock: Clock) -> PayloadKeys:
        """Keys of the stored payloads."""
        wrapping = _derived(_ed25519(self._keys, "wrap"), b"gateway/wrapping-key/1")
        return PayloadKeys(self.directory / BUCKETS, wrapping=wrapping, clock=clock, fingerprint=self.fingerprint)

    def subject_keys(self, clock: Clock) -> SubjectKeys:
        """Keys of the disclosure index."""
        wrapping = _derived(_ed25519(self._keys, "wrap"), b"gateway/subject-wrapping-key/1")
        return SubjectKeys(self.directory / SUBJECTS, wrapping=wrapping, clock=clock)

    def list(self) -> tuple[KeyFile, ...]:
        """Every key of the directory, buckets aside."""
        return tuple(self._described(name) for name in (*MESSAGE_KEYS, *NOTE_KEYS))

    def public_parts(self) -> Mapping[str, bytes]:
        """What partners are given, by file name: certificates to pin, keys of log, receipts and cosignatures."""
        log = NoteKey(self.log_signer.name, self.log_signer.public_bytes)
        receipt = NoteKey(self.receipt_signer.name, self.receipt_signer.public_bytes)
        witness = CosignerKey(self.witness_signer.name, self.witness_signer.public_bytes)
        return {
            "authority.pem": self.authority.certificate_pem,
            "cover.pem": _pem(self._certificates["cover"]),
            "client.pem": _pem(self._certificates["client"]),
            "log.vkey": f"{log}\n".encode(),
            "receipt.vkey": f"{receipt}\n".encode(),
            "witness.vkey": f"{witness}\n".encode(),
        }

    def renewed(self, name: str, *, clock: Clock, hosts: Sequence[str] = LOOPBACK) -> "KeyStore":
        """The store with a new certificate for cover, tls or client; the key stays. `hosts` is for tls.

        Processes that run go on with the old certificate until they open the directory again.
        """
        if name not in CERTIFIED:
            raise ValueError(f"only {', '.join(CERTIFIED)} have certificates that are renewed")
        key = cast("MessageKey", self._keys[name])
        chain = _issue(self.authority, name, key, gateway=self._name, hosts=hosts, now=clock.now())
        replace(_certificate_path(self.directory, name), chain, mode=PUBLIC_MODE)
        return KeyStore.open(self.directory, name=self._name, passphrase=self._passphrase)

    def _files(self, name: str) -> TlsFiles:
        return TlsFiles(
            certificate=_certificate_path(self.directory, name),
            key=_key_path(self.directory, name),
            passphrase=self._passphrase,
        )

    def _described(self, name: str) -> KeyFile:
        path = _key_path(self.directory, name)
        public = self._keys[name].public_key()
        certificate = self._certificates.get(name)
        return KeyFile(
            name=name,
            algorithm=algorithm_name(public),
            fingerprint=sha256(spki(public)).hexdigest(),
            created=datetime.fromtimestamp(path.stat().st_mtime, UTC),
            path=path,
            expires=certificate.not_valid_after_utc if certificate else None,
        )


def _make_keys(directory: Path, cover: KeyKind, passphrase: bytes | None) -> None:
    kinds = {"cover": cover} | dict.fromkeys(NOTE_KEYS, KeyKind.ED25519)
    for name in (*MESSAGE_KEYS, *NOTE_KEYS):
        path = _key_path(directory, name)
        if not path.exists():
            create(path, to_pem(generate(kinds.get(name, KeyKind.P256)), passphrase))


def _make_certificates(
    directory: Path, *, name: str, hosts: Sequence[str], now: datetime, passphrase: bytes | None
) -> None:
    """Certificates for the keys that are on disk by now, whichever process made them."""
    ca = cast("ec.EllipticCurvePrivateKey", _read_key(directory, "ca", passphrase))
    create(_certificate_path(directory, "ca"), self_signed(ca, name, now=now), mode=PUBLIC_MODE)
    authority = Authority(ca, _read_certificate(directory, "ca", ca))
    for each in CERTIFIED:
        path = _certificate_path(directory, each)
        if not path.exists():
            key = cast("MessageKey", _read_key(directory, each, passphrase))
            create(path, _issue(authority, each, key, gateway=name, hosts=hosts, now=now), mode=PUBLIC_MODE)


def _issue(
    authority: Authority, name: str, key: MessageKey, *, gateway: str, hosts: Sequence[str], now: datetime
) -> bytes:
    """Certificate and, behind it, the authority's: what a TLS peer is shown."""
    if name == "tls":
        leaf = authority.issue_server(hosts, key.public_key(), now=now)
    else:
        leaf = authority.issue_own(f"{gateway} {name}", key.public_key(), now=now)
    return leaf + authority.certificate_pem


def _key_path(directory: Path, name: str) -> Path:
    return directory / f"{name}.key.pem"


def _certificate_path(directory: Path, name: str) -> Path:
    return directory / f"{name}.cert.pem"


def _read_identity(directory: Path) -> bytes:
    try:
        return read_secret(directory / ID_FILE)
    except KeyMissing as error:
        raise KeyMissing(f"{directory}: the keys were not made, or not all of them; run `gateway init`") from error


def _read_key(directory: Path, name: str, passphrase: bytes | None) -> PrivateKey:
    path = _key_path(directory, name)
    key = from_pem(read_secret(path), passphrase, name=str(path), note=name in NOTE_KEYS)
    if name == "ca" and not isinstance(key, ec.EllipticCurvePrivateKey):
        raise WeakKey(f"{path}: the authority's key must be P-256 or P-384")
    return key


def _read_certificate(directory: Path, name: str, key: PrivateKey) -> x509.Certificate:
    path = _certificate_path(directory, name)
    try:
        certificate = x509.load_pem_x509_certificate(read_public(path))
    except ValueError as error:
        raise KeyUnreadable(f"{path}: not a certificate in PEM form") from error
    if not is_for(certificate, cast("MessageKey", key)):
        raise KeyUnreadable(f"{path}: not the certificate of {name}.key.pem; restore both from one backup")
    return certificate


def _ed25519(keys: Mapping[str, PrivateKey], name: str) -> Ed25519PrivateKey:
    return cast("Ed25519PrivateKey", keys[name])


def _derived(seed: Ed25519PrivateKey, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(seed.private_bytes_raw())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
