"""Manners of withholding, where an agreement is read."""

from gateway.policy.read import read_mou
from tests.policy.examples import agreement_files, exchanges

FILE = "JAIL-PD-2026-01.yaml"


def test_an_agreement_that_asks_for_an_empty_element_in_a_niem_6_exchange_is_refused_with_line_and_hint() -> None:
    data = agreement_files()[FILE]
    line = next(number for number, each in enumerate(data.splitlines(), start=1) if b"do: mask, keep_last" in each)
    mou, findings = read_mou(data.replace(b"do: mask, keep_last: 4", b"do: remove, leave: nil"), FILE, exchanges())
    assert mou is None
    assert [(each.code, each.line) for each in findings] == [("mou.manner-does-not-fit", line)]
    assert "rule 12-14" in findings[0].text


def test_a_removal_may_say_that_nothing_stays_behind() -> None:
    data = agreement_files()[FILE].replace(b"do: mask, keep_last: 4", b"do: remove, leave: drop")
    mou, findings = read_mou(data, FILE, exchanges())
    assert findings == ()
    assert mou is not None
