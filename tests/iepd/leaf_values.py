"""Random values of a schema's simple types, with a canary in every one that can hold it.

A canary is a value that stands nowhere else in the message: found in what a recipient gets, it says which leaf got
out. A text holds the word "cnry" and a number; a date, a moment or a number is one that no other leaf has; a picture
is a PNG with such a text in its data, a file is such a text in hexadecimal, every second one in gzip below it.
"""

import base64
import gzip
import random
import re
import re._constants as sre
import re._parser as sre_parser
from functools import cache
from typing import Any

from gateway.document.names import XS, split
from gateway.iepd.catalog import ValueType, value_type
from gateway.iepd.components import Components
from gateway.policy.transform import accepts
from tests.pictures import png

PREFIX = "cnry"
_FIRST_YEAR = 1901
_DAYS_USED = 27  # of a month, from its second on: a first is what a date generalized to its month becomes
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

_BUILTIN = {
    "boolean": ("true", "false", "1", "0"),
    "gYear": ("1987", "2024"),
    "gYearMonth": ("1987-03", "2024-11"),
    "gMonth": ("--07",),
    "gMonthDay": ("--07-04",),
    "gDay": ("---17",),
    "time": ("13:37:42", "00:00:00Z"),
    "duration": ("P3D", "PT48H"),
}


class NoValue(Exception):
    """No value of this type was found."""


class LeafValues:
    """Values of the simple types of one schema set, from one source of chance."""

    def __init__(self, components: Components, chance: random.Random) -> None:
        self._components, self._chance = components, chance
        self._number = 0

    def canary(self) -> str:
        """A word that no other leaf has, eight characters long."""
        self._number += 1
        return f"{PREFIX}{self._number:04d}"

    def value(self, type_name: str) -> tuple[str, str]:
        """A value of the type, and the canary in it as it would be found; "" when it can hold none."""
        found = self._components.types.get(type_name)
        for step in self._components.lineage(type_name):
            if step.members:
                return self.value(self._chance.choice(step.members))
            if step.item:
                return self._several(step.item)
        if found is None and split(type_name)[0] == XS and split(type_name)[1] in {"NMTOKENS", "ENTITIES"}:
            return self._checked(value_type(self._components, f"{{{XS}}}NMTOKEN"))
        return self._checked(value_type(self._components, type_name))

    def _several(self, item: str) -> tuple[str, str]:
        values = [self.value(item) for _ in range(self._chance.randint(1, 2))]
        return " ".join(text for text, _ in values), values[0][1]

    def _checked(self, value: ValueType) -> tuple[str, str]:
        for text, canary in self._candidates(value):
            if judged(value, text):
                return text, canary
        raise NoValue(value)

    def _candidates(self, value: ValueType) -> list[tuple[str, str]]:
        chance = self._chance
        if value.enumeration is not None:
            return [(code, "") for code in chance.sample(value.enumeration, min(20, len(value.enumeration)))]
        if value.builtin in _BUILTIN:
            texts = list(_BUILTIN[value.builtin])
            chance.shuffle(texts)
            return [(text, "") for text in texts]
        if value.kind in {"integer", "decimal"}:
            return self._numbers(value)
        made = self._made(value)
        return [*((text, canary) for text, canary in made), *self._patterned(value), *_fillers(value)]

    def _made(self, value: ValueType) -> list[tuple[str, str]]:
        self._number += 1
        number = self._number
        months, day = divmod(number, _DAYS_USED)
        on = f"{_FIRST_YEAR + months // 12}-{months % 12 + 1:02d}-{day + 2:02d}"
        word = f"{PREFIX}{number:04d}"
        if value.kind == "date":
            return [(on, on)]
        if value.kind == "datetime":
            return [(f"{on}T13:37:{number % 60:02d}", f"{on}T13:37:{number % 60:02d}")]
        if value.kind == "binary":
            if value.builtin == "base64Binary":
                return [(base64.b64encode(png(word.encode())).decode(), word)]
            content = word.encode()
            return [((gzip.compress(content, mtime=0) if number % 2 else content).hex(), word)]
        if value.kind == "uri":
            return [(f"urn:example:{word}", word)]
        return [(f"A {word} of words", word), (word, word), (f"x-{word}", word), (word.upper(), word.upper())]

    def _numbers(self, value: ValueType) -> list[tuple[str, str]]:
        self._number += 1
        unique = str(70_000_000 + self._number * 13)
        least = int(float(value.minimum)) if value.minimum is not None else 0
        most = int(float(value.maximum)) if value.maximum is not None else least + 90
        some = [str(self._chance.randint(min(least, most), max(least, most))) for _ in range(4)]
        return [(unique, unique), ("-" + unique, unique), *((text, "") for text in (*some, str(least), str(most), "1"))]

    def _patterned(self, value: ValueType) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for pattern in value.patterns:
            for _ in range(5):
                text = _matching(pattern, self._chance)
                if text:
                    found.append((text, ""))
        return found


@cache
def judged(value: ValueType, text: str) -> bool:
    """Whether the schema processor takes it."""
    return accepts(value, text)


def _fillers(value: ValueType) -> list[tuple[str, str]]:
    least = value.length_min if value.length_min is not None else 1
    most = value.length_max if value.length_max is not None else max(least, 3)
    return [(letter * max(least, min(most, 2)), "") for letter in ("q", "7", "Q")] + [("", "")]


def _matching(pattern: str, chance: random.Random) -> str:
    """A text of an XSD pattern that Python's own expressions can read; "" for any other."""
    try:
        return _write(sre_parser.parse(re.sub(r"\\[ic]", "[a-z]", pattern)), chance)
    except (re.error, KeyError, NotImplementedError):
        return ""


def _write(parsed: Any, chance: random.Random) -> str:
    return "".join(_one(operator, argument, chance) for operator, argument in parsed)


def _one(operator: Any, argument: Any, chance: random.Random) -> str:
    match operator:
        case sre.LITERAL:
            return chr(argument)
        case sre.ANY:
            return chance.choice(_LETTERS)
        case sre.IN:
            return _of_class(argument, chance)
        case sre.MAX_REPEAT | sre.MIN_REPEAT:
            least, most, inner = argument
            times = chance.randint(least, min(int(most), least + 3))
            return "".join(_write(inner, chance) for _ in range(times))
        case sre.SUBPATTERN:
            return _write(argument[-1], chance)
        case sre.BRANCH:
            return _write(chance.choice(argument[1]), chance)
        case sre.AT:
            return ""
    raise NotImplementedError(operator)


def _of_class(members: Any, chance: random.Random) -> str:
    operator, argument = chance.choice(members)
    if operator is sre.LITERAL:
        return chr(argument)
    if operator is sre.RANGE:
        return chr(chance.randint(argument[0], min(argument[1], argument[0] + 60)))
    if operator is sre.CATEGORY:
        return {sre.CATEGORY_DIGIT: "4", sre.CATEGORY_SPACE: " ", sre.CATEGORY_WORD: "w"}[argument]
    raise NotImplementedError(operator)
