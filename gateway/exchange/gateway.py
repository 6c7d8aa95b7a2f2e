"""Gateway: what every verb is given - the store, the keys, the clock, and what is in force."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cryptography.x509 import Certificate

from gateway.agency import Agency, AgencyId
from gateway.audit.handover import LogKey
from gateway.clock import Clock
from gateway.config import Settings
from gateway.errors import GatewayError, Refused
from gateway.exchange.configured import Configured, compile_configuration
from gateway.exchange.health import Health
from gateway.exchange.passwords import Passwords
from gateway.exchange.tally import Tally
from gateway.keys.certified import CertifiedKey
from gateway.keys.crl import OwnLists
from gateway.keys.heads import Kept
from gateway.keys.issued import IssuedFiles
from gateway.keys.listed import KeyFile
from gateway.keys.receipt_key import ReceiptKey
from gateway.keys.succession import NextKey, Succession
from gateway.message import Filed, Sealed, uuid7
from gateway.policy.consent import FindConsents
from gateway.signing.certificate import CertificateUnreadable, check, read_certificate
from gateway.signing.certificate_name import names_of
from gateway.signing.keyring import Signer
from gateway.store.configuration import CredentialKind
from gateway.store.interface import Store

SEAL_RANDOM_SIZE_BYTES = 17
"""What `PayloadSafe.seal_salted` takes of chance: 5 bytes for the key's address in its bucket, 12 for the nonce."""


NOBODY = "no valid credential: a bearer token or a registered client certificate is needed"


class NotIdentified(Refused):
    """No credential, or one that is unknown, expired or revoked. The same text for all of them."""

    code = "identity.unknown"


class AgencySuspended(Refused):
    """The agency behind a good credential is suspended."""

    code = "agency.suspended"

    def __init__(self, agency: AgencyId) -> None:
        super().__init__(f"{agency} is suspended; its liaison at the gateway's operator can tell why")
        self.agency = agency


class CredentialsDisagree(Refused):
    """Token and client certificate belong to different agencies."""

    code = "identity.disagree"

    def __init__(self, *, by_token: AgencyId, by_certificate: AgencyId, token_fingerprint: str) -> None:
        super().__init__("the bearer token and the client certificate belong to different agencies")
        self.by_token, self.by_certificate, self.token_fingerprint = by_token, by_certificate, token_fingerprint


class PayloadSafe(Protocol):
    """Encrypts what the store keeps. Keys are derived from a bucket's secret and never stored."""

    def seal_salted(self, plaintext: bytes, *, bucket: str, aad: bytes, random: bytes) -> tuple[Sealed, bytes]:
        """Encrypt under a fresh key of the bucket, whose secret is durable before this returns; and 32 bytes derived
        one way from that key: the salt of the payload's commitment, which dies with the key.

        random  17 bytes: 5 for the key's address in the bucket, 12 for the nonce
        """

    def open(self, sealed: Sealed, *, aad: bytes) -> bytes:
        """Decrypt. Raises `Tampered` when bytes or `aad` differ, `Refused` "key.destroyed" when the key is gone."""

    def salt_of(self, sealed: Sealed) -> bytes:
        """The same salt again."""

    def alone(self) -> AbstractContextManager[None]:
        """The one run of destruction over all nodes that share the keys. Raises `Unavailable` when there is another."""

    def buckets(self) -> tuple[str, ...]:
        """Names of the buckets that still hold a key."""

    def nodes_in(self, bucket: str) -> int:
        """How many pieces a bucket's secret is in by now; 0 when nothing is left of it."""

    def remembers(self, bucket: str, index: int) -> bool:
        """Whether the key at this address is still there."""

    def secrets_of(self, bucket: str, index: int) -> tuple[bytes, ...]:
        """The key at this address and what it comes from, to look for them once they are destroyed; () when they
        are."""

    def close(self, bucket: str) -> None:
        """Nothing is sealed in this bucket any more. Durable when this returns, as are the next two."""

    def forget(self, bucket: str, indexes: Iterable[int]) -> None:
        """Destroy the keys at these addresses; all others stay."""

    def forget_bucket(self, bucket: str) -> None:
        """Destroy every key that is or was in this bucket; its name is never used again."""


class SubjectSafe(Protocol):
    """Encrypts the disclosure index. Keys are derived from the secrets of a generation and never stored."""

    def file(self, terms: Sequence[str], *, key: str, plaintexts: Sequence[bytes], now: datetime) -> tuple[Filed, ...]:
        """Rows that say these things of one person, found by these terms, under the key of one of them."""

    def file_in(
        self, quarter: str, terms: Sequence[str], *, key: str, plaintexts: Sequence[bytes]
    ) -> tuple[Filed, ...]:
        """The same, in the newest generation of this quarter, such as "2026-Q4"."""

    def tokens(self, terms: Iterable[str]) -> frozenset[int]:
        """By what rows of these terms are found."""

    def open(self, filed: Filed) -> bytes:
        """What a row says. Raises `Tampered`, `Refused` "key.destroyed" when its key is gone."""

    def generations(self) -> tuple[str, ...]:
        """All there are, oldest first."""

    def points(self, generation: str, terms: Iterable[str]) -> frozenset[int]:
        """Where the keys of these terms are in a generation."""

    def renew(self, generation: str) -> str:
        """Begin the next generation of its quarter."""

    def forget(self, generation: str, points: Iterable[int]) -> None:
        """Destroy the keys at these points, durably."""

    def destroy(self, generation: str) -> None:
        """Destroy all keys of a generation, durably."""


class NoteSigner(Protocol):
    """Ed25519 key of the log or of receipts."""

    @property
    def name(self) -> str:
        """Key name in signed notes."""

    @property
    def public_bytes(self) -> bytes:
        """The 32 bytes of the public key."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""


class LogKeyKeeper(Protocol):
    """The log's key and its change; every method reads files."""

    @property
    def signer(self) -> NoteSigner:
        """The key in use."""

    def every(self) -> Sequence[LogKey]:
        """Every key the log ever had, the one in use last."""

    def next(self) -> NoteSigner | None:
        """The key that is to take over."""

    def make_next(self) -> NoteSigner:
        """The same, made unless it is there."""

    def take_over(self, size: int) -> None:
        """It has taken over in the log, by a checkpoint of this size."""


class HeadKeeper(Protocol):
    """Heads of the log outside the database. What is kept never goes back."""

    def newest(self, kind: Kept) -> bytes | None:
        """The largest kept."""

    def keep(self, kind: Kept, size: int, note: bytes) -> None:
        """Keep this one."""

    def restart(self, size: int) -> None:
        """Forget those of more entries: people have decided so."""


class ReceiptKeys(Protocol):
    """The keys that sign receipts, or did; every method reads files."""

    def every(self) -> Sequence[ReceiptKey]:
        """Every key there ever was, the one in use last."""


class Keys(Protocol):
    """The gateway's own keys, ready to use."""

    @property
    def log_key(self) -> LogKeyKeeper:
        """The log's key and its change."""

    @property
    def heads(self) -> HeadKeeper:
        """Heads of the log kept beside the keys."""

    @property
    def witness_signer(self) -> NoteSigner:
        """Signs cosignatures of partners' logs."""

    @property
    def cover_signer(self) -> Signer:
        """Signs Covers, enveloped payloads and WS-Security headers."""

    @property
    def log_signer(self) -> NoteSigner:
        """Signs checkpoints."""

    @property
    def receipt_signer(self) -> NoteSigner:
        """Signs receipts."""

    @property
    def receipt_keys(self) -> ReceiptKeys:
        """Whose receipts count."""

    @property
    def authorities(self) -> Sequence[Certificate]:
        """Whose certificates count as the gateway's own."""

    @property
    def every_authority(self) -> Sequence[Certificate]:
        """Whose certificates are behind what was signed at any time; the authority in use first."""

    def list(self) -> Sequence[KeyFile]:
        """Every key, the next and the old ones too, with the end of its certificate."""

    def succession(self, name: str) -> Succession:
        """How cover, tls, client, ca or receipt gives way to its next key."""

    def make_next(self, name: str, *, clock: Clock, hosts: Sequence[str], kind: str) -> NextKey:
        """Its next key, made with its certificate unless it is there.

        hosts  names in a tls certificate, () = those of the one before; kind: of a Cover key
        """

    def certified(self, name: str) -> CertifiedKey:
        """Cover, tls, client or ca, with what comes after it and was before it."""

    def request_next(self, name: str, *, hosts: Sequence[str], kind: str) -> bytes:
        """The next key of cover, tls or client, made unless it is there, and the request for its certificate, PEM."""

    @property
    def certificates_in_use(self) -> Sequence[Certificate]:
        """Of cover, tls, client and the authority, and of what takes over from them."""

    @property
    def lists(self) -> OwnLists:
        """Revocation lists of the authorities that count."""

    @property
    def issued(self) -> IssuedFiles:
        """What the authority has issued and revoked."""

    def alone(self) -> AbstractContextManager[None]:
        """The one change of keys over all processes and nodes. Raises `Unavailable` when there is another."""

    @property
    def digest_key(self) -> bytes:
        """32 bytes; keys the digest that tells a repeat from a conflict."""


@dataclass(slots=True, kw_only=True)
class Gateway:
    """One running process of the gateway. `current` is replaced whole when the configuration changes; `accepted` is set
    when there is something new to deliver; without `find_consents` nobody has consented to anything, without `subjects`
    there is no disclosure index; `tally` counts what the log need not hear of each time; `health` is what this process
    noticed of the log, `passwords` what it knows of usernames; `noted` holds the newest head of a partner's log that
    came with a request, until it is written down; `newest_head` our own, and until when it is new enough."""

    store: Store
    keys: Keys
    payloads: PayloadSafe
    clock: Clock
    settings: Settings
    current: Configured
    find_consents: FindConsents | None = None
    subjects: SubjectSafe | None = None
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    tally: Tally = field(default_factory=Tally)
    noted: dict[AgencyId, bytes] = field(default_factory=dict)
    newest_head: tuple[bytes, float] | None = None
    health: Health = field(default_factory=Health)
    passwords: Passwords = field(default_factory=Passwords)
    _reload: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self) -> bool:
        """Take up a changed configuration, or the pseudonyms of a new period; True when there was one. Several calls at
        once load it once."""
        if await self._is_current():
            return False
        async with self._reload:
            if await self._is_current():
                return True
            pseudonyms = self.current.pseudonyms.at(self.clock.now())
            stored = await self.store.configuration()
            self.current = compile_configuration(stored, before=self.current, pseudonyms=pseudonyms)
            return True

    async def _is_current(self) -> bool:
        pseudonyms = self.current.pseudonyms
        if pseudonyms != pseudonyms.at(self.clock.now()):
            return False
        return await self.store.configuration_version() == self.current.version

    def new_id(self, now: datetime, *, after: str = "") -> str:
        """A fresh UUIDv7 text; it sorts after this one, whatever the clock says."""
        return uuid7(now, self.clock.random(10), after=after)

    def identify_token(self, token: str) -> Agency:
        """The agency this bearer token speaks for. Raises `NotIdentified`, `AgencySuspended`."""
        return self._holder(hashlib.sha256(token.encode()).hexdigest(), CredentialKind.TOKEN)

    def identify_certificate(self, der: bytes, others: Sequence[bytes] = ()) -> Agency:
        """The agency that this client certificate speaks for. Raises `NotIdentified`, `AgencySuspended`, `CrlStale`.

        The TLS layer has proven that the peer holds the key; which agency it is, is ours to say, by the rules for
        signatures. A certificate that could speak for two agencies speaks for none.

        others  certificates that came with it, DER
        """
        found = [agency for agency in self._candidates(der) if self._speaks(der, agency, others)]
        if len(found) != 1:
            raise NotIdentified(NOBODY)
        return self._let_in(found[0])

    def _candidates(self, der: bytes) -> Iterable[AgencyId]:
        """Whom it is registered for, or by its names may be of."""
        credential = self.current.credentials.get(hashlib.sha256(der).hexdigest())
        if credential is not None:
            return (credential.agency,)
        if not self.current.speakers:
            return ()
        try:
            return self.current.speaking(names_of(read_certificate(der)))
        except CertificateUnreadable:
            return ()

    def _speaks(self, der: bytes, agency: AgencyId, others: Sequence[bytes]) -> bool:
        try:
            check(der, self.current.trust(agency), now=self.clock.now(), others=others)
        except Refused:
            return False
        return True

    def still_speaks(
        self, agency: AgencyId, credentials: Iterable[str], certificate: bytes = b"", others: Sequence[bytes] = ()
    ) -> bool:
        """Whether who was identified by these credentials (fingerprints), and this certificate with what came along,
        still would be."""
        held = self.current.agencies.get(agency)
        if held is None or held.suspended:
            return False
        now = self.clock.now()
        known = (self.current.credentials[each] for each in credentials if each in self.current.credentials)
        if not all(each.revoked_at is None and now < each.not_after for each in known):
            return False
        try:
            return not certificate or self.identify_certificate(certificate, others).id == agency
        except GatewayError:
            return False

    def _holder(self, fingerprint: str, kind: CredentialKind) -> Agency:
        credential = self.current.credentials.get(fingerprint)
        now = self.clock.now()
        if (
            credential is None
            or credential.kind is not kind
            or credential.revoked_at is not None
            or not credential.not_before <= now < credential.not_after
        ):
            raise NotIdentified(NOBODY)
        return self._let_in(credential.agency)

    def _let_in(self, id: AgencyId) -> Agency:
        agency = self.current.agencies[id]
        if agency.suspended:
            raise AgencySuspended(id)
        return agency
