"""Facts: named values computed from the uncut document; routes, law packs and conditions ask for nothing else.

A fact's test is an XPath of the subset in `document.expression`, with one change that makes it strict: comparing a
path with a value has three outcomes - true, false, and "nothing to compare with" - and where the outcome hangs on
something that is missing or empty, the fact is its strict answer (`missing`). So is it when nothing that the test
reads is there at all. Values are compared as XSD reads them: blanks around them do not count, and 'true' means "1"
as well. What stands inside a function, boolean(...) or number(...), is plain XPath.

The strict answer is woven into the test when it is compiled: asking a fact costs one XPath and no second look, but
where an object stands at several places: there the answer must be the same by all that is said of it at any of them
(`iepd.places`), or it is the strict one.
"""

import re
import threading
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lxml import etree

from gateway.document.expression import (
    COMPARISONS,
    Binary,
    Call,
    Expression,
    ExpressionRefused,
    Literal,
    Number,
    Path,
    Step,
    Union,
    write_expression,
)
from gateway.document.parse import Document
from gateway.iepd.places import Sharing, Told, TooTangled, views
from gateway.iepd.touched import Touched

if TYPE_CHECKING:
    from gateway.iepd.package import Iepd

_DATE = re.compile(r"-?\d{4,}-\d{2}-\d{2}")
_MEANS = {"true": ("true", "1"), "false": ("false", "0"), "1": ("1",), "0": ("0",)}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


class FactKind(StrEnum):
    """What a fact's answer is."""

    BOOLEAN = "boolean"  # True or False
    TEXT = "text"  # a text without blanks at its ends
    DATE = "date"  # "2026-01-31", the day of a date or a moment as written


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact as `fields.yaml` defines it.

    each     tags from below the root to the objects it is asked of; () = the message
    missing  the strict answer
    """

    name: str
    title: str
    each: tuple[str, ...]
    test: Expression
    kind: FactKind
    missing: bool | str


class FactTests:
    """The compiled tests of one exchange; XPath objects are made once per thread.

    structures  the exchange's namespaces of structures:id
    """

    def __init__(
        self, facts: tuple[Fact, ...], namespaces: Mapping[str, str], structures: tuple[str, ...] = ()
    ) -> None:
        self.facts = {fact.name: fact for fact in facts}
        self.sharing = Sharing(structures, Touched(((fact.each, fact.test) for fact in facts), namespaces))
        self._texts = {fact.name: compiled_text(fact) for fact in facts}
        self._namespaces = dict(namespaces)
        self._of_thread = threading.local()

    def ask(self, fact: Fact, about: etree._Element) -> bool | str:
        """The fact's answer for this object."""
        compiled: dict[str, etree.XPath] = self._of_thread.__dict__
        xpath = compiled.get(fact.name)
        if xpath is None:
            text = self._texts[fact.name]
            xpath = compiled[fact.name] = etree.XPath(text, namespaces=self._namespaces, smart_strings=False)
        answer = xpath(about)
        if fact.kind is FactKind.BOOLEAN:
            return bool(answer)
        found = str(answer).strip()
        if fact.kind is FactKind.DATE:
            match = _DATE.match(found)
            found = match[0] if match else ""
        return found or fact.missing


class _Everything:
    """Where nothing can be told, every answer is in doubt."""

    def __contains__(self, _question: object) -> bool:
        return True


class Facts:
    """The facts of one document, each asked when first wanted. The document must not change meanwhile."""

    def __init__(self, document: Document, tests: FactTests) -> None:
        self._root = document.root
        self._tests = tests
        self._answers: dict[tuple[str, etree._Element], bool | str] = {}
        self._doubtful: Container[tuple[str, etree._Element]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all facts of the exchange."""
        return tuple(self._tests.facts)

    def message(self, name: str) -> bool | str:
        """The answer for the whole message. KeyError for an unknown name, ValueError for a fact about objects."""
        fact = self._tests.facts[name]
        if fact.each:
            raise ValueError(f"the fact {name} is asked of objects, not of the message")
        return self._ask(fact, self._root)

    def of(self, element: etree._Element, name: str) -> bool | str:
        """The answer for the object that this element is or lies in; the strict answer when it lies in none."""
        fact = self._tests.facts[name]
        if not fact.each:
            return self._ask(fact, self._root)
        about = self._object(element, fact.each)
        return fact.missing if about is None else self._ask(fact, about)

    def _ask(self, fact: Fact, about: etree._Element) -> bool | str:
        key = (fact.name, about)
        if key not in self._answers:
            answer = self._tests.ask(fact, about)
            self._answers[key] = fact.missing if answer != fact.missing and self._is_doubtful(key) else answer
        return self._answers[key]

    def _is_doubtful(self, question: tuple[str, etree._Element]) -> bool:
        if self._doubtful is None:
            objects = self._tests.sharing.objects(self._root)
            self._doubtful = _doubtful(self._root, self._tests, objects) if objects else ()
        return question in self._doubtful

    def _object(self, element: etree._Element, each: tuple[str, ...]) -> etree._Element | None:
        chain = [element, *element.iterancestors()]
        if len(chain) <= len(each) or chain[-1] is not self._root:
            return None
        chain.reverse()
        if all(at.tag == tag for at, tag in zip(chain[1:], each, strict=False)):
            return chain[len(each)]
        return None


def evaluate(document: Document, iepd: "Iepd") -> Facts:
    """The document's facts; nothing is computed before it is asked for."""
    return Facts(document, iepd.fact_tests)


def _doubtful(
    root: etree._Element, tests: FactTests, objects: tuple[Told, ...]
) -> Container[tuple[str, etree._Element]]:
    """The questions whose answer is another one by what is said of an object elsewhere."""
    asked = [
        (fact, about, tests.ask(fact, about))
        for fact in tests.facts.values()
        for about in (root.findall("/".join(fact.each)) if fact.each else [root])
    ]
    doubtful: set[tuple[str, etree._Element]] = set()
    try:
        for copies in views(root, objects, tests.sharing.touched):
            doubtful.update(
                (fact.name, about)
                for fact, about, answer in asked
                if about in copies and tests.ask(fact, copies[about]) != answer
            )
    except TooTangled:
        return _Everything()
    return doubtful


# --- compiling ---


def compiled_text(fact: Fact) -> str:
    """XPath 1.0 of the fact, its strict answer woven in. Raises `ExpressionRefused` for a test that cannot be one."""
    if fact.kind is not FactKind.BOOLEAN:
        if isinstance(fact.test, Path | Union):
            return f"normalize-space({write_expression(fact.test)})"
        return f"string({write_expression(fact.test)})"
    # Not a union: libxml2 puts the nodes of one in document order, for which it walks over all their siblings.
    reads = " or ".join(sorted({f"boolean({write_expression(path)})" for path in _reads(fact.test)}))
    if fact.missing is True:
        text = _possible(fact.test)
        return f"boolean({text} or not({reads}))" if reads else f"boolean({text})"
    text = _certain(fact.test)
    return f"boolean({text} and ({reads}))" if reads else f"boolean({text})"


def _certain(test: Expression) -> str:
    """XPath that is true where the test is true whatever missing values may be."""
    match test:
        case Binary("and" | "or" as operator, left, right):
            return f"({_certain(left)} {operator} {_certain(right)})"
        case Call("not", (inner,)):
            return f"not({_possible(inner)})"
        case _:
            compared = _compared(test)
            return _known(test) if compared is None else f"boolean({compared[0]}[{compared[1]}])"


def _possible(test: Expression) -> str:
    """XPath that is true where the test is true for some values of what is missing."""
    match test:
        case Binary("and" | "or" as operator, left, right):
            return f"({_possible(left)} {operator} {_possible(right)})"
        case Call("not", (inner,)):
            return f"not({_certain(inner)})"
        case _:
            compared = _compared(test)
            if compared is None:
                return _known(test)
            path, holds, comparable = compared
            # One value that cannot be compared is enough to be unsure, though another one could be.
            return f"(boolean({path}[{holds}]) or boolean({path}[not({comparable})]) or not({path}))"


def _known(test: Expression) -> str:
    """Plain XPath of something that is true or false by itself."""
    if isinstance(test, Path | Union):
        raise ExpressionRefused("say boolean(path) to ask whether it is there, path = 'true' to ask what it says", 1)
    if isinstance(test, Literal | Number):
        raise ExpressionRefused("a value by itself is neither true nor false", 1)
    return f"boolean({write_expression(test)})"


def _compared(test: Expression) -> tuple[str, str, str] | None:
    """For a path held against a value: the path, the predicate that the comparison holds, that it can be made."""
    match test:
        case Binary(operator, (Path() | Union()) as path, (Literal() | Number()) as value) if operator in COMPARISONS:
            return (write_expression(path), *_predicates(operator, value))
        case Binary(operator, (Literal() | Number()) as value, (Path() | Union()) as path) if operator in COMPARISONS:
            return (write_expression(path), *_predicates(_MIRRORED[operator], value))
        case Call("contains" | "starts-with" as function, ((Path() | Union()) as path, Literal() as value)):
            return write_expression(path), f"{function}(normalize-space(.), {write_expression(value)})", _FILLED
        case _:
            return None


_FILLED = "normalize-space(.) != ''"


def _predicates(operator: str, value: Literal | Number) -> tuple[str, str]:
    if isinstance(value, Literal) and operator in {"=", "!="}:
        meant = _MEANS.get(value.value, (value.value,))
        same = " or ".join(f"normalize-space(.) = {write_expression(Literal(each))}" for each in meant)
        return (same if operator == "=" else f"{_FILLED} and not({same})"), _FILLED
    # number() of what is not a number is NaN, the only value that does not equal itself.
    return f"number(.) {operator} number({write_expression(value)})", "number(.) = number(.)"


def _reads(test: Expression) -> Iterator[Path]:
    """The places a test looks at, conditions on them left out; "." and ".." are always there.

    "[1]" stays: with it libxml2 stops at the first one, where a fact about each of many objects would otherwise look
    at all of them each time.
    """
    match test:
        case Path(steps):
            if any(step.axis not in {"self", "parent"} for step in steps):
                yield Path(tuple(Step(step.axis, step.test, _positions(step)) for step in steps))
        case Union(paths):
            for path in paths:
                yield from _reads(path)
        case Call(_, arguments):
            for argument in arguments:
                yield from _reads(argument)
        case Binary(_, left, right):
            yield from _reads(left)
            yield from _reads(right)


def _positions(step: Step) -> tuple[Expression, ...]:
    return tuple(predicate for predicate in step.predicates if isinstance(predicate, Number))
