"""Checking: what `fields.yaml` declares, held against the schema set it stands beside."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.document.expression import Binary, Call, Expression, Path, Union
from gateway.document.names import join
from gateway.finding import Finding, Severity
from gateway.iepd.binding import type_mark
from gateway.iepd.catalog import Field, Leaf, child_at, leaf_at, leaves
from gateway.iepd.facts import Fact
from gateway.iepd.fields import FILE, Declared, DeclaredField, DeclaredPath
from gateway.iepd.schema import Schema
from gateway.message import Action

UNCLASSIFIED = "unclassified"
"""A label that no rule and no officer was sure of: such a field is withheld always."""


class Checking:
    """Holds what `fields.yaml` declares against the schema set.

    leaves     every place of the set as far as it unfolds, and the declared ones further down
    confirmed  fields that agreements may speak of
    proposed   fields that wait for an officer: not confirmed, or not with this type
    """

    def __init__(self, declared: Declared, schema: Schema) -> None:
        self._declared, self._schema = declared, schema
        unfolded = leaves(schema.components, declared.root)
        self._by_path = {leaf.path: leaf for leaf in unfolded if not leaf.cut}
        self._found = {each.path: self._find(each.path) for each in declared.fields}
        further = (leaf for path, leaf in self._found.items() if leaf is not None and path not in self._by_path)
        self.leaves = (*unfolded, *further)
        # A catalog that says for which set it was confirmed is held against this one; one that does not say must fit.
        self._is_other_set = declared.schema_set not in {"", schema.digest}
        fields = [(each, self._field(each, leaf)) for each in declared.fields if (leaf := self._found[each.path])]
        self.confirmed = tuple(field for each, field in fields if self._holds(each))
        self.proposed = tuple(field for each, field in fields if not self._holds(each))

    def _find(self, path: tuple[str, ...]) -> Leaf | None:
        return self._by_path.get(path) or leaf_at(self._schema.components, self._declared.root, path)

    def _holds(self, each: DeclaredField) -> bool:
        """Whether an officer gave the field this label, for a place with this type."""
        return each.confirmed and each.label != UNCLASSIFIED and not self._is_changed(each)

    def _is_changed(self, each: DeclaredField) -> bool:
        leaf = self._found[each.path]
        return self._is_other_set and (leaf is None or each.type != type_mark(leaf.value))

    @staticmethod
    def _field(each: DeclaredField, leaf: Leaf) -> Field:
        return Field(
            path=each.path,
            text=each.text,
            name=each.name,
            label=each.label,
            title=each.title,
            value=leaf.value,
            required=leaf.required,
            repeatable=leaf.repeatable,
            nillable=leaf.nillable,
        )

    def findings(self) -> Iterator[Finding]:
        """What does not fit; as warnings what is withheld until an officer has looked at it."""
        root = self._schema.components.elements.get(self._declared.root)
        if root is None or root.abstract:
            line, column = self._declared.root_place
            text = "the schema set declares no such element, or an abstract one"
            yield Finding(code="fields.unknown-root", text=text, file=FILE, path="root", line=line, column=column)
            return
        for each in self._declared.fields:
            if self._found[each.path] is None and not self._is_other_set:
                yield _unknown(each.text, each.line, each.column)
        for path in self._declared.message.values():
            if self._find(path.path) is None:
                yield _unknown(path.text, path.line, path.column)
        yield from self._check_action()
        for fact, place in self._declared.facts:
            yield from self._check_fact(fact, place)
        if self._is_other_set:
            yield from self._check_binding()
        waiting = sum(1 for each in self._declared.fields if not each.confirmed)
        if waiting:
            text = f"{waiting} fields are proposals: they are withheld until an officer confirms them"
            yield _warning("fields.not-confirmed", text, "fields")

    def _check_binding(self) -> Iterator[Finding]:
        """What is withheld because the schema set is not the one that the catalog was confirmed for."""
        text = "the catalog was confirmed for another schema set: fields whose place or type is new are withheld"
        yield _warning("fields.other-schema-set", text, "schema_set")
        for each in self._declared.fields:
            if not each.confirmed or not self._is_changed(each):
                continue
            gone = self._found[each.path] is None
            code = "fields.gone" if gone else "fields.type-changed"
            text = "the schema set has no such place any more" if gone else "its type is not the confirmed one"
            yield replace(_warning(code, text, each.text), line=each.line, column=each.column)
        known = {each.path for each in self._declared.fields}
        new = sum(1 for leaf in self.leaves if not leaf.cut and leaf.path not in known)
        if new:
            yield _warning("fields.new-places", f"{new} places of the schema set are not in the catalog", "fields")

    def _check_action(self) -> Iterator[Finding]:
        """The schema must allow no action that the gateway does not know: `header.read` relies on it."""
        place = self._declared.message.get("action")
        leaf = self._find(place.path) if place is not None else None
        if place is None or leaf is None:
            return
        if leaf.value.enumeration is None or not set(leaf.value.enumeration) <= {action.value for action in Action}:
            text = f"the action must be an enumerated type of {', '.join(Action)}"
            yield Finding(
                code="fields.unknown-action",
                text=text,
                file=FILE,
                path=place.text,
                line=place.line,
                column=place.column,
            )

    def _check_fact(self, fact: Fact, place: DeclaredPath) -> Iterator[Finding]:
        if fact.each and not self._is_element(fact.each):
            yield _unknown(place.text, place.line, place.column)
        for name in sorted(_names(fact.test)):
            prefix, _, local = name.rpartition(":")
            qualified = join(self._declared.namespaces.get(prefix, ""), local)
            if qualified not in self._schema.components.elements and not self._is_attribute(qualified):
                text = f"the fact {fact.name!r} reads {name}, which the schema set does not declare"
                yield Finding(
                    code="fields.unknown-name", text=text, file=FILE, path="facts", line=place.line, column=place.column
                )

    def _is_element(self, path: tuple[str, ...]) -> bool:
        components = self._schema.components
        element = components.elements.get(self._declared.root)
        for step in path:
            if element is None or child_at(components, element, step) is None:
                return False
            element = components.element_in(element.type, step)
        return element is not None

    def _is_attribute(self, name: str) -> bool:
        components = self._schema.components
        return name in components.attributes or any(
            name == attribute.name for each in components.types.values() for attribute in each.attributes
        )


def _warning(code: str, text: str, path: str) -> Finding:
    return Finding(code=code, text=text, file=FILE, path=path, severity=Severity.WARNING)


def _unknown(text: str, line: int, column: int) -> Finding:
    return Finding(
        code="fields.unknown-path",
        text="the schema set has no such place below the root",
        file=FILE,
        path=text,
        line=line,
        column=column,
    )


def _names(test: Expression) -> Iterator[str]:
    """Element and attribute names that a test reads."""
    match test:
        case Path(steps):
            for step in steps:
                if not step.test.endswith(("*", ")")):
                    yield step.test
                for predicate in step.predicates:
                    yield from _names(predicate)
        case Union(paths):
            for path in paths:
                yield from _names(path)
        case Call(_, arguments):
            for argument in arguments:
                yield from _names(argument)
        case Binary(_, left, right):
            yield from _names(left)
            yield from _names(right)
