"""What a worker does of retention: it looks at the clock, finishes what was stopped, and destroys what is due when that
needs no people."""

from datetime import datetime, timedelta

from gateway.exchange.gateway import Gateway
from gateway.exchange.planning import look_at_clock
from gateway.exchange.purge import People, TwoPeopleNeeded, finish_runs, run_purge
from gateway.keys.secret_file import KeysBusy
from gateway.telemetry import log

PROGRAM = "worker"


class DueLoop:
    """The turns of one worker. The first one destroys what is due, the later ones as often as the settings say."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._last: datetime | None = None

    async def turn(self) -> None:
        """Once an hour, or oftener. What waits for two people is said, and waits."""
        gateway = self._gateway
        every, now = gateway.settings.retention.run_every_hours, gateway.clock.now()
        try:
            await look_at_clock(gateway)
            await finish_runs(gateway)
            if every and (self._last is None or now - self._last >= timedelta(hours=every)):
                await run_purge(gateway, People(program=PROGRAM))
                self._last = now
        except KeysBusy:  # another worker, or a person, is at it
            return
        except TwoPeopleNeeded as error:
            self._last = now
            log.warning("retention run waits for two people", code=error.code)
