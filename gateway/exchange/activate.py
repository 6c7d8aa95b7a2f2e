"""What is in force changes only here: each change goes to the database with its audit entry, in one transaction.

Files in `policies/` and `iepd/` are drafts; these verbs put their bytes into the database.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from hashlib import sha256
from typing import Any, Concatenate, ParamSpec, TypeVar

from gateway.agency import Agency, AgencyId
from gateway.audit.catalog import EntryType
from gateway.audit.entry import AuditEntry
from gateway.errors import Refused
from gateway.exchange.acting import OFFICERS, OPERATOR, RUNS, Acting, Signer, allowed, entry_by, fingerprint
from gateway.exchange.configured import Configured
from gateway.exchange.gateway import Gateway
from gateway.finding import Finding, errors
from gateway.iepd.package import Iepd, archive
from gateway.iepd.registry import Registry
from gateway.policy.mou import Clause, Mou
from gateway.policy.read import read_mou
from gateway.signing.certificate import check_pin, content_id, read_certificate, to_pem
from gateway.signing.username import LENGTH_MAX, SALT_SIZE_BYTES, password_record
from gateway.store.agency_text import agency_text
from gateway.store.configuration import (
    AgreementState,
    Change,
    Configuration,
    ConfigurationChanged,
    Credential,
    CredentialKind,
    Exchange,
    Relisted,
)

TOKEN_VALID = timedelta(days=365)

SHUT_OUT_SECONDS = 5
"""In every process that serves or works, at most this long after an agency was shut out, nothing of it goes on. What
the processes look at how often adds up to less: `serving.REFRESH_SECONDS`, `worker.Rhythm.shut_out`, and the keep-alive
of pushes, `transport.connections.KEEPALIVE_SECONDS`."""

TRIES_MAX = 5

STANDING = (AgreementState.IN_FORCE, AgreementState.SUSPENDED)
"""States in which what the parties approved must stay what they approved."""

_Given = ParamSpec("_Given")
_Done = TypeVar("_Done")


class ExchangeInUse(Refused):
    """An agreement that was ever in force does not fit the exchange as it would be; `findings` say where."""

    code = "exchange.in-use"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("agreements do not fit the new form of the exchange; register it under a new version")
        self.findings = findings


class SignatureNeeded(Refused):
    """There are people of the operator who may do this: one of them signs it."""

    code = "agency.signature-needed"


class AgencyUnknown(Refused):
    """No such agency in the database."""

    code = "agency.unknown"


class WeakPassword(Refused):
    """A username or password for UsernameTokens is too short, too long, or not of plain letters."""

    code = "credential.weak-password"


class CredentialTaken(Refused):
    """The certificate speaks for another agency already."""

    code = "credential.taken"


class CredentialRevoked(Refused):
    """The credential was revoked, for good: what is lost or stolen does not come back."""

    code = "credential.revoked"


def decided_anew(
    act: Callable[Concatenate[Gateway, _Given], Awaitable[_Done]],
) -> Callable[Concatenate[Gateway, _Given], Coroutine[Any, Any, _Done]]:
    """An act that judges what is in force and then changes it through `change`: under the newest configuration, and
    again when somebody else was faster. Two activations at once never both find themselves the only one.

    Nothing is awaited between judging and `change`, or the configuration judged is not the one compared.
    """

    @wraps(act)
    async def newest(gateway: Gateway, /, *args: _Given.args, **named: _Given.kwargs) -> _Done:
        for _ in range(TRIES_MAX - 1):
            await gateway.refresh()
            try:
                return await act(gateway, *args, **named)
            except ConfigurationChanged:
                continue
        await gateway.refresh()
        return await act(gateway, *args, **named)

    return newest


@decided_anew
async def register_exchanges(
    gateway: Gateway, iepds: Sequence[Iepd], *, by: Acting | None = None, actor: str = ""
) -> None:
    """Take message specifications in; one that the database holds as it is changes nothing.

    by  the officer of the operator who confirms the labels of its fields; None when a deployment is made, with the
        exchanges that come with the gateway. `actor` is what the log then names.

    Raises `ExchangeInUse` when an agreement speaks of a field that the new catalog does not have or nobody confirmed,
    and `RootTaken`: after either, no process could read the configuration any more; and what `allowed` raises.
    """
    if by is not None:
        allowed(gateway, by, OFFICERS, OPERATOR)  # first: to whoever may not, nothing of what is held is told
    stored = await gateway.store.configuration()
    if stored.version != gateway.current.version:
        raise ConfigurationChanged("the configuration changed meanwhile; try again")
    held = {exchange.id: exchange.digest for exchange in stored.exchanges}
    new = [iepd for iepd in iepds if held.get(iepd.id) != iepd.edition]
    _refuse_conflicts(stored, {**gateway.current.iepds, **{iepd.id: iepd for iepd in new}}, {each.id for each in new})
    _refuse_wider(gateway.current, new)
    now = gateway.clock.now()
    changes = [Exchange(id=iepd.id, digest=iepd.edition, archive=archive(iepd)) for iepd in new]
    await change(gateway, changes, [_registered(gateway, iepd, by, actor, now) for iepd in new])


def _registered(gateway: Gateway, iepd: Iepd, by: Acting | None, actor: str, now: datetime) -> AuditEntry:
    fields: dict[str, Any] = {"kind": "exchange", "exchange": iepd.id, "count": len(iepd.catalog.fields)}
    signer = Signer(by=by, actor=actor, roles=OFFICERS)
    return entry_by(gateway, EntryType.REGISTER, signer, digest=iepd.edition, at=now, **fields)


def _refuse_conflicts(stored: Configuration, iepds: Mapping[str, Iepd], changed: Set[str]) -> None:
    """Ended agreements too: what went out under them must stay explainable and correctable."""
    Registry.of(iepds.values())
    wrong: list[Finding] = []
    for one in stored.agreements:
        if one.state is not AgreementState.DRAFT:
            mou, findings = read_mou(one.body, f"{one.mou} version {one.version}", iepds)
            if mou is None or any(clause.exchange in changed for clause in mou.exchanges):
                wrong.extend(errors(findings))
    if wrong:
        raise ExchangeInUse(tuple(wrong))


def _refuse_wider(configured: Configured, new: Iterable[Iepd]) -> None:
    """Labels and facts decide what clauses give and what laws withhold. Parties approved what a clause gave under the
    labels of then: no other label, name or question puts a field into it, or past its transforms, without them."""
    standing = [configured.mou(one) for one in configured.agreements if one.state in STANDING]
    wrong = [
        _wider(mou, clause, name)
        for iepd in new
        if (held := configured.iepds.get(iepd.id)) is not None
        for mou in standing
        for clause in mou.exchanges
        if clause.exchange == iepd.id
        for name in _opened(clause, held, iepd)
    ]
    if wrong:
        raise ExchangeInUse(tuple(wrong))


def _opened(clause: Clause, held: Iepd, iepd: Iepd) -> list[str]:
    """Fields that the clause would give, or give otherwise; and facts that are asked otherwise."""
    fields = sorted({name for _, name, _ in _given(clause, iepd) - _given(clause, held)})
    now = {fact.name: (fact.each, fact.test, fact.missing) for fact in iepd.facts}
    then = {fact.name: (fact.each, fact.test, fact.missing) for fact in held.facts}
    return fields + [f"what {name} guards" for name in sorted(then) if now.get(name) != then[name]]


def _given(clause: Clause, iepd: Iepd) -> set[tuple[tuple[str, ...], str, str]]:
    fields = (field for item in clause.share for field in iepd.catalog.select(item.what))
    return {(field.path, field.name, field.label) for field in fields}


def _wider(mou: Mou, clause: Clause, name: str) -> Finding:
    text = f"{mou.id} version {mou.version} clause {clause.id} would give {name} so, which its parties did not approve"
    return Finding(code="exchange.wider", text=text)


@decided_anew
async def put_agency(gateway: Gateway, agency: Agency, *, by: Acting | None = None, actor: str = "") -> None:
    """Add an agency, or change the one with its id. A suspended one stays so: that is `suspend_agency`'s to change.

    by  who signs, of the operator: an officer where it is new or its kind, duties or state change, for these decide
        which law binds; else whoever runs the gateway may. None when a deployment is made. `actor` is what the log
        then names.

    Raises what `allowed` raises.
    """
    held = gateway.current.agencies.get(agency.id)
    if held is not None:
        agency = replace(agency, suspended=held.suspended)
    roles = OFFICERS if held is None or _binds(held) != _binds(agency) else RUNS
    await _write_agency(gateway, agency, Signer(by=by, actor=actor, roles=roles), action="put")


def _binds(agency: Agency) -> tuple[object, ...]:
    """What law asks of an agency."""
    return agency.kind, agency.duties, agency.state


USERNAME = re.compile(r"[!-~]{1,128}")
PASSWORD_LENGTH_MIN = 12
"""As of passphrases. A program types it, so a long one costs nobody anything."""


async def _write_agency(gateway: Gateway, agency: Agency, signer: Signer, *, action: str) -> None:
    digest = f"sha-256:{sha256(agency_text(agency).encode()).hexdigest()}"
    entry = operators_entry(
        gateway,
        EntryType.AGENCY,
        signer,
        digest=digest,
        agency=agency.id,
        action=action,
        kind=agency.kind,
    )
    await change(gateway, [agency], [entry])


def operators_entry(
    gateway: Gateway, type: EntryType, signer: Signer, *, agency: AgencyId, **fields: Any
) -> AuditEntry:
    """The entry of something the operator does to an agency, which may read it."""
    named: dict[str, Any] = {"parties": (agency,), "agency": agency, **fields}
    return entry_by(gateway, type, signer, at=gateway.clock.now(), **named)


def check_unsigned(gateway: Gateway) -> None:
    """Whether a command may let an agency in without a signature: only while the operator has nobody who could sign, as
    when the first accounts are made. Raises `SignatureNeeded`."""
    if any(one.may(*RUNS) and one.agency == OPERATOR for one in gateway.current.users.values()):
        raise SignatureNeeded("somebody of the operator signs this: give --as with their account")


@decided_anew
async def suspend_agency(
    gateway: Gateway, id: AgencyId, *, by: Acting | None = None, actor: str = "", suspended: bool = True
) -> bool:
    """Shut an agency out at once - its credentials, connections and deliveries - or let it in again; False, and nothing
    is written, when that is so already. Every running process takes it up within `SHUT_OUT_SECONDS`."""
    agency = gateway.current.agencies.get(id)
    if agency is None:
        raise AgencyUnknown(f"there is no agency {id}")
    if agency.suspended is suspended:
        return False
    action = "suspend" if suspended else "resume"
    await _write_agency(gateway, replace(agency, suspended=suspended), Signer(by=by, actor=actor), action=action)
    return True


@decided_anew
async def issue_token(gateway: Gateway, id: AgencyId, *, by: Acting | None = None, actor: str = "") -> str:
    """A new bearer token for an agency: shown once, stored as a digest only. 256 random bits."""
    token = f"gw_{gateway.clock.random(32).hex()}"
    now = gateway.clock.now()
    credential = Credential(
        fingerprint=sha256(token.encode()).hexdigest(),
        kind=CredentialKind.TOKEN,
        agency=id,
        not_before=now,
        not_after=now + TOKEN_VALID,
    )
    await put_credential(gateway, credential, Signer(by=by, actor=actor), action="issue")
    return token


@decided_anew
async def register_username(
    gateway: Gateway,
    id: AgencyId,
    username: str,
    password: str = "",
    *,
    by: Acting | None = None,
    actor: str = "",
) -> tuple[Credential, str]:
    """From now on the agency's SOAP requests must carry a UsernameToken: this one, or another that it has. The password
    is stored as a salted hash only; "" = a new one of 256 random bits, which is given back.

    Raises `WeakPassword`.
    """
    check_username(username, password)
    password = password or gateway.clock.random(32).hex()
    salt = gateway.clock.random(SALT_SIZE_BYTES)
    secret = await asyncio.to_thread(password_record, username, password, salt)
    now = gateway.clock.now()
    credential = Credential(
        fingerprint=sha256(secret).hexdigest(),
        kind=CredentialKind.USERNAME,
        agency=id,
        not_before=now,
        not_after=now + TOKEN_VALID,
        secret=secret,
    )
    await put_credential(gateway, credential, Signer(by=by, actor=actor), action="register")
    return credential, password


def check_username(username: str, password: str = "") -> None:
    """Whether they may be registered; password "" = one that is yet to be made. Raises `WeakPassword`."""
    if not USERNAME.fullmatch(username):
        raise WeakPassword("a username is 1 to 128 characters of printable ASCII without spaces")
    if password and (not PASSWORD_LENGTH_MIN <= len(password) <= LENGTH_MAX or not password.isprintable()):
        raise WeakPassword(f"a password has {PASSWORD_LENGTH_MIN} to {LENGTH_MAX} letters, all of one line")


@decided_anew
async def register_certificate(
    gateway: Gateway, id: AgencyId, der: bytes, *, by: Acting | None = None, actor: str = ""
) -> Credential:
    """Register a client and signing certificate of an agency. Raises `Refused` when it could never count."""
    certificate = read_certificate(der)
    check_pin(certificate, now=gateway.clock.now())
    own = sha256(der).hexdigest()
    held = gateway.current.credentials.get(own)
    if held is not None and held.agency != id:
        raise CredentialTaken(f"this certificate is registered for {held.agency}; an agency has a key of its own")
    revoked = any(content_id(certificate) in each.revoked for each in gateway.current.trusted.values())
    if revoked or (held is not None and held.revoked_at is not None):
        raise CredentialRevoked("this certificate was revoked; the agency needs a new key")
    credential = Credential(
        fingerprint=own,
        kind=CredentialKind.CERTIFICATE,
        agency=id,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        # Written anew: what else an agency's file may hold, such as its key, is not ours to keep.
        certificate=to_pem(der),
    )
    await put_credential(gateway, credential, Signer(by=by, actor=actor), action="register")
    return credential


async def put_credential(gateway: Gateway, credential: Credential, signer: Signer, *, action: str) -> None:
    """Store a credential, or its new state, with the entry of it. Raises `AgencyUnknown`."""
    agency = credential.agency
    if agency not in gateway.current.agencies:
        raise AgencyUnknown(f"there is no agency {agency}")
    entry = operators_entry(
        gateway,
        EntryType.CREDENTIAL,
        signer,
        digest=f"sha-256:{credential.fingerprint}",
        agency=agency,
        action=action,
        kind=credential.kind,
        fingerprint=credential.fingerprint,
        valid_until=credential.not_after,
        key=fingerprint(signer.by.public_key) if signer.by is not None else None,
    )
    await change(gateway, [credential], [entry])


async def change(
    gateway: Gateway, changes: Sequence[Change], entries: Sequence[AuditEntry], relisted: Relisted | None = None
) -> None:
    """Write the changes with their entries, and take them up. Raises `ConfigurationChanged`; see `decided_anew`."""
    if changes:
        await gateway.store.change(changes, entries, relisted, under=gateway.current.version)
        await gateway.refresh()
