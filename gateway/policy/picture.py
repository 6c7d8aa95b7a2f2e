"""Picture: a flaw, shown. The smallest message that has it is made, cut by the rules, and laid beside what is left."""

from lxml import etree

from gateway.document.parse import Document
from gateway.iepd.package import Iepd
from gateway.policy.flaw import Flaw
from gateway.policy.place import Place
from gateway.policy.redact import NotReleasable, cut
from gateway.policy.remark import Picture
from gateway.policy.rules import SharingRules
from gateway.policy.specimen import CannotBeMade, Specimens, Supposed, named, text_of

LAW = "law:"
LINES_MAX = 40


def picture(flaw: Flaw, rules: SharingRules, iepd: Iepd) -> Picture | None:
    """The flaw's counter-example; None when there is none to be shown."""
    if flaw.joined:
        return None
    try:
        document = Specimens(iepd).make(flaw.shown, flaw.children, flaw.marked)
    except CannotBeMade:
        return None
    holding = flaw.holding.union(*(culprit.conditions for culprit in flaw.culprits))
    after = _cut(document, rules, iepd, holding)
    # With the element around it, so that it can be seen that it went.
    around = flaw.place.parent or flaw.place
    before = _at(document.root, around)
    left = _at(after, around) if after is not None else None
    return Picture(
        where=where(flaw.place, iepd),
        before=_lines(before, iepd),
        after=_lines(left, iepd),
    )


def where(place: Place, iepd: Iepd) -> str:
    """The place as a path, "cr:CustodyRelease/ec:NoContactAssociation"."""
    return "/".join(named(tag, iepd.prefixes) for tag in place.path)


def _cut(document: Document, rules: SharingRules, iepd: Iepd, holding: frozenset[str]) -> etree._Element | None:
    facts = Supposed(document, iepd.fact_tests, holding)
    of_law = frozenset(condition for condition in holding if condition.startswith(LAW))
    try:
        return cut(document, rules, facts, iepd, holding=of_law).document.root
    except NotReleasable:
        return None


def _at(root: etree._Element, place: Place) -> etree._Element | None:
    """The first element at the place."""
    found: etree._Element | None = root
    for tag in place.path[1:]:
        found = next(found.iterchildren(tag), None) if found is not None else None
    return found


def _lines(element: etree._Element | None, iepd: Iepd) -> tuple[str, ...]:
    if element is None:
        return ()
    lines = text_of(element, iepd.namespaces)
    return lines if len(lines) <= LINES_MAX else (*lines[:LINES_MAX], "…")
