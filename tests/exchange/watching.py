"""A watch of a test, and a pretended way by which alerts are told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.alert.alert import Notice
from gateway.exchange.gateway import Gateway
from gateway.exchange.watch import Watch
from gateway.telemetry import Metrics


@dataclass
class PretendWay:
    """Takes what it is told; `fails` is what it answers instead."""

    name: str
    fails: str = ""
    told: list[list[Notice]] = field(default_factory=list)
    tries: int = 0

    async def tell(self, notices: Sequence[Notice], *, now: datetime) -> str:
        """Try once."""
        self.tries += 1
        if not self.fails:
            self.told.append(list(notices))
        return self.fails

    async def close(self) -> None:
        """Nothing is open."""

    def news(self, code: str) -> list[str]:
        """What was told of a code, in order."""
        return [each.news.value for notices in self.told for each in notices if each.code.value == code]


def watch_of(gateway: Gateway, *ways: PretendWay, holder: str = "one") -> Watch:
    """A watch of this gateway."""
    return Watch(gateway=gateway, ways=ways, metrics=Metrics(), holder=holder)


async def look_again(watch: Watch, clock: object, **by: float) -> bool:
    """Another round after this time, in which nobody set the clock. A reading of the log ends first."""
    clock.go(**by)  # type: ignore[attr-defined]
    watch._clocks = None
    if watch._verifying is not None:
        await watch._verifying
    return await watch.round()
