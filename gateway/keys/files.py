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
How the first six change, while processes run: `succession.py`. The last two never do: what they keep would be lost.
Seeds are kept as Ed25519 keys because that gives them the file format, passphrase and fingerprint of the others.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.audit.cosignature import CosignerKey
from gateway.audit.note import NoteKey
from gateway.clock import Clock
from gateway.keys.authority import Authority, names_of, request_own, request_server, self_signed
from gateway.keys.certified import AUTHORITY, CertifiedKey, Held
from gateway.keys.crl import OwnLists
from gateway.keys.heads import DIRECTORY as HEADS
from gateway.keys.heads import KeptHeads
from gateway.keys.issued import IssuedFiles
from gateway.keys.listed import KeyFile, certified_keys, log_keys, note_key, receipt_keys
from gateway.keys.log_key import LogKeyFiles
from gateway.keys.payload import PayloadKeys
from gateway.keys.private_key import KeyKind, MessageKey, from_pem, generate, to_pem
from gateway.keys.published import public_parts
from gateway.keys.receipt_key import ReceiptKeyFiles
from gateway.keys.secret_file import (
    PUBLIC_MODE,
    KeyMissing,
    KeysBusy,
    check_directory,
    create,
    make_directory,
    read_secret,
)
from gateway.keys.signer import Ed25519Signer, signer_of
from gateway.keys.subject import SubjectKeys
from gateway.keys.succession import Look, NextKey, Succession, alone, look
from gateway.signing.keyring import Signer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
ID_FILE = "directory-id"
BUCKETS = "buckets"
SUBJECTS = "subjects"
RECEIPT = "receipt"
SEEDS = ("digest", "wrap")
NOTE_KEYS = ("log", RECEIPT, *SEEDS)
CERTIFIED = ("cover", "tls", "client")
MESSAGE_KEYS = (AUTHORITY, *CERTIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Files for `ssl.SSLContext.load_cert_chain`: certificate with its authority behind it, key, and passphrase.

    looks  how they looked: with others it is another certificate
    """

    certificate: Path
    key: Path
    passphrase: bytes | None = field(repr=False)
    looks: tuple[Look, Look]


class KeyStore:
    """The keys of one directory, ready to use; safe from several threads. Made by `create` or `open`.

    cover_signer, receipt_signer, authority, tls_files and client_files are those of now: each may be replaced while the
    process runs. Whoever signs one thing takes the signer once.

    digest_key      32 bytes
    pseudonym_seed  32 bytes, of the keys of pseudonyms
    fingerprint     "sha-256:<hex>", names the directory; a database remembers it
    """

    def __init__(self, directory: Path, *, name: str, passphrase: bytes | None) -> None:
        """Read the keys. Raises leaves of `Misconfigured`."""
        check_directory(directory)
        self.directory = directory
        self._name = name
        self._passphrase = passphrase
        identity = _read_identity(directory)
        self._certified = {each: CertifiedKey(directory, each, passphrase) for each in MESSAGE_KEYS}
        self._seeds = {each: _read_seed(directory, each, passphrase) for each in SEEDS}
        self._receipt = ReceiptKeyFiles(directory, name=name, passphrase=passphrase)
        self._cover: tuple[Held, Signer] | None = None
        self._authorities: tuple[Look, tuple[x509.Certificate, ...]] | None = None
        self.fingerprint = "sha-256:" + sha256(identity).hexdigest()
        self.log_key = LogKeyFiles(directory, name=name, passphrase=passphrase)
        self.heads = KeptHeads(directory / HEADS)
        self.issued = IssuedFiles(directory)
        self.lists = OwnLists(directory, self._certified[AUTHORITY])
        self.digest_key = _derived(self._seeds["digest"], b"gateway/digest-key/1")
        witness = _derived(self._seeds["digest"], b"gateway/witness-key/1")
        self.witness_signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(witness), f"{name}/witness")
        self.pseudonym_seed = _derived(self._seeds["digest"], b"gateway/pseudonym-seed/1")
        self._finish()

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
            _make_certificates(directory, name=name, hosts=hosts, clock=clock, passphrase=passphrase)
            create(directory / ID_FILE, clock.random(32).hex().encode() + b"\n")
        return cls.open(directory, name=name, passphrase=passphrase)

    @classmethod
    def open(cls, directory: Path, *, name: str, passphrase: bytes | None = None) -> Self:
        """The keys of a directory that `create` made. Raises leaves of `Misconfigured`: key.missing, key.permissions,
        key.weak, key.passphrase, key.unreadable."""
        return cls(directory, name=name, passphrase=passphrase)

    # --- in use -------------------------------------------------------------------------------------------------

    @property
    def cover_signer(self) -> Signer:
        """Signs what goes to partners."""
        held, made = self._certified["cover"].current(), self._cover
        if made is None or made[0] is not held:
            self._cover = made = (held, signer_of(held.key, held.certificate))
        return made[1]

    @property
    def log_signer(self) -> Ed25519Signer:
        """Signs checkpoints, under the gateway's name, which is the log's origin."""
        return self.log_key.signer

    @property
    def receipt_signer(self) -> Ed25519Signer:
        """Signs receipts, under the gateway's name and "/receipt"."""
        return self._receipt.signer

    @property
    def receipt_keys(self) -> ReceiptKeyFiles:
        """Every key that ever signed receipts."""
        return self._receipt

    @property
    def authority(self) -> Authority:
        """Issues certificates."""
        held = self._certified[AUTHORITY].current()
        key = cast("ec.EllipticCurvePrivateKey", held.key)
        return Authority(key, held.certificate, record=self.issued.record)

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        """Whose certificates count as the gateway's own: of the authority in use, of the next one, and of those before
        that are not retired."""
        seen = look(self.directory)  # each change of keys renames something in it
        if self._authorities is None or self._authorities[0] != seen:
            key = self._certified[AUTHORITY]
            following = key.next_certificate()
            before = [each.certificate for each in key.old() if each.key is not None]
            self._authorities = seen, (key.current().certificate, *([following] if following else []), *before)
        return self._authorities[1]

    @property
    def every_authority(self) -> tuple[x509.Certificate, ...]:
        """Whose certificates are behind what was signed at any time: of the authority in use and all before it."""
        key = self._certified[AUTHORITY]
        return (key.current().certificate, *(each.certificate for each in key.old()))

    @property
    def certificates_in_use(self) -> tuple[x509.Certificate, ...]:
        """Of cover, tls, client and the authority, and of what takes over from them."""
        every = self._certified.values()
        following = [made for each in every if (made := each.next_certificate()) is not None]
        return (*(each.current().certificate for each in every), *following)

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
        return self._certified["tls"].current().certificate

    def certificate(self, name: str) -> x509.Certificate:
        """Certificate in use of cover, tls, client or ca."""
        return self._certified[name].current().certificate

    def payload_keys(self, clock: Clock) -> PayloadKeys:
        """Keys of the stored payloads."""
        wrapping = _derived(self._seeds["wrap"], b"gateway/wrapping-key/1")
        return PayloadKeys(self.directory / BUCKETS, wrapping=wrapping, clock=clock, fingerprint=self.fingerprint)

    def subject_keys(self, clock: Clock) -> SubjectKeys:
        """Keys of the disclosure index."""
        wrapping = _derived(self._seeds["wrap"], b"gateway/subject-wrapping-key/1")
        return SubjectKeys(self.directory / SUBJECTS, wrapping=wrapping, clock=clock)

    # --- all of them --------------------------------------------------------------------------------------------

    def list(self) -> tuple[KeyFile, ...]:
        """Every key of the directory, buckets aside; of each name the one in use first."""
        found: list[KeyFile] = []
        for name, key in self._certified.items():
            found += certified_keys(self.directory, name, key)
        found += log_keys(self.directory, self.log_key)
        found += receipt_keys(self.directory, self._receipt)
        for name, seed in self._seeds.items():
            public = NoteKey(name, seed.public_key().public_bytes_raw())
            found.append(note_key(self.directory, name, public))
        return tuple(found)

    def public_parts(self) -> Mapping[str, bytes]:
        """What partners are given, by file name: certificates to pin, keys of log, receipts and cosignatures; of each
        also the next one, and those before by which something still counts."""
        witness = CosignerKey(self.witness_signer.name, self.witness_signer.public_bytes)
        log = NoteKey(self.log_signer.name, self.log_signer.public_bytes)
        return public_parts(self._certified, self._receipt) | {
            "log.vkey": f"{log}\n".encode(),
            "witness.vkey": f"{witness}\n".encode(),
        }

    # --- change -------------------------------------------------------------------------------------------------

    def succession(self, name: str) -> Succession:
        """How cover, tls, client, ca or receipt gives way to its next key."""
        return self._receipt if name == RECEIPT else self._certified[name]

    def certified(self, name: str) -> CertifiedKey:
        """Cover, tls, client or ca, with what comes after it and was before it."""
        return self._certified[name]

    def make_next(self, name: str, *, clock: Clock, hosts: Sequence[str] = (), kind: str = KeyKind.P256) -> NextKey:
        """The next key of this name, made with its certificate unless it is there. Raises leaves of `Misconfigured`.

        hosts  names in a tls certificate, () = those of the one before; kind: of a Cover key
        """
        if name == RECEIPT:
            self._receipt.make_next()
        else:
            wanted = KeyKind(kind) if name == "cover" else KeyKind.P256
            names = tuple(hosts) or tuple(names_of(self.tls_certificate))
            self._certified[name].make_next(wanted, lambda key: self._certify(name, key, names, clock))
        made = self.succession(name).next()
        if made is None:
            raise KeysBusy(f"{name}: another process changes this key; look again")
        return made

    def request_next(self, name: str, *, hosts: Sequence[str] = (), kind: str = KeyKind.P256) -> bytes:
        """The next key of cover, tls or client, made unless it is there, and the request for its certificate, PEM."""
        wanted = KeyKind(kind) if name == "cover" else KeyKind.P256
        names = tuple(hosts) or tuple(names_of(self.tls_certificate))
        return self._certified[name].request_next(wanted, lambda key: self._ask(name, key, names))

    def alone(self, *, wait: bool = False) -> contextlib.AbstractContextManager[None]:
        """The one change of keys over all processes and nodes that share the directory. Raises `KeysBusy`, unless it
        waits until the other one is done."""
        return alone(self.directory, wait=wait)

    def _certify(self, name: str, key: MessageKey, hosts: Sequence[str], clock: Clock) -> bytes:
        if name == AUTHORITY:
            return self_signed(cast("ec.EllipticCurvePrivateKey", key), self._name, now=clock.now(), distinct=True)
        return _issue(self.authority, name, key, gateway=self._name, hosts=hosts, clock=clock)

    def _ask(self, name: str, key: MessageKey, hosts: Sequence[str]) -> bytes:
        return request_server(key, hosts) if name == "tls" else request_own(key, f"{self._name} {name}")

    def _finish(self) -> None:
        """What a change left that was stopped; unless somebody is at it."""
        successions: tuple[Succession, ...] = (*self._certified.values(), self._receipt)
        if any(each.unfinished() for each in successions):
            with contextlib.suppress(KeysBusy), self.alone():
                for each in successions:
                    each.finish()

    def _files(self, name: str) -> TlsFiles:
        held = self._certified[name].current()
        return TlsFiles(
            certificate=held.path, key=_key_path(self.directory, name), passphrase=self._passphrase, looks=held.looks
        )


def _make_keys(directory: Path, cover: KeyKind, passphrase: bytes | None) -> None:
    kinds = {"cover": cover} | dict.fromkeys(NOTE_KEYS, KeyKind.ED25519)
    for name in (*MESSAGE_KEYS, *NOTE_KEYS):
        path = _key_path(directory, name)
        if not path.exists():
            create(path, to_pem(generate(kinds.get(name, KeyKind.P256)), passphrase))


def _make_certificates(
    directory: Path, *, name: str, hosts: Sequence[str], clock: Clock, passphrase: bytes | None
) -> None:
    """Certificates for the keys that are on disk by now, whichever process made them."""
    ca = cast("ec.EllipticCurvePrivateKey", _read_message_key(directory, AUTHORITY, passphrase))
    create(_certificate_path(directory, AUTHORITY), self_signed(ca, name, now=clock.now()), mode=PUBLIC_MODE)
    certificate = CertifiedKey(directory, AUTHORITY, passphrase).current().certificate
    authority = Authority(ca, certificate, record=IssuedFiles(directory).record)
    for each in CERTIFIED:
        path = _certificate_path(directory, each)
        if not path.exists():
            key = _read_message_key(directory, each, passphrase)
            create(path, _issue(authority, each, key, gateway=name, hosts=hosts, clock=clock), mode=PUBLIC_MODE)


def _issue(
    authority: Authority, name: str, key: MessageKey, *, gateway: str, hosts: Sequence[str], clock: Clock
) -> bytes:
    """Certificate and, behind it, the authority's: what a TLS peer is shown."""
    now = clock.now()
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


def _read_message_key(directory: Path, name: str, passphrase: bytes | None) -> MessageKey:
    path = _key_path(directory, name)
    return cast("MessageKey", from_pem(read_secret(path), passphrase, name=str(path), note=False))


def _read_seed(directory: Path, name: str, passphrase: bytes | None) -> Ed25519PrivateKey:
    path = _key_path(directory, name)
    return cast("Ed25519PrivateKey", from_pem(read_secret(path), passphrase, name=str(path), note=True))


def _derived(seed: Ed25519PrivateKey, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(seed.private_bytes_raw())
