"""An entry that is filed as another than its text says is found."""

from dataclasses import replace
from datetime import timedelta

from gateway.agency import AgencyId
from gateway.audit.filing import misfiled
from gateway.message import MessageId
from tests.audit.memory_log import entry

MESSAGE = MessageId("019ab1c2-0001-7000-8000-000000000001")
OTHER = MessageId("019ab1c2-0002-7000-8000-000000000001")


def test_entries_as_they_were_made_are_filed_right() -> None:
    assert list(misfiled(0, [entry(0), entry(1, message=MESSAGE)])) == []


def test_each_column_is_compared_with_the_text() -> None:
    right, about = entry(0), entry(1, message=MESSAGE)
    wrong = [
        replace(right, id=OTHER),
        replace(right, type="read"),
        replace(right, at=right.at + timedelta(days=1)),
        replace(right, parties=(*right.parties, AgencyId("millbrook-police"))),
        replace(right, parties=()),
        replace(right, message=MESSAGE),
        replace(about, message=None),
        replace(about, message=OTHER),
    ]
    assert list(misfiled(40, [right, *wrong, about])) == list(range(41, 49))
