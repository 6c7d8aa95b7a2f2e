"""Health: which labels of health data a document holds. Only branches in which such data may stand are looked at."""

from functools import lru_cache

from lxml import etree

from gateway.document.parse import Document
from gateway.iepd.package import Iepd
from gateway.policy.label import any_covers

HEALTH = ("medical.*", "sud.*")
"""Labels of what is protected health information when it comes from a provider (45 CFR 160.103; 42 CFR 2.11).

Where it comes from is another question: a jail officer's own observation is none. What an account lists is all that
has these labels, for nobody is wronged by being told more.
"""


class _Place:
    __slots__ = ("below", "label")

    def __init__(self) -> None:
        self.below: dict[str, _Place] = {}
        self.label = ""


def health_in(document: Document, iepd: Iepd) -> tuple[str, ...]:
    """Labels of the health data that a document holds, sorted."""
    found: set[str] = set()
    _look(document.root, _places(iepd), found)
    return tuple(sorted(found))


def _look(element: etree._Element, place: _Place, found: set[str]) -> None:
    for child in element:
        below = place.below.get(child.tag)
        if below is None:
            continue
        if below.label and (child.text or "").strip():
            found.add(below.label)
        if below.below:
            _look(child, below, found)


@lru_cache(maxsize=64)
def _places(iepd: Iepd) -> _Place:
    root = _Place()
    for field in iepd.catalog.fields:
        if any_covers(HEALTH, field.label):
            place = root
            # An attribute says something of its element: where that is, it is.
            for step in field.path[:-1] if field.is_attribute else field.path:
                place = place.below.setdefault(step, _Place())
            place.label = field.label
    return root
