"""What holds of every cut, asked of the cut and of nothing it says of itself.

What a recipient may see at most is worked out here a second time, slowly and leaf by leaf: the clause and the law at
the leaf's own place, and at every other place where the object that it lies in stands.
"""

import base64
import binascii
import gzip
import re
from collections.abc import Iterator

from lxml import etree

from gateway.document.names import XSI, split, structures_version
from gateway.document.parse import Document, parse, to_bytes
from gateway.finding import Severity
from gateway.iepd.facts import Facts, evaluate
from gateway.iepd.package import Iepd
from gateway.iepd.validate import validate
from gateway.policy.mou import How
from gateway.policy.redact import Cut, NotReleasable, cut
from tests.iepd.instances import Instance, Planted
from tests.policy.strategies import Policy

_WORD = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
_NUMBERED = re.compile(r"#?id[0-9]+( id[0-9]+)*")


def outcome(document: Document, policy: Policy, iepd: Iepd) -> Cut | None:
    """The cut; None when nothing can be released."""
    try:
        return cut(document, policy.rules(iepd), evaluate(document, iepd), iepd, holding=policy.holding)
    except NotReleasable:
        return None


def hold(instance: Instance, policy: Policy, iepd: Iepd) -> Cut | None:
    """Assert every law for this message under this policy; gives the cut, None when nothing was released."""
    document = instance.document
    before = to_bytes(document)
    kept = outcome(document, policy, iepd)
    assert to_bytes(document) == before, "the message is left as it was"
    if kept is None:
        return None
    data = to_bytes(kept.document)
    findings = [each for each in validate(parse(data), iepd) if each.severity is Severity.ERROR]
    assert findings == [], "what goes out is valid"
    there = haystack(data)
    assert [name for name in instance.names if name in there] == [], "no id or uri of the sender's gets out"
    seen = Seen(document, policy, iepd)
    leaked = [seen.place(each) for each in instance.planted if each.canary in there and not seen.may(each)]
    assert leaked == [], "nothing withheld gets out"
    _told_of_once(document, kept, iepd, there, instance)
    _nothing_added(document, kept)
    again = outcome(parse(before), policy, iepd)
    assert again is not None
    assert to_bytes(again.document) == data, "the same message is cut the same"
    assert again.redactions == kept.redactions
    return kept


def haystack(data: bytes) -> str:
    """A payload's text, and what is hidden in it in base64, in hexadecimal and in gzip."""
    text = data.decode()
    return "\n".join([text, *(each for word in set(_WORD.findall(text)) for each in _decoded(word))])


def _decoded(word: str) -> Iterator[str]:
    for decode in (lambda text: base64.b64decode(text, validate=True), bytes.fromhex):
        try:
            content = decode(word)
        except (ValueError, binascii.Error):
            continue
        yield content.decode("latin-1")
        if content[:2] == b"\x1f\x8b":
            yield gzip.decompress(content).decode("latin-1")


def _told_of_once(document: Document, kept: Cut, iepd: Iepd, there: str, instance: Instance) -> None:
    told = [redaction for redaction in kept.redactions if redaction.field != "reference"]
    assert len({redaction.path for redaction in told}) == len(told), "every leaf is told of once"
    planted = {(each.element, each.attribute): each.canary for each in instance.planted}
    for redaction in told:
        path, _, attribute = redaction.path.partition("/@")
        places = document.root.xpath(path, namespaces=dict(iepd.namespaces))
        assert isinstance(places, list)
        assert len(places) == 1, "a redaction names one place of the message"
        names = [n for n in places[0].keys() if split(str(n))[1] == attribute.rpartition(":")[2]] if attribute else [""]
        for name in names:
            canary = planted.get((places[0], name))
            assert canary is None or canary not in there, "what is told of as withheld is not there"


def _nothing_added(document: Document, kept: Cut) -> None:
    before = set(values(document.root))
    added = [each for each in values(kept.document.root) if each not in before and not _NUMBERED.fullmatch(each)]
    made = sum(1 for redaction in kept.redactions if redaction.outcome != "withheld")
    assert len(added) <= made, "nothing is added but what transforms make"


def values(root: etree._Element) -> Iterator[str]:
    """Texts of elements, and of attributes word by word."""
    for element in root.iter(etree.Element):
        if len(element) == 0 and element.text:
            yield element.text
        for name, value in element.items():
            if split(str(name))[0] != XSI:
                yield from (str(value), *str(value).split())


class Seen:
    """What may be seen at most of one message under one policy."""

    def __init__(self, document: Document, policy: Policy, iepd: Iepd) -> None:
        self._policy, self._iepd = policy, iepd
        self._facts: Facts = evaluate(document, iepd)
        self._root = document.root
        self._items: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for item in policy.clause.share:
            for field in iepd.catalog.select(item.what):
                self._items.setdefault(field.path, []).append((item.unless, item.when))
        self._whole: set[tuple[str, ...]] = set()
        self._changed: set[tuple[str, ...]] = set()
        for transform in policy.clause.transforms:
            for field in iepd.catalog.select(transform.what):
                self._changed.add(field.path)
                if transform.how is How.GENERALIZE and not re.search("City|County|State|Country", field.path[-1]):
                    continue
                if transform.how is How.GENERALIZE and field.kind == "string":
                    self._whole.add(field.path)
        self._removed = {
            field.path
            for transform in policy.clause.transforms
            if transform.how is How.REMOVE
            for field in iepd.catalog.select(transform.what)
        }
        self._same = _classes(document.root)

    def place(self, each: Planted) -> str:
        """For people who look for the leak."""
        return "/".join(split(step.lstrip("@"))[1] for step in _steps(each.element, each.attribute))

    def may(self, each: Planted) -> bool:
        """Whether the whole value may be seen."""
        path = _steps(each.element, each.attribute)
        if self._iepd.catalog.find(path) is None or self._withheld(path, each.element):
            return False
        at: etree._Element | None = each.element
        below: tuple[str, ...] = ("@" + each.attribute,) if each.attribute else ()
        while at is not None and at is not self._root:
            for other in self._same.get(at, ()):
                place = (*_steps(other), *below)
                if other is not at and self._iepd.catalog.find(place) is not None and self._withheld(place, other):
                    return False
            below = (str(at.tag), *below)
            at = at.getparent()
        return True

    def _withheld(self, path: tuple[str, ...], element: etree._Element) -> bool:
        if path in self._removed or (path in self._changed and path not in self._whole):
            return True
        if any(not each.where or each.where & self._policy.holding for each in self._policy.restrictions.get(path, ())):
            return True
        if path in self._whole:
            return self._fails(path, element)
        return path not in self._items or self._fails(path, element)

    def _fails(self, path: tuple[str, ...], element: etree._Element) -> bool:
        """Whether a condition on the field withholds it here."""
        return any(
            (unless and self._facts.of(element, unless) is not False)
            or (when and self._facts.of(element, when) is not True)
            for unless, when in self._items.get(path, ())
        )


def _steps(element: etree._Element, attribute: str = "") -> tuple[str, ...]:
    above = [str(each.tag) for each in element.iterancestors()][:-1]
    own = [str(element.tag)] if element.getparent() is not None else []
    return (*reversed(above), *own, *(["@" + attribute] if attribute else []))


def _classes(root: etree._Element) -> dict[etree._Element, set[etree._Element]]:
    """The elements of each object, by joining those with a key in common until nothing changes."""
    groups: list[tuple[set[str], set[etree._Element]]] = []
    for element in root.iter(etree.Element):
        keys = set()
        for name, value in element.items():
            namespace, local = split(str(name))
            if structures_version(namespace) is not None and local in {"id", "ref", "uri"}:
                keys.add(str(value) if local == "uri" else f"#{value}")
        if keys:
            joined = [group for group in groups if group[0] & keys]
            groups = [group for group in groups if not group[0] & keys]
            groups.append(
                (keys.union(*(each for each, _ in joined)), {element}.union(*(members for _, members in joined)))
            )
    return {element: members for _, members in groups if len(members) > 1 for element in members}
