"""Shape: what may stand at a place of an agreement's file - said once, for the reader and for editors.

Each shape can do two things with one declaration: look at a node of a file, and write itself as JSON Schema
(draft-07, the newest that the YAML editors understand). So an editor and the gateway cannot disagree about the form
of a file; what a file *means* (is this agency a party?) is judged after its form, on what is left of it.

`conform` reports what has not its shape and gives the node back without it: what is given back can be read without
further questions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from gateway.document.source import Node, Value
from gateway.policy.duration import DURATION, NOTHING, parse_duration
from gateway.policy.reading import TEXT_LENGTH_MAX, UNPRINTABLE, Reading, nearest

Json = dict[str, object]
Titled = Mapping[str, str]
"""Words with what they mean, for hover text."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DURATION_HINT = "a duration is written '30 days', '48 hours', '1 year', or as in ISO 8601: P30D, PT48H, P1Y"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an editor can offer at a place: the words of one exchange. Empty = any word of the right form.

    fields    labels, labels with ".*" and field names, by title
    facts     facts, by title
    moments   facts that are dates of the message
    """

    fields: Titled = field(default_factory=dict)
    facts: Titled = field(default_factory=dict)
    moments: Titled = field(default_factory=dict)


NOWHERE = Around()


class Shape(Protocol):
    """What may stand at one place."""

    def takes(self, node: Node) -> bool:
        """Whether the node is of this sort at all, be it right or wrong."""

    def conform(self, reading: Reading, node: Node) -> Node | None:
        """The node without what has not its shape, each reported; None when nothing is left."""

    def schema(self, around: Around, /) -> Json:
        """The same as JSON Schema."""


def value_of(node: Node) -> str | int | bool | None:
    """The value of a node that is no list and no table."""
    return node.value if isinstance(node, Value) else None


def listed(words: Titled) -> Json:
    """These words and no others, with their meaning beside them as VS Code and yaml-language-server show it."""
    return {"enum": list(words), "enumDescriptions": list(words.values())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that is not blank.

    form      what it must look like; None = anything
    hint      said where it does not
    code      of that finding
    offered   words an editor offers; others of the same form are right too
    place     "fields", "facts" or "moments" where the words of the clause's exchange are the only right ones
    """

    form: re.Pattern[str] | None = None
    hint: str = ""
    code: str = "bad-text"
    length_max: int = TEXT_LENGTH_MAX
    offered: Titled = field(default_factory=dict)
    place: str = ""

    def takes(self, node: Node) -> bool:
        return isinstance(value_of(node), str)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        text = value_of(node)
        if not isinstance(text, str):
            reading.wrong("wrong-type", "a text is expected here; put a number or true/false in quotes", node)
        elif not text.strip() or len(text) > TEXT_LENGTH_MAX:
            hint = f"the text must not be blank nor longer than {TEXT_LENGTH_MAX} characters"
            reading.wrong("bad-text", hint, node)
        elif UNPRINTABLE.search(text):
            reading.wrong("bad-text", "the text holds a control character", node)
        elif len(text) > self.length_max or (self.form is not None and not self.form.fullmatch(text)):
            reading.wrong(self.code, self.hint, node)
        else:
            return node
        return None

    def schema(self, around: Around, /) -> Json:
        known: Titled = getattr(around, self.place) if self.place else {}
        if known:
            return {"type": "string", **listed(known)}
        pattern = r"\S" if self.form is None else f"^(?:{self.form.pattern})$"
        free: Json = {"type": "string", "pattern": pattern, "maxLength": self.length_max}
        if self.form is None:
            free["not"] = {"pattern": UNPRINTABLE.pattern}
        if self.hint:
            free["patternErrorMessage"] = self.hint
        return {"anyOf": [{"type": "string", **listed(self.offered)}, free]} if self.offered else free


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of these words."""

    words: Titled

    def takes(self, node: Node) -> bool:
        return isinstance(value_of(node), str)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        text = value_of(node)
        if isinstance(text, str) and text in self.words:
            return node
        if isinstance(text, str):
            known = ", ".join(self.words)
            reading.wrong("unknown-word", f"this must be one of {known}{nearest(text, self.words)}", node)
        else:
            reading.wrong("wrong-type", "a text is expected here; put a number or true/false in quotes", node)
        return None

    def schema(self, _: Around, /) -> Json:
        return {"type": "string", **listed(self.words)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number within bounds."""

    least: int = 1
    most: int = 1_000_000

    def takes(self, node: Node) -> bool:
        return isinstance(value_of(node), int) and not isinstance(value_of(node), bool)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        number = value_of(node)
        if isinstance(number, int) and not isinstance(number, bool) and self.least <= number <= self.most:
            return node
        reading.wrong("wrong-type", f"a whole number from {self.least} to {self.most} is expected here", node)
        return None

    def schema(self, _: Around, /) -> Json:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false."""

    def takes(self, node: Node) -> bool:
        return isinstance(value_of(node), bool)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        if self.takes(node):
            return node
        reading.wrong("wrong-type", "true or false is expected here", node)
        return None

    def schema(self, _: Around, /) -> Json:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A date."""

    def takes(self, node: Node) -> bool:
        return isinstance(value_of(node), str)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        text = value_of(node)
        if not isinstance(text, str) or not _DATE.fullmatch(text):
            reading.wrong("bad-date", "a date is written year-month-day, 2026-01-31", node)
            return None
        try:
            date.fromisoformat(text)
        except ValueError:
            reading.wrong("bad-date", "there is no such day in the calendar", node)
            return None
        return node

    def schema(self, _: Around, /) -> Json:
        return {"type": "string", "pattern": f"^{_DATE.pattern}$", "format": "date"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A length of time, "48 hours"."""

    def takes(self, node: Node) -> bool:
        return isinstance(value_of(node), str)

    def conform(self, reading: Reading, node: Node) -> Node | None:
        text = value_of(node)
        if isinstance(text, str) and parse_duration(text) is not None:
            return node
        reading.wrong("bad-duration", _DURATION_HINT, node)
        return None

    def schema(self, _: Around, /) -> Json:
        pattern = f"^(?:{DURATION})$"
        hint = {"patternErrorMessage": _DURATION_HINT}
        return {"type": "string", "pattern": pattern, **hint, "not": {"pattern": NOTHING}}
