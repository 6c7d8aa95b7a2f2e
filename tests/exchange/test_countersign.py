"""Two gateways that distrust each other: each head is compared with the last one countersigned, and signed below.

The jail's gateway keeps the log; the police's countersigns it. Between them is no network but the very verbs that the
REST edge calls.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway import app
from gateway.app import open_deployment
from gateway.audit.checkpoint import Checkpoint, sign_checkpoint, unverified_checkpoint
from gateway.audit.cosignature import CosignerKey, read_cosignatures
from gateway.audit.note import NoteKey, NoteKeyMalformed
from gateway.errors import GatewayError
from gateway.exchange.acting import NotAllowed
from gateway.exchange.activate import suspend_agency
from gateway.exchange.cosigned import (
    ask_cosigners,
    checkpoint_with_cosignatures,
    cosigned_checkpoint,
    furthest,
    last_seen_by_cosigners,
    take_head,
)
from gateway.exchange.cosigners import (
    CosignerTaken,
    CosignerUnknown,
    Watching,
    active,
    add_cosigner,
    asked,
    remove_cosigner,
)
from gateway.exchange.countersign import Done, countersign_noted, flush_noted
from gateway.exchange.evidence import consistency_of
from gateway.exchange.gateway import Gateway
from gateway.exchange.keep_log import LogRewritten, LogRolledBack, keep_log
from gateway.exchange.resume_log import OnePersonTwice, resume_log
from gateway.exchange.rotate_log_key import handovers, log_keys, rotate_log_key
from gateway.exchange.trouble import standing, standing_logs
from gateway.exchange.verify import verify
from gateway.store import points
from gateway.store.interface import StoreUnavailable
from gateway.store.witness import Watch
from gateway.transport.ask import Partner, PartnerAway, Said
from gateway.user import UserRole
from tests.audit.memory_log import PretendSigner
from tests.exchange.deployed import JAIL, NAME, POLICE, PROBATION, clock_of, deployed, release
from tests.exchange.gateways import SetClock
from tests.exchange.officers import officer
from tests.exchange.threats import Attacked

PARTNER_NAME = "gateway.partner"
OPERATOR = frozenset({UserRole.OPERATOR})


@dataclass
class Between:
    """`Ask` straight into another gateway, as the agency `by`."""

    to: Gateway
    by: str
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def ask(self, partner: Partner, path: str, body: bytes | None = None) -> Said:
        self.asked.append(f"{'POST' if body is not None else 'GET'} {path}")
        if self.away:
            raise PartnerAway("the wire is cut")
        try:
            return Said(status=200, body=await self._answer(path, body))
        except GatewayError as error:
            return Said(status=403, body=json.dumps({"code": error.code}).encode())

    async def _answer(self, path: str, body: bytes | None) -> bytes:
        if path.startswith("/v1/audit/proof"):
            old, new = (int(part.partition("=")[2]) for part in path.partition("?")[2].split("&"))
            return b"".join(base64_line(each) for each in await consistency_of(self.to.store, old, new))
        if path == "/v1/audit/keys":
            return json.dumps({"handovers": [note.decode() for note in await handovers(self.to)]}).encode()
        if body is not None:
            await take_head(self.to, body)
            return b""
        seen = await self.to.store.seen_head(self.by)  # type: ignore[arg-type]
        if seen is None:
            raise CosignerUnknown("nothing countersigned")
        return seen.note


def base64_line(each: bytes) -> bytes:
    import base64

    return base64.b64encode(each) + b"\n"


@dataclass
class Pair:
    """The jail's gateway, which keeps the log, and the police's, which countersigns it."""

    jail: Gateway
    police: Gateway
    directory: Path
    to_jail: Between
    to_police: Between

    async def deliver(self) -> bytes:
        """Something happens, and a head travels to the police with it."""
        now = self.jail.clock.now()
        await self.jail.store.record([_entry(self.jail, now)])
        await keep_log(self.jail)
        return await self.show(await self.jail.store.checkpoint() or b"")

    async def show(self, note: bytes) -> bytes:
        """This head travels to the police."""
        self.police.noted[JAIL] = note
        await flush_noted(self.police)
        return note

    async def countersign(self) -> list[Done]:
        return [done for _, done in await countersign_noted(self.police, self.to_jail)]

    @property
    def rows(self) -> Attacked:
        """The jail's database, past every trigger."""
        keys = self.directory / "deployment/keys"
        return Attacked(gateway=self.jail, url=self.jail.settings.database_url, keys=keys)

    def put_back(self, size: int, *, heads: bool) -> None:
        """Take the jail's log back to this size; with its heads beside the keys too."""
        self.rows.change(
            "DELETE FROM entry WHERE number IN (SELECT entry FROM leaf WHERE idx >= :size)",
            "DELETE FROM leaf WHERE idx >= :size",
            "DELETE FROM checkpoint WHERE size > :size",
            "DELETE FROM cosignature WHERE size > :size",
            size=size,
        )
        if heads:
            shutil.rmtree(self.rows.keys / "heads", ignore_errors=True)


def _entry(gateway: Gateway, now: object):  # type: ignore[no-untyped-def]
    from gateway.audit.catalog import EntryType
    from gateway.audit.entry import make

    return make(EntryType.SIGN_IN, id=gateway.new_id(now), at=now, actor="dana")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def partner_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another deployment, with keys of its own. After `template`, so that exchanges are compiled once."""
    directory = tmp_path_factory.mktemp("partner") / "deployment"
    with clock_of(SetClock()):
        asyncio.run(app.init_deployment(directory, {"name": PARTNER_NAME}, samples=True))
    return directory


@pytest.fixture
async def pair(template: Path, partner_template: Path, tmp_path: Path) -> AsyncIterator[Pair]:
    shutil.copytree(partner_template, tmp_path / "partner")
    clock = SetClock()
    clock.go(days=1)
    async with deployed(template, tmp_path / "deployment") as made:
        with clock_of(clock):
            async with open_deployment(tmp_path / "partner") as police:
                jail = made.gateway
                await keep_log(jail)
                to_jail, to_police = Between(jail, POLICE), Between(police, JAIL)
                pair = Pair(jail=jail, police=police, directory=tmp_path, to_jail=to_jail, to_police=to_police)
                await introduce(pair)
                yield pair


async def introduce(pair: Pair) -> None:
    """Each enters the other's key, under a person's name."""
    log, witness = pair.jail.keys.log_signer, pair.police.keys.witness_signer
    await add_cosigner(
        pair.police,
        Watching(watch=Watch.LOG, agency=JAIL, key=str(NoteKey(log.name, log.public_bytes)), url="https://jail/"),
        by=await officer(pair.police, number=3, roles=OPERATOR),
    )
    cosigner = str(CosignerKey(witness.name, witness.public_bytes))
    await add_cosigner(
        pair.jail,
        Watching(watch=Watch.COSIGNER, agency=POLICE, key=cosigner, url="https://police"),
        by=await officer(pair.jail, number=3, roles=OPERATOR),
    )


async def test_a_head_that_comes_with_a_delivery_is_countersigned_and_the_cosignature_goes_back(pair: Pair) -> None:
    note = await pair.deliver()
    assert await pair.countersign() == [Done.COSIGNED]
    assert await pair.police.store.noted_heads() == ()
    size = unverified_checkpoint(note).size
    (held,) = await pair.jail.store.cosignatures(size)
    assert (held.agency, held.cosigner) == (POLICE, f"{PARTNER_NAME}/witness")
    signed = await cosigned_checkpoint(pair.jail.store)
    assert signed is not None
    witness = pair.police.keys.witness_signer
    (read,) = read_cosignatures(signed, [CosignerKey(witness.name, witness.public_bytes)])
    assert read.at == pair.police.clock.now().replace(microsecond=0)
    assert await checkpoint_with_cosignatures(pair.jail.store, size) == signed


async def test_a_later_head_is_countersigned_only_with_a_proof_that_it_goes_on(pair: Pair) -> None:
    first = unverified_checkpoint(await pair.deliver()).size
    await pair.countersign()
    for _ in range(3):
        await pair.deliver()
    newest = unverified_checkpoint(await pair.deliver()).size
    assert await pair.countersign() == [Done.COSIGNED]
    assert f"GET /v1/audit/proof?old={first}&new={newest}" in pair.to_jail.asked
    seen = await pair.police.store.seen_head(JAIL)
    assert seen is not None
    assert seen.size == newest


async def test_an_old_head_that_is_shown_again_changes_nothing(pair: Pair) -> None:
    old = await pair.deliver()
    await pair.countersign()
    await pair.deliver()
    await pair.countersign()
    before = await pair.police.store.seen_head(JAIL)
    await pair.show(old)
    assert await pair.countersign() == [Done.KNOWN]
    assert await pair.police.store.seen_head(JAIL) == before
    assert await standing_logs(pair.police) == (False, ())


async def test_a_cosignature_that_did_not_arrive_is_sent_again(pair: Pair) -> None:
    note = await pair.deliver()
    pair.to_jail.away = True
    assert await pair.countersign() == [Done.AWAY]
    assert len(await pair.police.store.noted_heads()) == 1
    pair.to_jail.away = False
    assert await pair.countersign() == [Done.KNOWN]  # kept the first time, before it could be sent
    assert len(await pair.jail.store.cosignatures(unverified_checkpoint(note).size)) == 1


async def test_a_head_by_a_foreign_key_is_not_countersigned_and_accuses_nobody(pair: Pair) -> None:
    forged = Checkpoint(origin=NAME, size=9999, root=bytes(32))
    await pair.show(sign_checkpoint(forged, PretendSigner(NAME)).encode())
    assert await pair.countersign() == [Done.NOT_THEIRS]
    assert await pair.police.store.seen_head(JAIL) is None
    assert await standing_logs(pair.police) == (False, ())


async def test_heads_of_an_agency_whose_log_nobody_entered_are_dropped(pair: Pair) -> None:
    note = await pair.deliver()
    await remove_cosigner(pair.police, Watch.LOG, JAIL, by=await officer(pair.police, number=3, roles=OPERATOR))
    assert await pair.countersign() == []
    await pair.show(note)
    assert await pair.police.store.noted_heads() == ()


async def test_a_log_that_was_put_back_with_its_keys_is_found_by_the_partner_and_told_at_home(pair: Pair) -> None:
    first = unverified_checkpoint(await pair.deliver()).size
    for _ in range(3):
        await pair.deliver()
    await pair.countersign()
    seen = await pair.police.store.seen_head(JAIL)
    assert seen is not None
    pair.put_back(first, heads=True)
    await pair.deliver()  # the jail notices nothing: all it has was put back together
    assert await standing(pair.jail) == []
    assert await pair.countersign() == [Done.TAMPERED]
    assert await standing_logs(pair.police) == (False, (JAIL,))
    assert [(each.code, each.agency) for each in await pair.police.store.troubles()] == [
        ("audit.partner-log-rolled-back", JAIL)
    ]
    # Shown the head that its own key signed, the jail's gateway finds it out too.
    assert [(each.code, each.size) for each in await standing(pair.jail)] == [("audit.log-rolled-back", seen.size)]
    assert await pair.police.store.seen_head(JAIL) == seen


async def test_a_log_that_was_put_back_and_has_grown_past_the_head_is_found_as_rewritten(pair: Pair) -> None:
    first = unverified_checkpoint(await pair.deliver()).size
    for _ in range(3):
        await pair.deliver()
    await pair.countersign()
    pair.put_back(first, heads=True)
    pair.jail.clock.go(hours=1)  # type: ignore[attr-defined]
    for _ in range(6):
        await pair.deliver()
    assert await pair.countersign() == [Done.TAMPERED]
    assert [each.code for each in await pair.police.store.troubles()] == ["audit.partner-log-rewritten"]
    assert [each.code for each in await standing(pair.jail)] == ["audit.log-rewritten"]


async def test_two_histories_of_one_size_are_proof_by_themselves(pair: Pair) -> None:
    note = await pair.deliver()
    await pair.countersign()
    head = unverified_checkpoint(note)
    other = Checkpoint(origin=NAME, size=head.size, root=bytes(32))
    await pair.show(sign_checkpoint(other, pair.jail.keys.log_key.signer).encode())
    assert await pair.countersign() == [Done.TAMPERED]
    assert [each.code for each in await pair.police.store.troubles()] == ["audit.partner-log-forked"]


async def test_what_stands_is_entered_and_said_once(pair: Pair) -> None:
    note = await pair.deliver()
    await pair.countersign()
    other = Checkpoint(origin=NAME, size=unverified_checkpoint(note).size, root=bytes(32))
    for _ in range(3):
        await pair.show(sign_checkpoint(other, pair.jail.keys.log_key.signer).encode())
        await pair.countersign()
    await keep_log(pair.police)
    entries = await pair.police.store.entries_of_types(["tampered"], limit=10)
    assert [each.entry.parties for each in entries] == [(JAIL,)]


async def test_cosigners_say_what_they_saw_and_a_restored_log_is_held_against_it(pair: Pair) -> None:
    assert [each.code for each in await last_seen_by_cosigners(pair.jail, pair.to_police)] == ["partner.http-403"]
    first = unverified_checkpoint(await pair.deliver()).size
    newest = unverified_checkpoint(await pair.deliver()).size
    await pair.countersign()
    seen = furthest(await last_seen_by_cosigners(pair.jail, pair.to_police))
    assert seen is not None
    assert seen.head is not None
    assert (seen.agency, seen.head.size) == (POLICE, newest)
    pair.to_police.away = True
    assert [each.code for each in await ask_cosigners(pair.jail, pair.to_police)] == ["partner.no-answer"]
    pair.to_police.away = False
    pair.put_back(first, heads=True)
    await ask_cosigners(pair.jail, pair.to_police)
    assert [each.code for each in await standing(pair.jail)] == ["audit.log-rolled-back"]


async def test_after_a_change_of_key_the_partner_follows(pair: Pair) -> None:
    await pair.deliver()
    await pair.countersign()
    operator = await officer(pair.jail, number=3, roles=OPERATOR)
    before = pair.jail.keys.log_key.signer.public_bytes
    done = await rotate_log_key(pair.jail, by=operator, reason="scheduled")
    assert pair.jail.keys.log_key.signer.public_bytes != before
    await pair.deliver()
    assert await pair.countersign() == [Done.COSIGNED]
    assert "GET /v1/audit/keys" in pair.to_jail.asked
    assert [(each.first, each.until) for each in log_keys(pair.jail)] == [(0, done.size), (done.size, None)]
    assert (await verify(pair.jail)).report.verified


async def test_a_head_by_the_retired_key_is_not_countersigned(pair: Pair) -> None:
    await pair.deliver()
    await pair.countersign()
    stolen = pair.jail.keys.log_key.signer
    await rotate_log_key(pair.jail, by=await officer(pair.jail, number=3, roles=OPERATOR), reason="compromised")
    head = unverified_checkpoint(await pair.deliver())
    await pair.countersign()
    await pair.show(sign_checkpoint(Checkpoint(origin=NAME, size=head.size + 9, root=bytes(32)), stolen).encode())
    assert await pair.countersign() == [Done.NOT_THEIRS]
    assert await standing_logs(pair.police) == (False, ())
    seen = await pair.police.store.seen_head(JAIL)
    assert seen is not None
    assert seen.size == head.size


@pytest.mark.parametrize("point", ["sequence.before-commit", "sequence.after-commit"])
async def test_a_change_of_key_that_fails_is_repeated_or_finished(
    pair: Pair, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Exception):
        """The machine stops here."""

    def stop(reached: str) -> None:
        if reached == point:
            raise Broken

    operator = await officer(pair.jail, number=3, roles=OPERATOR)
    old = pair.jail.keys.log_key.signer.public_bytes
    with monkeypatch.context() as stopped:
        stopped.setattr(points, "watch", stop)
        with pytest.raises((Broken, StoreUnavailable)):
            await rotate_log_key(pair.jail, by=operator, reason="scheduled")
    stored = "after" in point
    await pair.deliver()  # a worker goes on: with the old key, or it finishes the change
    assert (pair.jail.keys.log_key.signer.public_bytes != old) is stored
    if not stored:
        await rotate_log_key(pair.jail, by=operator, reason="scheduled")
    await pair.deliver()
    assert len(log_keys(pair.jail)) == 2
    assert (await verify(pair.jail)).report.verified


async def test_a_partner_that_answers_with_nonsense_is_not_countersigned_and_holds_up_nobody(pair: Pair) -> None:
    """Brackets so deep that a JSON reader gives up are no list of keys."""
    forged = Checkpoint(origin=NAME, size=9999, root=bytes(32))
    await pair.show(sign_checkpoint(forged, PretendSigner(NAME)).encode())

    class Deep:
        async def ask(self, partner: Partner, path: str, body: bytes | None = None) -> Said:
            return Said(status=200, body=b"[" * 60_000)

    assert [done for _, done in await countersign_noted(pair.police, Deep())] == [Done.NOT_THEIRS]
    assert await pair.police.store.noted_heads() == ()


async def test_what_breaks_on_one_partner_comes_again_and_stops_no_other(pair: Pair) -> None:
    await pair.show(sign_checkpoint(Checkpoint(origin=NAME, size=9999, root=bytes(32)), PretendSigner(NAME)).encode())

    class Breaks:
        async def ask(self, partner: Partner, path: str, body: bytes | None = None) -> Said:
            raise KeyError("something nobody thought of")

    assert [done for _, done in await countersign_noted(pair.police, Breaks())] == [Done.AWAY]
    assert len(await pair.police.store.noted_heads()) == 1


@pytest.mark.parametrize("same", ["key", "name"])
async def test_a_partner_cannot_hand_in_the_key_of_another_one(pair: Pair, same: str) -> None:
    witness = pair.police.keys.witness_signer
    theirs = CosignerKey(witness.name, witness.public_bytes)
    taken = {"key": CosignerKey("harlan/witness", theirs.public_bytes), "name": CosignerKey(theirs.name, bytes(32))}
    wanted = Watching(watch=Watch.COSIGNER, agency=PROBATION, key=str(taken[same]), url="https://probation")
    with pytest.raises(CosignerTaken):
        await add_cosigner(pair.jail, wanted, by=await officer(pair.jail, number=3, roles=OPERATOR))
    assert [each.agency for each in await active(pair.jail, Watch.COSIGNER)] == [POLICE]


async def test_keys_are_entered_by_the_operator_s_people_under_their_names(pair: Pair) -> None:
    (entered,) = await active(pair.jail, Watch.COSIGNER)
    wanted = Watching(watch=Watch.COSIGNER, agency=POLICE, key=entered.key, url="https://police")
    with pytest.raises(NotAllowed):
        await add_cosigner(pair.jail, wanted, by=await officer(pair.jail, POLICE, number=5))
    log = pair.police.keys.log_signer
    of_a_log = Watching(
        watch=Watch.COSIGNER, agency=POLICE, key=str(NoteKey(log.name, log.public_bytes)), url="https://police"
    )
    with pytest.raises(NoteKeyMalformed):
        await add_cosigner(pair.jail, of_a_log, by=await officer(pair.jail, number=3, roles=OPERATOR))
    (entry,) = await pair.jail.store.entries_of_types(["witness"], limit=10)
    body = json.loads(entry.entry.body)
    assert (body["action"], body["kind"], body["partner"]) == ("add", "cosigner", POLICE)
    assert body["signature"]


async def test_two_people_decide_that_a_log_that_was_put_back_goes_on(pair: Pair) -> None:
    first = unverified_checkpoint(await pair.deliver()).size
    await pair.deliver()
    pair.put_back(first, heads=False)
    with pytest.raises(LogRolledBack):
        await keep_log(pair.jail)
    one = await officer(pair.jail, number=3, roles=OPERATOR)
    other = await officer(pair.jail, number=4, roles=OPERATOR)
    with pytest.raises(OnePersonTwice):
        await resume_log(pair.jail, reason="backup-restored", first=one, second=one)
    wrong = await officer(pair.jail, POLICE, number=5)
    with pytest.raises(NotAllowed):
        await resume_log(pair.jail, reason="backup-restored", first=wrong, second=one)
    assert await resume_log(pair.jail, reason="backup-restored", first=one, second=other) == first
    await keep_log(pair.jail)
    assert await standing(pair.jail) == []
    assert [each.ended_at is not None for each in await pair.jail.store.troubles()] == [True]
    decided = json.loads((await pair.jail.store.entries_of_types(["tampered"], limit=10))[-1].entry.body)
    assert (decided["action"], decided["actor"], decided["second"]) == ("resume", one.user, other.user)
    assert (await verify(pair.jail)).report.verified


async def test_heads_of_what_was_given_up_raise_no_alarm_whoever_kept_them(pair: Pair) -> None:
    """They were public: each would be good for another alarm, and a gateway that is not ready."""
    first = unverified_checkpoint(await pair.deliver()).size
    given_up = [await pair.deliver() for _ in range(3)]
    pair.put_back(first, heads=False)
    with pytest.raises(LogRolledBack):
        await keep_log(pair.jail)
    one, other = [await officer(pair.jail, number=number, roles=OPERATOR) for number in (3, 4)]
    await resume_log(pair.jail, reason="backup-restored", first=one, second=other)
    for _ in range(6):
        later = await pair.deliver()
    for head in given_up:
        with pytest.raises(LogRewritten):
            await take_head(pair.jail, head)
    assert await standing(pair.jail) == []
    pair.put_back(first, heads=True)  # what nobody has decided about is said all the same
    with pytest.raises(LogRolledBack):
        await take_head(pair.jail, later)
    assert len(await standing(pair.jail)) == 1


async def test_after_a_decided_restore_both_sides_go_on(pair: Pair) -> None:
    first = unverified_checkpoint(await pair.deliver()).size
    await pair.deliver()
    await pair.countersign()
    pair.put_back(first, heads=True)
    pair.jail.clock.go(hours=1)  # type: ignore[attr-defined]
    await pair.deliver()
    assert await pair.countersign() == [Done.TAMPERED]
    people = [await officer(pair.jail, number=number, roles=OPERATOR) for number in (3, 4)]
    await resume_log(pair.jail, reason="backup-restored", first=people[0], second=people[1])
    await pair.deliver()
    assert await pair.countersign() == [Done.TAMPERED]  # the partner's people have decided nothing yet
    assert await standing(pair.jail) == []  # and what was decided here is not raised again
    pair.police.clock.go(minutes=5)  # type: ignore[attr-defined]
    await introduce(pair)
    await pair.deliver()
    assert await pair.countersign() == [Done.COSIGNED]
    await pair.deliver()
    assert await pair.countersign() == [Done.COSIGNED]


async def test_a_message_goes_on_being_accepted_while_a_partner_countersigns(pair: Pair) -> None:
    # Countersigning is beside the way of a message: a partner that is away holds up nothing.
    pair.to_jail.away = True
    await pair.deliver()
    await pair.countersign()
    from gateway.exchange.accept import accept
    from gateway.exchange.submission import Submission

    accepted = await accept(pair.jail, Submission(sender=JAIL, sender_id="one", body=release()))
    assert accepted.receipt


async def test_a_partner_that_is_shut_out_is_asked_nothing_and_its_heads_are_not_countersigned(pair: Pair) -> None:
    await pair.deliver()
    assert [each.agency for each in await asked(pair.jail, Watch.COSIGNER)] == [POLICE]
    await suspend_agency(pair.jail, POLICE, actor="test")
    await suspend_agency(pair.police, JAIL, actor="test")
    assert await asked(pair.jail, Watch.COSIGNER) == []
    assert await pair.countersign() == []
    assert pair.to_jail.asked == []
    await suspend_agency(pair.police, JAIL, actor="test", suspended=False)
    assert len(await pair.countersign()) == 1  # the head it had shown before
