"""Difference: what other rules would change about decisions - for whom, in how many messages, of which labels. Pure.

Two sets of decisions on the same message are compared, made at the same moment with the same consents; so what
differs, differs because of the rules.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from lxml import etree

from gateway.agency import AgencyId
from gateway.exchange.configured import Configured
from gateway.exchange.decide import Denied, Release, releases
from gateway.iepd.catalog import Catalog
from gateway.message import Redaction
from gateway.policy.grant import Grant
from gateway.policy.journal import REFERENCE
from gateway.policy.outcome import WITHHELD, outcomes


class Shown(StrEnum):
    """What changes about a label in one message."""

    NEWLY = "newly"  # a place of it is shown that was withheld
    NO_MORE = "no-more"  # a place of it is withheld that was shown
    OTHER_FORM = "other-form"  # a place of it is shown in another form


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changes about one message for one recipient. released, withdrawn: it gets the message newly, or no more."""

    recipient: AgencyId
    released: bool = False
    withdrawn: bool = False
    labels: frozenset[tuple[str, Shown]] = frozenset()

    @property
    def any(self) -> bool:
        """Whether anything does."""
        return self.released or self.withdrawn or bool(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What changes for one recipient, in how many messages.

    messages   those of which it gets something, before or after
    changed    those in which anything changes
    labels     label and kind of change, to the number of messages
    """

    recipient: AgencyId
    messages: int
    changed: int
    released: int
    withdrawn: int
    labels: Mapping[tuple[str, Shown], int]


def effects(changes: Iterable[Change]) -> tuple[Effect, ...]:
    """Counted over messages, by recipient."""
    of: defaultdict[AgencyId, list[Change]] = defaultdict(list)
    for each in changes:
        of[each.recipient].append(each)
    return tuple(
        Effect(
            recipient=recipient,
            messages=len(of[recipient]),
            changed=sum(each.any for each in of[recipient]),
            released=sum(each.released for each in of[recipient]),
            withdrawn=sum(each.withdrawn for each in of[recipient]),
            labels=dict(sorted(Counter(label for each in of[recipient] for label in each.labels).items())),
        )
        for recipient in sorted(of)
    )


@dataclass(frozen=True, slots=True)
class Side:
    """Rules to decide by. Forms of fields are worked out once for each clause."""

    configured: Configured
    _forms: dict[tuple[object, ...], dict[str, tuple[object, ...]]] = field(default_factory=dict)

    def places(self, release: Release) -> dict[str, tuple[str, tuple[object, ...]]]:
        """Every place that is not shown as it was: its label, and its form; () = withheld."""
        forms = self._of(release.grant)
        return {
            each.path: (each.label, () if each.outcome == WITHHELD else (each.outcome, forms.get(each.field, ())))
            for each in release.cut.redactions
            if each.label != REFERENCE
        }

    def _of(self, grant: Grant) -> dict[str, tuple[object, ...]]:
        key = (grant.mou.digest, grant.clause.id, grant.recipient, grant.mou.since)
        if key not in self._forms:
            catalog = self.configured.iepds[grant.clause.exchange].catalog
            said = outcomes(grant.clause, catalog, self.configured.bound(grant).restrictions)
            self._forms[key] = {each.name: said[each.path].form for each in catalog.fields}
        return self._forms[key]


Decisions = tuple[Release | Denied, ...]


def changes(before: Decisions, after: Decisions, sides: tuple[Side, Side], catalog: Catalog) -> tuple[Change, ...]:
    """What changes about one message for each recipient that gets it before or after, by name."""
    old = {each.grant.recipient: each for each in releases(before)}
    new = {each.grant.recipient: each for each in releases(after)}
    return tuple(_change(each, old.get(each), new.get(each), sides, catalog) for each in sorted({*old, *new}))


def _change(
    recipient: AgencyId, old: Release | None, new: Release | None, sides: tuple[Side, Side], catalog: Catalog
) -> Change:
    if old is None and new is not None:
        labels = frozenset((label, Shown.NEWLY) for label in _shown(new, catalog))
        return Change(recipient=recipient, released=True, labels=labels)
    if new is None and old is not None:
        labels = frozenset((label, Shown.NO_MORE) for label in _shown(old, catalog))
        return Change(recipient=recipient, withdrawn=True, labels=labels)
    assert old is not None  # noqa: S101  (one of them got it)
    assert new is not None  # noqa: S101
    was, now = sides[0].places(old), sides[1].places(new)
    labels = frozenset(
        (label, _kind(place, was, now))
        for place in was.keys() | now.keys()
        if was.get(place) != now.get(place)
        for label in {each[place][0] for each in (was, now) if place in each}
    )
    return Change(recipient=recipient, labels=labels)


_Places = Mapping[str, tuple[str, tuple[object, ...]]]

_GONE: tuple[object, ...] = ()


def _kind(place: str, was: _Places, now: _Places) -> Shown:
    if place in was and was[place][1] == _GONE:
        return Shown.NEWLY
    return Shown.NO_MORE if place in now and now[place][1] == _GONE else Shown.OTHER_FORM


def _shown(release: Release, catalog: Catalog) -> frozenset[str]:
    """Labels of which the release shows anything. A lesser form may stand under a name that the catalog lacks."""
    found = {each.label for each in release.cut.redactions if _reduced(each)}
    steps: dict[etree._Element, tuple[str, ...]] = {release.cut.document.root: ()}
    for element in release.cut.document.root.iter("*"):
        parent = element.getparent()
        path = steps.get(element) or ((*steps[parent], element.tag) if parent is not None else ())
        steps[element] = path
        for place in (path, *((*path, f"@{name}") for name in cast("list[str]", element.keys()))):
            known = catalog.find(place)
            if known is not None:
                found.add(known.label)
    return frozenset(found)


def _reduced(redaction: Redaction) -> bool:
    return redaction.outcome != WITHHELD and redaction.label != REFERENCE
