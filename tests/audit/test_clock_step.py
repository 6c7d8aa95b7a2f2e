"""A clock that was set back shows in the log; one that its own log tells of is a remark."""

from datetime import UTC, datetime, timedelta

from gateway.audit.catalog import EntryType
from gateway.audit.clock_step import BACK, FORWARD, SKEW, StepReader, step_between, time_of
from gateway.audit.entry import make
from gateway.message import uuid7

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def body(at: datetime, *, step: str = "") -> bytes:
    if step:
        kind = {"action": step, "kind": "clock", "number": 3600}
        return make(EntryType.SETTING, id=uuid7(at, bytes(10)), at=at, **kind).body
    return make(EntryType.SIGN_IN, id=uuid7(at, bytes(10)), at=at, actor="dana").body


def read(*bodies: bytes) -> StepReader:
    reader = StepReader()
    reader.feed(0, bodies[:2])
    reader.feed(2, bodies[2:])
    return reader


def test_the_moment_of_an_entry_is_read_from_its_text() -> None:
    assert time_of(body(NOON)) == b"2026-03-02T12:00:00.00Z"
    assert time_of(b'{"type":"read"}') == b""


def test_two_clocks_that_differ_a_little_are_no_step() -> None:
    reader = read(body(NOON), body(NOON - SKEW), body(NOON), body(NOON + 9 * HOUR))
    assert reader.untold() == reader.told() == ()


def test_a_step_back_names_the_entry_after_it_once() -> None:
    reader = read(body(NOON), body(NOON + HOUR), body(NOON), body(NOON), body(NOON + HOUR))
    assert [(each.code, each.index) for each in reader.untold()] == [("audit.clock-back", 2)]


def test_a_step_back_that_the_log_tells_of_is_a_remark() -> None:
    reader = read(body(NOON + HOUR), body(NOON), body(NOON, step=BACK), body(NOON - HOUR))
    assert [each.index for each in reader.told()] == [1]
    assert [each.index for each in reader.untold()] == [3]


def test_an_entry_of_a_step_forward_explains_no_step_back() -> None:
    assert [each.index for each in read(body(NOON + HOUR), body(NOON), body(NOON, step=FORWARD)).untold()] == [1]


def test_a_process_notices_that_its_clock_was_set() -> None:
    def step(wall: timedelta, steady_seconds: float) -> float | None:
        found = step_between((NOON, NOON + wall), (100.0, 100.0 + steady_seconds))
        return None if found is None else found.by.total_seconds()

    assert step(timedelta(seconds=1), 1.0) is None
    assert step(timedelta(seconds=20), 1.0) is None
    assert step(HOUR, 1.0) == 3599.0
    assert step(-HOUR, 1.0) == -3601.0


def test_steps_have_words() -> None:
    found = [step_between((NOON, NOON + wall), (0.0, 0.0)) for wall in (HOUR, -HOUR)]
    assert [each.action for each in found if each is not None] == [FORWARD, BACK]
