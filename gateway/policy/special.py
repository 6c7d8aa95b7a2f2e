"""Labels of which every disclosure is accounted for: health, substance use treatment, criminal intelligence."""

from collections.abc import Iterable, Mapping

from lxml import etree

from gateway.document.parse import Document
from gateway.iepd.package import Iepd
from gateway.policy.label import any_covers

HEALTH = ("medical.*",)
TREATMENT = ("sud.*",)
INTELLIGENCE = ("intel.*", "affiliation.*")

SPECIAL = HEALTH + TREATMENT + INTELLIGENCE


def special(labels: Iterable[str]) -> bool:
    """Whether one of them is accounted for."""
    return any(any_covers(SPECIAL, label) for label in labels)


def special_counts(document: Document, iepd: Iepd) -> dict[str, int]:
    """Per label that is accounted for, how many places of a cut message hold something, in whatever form."""
    return {label: count for label, count in shared_counts(document, iepd).items() if any_covers(SPECIAL, label)}


def shared_counts(document: Document, iepd: Iepd) -> dict[str, int]:
    """Per label, how many places of a cut message hold something."""
    counts: dict[str, int] = {}
    for path in _filled(document.root, ()):
        field = iepd.catalog.find(path)
        if field is not None:
            counts[field.label] = counts.get(field.label, 0) + 1
    return counts


def of_labels(counts: Mapping[str, int], words: Iterable[str]) -> int:
    """How many of the places have a label that one of the words speaks of."""
    asked = tuple(words)
    return sum(count for label, count in counts.items() if any_covers(asked, label))


def _filled(element: etree._Element, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    found = [(*path, f"@{name!s}") for name in element.keys()]  # noqa: SIM118 - an element is no dict
    if not len(element) and (element.text or "").strip():
        found.append(path)
    for child in element:
        if isinstance(child.tag, str):
            found += _filled(child, (*path, child.tag))
    return found
