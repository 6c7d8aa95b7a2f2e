"""What a run takes, what holds keep from it, and when it takes two people."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agency import AgencyId
from gateway.message import MessageId, bucket_name
from gateway.retention.certificate import (
    LISTED_MAX,
    CertificateMalformed,
    Certified,
    Person,
    Residue,
    certificate_text,
    keys_digest,
    read_certificate,
)
from gateway.retention.hold import Cause, Hold, HoldScopeEmpty, Scope, covers
from gateway.retention.kept import Kept, Kind, bucket_over, original_due, shortened
from gateway.retention.plan import Asks, Bounds, Plan, Why, asks, classes, free, may_go_whole, partners, room
from gateway.retention.seen import Seen, confirmed, look
from gateway.user import UserId

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
JAIL, POLICE, PROBATION = AgencyId("jail"), AgencyId("police"), AgencyId("probation")
BOUNDS = Bounds(share=0.1, share_from=20)


def kept(
    id: str, *, kind: Kind = Kind.DISSEMINATION, message: str = "m1", to: AgencyId = POLICE, **more: object
) -> Kept:
    values: dict[str, object] = {
        "id": id,
        "kind": kind,
        "message": MessageId(message),
        "sender": JAIL,
        "exchange": "custody-release/1.0",
        "at": NOW,
        "counts_from": NOW,
        "due_at": NOW + 30 * DAY,
        "bucket": "2026-W14",
        "index": 7,
        "recipient": to if kind is Kind.DISSEMINATION else AgencyId(""),
        "mou": "M@1" if kind is Kind.DISSEMINATION else "",
        "clause": "E1" if kind is Kind.DISSEMINATION else "",
    }
    return Kept(**(values | more))  # type: ignore[arg-type]


def hold(scope: Scope, **more: object) -> Hold:
    values: dict[str, object] = {
        "id": "h1",
        "scope": scope,
        "cause": Cause.AUDIT,
        "authority": "order 1",
        "by": UserId("ana"),
        "agency": JAIL,
        "at": NOW,
    }
    return Hold(**(values | more))  # type: ignore[arg-type]


MESSAGE = (kept("m1", kind=Kind.ORIGINAL), kept("d1"), kept("d2", to=PROBATION, mou="N@2"))


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(message=MessageId("m1")), True),
        (Scope(message=MessageId("m2")), False),
        (Scope(mou="M"), True),
        (Scope(mou="N@2"), True),
        (Scope(mou="N@1"), False),
        (Scope(agency=PROBATION), True),
        (Scope(agency=JAIL), True),
        (Scope(agency=AgencyId("court")), False),
        (Scope(since=NOW, until=NOW + DAY), True),
        (Scope(since=NOW + DAY), False),
        (Scope(until=NOW), False),
        (Scope(agency=POLICE, exchange="custody-release/1.0"), True),
        (Scope(agency=POLICE, exchange="incident/1.0"), False),
    ],
)
def test_a_hold_covers_the_messages_that_fit_all_it_names(scope: Scope, covered: bool) -> None:
    assert covers(scope, MESSAGE) is covered


def test_a_hold_on_everything_is_none() -> None:
    with pytest.raises(HoldScopeEmpty):
        Scope()


def test_what_one_part_of_a_message_is_held_for_holds_all_of_it() -> None:
    clear, held = free(MESSAGE[:2], [hold(Scope(mou="N"))], {"m1": MESSAGE}, NOW)
    assert (clear, held) == ((), {"h1": 2})


def test_a_hold_that_ended_or_was_released_keeps_nothing() -> None:
    over = [hold(Scope(agency=JAIL), until=NOW), hold(Scope(agency=JAIL), released_at=NOW)]
    assert free(MESSAGE, over, {"m1": MESSAGE}, NOW) == (MESSAGE, {})
    assert hold(Scope(agency=JAIL), until=NOW + DAY).stands(NOW)


@pytest.mark.parametrize(
    ("count", "held", "asked"),
    [(19, 20, ()), (20, 200, ()), (21, 200, (Asks.SHARE,)), (20, 199, (Asks.SHARE,)), (0, 0, ())],
)
def test_a_large_share_takes_two_people(count: int, held: int, asked: tuple[Asks, ...]) -> None:
    assert asks(why=Why.TIME_IS_UP, count=count, kept=held, bounds=BOUNDS, jumped=False) == asked


def test_a_jump_and_what_is_early_take_two_people_however_little_it_is() -> None:
    assert asks(why=Why.TIME_IS_UP, count=1, kept=1000, bounds=BOUNDS, jumped=True) == (Asks.CLOCK,)
    assert asks(why=Why.SEALED, count=1, kept=1000, bounds=BOUNDS, jumped=False) == (Asks.EARLY,)


def test_a_clock_jumped_when_more_than_a_day_lies_between_two_looks_either_way() -> None:
    seen = Seen(at=NOW)
    assert not look(seen, NOW + DAY).jumped
    assert look(seen, NOW + DAY + timedelta(seconds=1)).jumped_from == NOW
    assert look(seen, NOW - DAY - timedelta(seconds=1)).jumped
    later = look(look(seen, NOW + 40 * DAY), NOW + 40 * DAY + timedelta(hours=1))
    assert (later.at, later.jumped_from) == (NOW + 40 * DAY + timedelta(hours=1), NOW)
    assert look(later, NOW).jumped_from == NOW  # set back again: somebody has to look all the same
    assert not confirmed(later).jumped


@given(st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)))  # noqa: DTZ001
def test_a_bucket_is_over_when_nothing_new_can_be_due_in_it(naive: datetime) -> None:
    due = naive.replace(tzinfo=UTC)
    over = bucket_over(bucket_name(due))
    assert due < over <= due + timedelta(weeks=1)
    assert bucket_name(over) != bucket_name(due)
    assert not may_go_whole(bucket_name(due), over)
    assert may_go_whole(bucket_name(due), over + timedelta(hours=1))


def test_what_a_shorter_agreement_makes_due_waits_until_somebody_can_have_noticed() -> None:
    one = kept("d1")
    week_later = NOW + 7 * DAY
    moved = shortened(one, timedelta(), not_before=week_later)
    assert moved.due_at == week_later
    # Looked at again each day, it is not put off again, nor is anything else.
    assert shortened(moved, timedelta(), not_before=week_later + DAY) == moved
    assert shortened(one, timedelta(), not_before=one.due_at + DAY) == one


def test_a_due_date_moves_forward_only() -> None:
    one = kept("d1")
    assert shortened(one, 10 * DAY, not_before=NOW).due_at == NOW + 10 * DAY
    assert shortened(one, 60 * DAY, not_before=NOW) == one
    original = kept("m1", kind=Kind.ORIGINAL)
    assert (
        original_due(original, [shortened(one, 10 * DAY, not_before=NOW), kept("d2", due_at=NOW + 20 * DAY)]).due_at
        == NOW + 20 * DAY
    )
    assert original_due(original, [kept("d3", due_at=NOW + 90 * DAY)]) == original
    assert original_due(original, []) == original


def test_single_keys_go_as_long_as_their_buckets_file_has_room() -> None:
    items = [kept(f"d{number}", bucket="2026-W14") for number in range(5)] + [kept("e", bucket="2026-W10")]
    bounds = Bounds(share=0.1, share_from=20, nodes_max=120)
    assert [each.id for each in room(items, {"2026-W14": 40, "2026-W10": 0}, ["2026-W10"], bounds)] == ["d0", "d1", "e"]
    assert len(room(items, {"2026-W14": 120}, ["2026-W14", "2026-W10"], bounds)) == 6


def test_partners_are_told_of_disseminations_only() -> None:
    own = kept("d9", to=JAIL)  # what told the owner of a release
    assert partners([*MESSAGE, own]) == {(JAIL, "M@1"): {POLICE: ("d1",)}, (JAIL, "N@2"): {PROBATION: ("d2",)}}


def certified(*items: Kept) -> Certified:
    return Certified(
        id="r1",
        gateway="gateway.test",
        why=Why.TIME_IS_UP,
        intended_at=NOW,
        done_at=NOW,
        operator=Person(name="ana"),
        second=None,
        items=items,
        whole=("2026-W10",),
        held={"h1": 2},
        spared=0,
        residue=Residue(tried=len(items), opened=0),
        plan_digest="sha-256:" + "0" * 64,
        log=("e1", 5, "ab" * 32),
    )


def test_a_certificate_reads_back_and_fits_a_signed_note_however_much_was_destroyed() -> None:
    many = [
        kept(f"019a3c5e-7d10-7c3f-9b0e-{number:012x}", index=number, mou=f"AGREEMENT-NUMBER-{number % 500}@1")
        for number in range(20_000)
    ]
    text = certificate_text(certified(*many))
    assert len(text.encode()) < 60_000
    said = read_certificate(text)
    assert said["count"] == 20_000
    assert len(said["classes"]) == LISTED_MAX
    assert said["classes_more"] == 300
    assert said["keys"]["single_count"] == 20_000
    assert said["keys"]["digest"] == keys_digest(list(reversed(many)))
    assert said["keys"]["digest"] != keys_digest(many[1:])
    assert said["log"] == {"entry": "e1", "index": 5, "leaf": "ab" * 32}


@pytest.mark.parametrize(
    "text", ["", "x\n{}\n", "gateway.test/destruction\nnot json\n", "one\ntwo\nthree\n", "x\n[]\n"]
)
def test_anything_else_is_no_certificate(text: str) -> None:
    with pytest.raises(CertificateMalformed):
        read_certificate(text)


def test_what_is_found_afterwards_is_said() -> None:
    assert Residue(tried=2, opened=0).clean
    assert not Residue(tried=2, opened=1).clean
    assert not Residue(tried=2, opened=0, found=1).clean


def test_the_digest_of_a_plan_is_over_what_goes_and_why() -> None:
    def plan(items: tuple[Kept, ...], why: Why = Why.TIME_IS_UP, whole: tuple[str, ...] = ()) -> Plan:
        return Plan(why=why, at=NOW, items=items, held={}, later=0, more=False, due=0, kept=0, whole=whole, asks=())

    assert plan(MESSAGE).digest == plan(MESSAGE[::-1]).digest
    assert len({plan(MESSAGE).digest, plan(MESSAGE[1:]).digest, plan(MESSAGE, Why.SEALED).digest}) == 3
    assert plan(MESSAGE, whole=("2026-W10",)).digest != plan(MESSAGE).digest
    assert sum(classes(MESSAGE).values()) == 3


def test_empty_buckets_on_a_clock_that_jumped_take_two_people_too() -> None:
    """On a wrong clock they are those of weeks to come, in which nothing could be sealed then."""
    assert asks(why=Why.TIME_IS_UP, count=0, whole=1, kept=9, bounds=BOUNDS, jumped=True) == (Asks.CLOCK,)
    assert asks(why=Why.TIME_IS_UP, count=0, whole=1, kept=9, bounds=BOUNDS, jumped=False) == ()
