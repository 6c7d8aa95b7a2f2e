"""Keys of pseudonyms: one for each agreement and year."""

from datetime import UTC, datetime

from gateway.keys.pseudonym import NO_PSEUDONYMS, Pseudonyms, period_of
from gateway.policy.pseudonym import NO_KEY

NOW = Pseudonyms(seed=b"s" * 32, period="2026")


def test_each_agreement_and_each_year_has_a_key_of_its_own() -> None:
    keys = {NOW.key("A-01").secret, NOW.key("A-02").secret, NOW.at(datetime(2027, 1, 1, tzinfo=UTC)).key("A-01").secret}
    assert len(keys) == 3
    assert NOW.key("A-01") == Pseudonyms(seed=b"s" * 32, period="2026").key("A-01")


def test_a_year_ends_with_its_last_second_in_utc() -> None:
    assert NOW.at(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) is NOW
    assert NOW.at(datetime(2027, 1, 1, tzinfo=UTC)).period == "2027"
    assert period_of(datetime(2026, 1, 1, tzinfo=UTC)) == "2026"


def test_without_a_key_directory_there_are_no_tokens() -> None:
    assert NO_PSEUDONYMS.key("A-01") == NO_KEY
    assert NO_PSEUDONYMS.at(datetime(2027, 1, 1, tzinfo=UTC)) is NO_PSEUDONYMS


def test_the_seed_is_never_printed() -> None:
    assert "sss" not in repr(NOW)
