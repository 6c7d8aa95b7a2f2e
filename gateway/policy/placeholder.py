"""Placeholder: an invented value of a type, for pictures and specimens. Never a value out of a message."""

import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from gateway.iepd.catalog import ValueType
from gateway.policy.transform import accepts

_PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="  # one black point
)

_OF_BUILTIN = {
    "boolean": ("false",),
    "date": ("2026-01-01",),
    "dateTime": ("2026-01-01T00:00:00Z",),
    "time": ("12:00:00Z",),
    "duration": ("P1D",),
    "gYear": ("2026",),
    "gYearMonth": ("2026-01",),
    "gMonth": ("--01",),
    "gMonthDay": ("--01-01",),
    "gDay": ("---01",),
    "base64Binary": (_PICTURE, "AAAA"),
    "hexBinary": ("00",),
    "anyURI": ("https://example.org/sample",),
    "language": ("en",),
    "QName": ("sample",),
    "ID": ("sample",),
    "IDREF": ("sample",),
    "IDREFS": ("sample",),
}
_TEXTS = ("sample", "S", "1", "0", "10", "100", "-1", "1.5", "A1", "2026")
LENGTH_MAX = 4_000


def placeholder(value: ValueType) -> str:
    """A value of the type, "" when none is found: then the picture has a gap, and no proof hangs on it."""
    if value.kind == "empty":
        return ""
    if value.enumeration:
        return value.enumeration[0]
    one = value if not value.is_list else _item(value)
    return next((text for text in _candidates(one) if _fits(one, text)), "")


def _item(value: ValueType) -> ValueType:
    return ValueType(kind=value.kind, builtin=value.builtin, enumeration=value.enumeration, patterns=value.patterns)


def _fits(value: ValueType, text: str) -> bool:
    if value.builtin in {"ID", "IDREF", "IDREFS", "QName", "ENTITY", "ENTITIES", "NOTATION", "NMTOKENS"}:
        return True  # not for a schema that stands by itself
    return accepts(value, text)


def _candidates(value: ValueType) -> Iterator[str]:
    yield from _OF_BUILTIN.get(value.builtin, ())
    for bound in (value.minimum, value.maximum):
        if bound is not None:
            yield bound
            yield from _near(bound)
    for pattern in reversed(value.patterns):
        yield from _of_pattern(pattern)
    yield from _TEXTS
    for length in (value.length_min, value.length_max):
        if length is not None and length <= LENGTH_MAX:
            yield "S" * length
            yield "1" * length


def _near(bound: str) -> Iterator[str]:
    """Numbers beside an exclusive bound."""
    if re.fullmatch(r"-?[0-9]+(\.0*)?", bound):
        number = int(float(bound))
        yield from (str(number + 1), str(number - 1))


def _of_pattern(pattern: str) -> Iterator[str]:
    """A text that the pattern takes, where it is written as Python writes one too."""
    try:
        yield _text(parser.parse(pattern.replace(r"\i", "[A-Za-z_]").replace(r"\c", "[A-Za-z0-9_]")))
    except (re.error, ValueError, KeyError, OverflowError):
        return


def _text(parts: Any) -> str:
    return "".join(_part(code, argument) for code, argument in parts)


def _part(code: Any, argument: Any) -> str:
    if code is codes.LITERAL:
        return chr(argument)
    if code in {codes.MAX_REPEAT, codes.MIN_REPEAT}:
        least, _, inner = argument
        return _text(inner) * int(min(least, LENGTH_MAX))
    if code is codes.BRANCH:
        return _text(argument[1][0])
    if code is codes.SUBPATTERN:
        return _text(argument[-1])
    if code is codes.IN:
        return _one_of(argument)
    if code is codes.ANY:
        return "A"
    if code is codes.NOT_LITERAL:
        return "A" if argument != ord("A") else "B"
    return ""


def _one_of(choices: Any) -> str:
    code, argument = choices[0]
    if code is codes.NEGATE:
        return next((each for each in "A1a -" if not any(_in(each, choice) for choice in choices[1:])), "")
    if code is codes.RANGE:
        return chr(argument[0])
    if code is codes.CATEGORY:
        return str({codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " "}.get(argument, "A"))
    return chr(argument)


def _in(text: str, choice: Any) -> bool:
    code, argument = choice
    if code is codes.RANGE:
        return bool(argument[0] <= ord(text) <= argument[1])
    return bool(code is codes.LITERAL and ord(text) == argument)
