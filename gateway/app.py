"""Where everything is put together: settings to a running gateway. The only module that names concrete classes."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import tomli_w

from gateway.agency import AgencyId
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.handover import read_head
from gateway.clock import SystemClock
from gateway.config import FILE, Settings, read_settings, settings
from gateway.errors import Misconfigured, Refused
from gateway.exchange.acting import Acting
from gateway.exchange.activate import (
    AgencyUnknown,
    put_agency,
    register_certificate,
    register_exchanges,
)
from gateway.exchange.agreements import AgreementRefused, activate_mou, approve_mou, read_draft
from gateway.exchange.configured import Configured, compile_configuration, nothing
from gateway.exchange.gateway import Gateway
from gateway.exchange.lawful import read_pack
from gateway.exchange.laws import add_laws
from gateway.exchange.people import add_user
from gateway.finding import errors
from gateway.folders import load_exchanges, shipped, shipped_laws
from gateway.iepd.package import archive
from gateway.keys.files import KeyStore
from gateway.keys.personal import throwaway
from gateway.keys.pseudonym import Pseudonyms, period_of
from gateway.policy.agencies import read_agency
from gateway.policy.read import read_mou
from gateway.signing.certificate import pem_to_der
from gateway.store.configuration import Agreement, AgreementState, Configuration, Exchange, Law
from gateway.store.copying import KEY_DIRECTORY, UNCLAIMED
from gateway.store.interface import Store
from gateway.store.open import migrate, open_store
from gateway.user import User, UserId, UserRole

PASSPHRASE_VARIABLE = "GATEWAY_KEY_PASSPHRASE"
"""Environment variable with the passphrase of the key files; unset: they are protected by their permissions alone."""


class WrongKeys(Misconfigured):
    """The database's payloads are under the keys of another directory."""

    code = "keys.other-directory"


class RestoreUnfinished(Misconfigured):
    """The database was copied in from a backup, and nobody has judged it yet."""

    code = "restore.unfinished"


class KeyFileTaken(Misconfigured):
    """A new key would overwrite one that an agency may be using."""

    code = "key.exists"


class CertificateFileTaken(Misconfigured):
    """A new certificate would overwrite a file."""

    code = "certificate.file-exists"


class DatabaseLost(Misconfigured):
    """There are keys and settings, but the database is gone: an empty one would be a log that forgot everything."""

    code = "init.database-lost"


class NotEmpty(Misconfigured):
    """A deployment is made in a new or empty folder."""

    code = "init.not-empty"


def passphrase() -> bytes | None:
    """The passphrase of the key files, from the environment."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    return given.encode() if given else None


@asynccontextmanager
async def open_deployment(directory: Path | None = None) -> AsyncIterator[Gateway]:
    """The gateway of a deployment folder, with its store open. Raises leaves of `Misconfigured`, `StoreUnavailable`."""
    made = read_settings(directory or Path())
    async with assembled(made) as gateway:
        yield gateway


@asynccontextmanager
async def assembled(made: Settings, *, restoring: bool = False) -> AsyncIterator[Gateway]:
    """The gateway of these settings. `serve` refuses a key directory that is not the database's.

    restoring  the database was copied in and is not claimed yet: only whoever restores it may look
    """
    clock = SystemClock()
    async with _opened(made, restoring=restoring) as (store, keys):
        before = nothing(
            zone=made.zone,
            law_packs=made.law.packs,
            crl_grace=made.crl_grace,
            pseudonyms=Pseudonyms(seed=keys.pseudonym_seed, period=period_of(clock.now())),
        )
        current = compile_configuration(await store.configuration(), before=before)
        yield Gateway(
            store=store,
            keys=keys,
            payloads=keys.payload_keys(clock),
            clock=clock,
            settings=made,
            current=current,
            find_consents=store.consents,
            subjects=keys.subject_keys(clock),
        )


@asynccontextmanager
async def _opened(made: Settings, *, restoring: bool = False) -> AsyncIterator[tuple[Store, KeyStore]]:
    """Database and keys, which belong together."""
    keys = key_store(made)
    store = open_store(made.database_url)
    await store.open()
    try:
        known = await store.set_fact(KEY_DIRECTORY, keys.fingerprint)
        if known.startswith(UNCLAIMED) and not restoring:
            raise RestoreUnfinished(f"{made.directory}: a restore into it was not finished; run the same one again")
        if known != keys.fingerprint and not restoring:
            raise WrongKeys(f"{made.keys_directory}: not the key directory that this database's payloads are under")
        yield store, keys
    finally:
        await store.close()


async def newest_head(directory: Path) -> tuple[Checkpoint | None, datetime]:
    """The newest signed head of a deployment's log, and when it was read.

    Agreements and exchanges are not made ready for it: that takes longer than most of what is asked under it. Raises as
    `open_deployment`, and what `read_head` raises.
    """
    async with _opened(read_settings(directory)) as (store, keys):
        note = await store.checkpoint()
    log_keys = tuple(keys.log_key.every())
    head = read_head(note, log_keys, origin=keys.log_signer.name) if note is not None else None
    return head, SystemClock().now()


def key_store(made: Settings) -> KeyStore:
    """The keys of a deployment. Raises leaves of `Misconfigured`."""
    return KeyStore.open(made.keys_directory, name=made.name, passphrase=passphrase())


# --- a new deployment -------------------------------------------------------------------------------------------


async def init_deployment(directory: Path, raw: dict[str, Any], *, samples: bool) -> Sequence[str]:
    """Make settings, keys and database, and put in force what comes with the gateway; what was done, for people.

    In a deployment that is there already, settings and keys stay, and the database gets the migrations it lacks.
    """
    file = directory / FILE
    if file.exists():
        made = read_settings(directory)
        path = made.sqlite_path
        if path is not None and not path.exists() and made.keys_directory.exists():
            raise DatabaseLost(f"{path}: the database of these keys is not there; restore it, or start in a new folder")
    elif directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise NotEmpty(f"{directory}: not empty, and not a deployment; give a new folder")
    else:
        raw = {**raw, "database": os.environ.get("DATABASE_URL") or raw.get("database", "sqlite:///gateway.db")}
        made = settings(raw, directory, source=str(file))
        directory.mkdir(parents=True, exist_ok=True)
        # For the owner alone: the database's address may hold a password.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as settings_file:
            settings_file.write(tomli_w.dumps(raw))
    hosts = tuple(dict.fromkeys((made.listen.host, "localhost", "127.0.0.1")))
    keys = KeyStore.create(
        made.keys_directory,
        name=made.name,
        clock=SystemClock(),
        hosts=hosts,
        cover=made.keys.cover,
        passphrase=passphrase(),
    )
    done = [f"settings in {file}", f"keys in {made.keys_directory}: {len(keys.list())}, for nobody else to read"]
    await asyncio.to_thread(migrate, made.database_url)
    done.append(f"database {made.database}")
    async with assembled(made) as gateway:
        if not gateway.current.iepds:
            done += await _activate_shipped(gateway, samples=samples)
    return done


async def _activate_shipped(gateway: Gateway, *, samples: bool) -> Sequence[str]:
    folders = shipped()
    iepds = load_exchanges(folders.iepd, folders.xsd)
    await register_exchanges(gateway, iepds, actor="init")
    done = [f"exchange {iepd.id}: {iepd.title}" for iepd in iepds]
    packs = await add_laws(gateway, list(shipped_laws().items()))
    done.append(f"{len(packs)} law packs: {', '.join(pack.id for pack in packs)}")
    if not samples:
        return done
    for file in sorted((folders.policies / "agencies").glob("*.yaml")):
        agency, findings = read_agency(file.read_bytes(), file.name)
        if agency is None:
            raise AgreementRefused(file.name, errors(findings))
        await put_agency(gateway, agency, actor="init")
        done.append(f"agency {agency.id}: {agency.name}")
    officers = {id: await _sample_officer(gateway, id) for id in gateway.current.agencies}
    done.append(f"{len(officers)} sample officers, whose keys are thrown away once the sample agreements are approved")
    for file in sorted((folders.policies / "mous").glob("*.yaml")):
        data = file.read_bytes()
        for party in read_draft(gateway.current, data, file.name).mou.parties:
            await approve_mou(gateway, data, file.name, party=party, by=officers[party])
        agreement = await activate_mou(gateway, data, file.name, by=officers[party])
        done.append(f"agreement {agreement.mou} version {agreement.version} in force")
    return done


async def _sample_officer(gateway: Gateway, agency: AgencyId) -> Acting:
    """Somebody who approves for a sample agency: nobody is that person, and nobody keeps the key."""
    sign, public_key = throwaway()
    user = User(
        id=UserId(f"sample.{agency}"),
        agency=agency,
        roles=frozenset({UserRole.SIGNATORY, UserRole.COMPLIANCE_OFFICER}),
        public_key=public_key,
        since=gateway.clock.now(),
    )
    await add_user(gateway, user, actor="init")
    return Acting(user=user.id, sign=sign, public_key=public_key)


async def issue_certificate(
    gateway: Gateway, id: AgencyId, folder: Path, *, by: Acting | None = None, wants_rsa: bool = False
) -> Mapping[str, str]:
    """A key and certificate for an agency that cannot make its own, into a folder; the key is kept nowhere else."""
    keys = key_store(gateway.settings)
    agency = gateway.current.agencies.get(id)
    name = agency.name if agency else id
    issued = keys.authority.new_agency_key(id, name, now=gateway.clock.now(), wants_rsa=wants_rsa)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key, certificate = folder / f"{id}.key.pem", folder / f"{id}.cert.pem"
    try:
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(issued.key)
        # As the key: nothing is written over, and no link is followed.
        with os.fdopen(os.open(certificate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as opened:
            opened.write(issued.certificate)
    except FileExistsError as error:
        raise KeyFileTaken(f"{error.filename}: there is a file already; give another folder") from error
    try:
        # Last, so that no certificate counts whose key nobody has.
        await register_certificate(gateway, id, pem_to_der(issued.certificate), by=by, actor="cli")
    except Refused:
        for each in (key, certificate):
            each.unlink()  # nobody is handed a key that does not count, and the act can be done again
        raise
    return {"key": str(key), "certificate": str(certificate)}


async def certify_request(
    gateway: Gateway, id: AgencyId, request: Path, file: Path, *, by: Acting | None = None
) -> Mapping[str, str]:
    """A certificate for the key of a request, registered and written to a new file: the agency's key is its own.

    Raises `AgencyUnknown`, `RequestRefused`, `CertificateFileTaken`, and what `register_certificate` raises.
    """
    agency = gateway.current.agencies.get(id)
    if agency is None:
        raise AgencyUnknown(f"there is no agency {id}")
    pem = key_store(gateway.settings).authority.certify(id, agency.name, request.read_bytes(), now=gateway.clock.now())
    try:
        with file.open("xb") as opened:
            opened.write(pem)
    except FileExistsError as error:
        raise CertificateFileTaken(f"{file}: is there already and is not written over; give --out") from error
    try:
        credential = await register_certificate(gateway, id, pem_to_der(pem), by=by, actor="cli")
    except BaseException:
        file.unlink()  # nobody takes a certificate home that does not count
        raise
    return {"certificate": str(file), "fingerprint": credential.fingerprint}


# --- without a deployment ---------------------------------------------------------------------------------------


async def configuration_for(directory: Path) -> Configured:
    """What is in force in a deployment's folder; anywhere else the drafts that come with the gateway."""
    if (directory / FILE).exists():
        async with open_deployment(directory) as gateway:
            return gateway.current
    return drafts(SystemClock().now())


def drafts(now: datetime) -> Configured:
    """The shipped exchanges, agencies and agreements as if they were in force."""
    folders = shipped()
    iepds = load_exchanges(folders.iepd, folders.xsd)
    by_id = {iepd.id: iepd for iepd in iepds}
    agencies = []
    for file in sorted((folders.policies / "agencies").glob("*.yaml")):
        agency, findings = read_agency(file.read_bytes(), file.name)
        if agency is None:
            raise AgreementRefused(file.name, errors(findings))
        agencies.append(agency)
    agreements = []
    for file in sorted((folders.policies / "mous").glob("*.yaml")):
        mou, findings = read_mou(file.read_bytes(), file.name, by_id)
        if mou is None:
            raise AgreementRefused(file.name, errors(findings))
        agreements.append(
            Agreement(
                mou=mou.id,
                version=mou.version,
                digest=mou.digest,
                state=AgreementState.IN_FORCE,
                body=file.read_bytes(),
                changed_at=now,
            )
        )
    configuration = Configuration(
        version=1,
        agencies=tuple(agencies),
        credentials=(),
        agreements=tuple(agreements),
        laws=tuple(_drafted(file, data, now) for file, data in shipped_laws().items()),
        exchanges=tuple(Exchange(id=iepd.id, digest=iepd.edition, archive=archive(iepd)) for iepd in iepds),
    )
    return compile_configuration(configuration, before=nothing(iepds))


def _drafted(file: str, data: bytes, now: datetime) -> Law:
    pack = read_pack(file, data)
    return Law(id=pack.id, version=pack.version, digest=pack.digest, body=data, changed_at=now)
