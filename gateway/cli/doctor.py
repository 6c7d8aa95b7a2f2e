"""`gateway doctor`: is this deployment well? Each check by name, each trouble with what to do."""

import asyncio
import shutil
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import typer

from gateway.alert.alert import MEANS, Severity, Standing
from gateway.app import key_store, open_deployment
from gateway.cli.doctor_check import EXPIRY_WARNING, Check
from gateway.cli.doctor_files import permissions
from gateway.cli.doctor_keys import authorities, certificates, lists
from gateway.cli.run import EXIT_FINDINGS, AsJson, Directory, answer, out
from gateway.clock import SystemClock
from gateway.config import Settings, read_settings
from gateway.delivery.delivery import State
from gateway.errors import GatewayError, Refused
from gateway.exchange.authorities import lists_of
from gateway.exchange.gateway import Gateway
from gateway.signing.certificate import check_authority, check_pin, pem_to_der, read_certificate
from gateway.store.configuration import AgencyAuthority, Credential
from gateway.store.database import MigrationsMissing
from gateway.store.log import StoredEntry

DISK_BYTES_MIN = 1024**3
OVERDUE_WARNING = timedelta(minutes=15)
SEQUENCER_LAG_MAX = timedelta(seconds=10)
CLOCK_STEP_SECONDS_MAX = 0.5
NOBODY_TOLD = "nobody is told, alerts are only shown: set alerts.webhook or alerts.mail in gateway.toml"


def doctor(directory: Directory = Path(), json: AsJson = False) -> None:
    """Check keys, file permissions, clock, disk, database, migrations, certificates, pins, backlog, sequencer lag, and
    how old the newest backup is.

    Exit 1 when something is wrong, 0 when all is well or only to be watched.
    """
    checks = list(_checks(directory))
    if json:
        answer([{"name": check.name, "state": check.state, "text": check.text} for check in checks])
    else:
        colors = {"ok": "green", "warning": "yellow", "error": "bold red"}
        for check in checks:
            out.print(f"[{colors[check.state]}]{check.state:>8}[/]  {check.name:<20} {check.text}")
    raise typer.Exit(EXIT_FINDINGS if any(check.state == "error" for check in checks) else 0)


def _checks(directory: Path) -> Iterator[Check]:
    settings, check = _settings(directory)
    yield check
    if settings is None:
        return
    yield _clock()
    yield _disk(settings)
    yield permissions(settings)
    keys = list(_keys(settings))
    yield from keys
    if any(check.state == "error" for check in keys):
        yield Check(name="database", state="error", text="not looked at before the keys are mended")
        return
    try:
        yield from asyncio.run(_stored(directory))
    except MigrationsMissing as error:
        yield Check(name="migrations", state="error", text=error.text)
    except GatewayError as error:
        yield Check(name="database", state="error", text=f"[{error.code}] {error.text}")


def _settings(directory: Path) -> tuple[Settings | None, Check]:
    try:
        settings = read_settings(directory)
    except GatewayError as error:
        return None, Check(name="settings", state="error", text=error.text)
    tls = "TLS" if settings.listen.tls else "plain HTTP on loopback"
    return settings, Check(name="settings", state="ok", text=f"{settings.name}, {settings.public_url}, {tls}")


def _clock() -> Check:
    """Whether the clock of the day runs as fast as the one that cannot be set, and is not before this release."""
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.2)
    drift = abs((time.time() - wall) - (time.monotonic() - steady))
    if drift > CLOCK_STEP_SECONDS_MAX:
        return Check(name="clock", state="error", text=f"the clock was stepped by {drift:.1f} s just now; check NTP")
    if SystemClock().now().year < 2026:
        return Check(name="clock", state="error", text="the clock is years behind; set it, then check NTP")
    return Check(name="clock", state="ok", text="steady")


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.directory).free
    state = "ok" if free >= DISK_BYTES_MIN else "error"
    return Check(name="disk", state=state, text=f"{free / 1024**3:.1f} GB free in {settings.directory}")


def _keys(settings: Settings) -> Iterator[Check]:
    try:
        store = key_store(settings)
    except GatewayError as error:
        yield Check(name="keys", state="error", text=error.text)
        return
    files = store.list()
    yield Check(name="keys", state="ok", text=f"{len(files)} keys, none weak")
    ending = list(certificates(files, SystemClock().now()))
    held = sum(file.expires is not None for file in files)
    well = Check(
        name="certificates", state="ok", text=f"{held} of its own, all for {EXPIRY_WARNING.days} days and more"
    )
    yield from ending or (well,)


async def _stored(directory: Path) -> list[Check]:
    async with open_deployment(directory) as gateway:
        counts = await gateway.store.counts()
        made = [
            Check(name="migrations", state="ok", text="all applied"),
            Check(name="database", state="ok", text=f"{counts.messages} messages, log of {counts.log_size} entries"),
            *_pins(gateway),
            *_lists(gateway),
        ]
        keys = key_store(gateway.settings)
        made += [*authorities(gateway, keys), *lists(gateway, keys)]
        now = gateway.clock.now()
        waiting = sum(count for _, state, count in counts.deliveries if state is State.WAITING)
        stuck = sum(count for _, state, count in counts.deliveries if state is State.UNDELIVERABLE)
        late = counts.oldest is not None and now - counts.oldest > OVERDUE_WARNING
        text = f"{waiting} waiting, {stuck} undeliverable" + (f"; oldest due since {counts.oldest}" if late else "")
        made.append(Check(name="backlog", state="warning" if late or stuck else "ok", text=text))
        lag = now - counts.unsequenced_since if counts.unsequenced_since else timedelta()
        behind = lag > SEQUENCER_LAG_MAX
        text = f"{counts.unsequenced} entries not in the log yet" + ("; is a worker running?" if behind else "")
        made.append(Check(name="sequencer lag", state="error" if behind else "ok", text=text))
        newest, first = await gateway.store.newest_backup(), await gateway.store.entries(0, 1)
        made.append(_backup(gateway, newest, first[0] if first else None))
        made += _alerts(await gateway.store.alerts(), gateway)
        return made


def _alerts(alerts: Iterable[Standing], gateway: Gateway) -> Iterator[Check]:
    """What stands, and whether anybody would be told."""
    set_up = gateway.settings.alerts
    ways = [name for name, is_set in (("webhook", set_up.webhook.url), ("mail", set_up.mail.host)) if is_set]
    text = f"told by {' and '.join(ways)}; gateway alerts test tries them" if ways else NOBODY_TOLD
    yield Check(name="alert ways", state="ok", text=text)
    standing = [each for each in alerts if each.cleared_at is None]
    for each in standing:
        state = "error" if each.severity is Severity.CRITICAL else "warning"
        about = f" ({each.subject})" if each.subject else ""
        yield Check(name="alerts", state=state, text=f"{each.code}{about}: {MEANS[each.code].says}")
    if not standing:
        yield Check(name="alerts", state="ok", text="none stands")


def _backup(gateway: Gateway, newest: StoredEntry | None, first: StoredEntry | None) -> Check:
    """How old the newest backup is; a deployment that never had one, how old it is itself."""
    since = newest or first
    old = since is not None and gateway.clock.now() - since.entry.at > timedelta(days=gateway.settings.backup.warn_days)
    text = f"the newest is of {newest.entry.at:%Y-%m-%d %H:%M} UTC" if newest else "none was made yet"
    hint = "; make one: gateway backup FOLDER" if old else ""
    return Check(name="backup", state="warning" if old else "ok", text=text + hint)


def _pins(gateway: Gateway) -> Iterator[Check]:
    """Agencies' certificates: expired, soon to expire, and those that never count."""
    now = gateway.clock.now()
    current = gateway.current
    every: list[Credential | AgencyAuthority] = [*current.credentials.values(), *current.authorities]
    pins = [one for one in every if one.certificate and one.revoked_at is None]
    soon = [one for one in pins if one.not_after - now < EXPIRY_WARNING]
    never = [(one, why) for one in pins if one.not_after > now and (why := _never_counts(one, now))]
    text = f"{len(pins)} certificates of agencies and their authorities"
    over = [one for one in soon if one.not_after <= now]
    yield Check(name="pins", state="error" if never or over else "warning" if soon else "ok", text=text)
    for one in soon:
        is_over, which = one.not_after <= now, one.fingerprint[:16]
        hint = f"gateway agency revoke {one.agency} --credential {which}" if is_over else "ask for a new one"
        text = f"{one.agency}: {which}, until {one.not_after:%Y-%m-%d}; {hint}"
        yield Check(name="certificates", state="error" if is_over else "warning", text=text)
    for one, why in never:
        hint = f"ask for another, then: gateway agency revoke {one.agency} --credential {one.fingerprint[:16]}"
        text = f"{one.agency}: {one.fingerprint[:16]} is refused whenever it is shown: {why}; {hint}"
        yield Check(name="certificates", state="error", text=text)


def _never_counts(one: Credential | AgencyAuthority, now: datetime) -> str:
    """Why a certificate counts for nothing, though it was registered, perhaps under milder rules; "" when it counts."""
    try:
        certificate = read_certificate(pem_to_der(one.certificate))
        if isinstance(one, AgencyAuthority):
            check_authority(certificate, now=max(now, one.not_before))
        else:
            check_pin(certificate, now=now)
    except Refused as error:
        return str(error)
    return ""


def _lists(gateway: Gateway) -> Iterator[Check]:
    """Revocation lists of agencies' authorities: missing, out of date, or so long that certificates are refused."""
    current, now = gateway.current, gateway.clock.now()
    held = [(id, each) for id in sorted(current.agencies) for each in lists_of(current, id, now)]
    if held:
        known = sum(each.crl is not None for _, each in held)
        state = "ok" if known == len(held) else "warning"
        others = "" if known == len(held) else "; of the others none is held"
        text = f"of {known} of {len(held)} authorities of agencies{others}"
        yield Check(name="revocation lists", state=state, text=text)
    for id, each in held:
        if each.crl is not None and each.stale:
            due = f"{id}: the next one was due on {each.crl.next_update:%Y-%m-%d %H:%M} UTC"
            refused = "; its certificates are refused" if each.refused else ""
            text = f"{due}{refused}; gateway agency crl --id {id}"
            yield Check(name="revocation lists", state="error" if each.refused else "warning", text=text)
