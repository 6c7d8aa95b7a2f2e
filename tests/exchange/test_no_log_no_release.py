"""No log, no release: where an entry cannot be written nothing is given, and nothing is changed.

Each way in which content is read or handed out, or anything is changed, is tried on a database that takes no entry: one
that refuses it, one whose file may not grow, and a PostgreSQL that is out of room. `tests/test_ways.py` holds the list
of all commands and addresses against these.
"""

import io
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

import psycopg
import pytest

from gateway.agency import Agency, AgencyId, AgencyKind
from gateway.alert.alert import Code, Severity, Standing
from gateway.audit.catalog import EntryType
from gateway.audit.entry import make
from gateway.delivery.course import State as Stands
from gateway.delivery.reply import ReplyId
from gateway.exchange.acting import Acting
from gateway.exchange.activate import issue_token, put_agency, suspend_agency
from gateway.exchange.agreements import activate_mou, approve_mou, stop_mou, try_mou
from gateway.exchange.answers.asked import Asked as Question
from gateway.exchange.answers.denials import denials
from gateway.exchange.consents import NewConsent, add_consent, list_consents, revoke_consent
from gateway.exchange.emergencies import Asked, list_emergencies, read_because
from gateway.exchange.emergency import Emergency, Released, release_in_emergency
from gateway.exchange.export import export
from gateway.exchange.inbox import acknowledge, inbox_cover, inbox_notice, inbox_page, inbox_payload
from gateway.exchange.laws import add_laws
from gateway.exchange.people import add_user, disable_user
from gateway.exchange.redecide import redecide
from gateway.exchange.rehearse import rehearse
from gateway.exchange.reply import put_answer
from gateway.exchange.reply_acts import discard_reply, requeue_reply
from gateway.exchange.requeue import discard, requeue
from gateway.exchange.review import Week, sign_review, week_of
from gateway.exchange.revoke import revoke_credential
from gateway.exchange.selection import About
from gateway.exchange.silence import silence_alert
from gateway.exchange.simulate import Replay, simulate_stored
from gateway.exchange.status import receipt, status
from gateway.exchange.submission import Submission
from gateway.exchange.withdraw import withdraw_approval
from gateway.folders import shipped_laws
from gateway.keys.personal import throwaway
from gateway.message import DeliveryId, MessageId
from gateway.policy.emergency import Reason
from gateway.store.alerts import Watched
from gateway.store.configuration import AgreementState
from gateway.store.interface import Store, StoreUnavailable
from gateway.store.open import open_store
from gateway.user import User, UserId, UserRole
from tests.exchange.deployed import JAIL, POLICE, PROBATION, SHELTER, Deployed, agreement, release, sample
from tests.exchange.officers import approve_for_all, officer
from tests.exchange.replying import AnsweredElsewhere
from tests.full_disk import full_disk

OFFICER, SUPERVISOR = frozenset({UserRole.PRIVACY_OFFICER}), frozenset({UserRole.SUPERVISOR})
NEW_MOU = agreement("S-1", SHELTER, POLICE)
DRAFT_MOU = agreement("S-2", SHELTER, POLICE)
COURT = Agency(id=AgencyId("harlan-county-court"), name="Harlan County Court", kind=AgencyKind.COURT)

CONSENT = NewConsent(
    holder=JAIL,
    person={"sid": "XX-0001"},
    labels=("sud.*",),
    recipient=PROBATION,
    purpose="supervision",
    since=date(2026, 1, 1),
    until=date(2027, 1, 1),
    document="sha-256:" + "1" * 64,
)


@dataclass
class Scene:
    """What the ways act upon, made while everything was well."""

    place: Deployed
    message: MessageId
    waiting: DeliveryId
    stuck: DeliveryId
    to_police: DeliveryId
    released: Released
    reply: ReplyId
    by: Acting
    of_shelter: Acting
    first: Acting
    second: Acting
    administrator: Acting
    consent: str
    week: Week


async def prepare(place: Deployed) -> Scene:
    gateway = place.gateway
    by = await officer(gateway)
    first = await officer(gateway, JAIL, number=11, roles=OFFICER)
    second = await officer(gateway, JAIL, number=12, roles=SUPERVISOR)
    of_shelter = await officer(gateway, SHELTER)
    await approve_for_all(gateway, NEW_MOU)
    administrators = frozenset({UserRole.ADMINISTRATOR})  # last: from then on nobody else adds people
    administrator = await officer(gateway, number=3, roles=administrators)
    await issue_token(gateway, POLICE, actor="test")
    accepted = await place.accept(sample("fullest"), "HCJ-1")
    ids = {each.agency: each.delivery for each in accepted.recipients if each.delivery}
    (consent,) = await add_consent(gateway, CONSENT, by=by)
    asked = Emergency(message=accepted.id, to=SHELTER, reason=Reason.IMMINENT_DANGER, because="He would shoot.")
    released = await release_in_emergency(gateway, asked, first=first, second=second)
    now = gateway.clock.now()
    await gateway.store.take_watch("one", now=now, until=now + timedelta(days=1))
    stands = Standing(code=Code.BACKLOG, subject="", severity=Severity.WARNING, count=1, raised_at=now, told_at=now)
    await gateway.store.keep_alerts(Watched(holder="one", standing=(stands,)))
    place.clock.go(seconds=1)
    week = await week_of(gateway, actor="test")
    await put_answer(gateway, AnsweredElsewhere(agency=JAIL), lambda _: b"<answer/>")
    (reply,) = await gateway.store.replies(None, None, None, 2)
    given_up = replace(reply, state=Stands.UNDELIVERABLE)
    await gateway.store.move_reply(given_up, expected=Stands.WAITING, entries=())
    await place.log()
    police, probation = (ids[each] for each in (POLICE, PROBATION))
    return Scene(
        place=place,
        message=accepted.id,
        waiting=probation,
        stuck=probation,
        to_police=police,
        released=released,
        reply=reply.id,
        by=by,
        of_shelter=of_shelter,
        first=first,
        second=second,
        administrator=administrator,
        consent=consent.id,
        week=week,
    )


Way = Callable[[Scene], Awaitable[object]]


async def _release_again(scene: Scene) -> object:
    asked = Emergency(message=scene.message, to=AgencyId("tri-county-fusion"), reason=Reason.ESCAPE)
    return await release_in_emergency(scene.place.gateway, asked, first=scene.first, second=scene.second)


async def _add_user(scene: Scene) -> object:
    user = User(
        id=UserId("new.person"),
        agency=JAIL,
        roles=frozenset({UserRole.SIGNATORY}),
        public_key=throwaway()[1],
        since=scene.place.clock.now(),
    )
    return await add_user(scene.place.gateway, user, by=scene.administrator)


async def _simulate(scene: Scene) -> object:
    gateway = scene.place.gateway
    mou = next(each for each in gateway.current.mous.values() if each.id == "JAIL-PD-2026-01")
    return await simulate_stored(gateway, mou, Replay(last=5), actor="test")


async def _export(scene: Scene) -> object:
    return await export(scene.place.gateway, About(), io.BytesIO(), verifier=b"# verifier\n")


async def _law(scene: Scene) -> object:
    (file, data), *_ = sorted(shipped_laws().items())
    later = re.sub(rb"(?m)^version: [0-9]+$", b"version: 99", data)
    return await add_laws(scene.place.gateway, [(file, later)], by=scene.by)


async def _shown(scene: Scene) -> object:
    return await week_of(scene.place.gateway, actor="test")


WAYS: dict[str, Way] = {
    # content, and what is held about it
    "inbox payload": lambda s: inbox_payload(s.place.gateway, POLICE, s.to_police),
    "inbox cover": lambda s: inbox_cover(s.place.gateway, POLICE, s.to_police),
    "inbox notice": lambda s: inbox_notice(s.place.gateway, POLICE, s.to_police),
    "inbox page": lambda s: inbox_page(s.place.gateway, POLICE, after=0, limit=10),
    "poll by SOAP": lambda s: inbox_page(s.place.gateway, POLICE, after=0, limit=10, channel="soap"),
    "status": lambda s: status(s.place.gateway, JAIL, s.message),
    "receipt": lambda s: receipt(s.place.gateway, JAIL, s.message),
    "consents": lambda s: list_consents(s.place.gateway, holder=JAIL),
    "emergencies": lambda s: list_emergencies(s.place.gateway, Asked(), actor="test"),
    "because": lambda s: read_because(s.place.gateway, s.released.dissemination, by=s.first),
    "replay": lambda s: redecide(s.place.gateway, s.message, actor="test"),
    "simulate": _simulate,
    "week of the log": _shown,
    "answer of a report": lambda s: denials(s.place.gateway, Question()),
    "export": _export,
    # messages and deliveries
    "accept": lambda s: s.place.accept(release(), "HCJ-2"),
    "sandbox": lambda s: rehearse(s.place.gateway, Submission(sender=JAIL, sender_id="", body=release())),
    "acknowledge": lambda s: acknowledge(s.place.gateway, POLICE, s.to_police),
    "answer elsewhere": lambda s: put_answer(
        s.place.gateway, AnsweredElsewhere(agency=JAIL, request="urn:uuid:2"), lambda _: b"<answer/>"
    ),
    "requeue a reply": lambda s: requeue_reply(s.place.gateway, s.reply, actor="test"),
    "discard a reply": lambda s: discard_reply(s.place.gateway, s.reply, actor="test", reason="closed"),
    "requeue": lambda s: requeue(s.place.gateway, s.stuck, actor="test"),
    "discard": lambda s: discard(s.place.gateway, s.stuck, actor="test", reason="closed"),
    "emergency release": _release_again,
    # what is in force
    "put agency": lambda s: put_agency(s.place.gateway, COURT, by=s.by),
    "suspend agency": lambda s: suspend_agency(s.place.gateway, POLICE, by=s.by),
    "issue token": lambda s: issue_token(s.place.gateway, POLICE, by=s.by),
    "revoke credential": lambda s: revoke_credential(
        s.place.gateway, POLICE, next(iter(s.place.gateway.current.credentials)), by=s.by
    ),
    "add consent": lambda s: add_consent(s.place.gateway, replace(CONSENT, person={"sid": "XX-2"}), by=s.by),
    "revoke consent": lambda s: revoke_consent(s.place.gateway, s.consent, by=s.by),
    "add user": _add_user,
    "disable user": lambda s: disable_user(s.place.gateway, s.first.user, by=s.administrator),
    "add law": _law,
    "approve": lambda s: approve_mou(s.place.gateway, DRAFT_MOU, "file", party=SHELTER, by=s.of_shelter),
    "withdraw": lambda s: withdraw_approval(s.place.gateway, "S-1", 1, party=SHELTER, by=s.of_shelter),
    "try": lambda s: try_mou(s.place.gateway, NEW_MOU, "file", by=s.by),
    "activate": lambda s: activate_mou(s.place.gateway, NEW_MOU, "file", by=s.by),
    "suspend": lambda s: stop_mou(s.place.gateway, "JAIL-PD-2026-01", state=AgreementState.SUSPENDED, by=s.by),
    "end": lambda s: stop_mou(s.place.gateway, "JAIL-PD-2026-01", state=AgreementState.ENDED, by=s.by),
    # who watches
    "sign a review": lambda s: sign_review(s.place.gateway, s.week, by=s.by),
    "silence": lambda s: silence_alert(
        s.place.gateway, Code.BACKLOG, "", s.place.clock.now() + timedelta(days=1), by=s.by
    ),
}


@dataclass(frozen=True)
class State:
    """What must not have changed."""

    version: int
    entries: int
    messages: int
    deliveries: tuple[object, ...]
    alerts: tuple[Standing, ...]
    replies: tuple[object, ...]


async def state_of(store: Store) -> State:
    counts = await store.counts()
    return State(
        version=await store.configuration_version(),
        entries=counts.unsequenced + counts.log_size,
        messages=counts.messages,
        deliveries=await store.deliveries(None, None, None, 100),
        alerts=await store.alerts(),
        replies=await store.replies(None, None, None, 100),
    )


NO_ENTRY = "CREATE TRIGGER no_room BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no room'); END"


@asynccontextmanager
async def refusing(place: Deployed) -> AsyncIterator[None]:
    """SQLite, with every entry refused."""
    with sqlite3.connect(place.directory / "gateway.db") as db:
        db.execute(NO_ENTRY)
    yield
    with sqlite3.connect(place.directory / "gateway.db") as db:
        db.execute("DROP TRIGGER no_room")
    db.close()


async def fill(place: Deployed) -> None:
    """Until the file has no room for the smallest entry."""
    gateway = place.gateway
    for _ in range(2000):
        now = gateway.clock.now()
        entry = make(EntryType.SIGN_IN, id=gateway.new_id(now), at=now, actor="a")
        await gateway.store.record([entry])


@asynccontextmanager
async def full(place: Deployed) -> AsyncIterator[None]:
    """SQLite, with a file that may not grow and is full."""
    with full_disk(place.gateway.store):
        with pytest.raises(StoreUnavailable):
            await fill(place)
        yield


FULL_FUNCTION = (
    "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
)


@asynccontextmanager
async def out_of_room(url: str) -> AsyncIterator[None]:
    """PostgreSQL, answering an entry as it does without room on its disk."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(FULL_FUNCTION)
        db.execute("CREATE TRIGGER no_room BEFORE INSERT ON entry EXECUTE FUNCTION no_room()")
        yield
        db.execute("DROP TRIGGER no_room ON entry")


async def to_postgres(place: Deployed, url: str) -> Store:
    """Everything in force, in another database; nothing else."""
    held = await place.gateway.store.configuration()
    store = open_store(url)
    await store.open()
    parts = (held.agencies, held.users, held.credentials, held.exchanges, held.laws, held.agreements, held.approvals)
    await store.change([each for part in parts for each in part], ())
    place.gateway.store = store
    place.gateway.find_consents = store.consents
    await place.gateway.refresh()
    return store


async def assert_nothing_happens(scene: Scene, way: Way) -> None:
    before = await state_of(scene.place.gateway.store)
    with pytest.raises(StoreUnavailable):
        await way(scene)
    assert await state_of(scene.place.gateway.store) == before


def undeliver(directory: object, delivery: str) -> None:
    """As if all tries had been in vain."""
    with sqlite3.connect(f"{directory}/gateway.db") as db:
        db.execute("UPDATE delivery SET state = 'undeliverable' WHERE id = ?", (delivery,))
    db.close()


@pytest.mark.parametrize("broken", [refusing, full], ids=["refusing", "full"])
async def test_on_sqlite_nothing_is_given_and_nothing_changes(place: Deployed, broken: Callable[..., object]) -> None:
    scene = await prepare(place)
    undeliver(place.directory, scene.stuck)
    async with broken(place):  # type: ignore[attr-defined]
        for name, way in WAYS.items():
            try:
                await assert_nothing_happens(scene, way)
            except BaseException as error:
                error.add_note(f"by the way of {name}")
                raise
    await inbox_payload(place.gateway, POLICE, scene.to_police)  # and when there is room again, it is given


async def test_on_postgresql_nothing_is_given_and_nothing_changes(place: Deployed, migrated_postgres_url: str) -> None:
    own = place.gateway.store
    store = await to_postgres(place, migrated_postgres_url)
    try:
        scene = await prepare(place)
        with psycopg.connect(migrated_postgres_url, autocommit=True) as db:
            db.execute("UPDATE delivery SET state = 'undeliverable' WHERE id = %s", (scene.stuck,))
        async with out_of_room(migrated_postgres_url):
            for name, way in WAYS.items():
                try:
                    await assert_nothing_happens(scene, way)
                except BaseException as error:
                    error.add_note(f"by the way of {name}")
                    raise
        await inbox_payload(place.gateway, POLICE, scene.to_police)
    finally:
        place.gateway.store = own
        await store.close()


async def test_every_way_works_where_entries_can_be_written(place: Deployed) -> None:
    """Or the tests above would be passed by a way that always fails. In their order each writes an entry at least."""
    scene = await prepare(place)
    undeliver(place.directory, scene.stuck)
    for name, way in WAYS.items():
        before = len(await place.log())
        try:
            await way(scene)
        except BaseException as error:
            error.add_note(f"by the way of {name}")
            raise
        if name != "poll by SOAP":  # of a list that was asked for a moment ago the log hears once in a while
            assert len(await place.log()) > before, name
