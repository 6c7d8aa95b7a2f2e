"""A small, safe part of XPath 1.0: what a fact may ask of a document.

Relative paths of child, parent, descendant, self and attribute steps with predicates; comparison, + and -, and, or,
and the functions in FUNCTIONS, two of which are ours: `day` and `birth-day` read a date as a number, for ages, which
are their difference and never come out too old. No variables, no absolute path, no sibling step, no function that
reads another document. Read here into a tree, because facts are given a stricter meaning than XPath's (a missing value
is not "false") and because every mistake should be named with its place.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.document.names import is_nc_name
from gateway.errors import Misconfigured

LENGTH_MAX = 1000
DEPTH_MAX = 20
FUNCTIONS = {
    "birth-day": 1,
    "boolean": 1,
    "contains": 2,
    "count": 1,
    "day": 1,
    "false": 0,
    "normalize-space": 1,
    "not": 1,
    "number": 1,
    "starts-with": 2,
    "string": 1,
    "string-length": 1,
    "substring": 3,
    "translate": 3,
    "true": 0,
}
"""Function to number of arguments."""

_OF_A_PATH = frozenset({"birth-day", "count", "day"})

BIRTH_YEAR_MIN = 1850
"""A date of birth before that is a slip of the pen: 0208 for 2008."""

EARLIEST, LATEST = "00000000", "99999999"
"""Days that cannot be told, YYYYMMDD: of anything but a birth, and of a birth."""

COMPARISONS = ("=", "!=", "<=", ">=", "<", ">")
AXES = ("attribute", "child", "descendant", "descendant-or-self", "parent", "self")


class ExpressionRefused(Misconfigured):
    """An expression that is not in the subset, or not well-formed.

    position  1-based place in the expression's text
    """

    code = "document.expression"

    def __init__(self, text: str, position: int) -> None:
        super().__init__(f"{text} (at character {position})")
        self.position = position


@dataclass(frozen=True, slots=True)
class Literal:
    """A text in quotation marks."""

    value: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number without sign, as written."""

    value: str


@dataclass(frozen=True, slots=True)
class Step:
    """axis, name test ("nc:Person", "*", "nc:*", "node()"), predicates."""

    axis: str
    test: str
    predicates: tuple["Expression", ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Steps that begin at the object. "." is one self step, ".." one parent step."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """Paths joined by "|": alternatives."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """operator: "and", "or", "+", "-" or one of COMPARISONS."""

    operator: str
    left: "Expression"
    right: "Expression"


Expression = Literal | Number | Path | Union | Call | Binary


def parse_expression(text: str, namespaces: Mapping[str, str]) -> Expression:
    """The expression as a tree. Raises `ExpressionRefused`; prefixes must be among `namespaces`."""
    if len(text) > LENGTH_MAX:
        raise ExpressionRefused(f"longer than {LENGTH_MAX} characters", LENGTH_MAX)
    reader = _Reader(text, namespaces)
    expression = reader.either(0)
    reader.expect_end()
    return expression


def write_expression(expression: Expression) -> str:
    """XPath 1.0 text of the tree."""
    match expression:
        case Literal(value):
            return f'"{value}"' if "'" in value else f"'{value}'"
        case Number(value):
            return value
        case Path(steps):
            return "/".join(map(_write_step, steps))
        case Union(paths):
            return "(" + " | ".join(map(write_expression, paths)) + ")"
        case Call("day" | "birth-day" as function, (path,)):
            return _write_day(f"normalize-space({write_expression(path)})", born=function == "birth-day")
        case Call(function, arguments):
            return f"{function}({', '.join(map(write_expression, arguments))})"
        case Binary(operator, left, right):
            return f"({write_expression(left)} {operator} {write_expression(right)})"


def _write_day(value: str, *, born: bool) -> str:
    """The day of a valid xs:date or xs:dateTime as the number YYYYMMDD; not a number when it is missing.

    A day that is there and cannot be told makes an age that is too young, never none: else what is said beside it, "not
    a juvenile", would stand. So a birth is as late as it may be, and any other day as early: EARLIEST or LATEST for a
    year that has not four digits, and for a birth also at the midnight that ends a day and in a year in which nobody
    now alive was born. Where the day of a birth in a time zone was that day nobody knows: it may have been a day later.
    """
    known = f"starts-with(translate({value}, '123456789', '000000000'), '0000-00-00')"
    if born:
        known += f" and not(contains({value}, 'T24')) and number(substring({value}, 1, 4)) >= {BIRTH_YEAR_MIN}"
    # Eight characters where it is known, none where it is not, and then those of the bound.
    told = f"substring(translate(substring({value}, 1, 10), '-', ''), 1, 8 * ({known}))"
    bound = LATEST if born else EARLIEST
    # Of a missing one nothing is left: number('') is not a number.
    text = f"number(substring(concat({told}, '{bound}'), 1, 8 * boolean({value})))"
    if not born:
        return text
    zoned = f"contains(translate(substring({value}, 11), '+-', 'ZZ'), 'Z')"
    # One more than the last of a month is no day, but as a number it lies between the two months all the same.
    return f"({text} + {zoned})"


def _write_step(step: Step) -> str:
    predicates = "".join(f"[{write_expression(predicate)}]" for predicate in step.predicates)
    return f"{step.axis}::{step.test}{predicates}"


_TOKEN = re.compile(
    r"""\s*(?:(?P<literal>"[^"]*"|'[^']*')"""
    r"""|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[^\W\d][\w.\-]*(?::(?!:)(?:[^\W\d][\w.\-]*|\*))?)"""
    r"""|(?P<sign>::|//|\.\.|!=|<=|>=|[\[\]()/@,.|=<>*+\-]))"""
)


class _Reader:
    """Recursive descent over the tokens: (kind, text, 1-based place)."""

    def __init__(self, text: str, namespaces: Mapping[str, str]) -> None:
        self._namespaces = namespaces
        self._tokens: list[tuple[str, str, int]] = []
        self._at = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                blanks = len(text[position:]) - len(text[position:].lstrip())
                raise ExpressionRefused("a character that has no meaning here", position + blanks + 1)
            kind = str(match.lastgroup)
            self._tokens.append((kind, match[kind], match.start(kind) + 1))
            position = match.end()
        self._end = end + 1

    def either(self, depth: int) -> Expression:
        """Terms joined by "or"."""
        if depth > DEPTH_MAX:
            raise self._refused(f"nested more than {DEPTH_MAX} deep")
        left = self._both(depth)
        while self._take("name", "or"):
            left = Binary("or", left, self._both(depth))
        return left

    def expect_end(self) -> None:
        """Refuse whatever is left."""
        if self._at < len(self._tokens):
            raise self._refused("something stands after the end of the expression")

    def _both(self, depth: int) -> Expression:
        left = self._comparison(depth)
        while self._take("name", "and"):
            left = Binary("and", left, self._comparison(depth))
        return left

    def _comparison(self, depth: int) -> Expression:
        left = self._sum(depth)
        for operator in COMPARISONS:
            if self._take("sign", operator):
                return Binary(operator, left, self._sum(depth))
        return left

    def _sum(self, depth: int) -> Expression:
        left = self._union(depth)
        while self._peek() in {("sign", "+"), ("sign", "-")}:
            operator = self._peek()[1]
            self._at += 1
            left = Binary(operator, left, self._union(depth))
        return left

    def _union(self, depth: int) -> Expression:
        first = self._operand(depth)
        if self._peek() != ("sign", "|"):
            return first
        paths = [first]
        while self._take("sign", "|"):
            paths.append(self._operand(depth))
        kept = tuple(path for path in paths if isinstance(path, Path))
        if len(kept) < len(paths):
            raise self._refused('"|" joins paths only')
        return Union(kept)

    def _operand(self, depth: int) -> Expression:
        kind, token = self._peek()
        if kind == "literal":
            self._at += 1
            return Literal(token[1:-1])
        if kind == "number":
            self._at += 1
            return Number(token)
        if self._take("sign", "("):
            inner = self.either(depth + 1)
            self._need(")")
            return inner
        if kind == "name" and self._peek(1) == ("sign", "("):
            return self._call(depth)
        return self._path(depth)

    def _call(self, depth: int) -> Expression:
        _, function = self._peek()
        if function not in FUNCTIONS:
            raise self._refused(f"only these functions are known: {', '.join(FUNCTIONS)}")
        self._at += 2
        arguments: list[Expression] = []
        while not self._take("sign", ")"):
            if arguments:
                self._need(",")
            arguments.append(self.either(depth + 1))
        if len(arguments) != FUNCTIONS[function]:
            raise self._refused(f"{function} takes {FUNCTIONS[function]} argument(s)")
        if function in _OF_A_PATH and not isinstance(arguments[0], Path | Union):
            raise self._refused(f"{function} takes a path")
        return Call(function, tuple(arguments))

    def _path(self, depth: int) -> Path:
        if self._peek() in {("sign", "/"), ("sign", "//")}:
            raise self._refused('a path begins at the object: "a/b" or ".//b", not "/a/b"')
        steps = [self._step(depth)]
        while True:
            if self._take("sign", "//"):
                steps.append(Step("descendant-or-self", "node()"))
            elif not self._take("sign", "/"):
                return Path(tuple(steps))
            steps.append(self._step(depth))

    def _step(self, depth: int) -> Step:
        if self._take("sign", "."):
            return Step("self", "node()")
        if self._take("sign", ".."):
            return Step("parent", "node()")
        axis = "child"
        if self._take("sign", "@"):
            axis = "attribute"
        elif self._peek(1) == ("sign", "::"):
            axis = self._peek()[1]
            if axis not in AXES:
                raise self._refused(f"only these axes are known: {', '.join(AXES)}")
            self._at += 2
        test = self._name_test(axis)
        predicates: list[Expression] = []
        while self._take("sign", "["):
            predicates.append(self.either(depth + 1))
            self._need("]")
        return Step(axis, test, tuple(predicates))

    def _name_test(self, axis: str) -> str:
        if self._take("sign", "*"):
            return "*"
        kind, name = self._peek()
        if kind != "name":
            raise self._refused("a name, a path or a value is missing")
        prefix, colon, _ = name.partition(":")
        if colon and prefix not in self._namespaces and prefix != "xml":
            raise self._refused(f"the prefix {prefix} is not declared")
        if not colon and axis != "attribute":
            raise self._refused("an element's name needs a prefix")
        self._at += 1
        return name

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        place = self._at + ahead
        return self._tokens[place][:2] if place < len(self._tokens) else ("end", "")

    def _take(self, kind: str, token: str) -> bool:
        if self._peek() != (kind, token):
            return False
        self._at += 1
        return True

    def _need(self, sign: str) -> None:
        if not self._take("sign", sign):
            raise self._refused(f'"{sign}" is missing')

    def _refused(self, text: str) -> ExpressionRefused:
        position = self._tokens[self._at][2] if self._at < len(self._tokens) else self._end
        return ExpressionRefused(text, position)


def is_prefix(text: str) -> bool:
    """Whether this can be declared as a prefix."""
    return is_nc_name(text) and not text.lower().startswith("xml")
