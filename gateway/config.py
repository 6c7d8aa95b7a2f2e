"""Settings: one `gateway.toml`, read once, unknown keys refused, paths relative to the file.

An environment variable overrides a setting: `GATEWAY_LISTEN__PORT=8443`, and `DATABASE_URL` the database.
"""

import os
import tomllib
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.errors import Misconfigured

FILE = "gateway.toml"


class SettingsRefused(Misconfigured):
    """The settings file is missing, not TOML, or holds a key or value that does not exist."""

    code = "settings.refused"


class _Section(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Where other systems reach the gateway.

    public_url  what partners type, where it is not host and port: it goes into the WSDL and into Cover-URL; "" = those
    soap_addresses  further addresses that a SOAP message may be sent to by its wsa:To, besides that in the WSDL: what a
                partner's proxy calls us, or the address before a move
    tls         off only for a loopback host; anything else is refused
    console     port of the second listener (docs, metrics), loopback unless `console_host` says otherwise; 0 = none
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8443, ge=0, le=65535)
    tls: bool = True
    public_url: str = Field(default="", pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")
    soap_addresses: tuple[Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s#]*)?$")], ...] = ()
    console_host: str = "127.0.0.1"
    console: int = Field(default=0, ge=0, le=65535)


class Limits(_Section):
    """Bounds of the edge. The defaults stand beside those of common servers (8-16 KB of headers, 1-10 MB of body).

    requests_per_address_per_second, requests_per_agency_per_second
                              over all processes of one `gateway serve`; twice as many at once after a pause. An agency
                              sends a few a minute: who asks faster is a loop, and the others are not to wait for it
    in_flight_per_agency_max  requests of one agency under way in one process
    bodies_bytes_max          of all bodies that one process holds at once
    """

    body_bytes_max: int = Field(default=10 * 1024 * 1024, gt=0, le=10 * 1024 * 1024)
    header_bytes_max: int = Field(default=32 * 1024, ge=4096, le=64 * 1024)
    headers_max: int = Field(default=100, ge=10)
    header_seconds_max: float = Field(default=10, gt=0)
    body_seconds_max: float = Field(default=60, gt=0)
    connections_per_address_max: int = Field(default=256, gt=0)
    requests_per_address_per_second: float = Field(default=1000, gt=0)
    requests_per_agency_per_second: float = Field(default=500, gt=0)
    in_flight_per_agency_max: int = Field(default=64, gt=0)
    bodies_bytes_max: int = Field(default=256 * 1024 * 1024, ge=20 * 1024 * 1024)


class Signatures(_Section):
    """What is asked of signed messages.

    leeway_seconds  how far Created may lie from our clock, before or after: how old a signed SOAP message may be, and
                    how wrong the sender's clock
    """

    leeway_seconds: float = Field(default=300, ge=1, le=3600)


class Relay(_Section):
    """How hard the worker tries. 72 hours: a weekend's outage plus a working day to mend it."""

    wait_seconds_first: float = Field(default=5, gt=0)
    wait_seconds_max: float = Field(default=3600, gt=0)
    attempts_max: int = Field(default=100, gt=0)
    attempt_seconds_max: float = Field(default=30, gt=0)
    budget_hours: float = Field(default=72, gt=0)
    lease_seconds: float = Field(default=60, gt=0)
    in_flight_max: int = Field(default=64, gt=0)
    in_flight_per_recipient_max: int = Field(default=16, gt=0)


class Keys(_Section):
    """Where the keys lie and of what kind the Cover key is made at first start."""

    directory: Path = Path("keys")
    cover: str = Field(default="p256", pattern="^(p256|rsa2048|rsa3072|rsa4096)$")


def _known_zone(name: str) -> str:
    zone_of(name)
    return name


def zone_of(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises `ValueError` when this machine's time zone database has none of it."""
    if name == "UTC":  # without a database too
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not a time zone known here; a name is like America/Chicago") from error


class Backup(_Section):
    """Backups.

    recovery_key  public half of a recovery key (`gateway keys recovery`): who holds the other half opens the archives;
                  None = each is locked with a passphrase
    warn_days     age of the newest backup from which the doctor warns; two days: one night may fail
    """

    recovery_key: Path | None = None
    warn_days: float = Field(default=2, gt=0)


class Law(_Section):
    """Law that binds here besides what binds every gateway and what the states of the parties bring.

    packs   ids of packs in the database, such as ny-149
    """

    packs: tuple[str, ...] = ()


class Witness(_Section):
    """Heads of the log for agencies that only fetch.

    folder       where a file is put for each of them, relative to the settings file; "" = nowhere
    mail         whether it is mailed to their contacts, by the server of alerts.mail
    every_hours  how often
    """

    folder: str = ""
    mail: bool = False
    every_hours: float = Field(default=24, ge=0.01)


class Disclosures(_Section):
    """The disclosure index: who got what of a person.

    years  how long its rows are kept, from the end of the quarter they were written in. Six: the years for which a
           person may ask for an account of what was disclosed of them (45 CFR 164.528(a)(1)); fewer are refused
    """

    years: int = Field(default=6, ge=6, le=100)


class Retention(_Section):
    """How what is due is destroyed.

    second_person_above  share of all that is held: a run that destroys more takes two people
    second_person_from   fewer payloads than this never ask for two, so that a small gateway need not ask every day
    run_every_hours      how often a worker destroys what is due; 0 = only `gateway retention run` does
    payloads_per_run_max a run's certificate stays readable, and a crash leaves little to finish
    shorter_after_days   when an agreement's new version keeps less long, what is here falls due this long after that is
                         first seen, or later: a hold can still be placed when the shorter time was a mistake
    attest_within_days   how long past recipients have to attest an early destruction
    notices              whether partners are told when the time of our copies was up
    """

    second_person_above: float = Field(default=0.1, gt=0, le=1)
    second_person_from: int = Field(default=20, ge=1)
    run_every_hours: float = Field(default=24, ge=0)
    payloads_per_run_max: int = Field(default=20_000, ge=1, le=100_000)
    shorter_after_days: float = Field(default=7, ge=0, le=365)
    attest_within_days: int = Field(default=10, ge=1, le=365)
    notices: bool = True


class Webhook(_Section):
    """Where alerts are posted as JSON.

    url              https://...; plain http only for a loopback address, with `private_network`
    secret           signs each call (HMAC-SHA256); better in the environment (GATEWAY_ALERTS__WEBHOOK__SECRET) or
    secret_file      in a file that only the gateway reads
    private_network  whether its address may be a private one
    authorities      PEM of who vouches for its server, where the system's authorities do not
    """

    url: str = Field(default="", pattern=r"^(https?://[^\s/?#@]+(/[^\s#]*)?)?$")
    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None
    private_network: bool = False
    authorities: Path | None = None


ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}$"


class Mail(_Section):
    """Whom alerts are mailed to, and by which server.

    security       starttls or tls; "none" only for a server on this machine
    password       better in the environment (GATEWAY_ALERTS__MAIL__PASSWORD) or in `password_file`
    """

    host: str = Field(default="", pattern=r"^[A-Za-z0-9.:-]{0,253}$")
    port: int = Field(default=587, gt=0, le=65535)
    security: str = Field(default="starttls", pattern="^(starttls|tls|none)$")
    user: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    sender: Annotated[str, Field(pattern=ADDRESS)] | None = None
    to: tuple[Annotated[str, Field(pattern=ADDRESS)], ...] = ()
    authorities: Path | None = None


class Certificates(_Section):
    """How certificates of agencies that an authority issued are judged.

    stale_crl        "refuse" or "warn": what becomes of them when their authority's revocation list is past its time.
                     Refuse: nobody can tell any more whether a key was stolen
    crl_grace_hours  with "refuse", how long after its time a list is still believed. A weekend on which nobody mends a
                     broken download must not stop release notices; it is an alert from the first hour
    """

    stale_crl: str = Field(default="refuse", pattern="^(refuse|warn)$")
    crl_grace_hours: float = Field(default=72, ge=0, le=24 * 30)


class Alerts(_Section):
    """What the operator is told of, how soon, and by which ways. With neither way they are only shown.

    every_seconds     between two looks: an alert is raised within a minute
    verify_hours      between two readings of what is new in the log
    mou_days          how long before an agreement's last day it is told: counsel and two signatures take weeks
    certificate_days  how long before the end of a certificate, a key or a token
    """

    webhook: Webhook = Webhook()
    mail: Mail = Mail()
    every_seconds: float = Field(default=10, gt=0, le=30)
    verify_hours: float = Field(default=1, gt=0, le=24)
    mou_days: int = Field(default=60, ge=1, le=365)
    certificate_days: int = Field(default=30, ge=1, le=365)


class Settings(BaseSettings):
    """The whole tree.

    name       of this gateway: the log's origin and the key names; a host name is a good one
    database   sqlite:///path (relative to the settings file) or postgresql://...
    timezone   IANA name of the zone whose days are those of agreements: a last day ends at its midnight
    directory  folder of the settings file; not a setting
    """

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="GATEWAY_", env_nested_delimiter="__", env_ignore_empty=True
    )

    name: str = Field(default="gateway.local", pattern=r"^[a-z0-9][a-z0-9./-]{0,99}$")
    database: str = "sqlite:///gateway.db"
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    listen: Listen = Listen()
    limits: Limits = Limits()
    signatures: Signatures = Signatures()
    relay: Relay = Relay()
    keys: Keys = Keys()
    law: Law = Law()
    backup: Backup = Backup()
    witness: Witness = Witness()
    disclosures: Disclosures = Disclosures()
    retention: Retention = Retention()
    alerts: Alerts = Alerts()
    certificates: Certificates = Certificates()
    directory: Path = Path()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic's)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment beats the file; nothing else is read."""
        return env_settings, init_settings

    def on_port(self, port: int) -> "Settings":
        """These settings where another port is listened on than the one they name."""
        return self.model_copy(update={"listen": self.listen.model_copy(update={"port": port})})

    @property
    def zone(self) -> tzinfo:
        """The time zone of agreements' days."""
        return zone_of(self.timezone)

    @property
    def database_url(self) -> str:
        """The database's URL with an absolute path."""
        scheme, _, rest = self.database.partition("///")
        if scheme != "sqlite:":
            return self.database
        return f"sqlite:///{(self.directory / rest).resolve()}"

    @property
    def sqlite_path(self) -> Path | None:
        """The database's file; None for a server."""
        return Path(self.database_url.removeprefix("sqlite:///")) if self.database_url.startswith("sqlite:") else None

    @property
    def checkpoint_folder(self) -> Path | None:
        """Where heads of the log are put for agencies that only fetch, absolute; None = nowhere."""
        return (self.directory / self.witness.folder).resolve() if self.witness.folder else None

    @property
    def crl_grace(self) -> timedelta | None:
        """How long after its time a revocation list is still believed; None = for ever."""
        if self.certificates.stale_crl == "warn":
            return None
        return timedelta(hours=self.certificates.crl_grace_hours)

    @property
    def keys_directory(self) -> Path:
        """The key directory, absolute."""
        return (self.directory / self.keys.directory).resolve()

    @property
    def recovery_key(self) -> Path | None:
        """The public half that archives are locked for, absolute; None = a passphrase."""
        named = self.backup.recovery_key
        return None if named is None else (self.directory / named).resolve()

    @property
    def public_url(self) -> str:
        """Base URL that partners use, without a slash at its end."""
        if self.listen.public_url:
            return self.listen.public_url.rstrip("/")
        scheme = "https" if self.listen.tls else "http"
        host = f"[{self.listen.host}]" if ":" in self.listen.host else self.listen.host
        return f"{scheme}://{host}:{self.listen.port}"


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def read_settings(directory: Path) -> Settings:
    """The settings of a deployment folder. Raises `SettingsRefused` with file and key."""
    file = directory / FILE
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsRefused(
            f"{file}: no such file; name a deployment with -C DIR, or make one: gateway init DIR"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{file}: not TOML: {error}") from error
    return settings(raw, directory, source=str(file))


def settings(raw: dict[str, Any], directory: Path, *, source: str) -> Settings:
    """Settings out of a parsed table, the environment laid over it."""
    if url := os.environ.get("DATABASE_URL"):
        raw = {**raw, "database": url}
    try:
        made = Settings(**{**raw, "directory": directory.resolve()})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise SettingsRefused(f"{source}: " + "; ".join(lines)) from error
    if not made.listen.tls and made.listen.host not in LOOPBACK:
        raise SettingsRefused(f"{source}: listen.tls: plain HTTP is for loopback only, not for {made.listen.host}")
    if wrong := _wrong_ways(made.alerts):
        raise SettingsRefused(f"{source}: alerts.{wrong}")
    return made


def _wrong_ways(alerts: Alerts) -> str:
    """What is wrong with the ways of alerts; "" when nothing is."""
    webhook, mail = alerts.webhook, alerts.mail
    if webhook.url and not (webhook.secret.get_secret_value() or webhook.secret_file):
        return "webhook: a secret is needed, so that the receiver can tell who calls: secret_file, or the environment"
    if webhook.url.startswith("http:") and not webhook.private_network:
        return "webhook.url: plain HTTP is for loopback only, with private_network"
    if mail.host and not (mail.sender and mail.to):
        return "mail: a sender and somebody to write to are needed"
    if mail.host and mail.security == "none" and mail.host not in LOOPBACK:
        return f"mail.security: mail without TLS is for a server on this machine only, not for {mail.host}"
    return ""


def secret_of(value: SecretStr, file: Path | None, directory: Path) -> bytes:
    """A secret as it is set, or from its file. Raises `SettingsRefused` when the file cannot be read or is open to
    others."""
    if value.get_secret_value():
        return value.get_secret_value().encode()
    if file is None:
        return b""
    path = directory / file
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsRefused(f"{path}: others may read this secret; chmod 600 it")
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsRefused(f"{path}: the secret cannot be read: {error.strerror}") from error
