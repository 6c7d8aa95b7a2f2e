"""Keys of the disclosure index: found by what one knows, forgotten for good, and nobody else's forgotten with them."""

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import Clock, SystemClock
from gateway.keys.payload import KeyGone
from gateway.keys.secret_file import KeyPermissions
from gateway.keys.subject import DisclosureTampered, GenerationDamaged, SubjectKeys, quarter, quarter_end, quarter_of
from gateway.message import Filed
from tests.exchange.gateways import SetClock

NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
ADA, BO = ("sid:A1", "doc:7", "sound:1|2"), ("sid:B2", "sound:1|2")


def keys(directory: Path, wrapping: bytes = b"w" * 32, clock: Clock | None = None) -> SubjectKeys:
    return SubjectKeys(directory, wrapping=wrapping, clock=clock or SetClock())


def row(of: SubjectKeys, terms: tuple[str, ...], says: bytes = b"said", now: datetime = NOW) -> Filed:
    (filed,) = of.file(terms, key=terms[0], plaintexts=[says], now=now)
    return filed


def finds(of: SubjectKeys, term: str, filed: Filed) -> bool:
    return not of.tokens([term]).isdisjoint(filed.tokens)


def test_a_row_is_found_by_each_term_by_every_process_and_by_no_other(tmp_path: Path) -> None:
    filed = row(keys(tmp_path), ADA)
    other = keys(tmp_path)
    assert [finds(other, term, filed) for term in (*ADA, "sid:B2")] == [True, True, True, False]
    assert other.open(filed) == b"said"
    assert filed.generation == "2026-Q4.1"


def test_rows_of_one_person_are_under_one_key_with_their_own_nonces(tmp_path: Path) -> None:
    made = keys(tmp_path).file(ADA, key="sid:A1", plaintexts=[b"one", b"one"], now=NOW)
    assert len({each.index for each in made}) == 1
    assert len({each.nonce for each in made}) == len({each.ciphertext for each in made}) == 2


def test_another_gateway_finds_nothing_by_the_same_terms(tmp_path: Path) -> None:
    filed = row(keys(tmp_path / "one"), ADA)
    stranger = keys(tmp_path / "two", clock=SystemClock())
    row(stranger, ADA)
    assert not any(finds(stranger, term, filed) for term in ADA)


def test_what_is_forgotten_is_found_and_read_by_nobody_and_all_else_still_is(tmp_path: Path) -> None:
    own, beside = keys(tmp_path), keys(tmp_path)
    ada, bo = row(own, ADA), row(own, BO)
    assert beside.open(ada) == b"said"
    own.forget("2026-Q4.1", own.points("2026-Q4.1", ["sid:A1", "doc:7"]))
    for each in (own, beside, keys(tmp_path)):
        with pytest.raises(KeyGone):
            each.open(ada)
        assert not finds(each, "sid:A1", ada)
        assert finds(each, "sid:B2", bo)
        assert each.open(bo) == b"said"


def test_forgetting_again_changes_nothing(tmp_path: Path) -> None:
    own = keys(tmp_path)
    row(own, ADA)
    points = own.points("2026-Q4.1", ADA)
    own.forget("2026-Q4.1", points)
    before = (tmp_path / "2026-Q4.1.key").stat().st_ino
    own.forget("2026-Q4.1", points)
    own.forget("2026-Q3.1", points)
    assert (tmp_path / "2026-Q4.1.key").stat().st_ino == before


def test_who_was_forgotten_and_comes_again_has_other_keys(tmp_path: Path) -> None:
    own = keys(tmp_path)
    before = row(own, ADA)
    assert own.renew("2026-Q4.1") == "2026-Q4.2"
    own.forget("2026-Q4.1", own.points("2026-Q4.1", ADA))
    again = row(own, ADA)
    assert again.generation == "2026-Q4.2"
    assert set(again.tokens).isdisjoint(before.tokens)
    assert finds(own, "sid:A1", again)
    assert own.generations() == ("2026-Q4.1", "2026-Q4.2")


def test_a_process_that_wrote_before_takes_up_the_next_generation_at_once(tmp_path: Path) -> None:
    own, beside = keys(tmp_path), keys(tmp_path)
    row(beside, BO)
    own.renew("2026-Q4.1")
    assert row(beside, BO).generation == "2026-Q4.2"


def test_writing_goes_on_even_where_the_newest_generation_has_forgotten_the_person(tmp_path: Path) -> None:
    own = keys(tmp_path)
    row(own, ADA)
    own.forget("2026-Q4.1", own.points("2026-Q4.1", ADA))
    assert row(own, ADA).generation == "2026-Q4.2"


def test_each_quarter_has_a_file_of_its_own_and_all_are_searched(tmp_path: Path) -> None:
    own = keys(tmp_path)
    made = [row(own, ADA, now=NOW + timedelta(days=91 * number)) for number in range(3)]
    assert [quarter_of(each.generation) for each in made] == ["2026-Q4", "2027-Q1", "2027-Q2"]
    assert all(finds(keys(tmp_path), "sid:A1", each) for each in made)


def test_a_destroyed_generation_is_forgotten_by_all(tmp_path: Path) -> None:
    own, beside = keys(tmp_path), keys(tmp_path)
    filed = row(own, ADA)
    beside.open(filed)
    own.destroy("2026-Q4.1")
    with pytest.raises(KeyGone):
        beside.open(filed)
    assert own.tokens(ADA) == frozenset()
    own.destroy("2026-Q4.1")


def test_no_secret_of_a_forgotten_term_is_left_in_the_directory(tmp_path: Path) -> None:
    own = keys(tmp_path)
    row(own, ADA)
    (before,) = [path.read_bytes() for path in tmp_path.glob("*.key")]
    own.forget("2026-Q4.1", own.points("2026-Q4.1", ADA))
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert before[31:] not in left
    assert before[100:140] not in left


def test_a_row_opens_in_its_own_place_only(tmp_path: Path) -> None:
    own = keys(tmp_path)
    one, other = row(own, ADA), row(own, BO)
    swapped = Filed(
        generation=one.generation, index=one.index, nonce=one.nonce, tokens=other.tokens, ciphertext=one.ciphertext
    )
    with pytest.raises(DisclosureTampered):
        own.open(swapped)


def test_a_file_of_another_directory_or_name_is_refused(tmp_path: Path) -> None:
    own = keys(tmp_path)
    row(own, ADA)
    (tmp_path / "2026-Q4.1.key").rename(tmp_path / "2026-Q3.1.key")
    with pytest.raises(GenerationDamaged):
        own.tokens(ADA)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    row(keys(tmp_path), ADA)
    (tmp_path / "2026-Q4.1.key").chmod(0o644)
    with pytest.raises(KeyPermissions):
        keys(tmp_path).tokens(ADA)


terms = st.sets(st.sampled_from([f"sid:{number}" for number in range(12)]), min_size=1)


@settings(max_examples=30, deadline=None)
@given(st.lists(terms, min_size=1, max_size=6), terms)
def test_exactly_what_is_forgotten_is_gone(
    tmp_path_factory: pytest.TempPathFactory, each: list[set[str]], gone: set[str]
) -> None:
    own = keys(tmp_path_factory.mktemp("keys"))
    rows = [(min(one), row(own, tuple(sorted(one)))) for one in each]
    own.forget("2026-Q4.1", own.points("2026-Q4.1", gone))
    for (key, filed), term in product(rows, sorted(gone)):
        assert not finds(own, term, filed)
        if key in gone:
            with pytest.raises(KeyGone):
                own.open(filed)
        else:
            assert own.open(filed) == b"said"


@pytest.mark.parametrize(
    ("moment", "name", "end"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-Q1", datetime(2026, 4, 1, tzinfo=UTC)),
        (datetime(2026, 9, 30, 23, 59, tzinfo=UTC), "2026-Q3", datetime(2026, 10, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, tzinfo=UTC), "2026-Q4", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_quarter_is_named_and_ends(moment: datetime, name: str, end: datetime) -> None:
    assert (quarter(moment), quarter_end(name)) == (name, end)


def test_a_generation_that_is_destroyed_leaves_nothing_of_processes_that_were_killed(tmp_path: Path) -> None:
    own = keys(tmp_path)
    row(own, ADA)
    path = tmp_path / "2026-Q4.1.key"
    half = tmp_path / f".{path.name}.0123456789abcdef.tmp"
    half.write_bytes(path.read_bytes())
    own.destroy("2026-Q4.1")
    assert not half.exists()
    assert not path.exists()


def test_what_was_left_when_a_generation_was_made_is_not_the_generation(tmp_path: Path) -> None:
    own = keys(tmp_path)
    ada, bo = row(own, ADA), row(own, BO)
    path = tmp_path / "2026-Q4.1.key"
    half = tmp_path / f".{path.name}.0123456789abcdef.tmp"
    half.hardlink_to(path)
    own.forget("2026-Q4.1", own.points("2026-Q4.1", ["sid:A1", "doc:7"]))
    assert not half.exists()
    assert keys(tmp_path).open(bo) == b"said"
    with pytest.raises(KeyGone):
        keys(tmp_path).open(ada)
