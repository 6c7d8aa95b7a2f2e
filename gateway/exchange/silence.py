"""Silence: somebody knows of an alert and will not be told of it for a time. It is shown all the same; it is signed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.alert.alert import Code, Standing
from gateway.audit.catalog import EntryType
from gateway.errors import Refused
from gateway.exchange.acting import OPERATOR, RUNS, Acting, allowed, sign_entry
from gateway.exchange.gateway import Gateway
from gateway.exchange.watch import about_of

SILENCE_MAX: Final = timedelta(days=30)


class TooLong(Refused):
    """An alert is silenced for thirty days at most: whoever silenced it may have left by then."""

    code = "alerts.silence-too-long"


class AlertUnknown(Refused):
    """No alert of this code stands about this."""

    code = "alerts.unknown"


async def silence_alert(gateway: Gateway, code: Code, subject: str, until: datetime | None, *, by: Acting) -> Standing:
    """Silence what stands, until then; None = tell of it again.

    Raises `AlertUnknown`, `TooLong` and what `allowed` raises.
    """
    await gateway.refresh()
    person = allowed(gateway, by, RUNS, OPERATOR)
    now = gateway.clock.now()
    if until is not None and not now < until <= now + SILENCE_MAX:
        raise TooLong(f"give a time to come, at most {SILENCE_MAX.days} days on")
    held = next((each for each in await gateway.store.alerts() if each.key == (code.value, subject)), None)
    if held is None or held.cleared_at is not None:
        raise AlertUnknown(f"no alert {code} stands{f' about {subject}' if subject else ''}; see gateway alerts list")
    silenced = replace(held, silenced_until=until)
    action = "silence" if until is not None else "tell-again"
    signed = sign_entry(
        gateway,
        EntryType.ALERT,
        by,
        person,
        at=now,
        action=action,
        code=code.value,
        until=until,
        **about_of(subject),
    )
    await gateway.store.silence(silenced, [signed])
    return silenced
