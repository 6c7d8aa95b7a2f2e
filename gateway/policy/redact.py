"""The cut: what a recipient may see of a message, as a new tree. The only code that leaves anything out.

Nothing is removed from the message: a new document is built of what the rules let through, so that what no rule
names - comments, processing instructions, schema locations, prefixes, white space, attributes and elements of a
newer schema - cannot get into it. The order:

1. find identities; a document without any pays nothing more for them
2. one walk down the message and the rules together, building what may be seen
3. what is withheld is dropped; where the schema requires it, it stands empty (xsi:nil) if that is allowed; else the
   container that lacks it goes, up to one that may be absent; an empty one goes too
4. references whose target went go as well, until nothing changes; ids are numbered anew (`closure.py`)

The message itself is left as it was, and whoever sends the cut out validates it again.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

from lxml import etree

from gateway.document.names import XSI, join, split, structures_version
from gateway.document.parse import Document
from gateway.document.parse import text as text_of
from gateway.errors import Refused
from gateway.iepd.catalog import Field
from gateway.iepd.facts import Facts
from gateway.iepd.package import Iepd
from gateway.message import Redaction
from gateway.policy.closure import PENDING, Closure, has, may_go
from gateway.policy.identity import Alone, Standing, Standings, find_identities, step
from gateway.policy.image import STRIPPED
from gateway.policy.journal import Branch, Journal, Point
from gateway.policy.manner import WITHHELD_CODE, Explanation, Nil
from gateway.policy.mark import MARK_PREFIXES, Mark, mark_in
from gateway.policy.outcome import DEFAULT, OUTSIDE, WITHHELD, Outcome, same_kind, strictest
from gateway.policy.rules import Attribute, Node, SharingRules

NIL = f"{{{XSI}}}nil"

_Others = tuple[Standing, ...]
"""Where else in the rules the object stands that is being cut; () nearly always."""

_NOWHERE: _Others = ()


class NotReleasable(Refused):
    """Nothing of the message can be released that the schema would still accept."""

    code = "policy.not-releasable"

    def __init__(self, *, mou: str, clause: str, exchange: str) -> None:
        super().__init__(f"what clause {clause} of {mou} leaves of a {exchange} message is not a message any more")
        self.mou, self.clause, self.exchange = mou, clause, exchange


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What one recipient gets of one message.

    shared   leaves released as they were; those released in a lesser form are among the redactions
    journal  what was left out; it looks into the original, which must not be changed before it is asked
    """

    document: Document
    shared: int
    journal: Journal

    @cached_property
    def redactions(self) -> tuple[Redaction, ...]:
        """Every place withheld or reduced, in document order. Worked out when first asked for."""
        return self.journal.redactions()


def cut(
    document: Document,
    rules: SharingRules,
    facts: Facts,
    iepd: Iepd,
    *,
    holding: frozenset[str] = frozenset(),
) -> Cut:
    """What these rules let through of this message. Raises NotReleasable.

    holding  conditions that hold for the whole message and that no fact of it tells: of law, such as a missing consent
    """
    root = document.root
    cutter = _Cutter(rules, facts, root, holding)
    # The exchange's own prefixes: a sender's choice of them does not reach the recipient.
    target = etree.Element(rules.tag, nsmap={**MARK_PREFIXES, **iepd.namespaces})
    if root.tag != rules.tag or not cutter.build(root, target):
        raise NotReleasable(mou=rules.mou, clause=rules.clause, exchange=rules.exchange)
    etree.cleanup_namespaces(target)
    return Cut(document=Document(target), shared=cutter.shared, journal=cutter.journal)


_ALONE = Alone()


class _Cutter:
    """One cut under way. `shared` counts leaves released as they were, `reduced` those in a lesser form."""

    def __init__(self, rules: SharingRules, facts: Facts, root: etree._Element, holding: frozenset[str]) -> None:
        self.journal = Journal(rules.prefixes)
        self.shared = self.reduced = 0
        self._rules, self._facts = rules, facts
        self._notes = self.journal.notes
        self._active = rules.root.hold(root, holding | rules.holding(facts), facts)
        self._explained: list[etree._Element] = []
        identities = find_identities(root, rules.structures, rules.ids)
        self._closure = None if identities is None else Closure(identities, self.journal)
        self._standings: Standings | Alone = _ALONE
        if identities is not None and identities.classes:
            self._standings = Standings(identities, (rules.root, self._active), facts, root)

    def build(self, source: etree._Element, target: etree._Element) -> bool:
        """Fill the new root. False when nothing is left that can stand."""
        node = self._rules.root
        active = self._active
        others = self._standings.of(source)
        if self._closure is not None:
            self._closure.note(source, target, node)
        cause = self._attributes(source, target, node, active, others)
        if cause is None:
            cause = self._fill(source, target, node, active, others)
        if cause is not None:
            return False
        if self._closure is None:
            stands = self.shared + self.reduced > 0
        else:
            stands, lost = self._closure.close(target)
            self.shared -= lost
            stands = stands and self._closure.has_leaf()
        if stands and self._explained and self._rules.explanation is not None:
            _explain(target, self._explained, self._rules.explanation)
        return stands

    def _elsewhere(self, source: etree._Element, above: _Others) -> _Others:
        """The other places of an object, or of an object it lies in."""
        return self._standings.of(source) + (step(above, source, self._facts) if above else _NOWHERE)

    def _fill(
        self, source: etree._Element, target: etree._Element, node: Node, active: frozenset[str], above: _Others
    ) -> str | None:
        """Build the children. The clause that decided, when what is left cannot stand; None when it can."""
        children, objects = node.children, self._standings.objects
        empty: list[etree._Element] = []
        for child in source:
            tag = child.tag
            below = children.get(tag)  # the tag of an instruction is a function: not found
            if below is None or not below.open:
                if isinstance(tag, str):
                    self._notes.append(Branch(child, below, DEFAULT if below is None else below.reason))
                continue
            others = self._elsewhere(child, above) if above or child in objects else _NOWHERE
            if below.plain and not others and not child.keys():  # most leaves: no call of its own for them
                twin = etree.SubElement(target, tag)
                twin.text = child.text if len(child) == 0 else text_of(child)
                self.shared += 1
                if self._closure is not None:
                    self._closure.note_plain(child, twin, below)
                continue
            held = below.hold(child, active, self._facts) if below.anchored else active
            build = self._container if below.leaf is None else self._leaf
            bare = build(child, target, below, held, others)
            if bare is not None:
                empty.append(bare)
        if (empty or node.needs) and not _is_nil(source):
            return _settle(target, node, empty)
        return None

    def _container(
        self, source: etree._Element, target: etree._Element, node: Node, active: frozenset[str], others: _Others
    ) -> etree._Element | None:
        """Build one container. Gives it back when nothing is in it: the caller knows whether it must stay."""
        mark, shared, reduced = len(self._notes), self.shared, self.reduced
        twin = etree.SubElement(target, source.tag)
        if self._closure is not None:
            self._closure.note(source, twin, node)
        cause = self._attributes(source, twin, node, active, others) if source.keys() else None
        if cause is None:
            cause = self._fill(source, twin, node, active, others)
        if cause is not None:
            target.remove(twin)
            del self._notes[mark:]
            self.shared, self.reduced = shared, reduced
            self._notes.append(Branch(source, node, cause))
            return None if node.nil is Nil.NEVER else self._bare(source, target, node)
        if len(twin):
            return None
        # Pointing is all that a bare reference does; what had content and lost it is no reference for that.
        empty = all(value == PENDING for value in twin.values()) if len(source) else not twin.keys()
        nil = _is_nil(source) and not self._is_unpointed(source)
        if nil or (empty and node.nil is Nil.NEEDED):
            twin.set(NIL, "true")
        return twin if empty else None

    def _is_unpointed(self, source: etree._Element) -> bool:
        """Whether it is nil because it points, under rules without references: in NIEM 6.0 it is not nil then."""
        return self._closure is None and _is_nil(source) and _points(source)

    def _bare(self, source: etree._Element, target: etree._Element, node: Node) -> etree._Element:
        """The element, nil: what stands for one that is withheld."""
        twin = etree.SubElement(target, source.tag)
        if self._closure is not None:
            self._closure.note_bare(source, twin, node)
        twin.set(NIL, "true")
        return twin

    def _withheld(
        self,
        source: etree._Element,
        target: etree._Element,
        node: Node,
        active: frozenset[str],
        others: _Others,
        clause: str,
    ) -> etree._Element | None:
        """Withhold one leaf. Gives back what stands for it when that stands only if its container needs it."""
        nil = _nil(node, active)
        if nil in {Nil.NEVER, Nil.NEEDED}:
            self._notes.append(Branch(source, node, clause))
            return None if nil is Nil.NEVER else self._bare(source, target, node)
        mark = len(self._notes)
        self._notes.append(Point(source, node.field, "", WITHHELD, clause))
        twin = self._bare(source, target, node)
        if self._attributes(source, twin, node, active, others, required_only=True) is not None:
            target.remove(twin)
            del self._notes[mark:]
            self._notes.append(Branch(source, node, clause))
        elif nil is Nil.EXPLAINED:
            self._explained.append(twin)
        return None

    def _leaf(
        self, source: etree._Element, target: etree._Element, node: Node, active: frozenset[str], others: _Others
    ) -> etree._Element | None:
        """Build one leaf. Gives it back when it stands empty, and only if its container needs it."""
        outcome = node.leaf or OUTSIDE
        if others:
            outcome = strictest(outcome, [(_leaf_at(place, node.field), held) for place, held in others])
        value = source.text if len(source) == 0 else text_of(source)
        lesser, how = (value, "") if outcome.withheld_in(active) else _lesser(value, outcome, node)
        if outcome.withheld_in(active) or (value and lesser is None) or (not value and self._is_unpointed(source)):
            return self._withheld(source, target, node, active, others, outcome.clause_in(active))
        twin = etree.SubElement(target, outcome.becomes or source.tag)
        twin.text = lesser
        mark = len(self._notes)
        if how:
            self._notes.append(Point(source, node.field, "", how, outcome.clause))
        if self._closure is not None:
            self._closure.note(source, twin, node)
            self._closure.note_leaf(twin, whole=not how)
            if node.names_ids and value:
                self._closure.note_list(twin, "", value, required=True)
        if source.keys():
            cause = self._attributes(source, twin, node, active, others)
            if cause is not None:
                target.remove(twin)
                del self._notes[mark:]
                self._notes.append(Branch(source, node, cause))
                return None
            if not value and _is_nil(source):
                twin.set(NIL, "true")
        if how:
            self.reduced += 1
        else:
            self.shared += 1
        return None

    def _attributes(
        self,
        source: etree._Element,
        twin: etree._Element,
        node: Node,
        active: frozenset[str],
        others: _Others,
        *,
        required_only: bool = False,
    ) -> str | None:
        """Build the attributes. The clause that decided, when one is withheld that the element cannot be without."""
        for name, value in cast("list[tuple[str, str]]", source.items()):
            attribute = node.attributes.get(name)
            if attribute is None:
                if not self._unlisted(source, twin, name, value, required_only=required_only):
                    return DEFAULT
                continue
            outcome = attribute.outcome
            if required_only and not attribute.field.required:
                clause = DEFAULT if outcome.released else outcome.clause_in(active)
                self._notes.append(Point(source, attribute.field, name, WITHHELD, clause))
                continue
            if others:
                places = ((_attribute_at(place, name, attribute.field), held) for place, held in others)
                outcome = strictest(outcome, places)
            lesser = outcome.change(value) if outcome.change is not None else value
            coded = not attribute.unlisted or mark_in(name, value) is not Mark.UNKNOWN
            if outcome.withheld_in(active) or lesser is None or not coded:
                if attribute.binding:
                    return outcome.clause_in(active)
                self._notes.append(Point(source, attribute.field, name, WITHHELD, outcome.clause_in(active)))
            elif attribute.names_ids or attribute.is_id:
                self._identity(twin, name, value, attribute)
            else:
                twin.set(name, lesser)
                if outcome.change is not None:
                    self._notes.append(Point(source, attribute.field, name, outcome.how, outcome.clause))
        return None

    def _identity(self, twin: etree._Element, name: str, value: str, attribute: Attribute) -> None:
        """An attribute that is an id, or names some: what it says is settled when all is built."""
        if self._closure is None:
            return
        if attribute.is_id:
            self._closure.note_id(twin, name, value, required=attribute.field.required)
        else:
            self._closure.note_list(twin, name, value, required=attribute.field.required)

    def _unlisted(
        self, source: etree._Element, twin: etree._Element, name: str, value: str, *, required_only: bool
    ) -> bool:
        """An attribute the catalog does not have. False when the element cannot be shown without it."""
        namespace, local = split(name)
        if namespace == XSI:
            return True
        if structures_version(namespace) is not None:
            if local == "appliesToParent" and not required_only:
                twin.set(name, value)
            return True
        mark = mark_in(name, value)
        if mark is Mark.HANDLING and not required_only:
            twin.set(name, value)
        elif mark is Mark.UNKNOWN and not required_only:
            return False
        else:
            self._notes.append(Point(source, None, name, WITHHELD, DEFAULT))
        return True


def _points(source: etree._Element) -> bool:
    return any(
        structures_version(namespace) is not None and local in {"ref", "uri"}
        for namespace, local in map(split, cast("list[str]", source.keys()))
    )


def _lesser(value: str | None, outcome: Outcome, node: Node) -> tuple[str | None, str]:
    """What goes of a value, and how it was reduced, "" when it was not. None: it cannot be read."""
    if not value:
        return value, outcome.how
    lesser = outcome.change(value) if outcome.change is not None else value
    if node.strip is None or lesser is None:
        return lesser, outcome.how
    picture = node.strip(lesser)
    return picture, outcome.how if picture == lesser else STRIPPED


def _is_nil(element: etree._Element) -> bool:
    said = element.get(NIL)
    # White space around a truth value is no part of it (XML Schema, part 2, section 4.3.6).
    return said is not None and said.strip() in {"true", "1"}


def _nil(node: Node, active: frozenset[str]) -> Nil:
    """What stands for a leaf that is withheld. What law withholds leaves no trace but what the schema requires."""
    if node.nil in {Nil.ALWAYS, Nil.EXPLAINED} and node.leaf is not None:
        lawful = any(condition in active for condition, _ in node.leaf.laws)
        return Nil.NEVER if lawful or not node.leaf.withheld_in(active) else node.nil
    return node.nil


def _explain(root: etree._Element, twins: list[etree._Element], explanation: Explanation) -> None:
    """Metadata that says "withheld", and a pointer to it on each of these; nothing when the root has no room for it."""
    standing = [twin for twin in twins if root in twin.iterancestors()]
    there = sum(1 for child in root if child.tag == explanation.metadata)
    if not standing or (explanation.most is not None and there >= explanation.most):
        return
    before = [number for number, child in enumerate(root, start=1) if child.tag in explanation.after]
    metadata = etree.Element(explanation.metadata)
    etree.SubElement(metadata, explanation.code).text = WITHHELD_CODE
    metadata.set(join(split(explanation.pointer)[0], "id"), WITHHELD_CODE)
    root.insert(max(before, default=0), metadata)
    for twin in standing:
        twin.set(explanation.pointer, WITHHELD_CODE)


def _leaf_at(place: Node | None, own: Field | None) -> Outcome | None:
    if place is None:
        return OUTSIDE
    return _fitting(place.leaf, place.field, own)


def _attribute_at(place: Node | None, name: str, own: Field) -> Outcome | None:
    if place is None:
        return OUTSIDE
    attribute = place.attributes.get(name)
    return None if attribute is None else _fitting(attribute.outcome, attribute.field, own)


def _fitting(outcome: Outcome | None, field: Field | None, own: Field | None) -> Outcome | None:
    """What another place says; that the field is withheld, where its lesser form there cannot be taken here."""
    if outcome is None or outcome.change is None or field is None or own is None or same_kind(own, field, outcome):
        return outcome
    return Outcome(how=WITHHELD, clause=outcome.clause)


def _settle(target: etree._Element, node: Node, empty: list[etree._Element]) -> str | None:
    """Remove the empty containers that may be absent. The clause that decided, when something required is missing."""
    for need in node.needs:
        if not has(target, need, need.least):
            return node.cause(need)
    for twin in reversed(empty):
        if may_go(node, twin):
            target.remove(twin)
    return None
