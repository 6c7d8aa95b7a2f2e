"""Touched: what the facts of one exchange look at, to know where more said of an object could change an answer."""

from collections.abc import Iterable, Mapping

from lxml import etree

from gateway.document.expression import Binary, Call, Expression, Path, Step, Union
from gateway.document.names import join

_EXISTENCE = frozenset({"boolean", "count", "not"})
"""Of a path they ask only whether something is there."""


class Touched:
    """The steps and the ends of all the ways that some tests take, each with its object's tags below the root."""

    def __init__(self, asked: Iterable[tuple[tuple[str, ...], Expression]], namespaces: Mapping[str, str]) -> None:
        self._namespaces = namespaces
        self._anywhere = False
        self._steps = {""}
        self._values: set[str] = set()
        for each, test in asked:
            self._steps.update(each)
            self._look(test, each[-1] if each else None)

    def looks_at(self, element: etree._Element, name: str) -> bool:
        """Whether a fact could read this of the element: a child by tag, an attribute by "@name", its text by ""."""
        if self._anywhere or (name in self._steps and (element.getparent() is None or element.tag in self._steps)):
            return True
        # The value of an element is all the text in it.
        return any(map(self.is_value, (element, *element.iterancestors())))

    def is_step(self, name: str) -> bool:
        """Whether a fact goes by this name, on whatever way."""
        return name in self._steps

    def is_value(self, element: etree._Element) -> bool:
        """Whether a fact may read the whole text of the element."""
        return self._anywhere or element.tag in self._values

    def _look(self, test: Expression, at: str | None, *, existence: bool = False) -> None:
        """at: the tag of the element that "." is, None where it is the root or may be any."""
        match test:
            case Path(steps):
                self._go(steps, at, existence=existence)
            case Union(paths):
                for path in paths:
                    self._look(path, at, existence=existence)
            case Call(function, arguments):
                for argument in arguments:
                    self._look(argument, at, existence=function in _EXISTENCE)
            case Binary(operator, left, right):
                for side in (left, right):
                    self._look(side, at, existence=operator in {"and", "or"})
            case _:
                pass

    def _go(self, steps: tuple[Step, ...], at: str | None, *, existence: bool) -> None:
        for step in steps:
            at = self._name(step, at)
            for predicate in step.predicates:
                self._look(predicate, at, existence=True)
        if existence:
            return
        if at is None:
            self._anywhere = True
        else:
            self._values.add(at)

    def _name(self, step: Step, at: str | None) -> str | None:
        if step.axis == "self":
            return at
        if step.axis == "parent":
            return None
        prefix, _, local = step.test.rpartition(":")
        if step.axis not in {"attribute", "child"} or local in {"*", "node()"}:
            self._anywhere = True
            return None
        name = join(self._namespaces[prefix] if prefix else "", local)
        name = f"@{name}" if step.axis == "attribute" else name
        self._steps.add(name)
        return name
