"""Objects: which elements of a document are one, by the keys they share."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from lxml import etree


def shared_objects(
    keyed: Iterable[tuple[etree._Element, tuple[str, ...]]],
) -> Iterator[tuple[etree._Element, ...]]:
    """The elements of each object that stands in more than one place.

    keyed  elements in document order, each with every key it has, at least one
    """
    parent: dict[str, str] = {}

    def find(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    firsts: list[tuple[etree._Element, str]] = []
    for element, (first, *more) in keyed:
        find(first)
        for key in more:
            parent[find(key)] = find(first)
        firsts.append((element, first))
    members: dict[str, list[etree._Element]] = defaultdict(list)
    for element, first in firsts:
        members[find(first)].append(element)
    return (tuple(elements) for elements in members.values() if len(elements) > 1)
