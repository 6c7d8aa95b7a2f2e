"""What the doctor says of the gateway's keys: each trouble with the command that mends it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.cli.doctor_check import EXPIRY_WARNING, Check
from gateway.exchange.gateway import Gateway
from gateway.exchange.look import LIST_AHEAD
from gateway.exchange.revocation import is_by, revoked, still_counting
from gateway.exchange.rotate_key import Role
from gateway.keys.certified import AUTHORITY, fingerprint_of
from gateway.keys.files import CERTIFIED, KeyStore
from gateway.keys.listed import KeyFile, KeyState

LATE = timedelta(minutes=5)
"""A key whose moment is past for so long was not taken up: no worker runs."""

SHORT = 16


def certificates(files: tuple[KeyFile, ...], now: datetime) -> Iterator[Check]:
    """Ends of the gateway's own certificates, and keys that wait."""
    for file in files:
        if file.counts and file.expires and file.expires - now < EXPIRY_WARNING:
            state = "error" if file.expires <= now and file.state is KeyState.IN_USE else "warning"
            text = f"{file.subject}: until {file.expires:%Y-%m-%d}; {_mend(file, files)}"
            yield Check(name="certificates", state=state, text=text)
        if file.state is KeyState.NEXT and file.since and now - file.since > LATE:
            text = f"{file.subject}: was to take over at {file.since:%Y-%m-%d %H:%M} UTC; run gateway worker"
            yield Check(name="certificates", state="warning", text=text)


def _mend(file: KeyFile, files: tuple[KeyFile, ...]) -> str:
    role = "authority" if file.name == AUTHORITY else file.name
    if file.state is KeyState.OLD:
        return f"then its certificates end too: gateway keys retire {role} --as USER"
    if file.state is KeyState.NEXT:
        return f"gateway keys discard {role} --as USER, and prepare another"
    if any(each.name == file.name and each.state is KeyState.NEXT for each in files):
        return f"the next one is made: gateway keys rotate {role} --as USER"
    return f"gateway keys rotate {role} --prepare --as USER, then gateway keys export FOLDER"


def authorities(gateway: Gateway, keys: KeyStore) -> Iterator[Check]:
    """Authorities that were changed and still count, with who needs them: the gateway itself, and agencies."""
    for old in keys.certified(AUTHORITY).old():
        if old.key is None:
            continue
        short = fingerprint_of(old.certificate)[:SHORT]
        own = [name for name in CERTIFIED if is_by(keys.certificate(name), old.certificate)]
        theirs = sorted({one.agency for one in still_counting(gateway, old.certificate)})
        if own:
            needed = f"the gateway's own {', '.join(own)}: gateway keys rotate {own[0]} --as USER"
        elif theirs:
            needed = f"needed by {', '.join(theirs)}: gateway agency add --id {theirs[0]} --csr FILE --as USER"
        else:
            needed = f"needed by nobody: gateway keys retire {Role.AUTHORITY} --as USER"
        text = f"the old one {short}… counts until {old.certificate.not_valid_after_utc:%Y-%m-%d}; {needed}"
        yield Check(name="authority", state="ok" if own or theirs else "warning", text=text)


def lists(gateway: Gateway, keys: KeyStore) -> Iterator[Check]:
    """Revocation lists that were given out once: whether they hold, and are of now."""
    now = gateway.clock.now()
    for authority, listed in keys.lists.kept():
        missing = {each.serial for each in revoked(gateway, authority)} - listed.serials
        mend = "make a new one: gateway keys crl FILE"
        if listed.until <= now:
            yield Check(name="revocation list", state="error", text=f"held until {listed.until:%Y-%m-%d %H:%M}; {mend}")
        elif listed.until - now < LIST_AHEAD:
            text = f"holds until {listed.until:%Y-%m-%d %H:%M} UTC; {mend}, every day by a timer"
            yield Check(name="revocation list", state="warning", text=text)
        elif missing:
            text = f"{len(missing)} certificates were revoked since it was made; {mend}"
            yield Check(name="revocation list", state="warning", text=text)
        else:
            text = f"{len(listed.serials)} certificates, until {listed.until:%Y-%m-%d %H:%M} UTC"
            yield Check(name="revocation list", state="ok", text=text)
