"""Withdrawal: whatever else a message holds, what is left of it says that the earlier one is void, and is valid."""

import pytest
from lxml import etree

from gateway.document.names import STRUCTURES_60, XSI
from gateway.document.parse import Document, parse
from gateway.iepd.facts import evaluate
from gateway.iepd.validate import validate
from gateway.message import Action
from gateway.policy.read import read_mou
from gateway.policy.redact import cut
from gateway.policy.withdrawal import withdrawal_rules
from tests.exchange.deployed import JAIL, POLICE, RELEASE, agreement, exchanges, release

IEPD = exchanges()[RELEASE]
PERSON = "https://hcj.example/person/17"
NS = f'xmlns:structures="{STRUCTURES_60}" xmlns:xsi="{XSI}"'


def withdrawn(document: Document) -> Document:
    assert validate(document, IEPD) == ()
    mou, _ = read_mou(agreement("S-1", JAIL, POLICE), "file", {RELEASE: IEPD})
    assert mou is not None
    rules = withdrawal_rules(mou, mou.exchanges[0], IEPD)
    return cut(document, rules, evaluate(document, IEPD), IEPD).document


def canceling(subject: str, **changes: str) -> Document:
    """A cancellation with this subject, and these texts replaced."""
    text = release(Action.CANCEL, "HCJ-1").decode()
    start, end = text.index("<cr:Subject>"), text.index("</cr:Subject>") + len("</cr:Subject>")
    text = text[:start] + subject + text[end:]
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    return parse(text.encode())


@pytest.mark.parametrize(
    "subject",
    [
        f'<cr:Subject {NS} structures:uri="{PERSON}"/>',
        f'<cr:Subject {NS} structures:uri="{PERSON}" xsi:nil="true"/>',
        f'<cr:Subject {NS} structures:id="p1"/>',
    ],
)
def test_a_subject_that_only_points_takes_nothing_along(subject: str) -> None:
    kept = withdrawn(canceling(subject))
    assert validate(kept, IEPD) == ()
    assert [text for text in kept.root.itertext() if text.strip()] == ["cancel", "2025-12-01T08:00:00-05:00", "HCJ-1"]
    assert PERSON.encode() not in etree.tostring(kept.root)


def test_what_the_head_points_at_has_no_say_in_it() -> None:
    """The subject has no fields of a head: to them the object would be one that the agreement withholds."""
    same = f'{NS} structures:uri="{PERSON}"'
    document = canceling(
        f"<cr:Subject {same}/>",
        **{
            "<ec:MessageActionCode": f"<ec:MessageActionCode {same}",
            "<ec:MessageEarlierID": f"<ec:MessageEarlierID {same}",
        },
    )
    kept = withdrawn(document)
    assert validate(kept, IEPD) == ()
    assert [text for text in kept.root.itertext() if text.strip()][0::2] == ["cancel", "HCJ-1"]


def test_an_earlier_id_that_only_points_is_left_out() -> None:
    """The address names the earlier message then."""
    document = canceling(f'<cr:Subject {NS} structures:uri="{PERSON}"/>')
    earlier = next(document.root.iter("{*}MessageEarlierID"))
    earlier.text = None
    earlier.set(f"{{{STRUCTURES_60}}}uri", "https://hcj.example/message/3")
    earlier.set(f"{{{XSI}}}nil", "true")
    kept = withdrawn(parse(etree.tostring(document.root)))
    assert validate(kept, IEPD) == ()
    assert [text for text in kept.root.itertext() if text.strip()] == ["cancel", "2025-12-01T08:00:00-05:00"]
