"""What a worker does for the log in its time: once at the start, then at its hour; a partner that is away is let be."""

import asyncio
from pathlib import Path

import pytest

from gateway.exchange import watch_log
from gateway.exchange.hand_out import FolderUnusable
from gateway.exchange.keep_log import keep_log
from gateway.exchange.watch_log import AWAY_SECONDS, HOUR, LogWatch
from gateway.store.witness import Head, Watch, WitnessKey
from gateway.telemetry import Metrics
from gateway.transport.ask import Partner, PartnerAway, Said
from tests.audit.memory_log import PretendSigner, filled
from tests.exchange.deployed import POLICE, Deployed


class Nobody:
    """Never answers; counts who was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, partner: Partner, path: str, body: bytes | None = None) -> Said:
        self.asked.append(path)
        raise PartnerAway("nobody is there")


class Steady:
    """The steady clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr(watch_log, "_steady", lambda: self.seconds)


async def test_a_partner_that_is_away_is_not_asked_each_second(
    place: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady, nobody, signer = Steady(monkeypatch), Nobody(), PretendSigner()
    store = place.gateway.store
    log = await filled(signer, 3)
    key = WitnessKey(watch=Watch.LOG, agency=POLICE, key=str(signer.key), url="https://police", since=place.clock.now())
    await store.put_witness_key(key, [])
    await store.note_head(POLICE, Head(size=3, note=log.checkpoints[3], at=place.clock.now()))
    watch = LogWatch(gateway=place.gateway, metrics=Metrics(), ask=nobody)
    for _ in range(3):
        await watch.look()
    assert nobody.asked == ["/v1/audit/witness"]
    steady.seconds += AWAY_SECONDS + 1
    await watch.look()
    assert len(nobody.asked) == 2
    assert dict(await store.noted_heads())[POLICE].size == 3


async def test_heads_are_handed_out_at_the_start_and_each_day(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steady = Steady(monkeypatch)
    place.gateway.settings = place.gateway.settings.model_copy(
        update={"witness": place.gateway.settings.witness.model_copy(update={"folder": str(tmp_path / "heads")})}
    )
    await keep_log(place.gateway)
    watch = LogWatch(gateway=place.gateway, metrics=Metrics())
    for _ in range(3):
        await watch.look()
    assert len({each.size for each in await place.gateway.store.given_heads(None, 100)}) == 1
    await keep_log(place.gateway)
    steady.seconds += 24 * HOUR
    await watch.look()
    assert len({each.size for each in await place.gateway.store.given_heads(None, 100)}) == 2


async def test_what_failed_is_tried_again_soon(
    place: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steady = Steady(monkeypatch)
    folder = tmp_path / "heads"
    folder.write_text("in the way")
    place.gateway.settings = place.gateway.settings.model_copy(
        update={"witness": place.gateway.settings.witness.model_copy(update={"folder": str(folder)})}
    )
    await keep_log(place.gateway)
    watch = LogWatch(gateway=place.gateway, metrics=Metrics())
    with pytest.raises(FolderUnusable):
        await watch.look()
    await watch.look()  # not at once
    folder.unlink()
    steady.seconds += AWAY_SECONDS + 1
    await watch.look()
    assert await asyncio.to_thread(folder.is_dir)
