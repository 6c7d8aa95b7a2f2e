"""Reading: typed values out of a source, with a finding for each one that is wrong.

Every method reports what it cannot use and gives nothing (or what is left) back, so that one reading of
a file tells everything at once. Codes are "<area>.unknown-key", "<area>.missing-key" and so on.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from gateway.agency import AGENCY_ID, AgencyId
from gateway.document.source import Items, Node, Table, Value
from gateway.finding import Finding
from gateway.policy.duration import parse_duration

WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""Purposes, roles and facts: lower case words joined by hyphens."""

TEXT_LENGTH_MAX = 20_000

UNKNOWN_NAMED_MAX = 100
"""Of one table. Whoever has more has given another kind of file; looking for what each may have meant takes time."""

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, and so no Cover, message or page: a text in quotes can bring it in by an escape."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_Word = TypeVar("_Word", bound=StrEnum)


def nearest(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'x'?" for the known word most like this one, "" when none is like it."""
    close = get_close_matches(word, sorted(map(str, known)), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


class Reading:
    """One reading of one file."""

    def __init__(self, area: str, file: str) -> None:
        self.area, self.file = area, file
        self.findings: list[Finding] = []

    def wrong(self, what: str, text: str, node: Node, place: tuple[int, int] | None = None) -> None:
        """Note a finding at a node, or at a place within it."""
        line, column = place or (node.line, node.column)
        code = f"{self.area}.{what}"
        self.findings.append(
            Finding(code=code, text=text, path=node.path, line=line, column=column, file=self.file),
        )

    def table(self, node: Node, required: Iterable[str], optional: Iterable[str] = ()) -> Table | None:
        """A table with these keys and no others."""
        if not isinstance(node, Table):
            self.wrong("wrong-type", "a table of keys and values is expected here", node)
            return None
        needed = tuple(required)
        known = {*needed, *optional}
        unknown = [(key, place) for key, place in node.places.items() if key not in known]
        for key, place in unknown[:UNKNOWN_NAMED_MAX]:
            self.wrong("unknown-key", f"the key {key!r} is not known here{nearest(key, known)}", node, place)
        if len(unknown) > UNKNOWN_NAMED_MAX:
            more = len(unknown) - UNKNOWN_NAMED_MAX
            self.wrong("unknown-key", f"{more} more keys are not known here", node, unknown[UNKNOWN_NAMED_MAX][1])
        for key in needed:
            if key not in node.entries:
                self.wrong("missing-key", f"the key {key!r} is missing here", node)
        return node

    def items(self, table: Table, key: str, *, filled: bool = False) -> tuple[Node, ...]:
        """The list under a key; none when the key is absent. A single value is not a list."""
        node = table.entries.get(key)
        if node is None:
            return ()
        if not isinstance(node, Items):
            self.wrong("wrong-type", "a list is expected here", node)
            return ()
        if filled and not node.items:
            self.wrong("empty-list", "this list must name at least one", node)
        return node.items

    def text_of(self, node: Node) -> str:
        """A text that is not blank."""
        if not isinstance(node, Value) or not isinstance(node.value, str):
            self.wrong("wrong-type", "a text is expected here; put a number or true/false in quotes", node)
            return ""
        if not node.value.strip() or len(node.value) > TEXT_LENGTH_MAX:
            self.wrong("bad-text", f"the text must not be blank nor longer than {TEXT_LENGTH_MAX} characters", node)
            return ""
        if UNPRINTABLE.search(node.value):
            self.wrong("bad-text", "the text holds a control character", node)
            return ""
        return node.value

    def text(self, table: Table, key: str) -> str:
        """The text under a key, "" when absent or wrong."""
        node = table.entries.get(key)
        return "" if node is None else self.text_of(node)

    def texts(self, table: Table, key: str) -> tuple[str, ...]:
        """A list of texts."""
        found = (self.text_of(node) for node in self.items(table, key))
        return tuple(text for text in found if text)

    def number(self, table: Table, key: str, *, least: int = 1, most: int = 1_000_000) -> int:
        """A whole number within bounds, 0 when absent or wrong."""
        node = table.entries.get(key)
        if node is None:
            return 0
        value = node.value if isinstance(node, Value) else None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong("wrong-type", f"a whole number from {least} to {most} is expected here", node)
            return 0
        return value

    def flag(self, table: Table, key: str, *, absent: bool) -> bool:
        """True or false."""
        node = table.entries.get(key)
        if node is None:
            return absent
        if not isinstance(node, Value) or not isinstance(node.value, bool):
            self.wrong("wrong-type", "true or false is expected here", node)
            return absent
        return node.value

    def word_of(self, node: Node, what: str) -> str:
        """A word in kebab-case."""
        text = self.text_of(node)
        if text and not WORD.fullmatch(text):
            self.wrong("bad-word", f"{what} is written in lower case words joined by hyphens", node)
            return ""
        return text

    def word(self, table: Table, key: str, what: str) -> str:
        """The word under a key, "" when absent or wrong."""
        node = table.entries.get(key)
        return "" if node is None else self.word_of(node, what)

    def pattern(self, table: Table, key: str, form: re.Pattern[str], hint: str) -> str:
        """A text of this form, "" when absent or wrong."""
        text = self.text(table, key)
        if text and not form.fullmatch(text):
            self.wrong("bad-text", hint, table.entries[key])
            return ""
        return text

    def choice(self, table: Table, key: str, words: type[_Word]) -> _Word | None:
        """One of a list of words, None when absent or wrong."""
        node = table.entries.get(key)
        if node is None:
            return None
        text = self.text_of(node)
        known = [str(word) for word in words]
        if text in known:
            return words(text)
        if text:
            hint = f"this must be one of {', '.join(known)}{nearest(text, known)}"
            self.wrong("unknown-word", hint, node)
        return None

    def day(self, table: Table, key: str) -> date | None:
        """A date, None when absent or wrong."""
        node = table.entries.get(key)
        if node is None:
            return None
        text = node.value if isinstance(node, Value) else None
        if isinstance(text, str) and _DATE.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                self.wrong("bad-date", "there is no such day in the calendar", node)
                return None
        self.wrong("bad-date", "a date is written year-month-day, 2026-01-31", node)
        return None

    def duration(self, table: Table, key: str) -> timedelta | None:
        """A duration, None when absent or wrong."""
        node = table.entries.get(key)
        if node is None:
            return None
        length = parse_duration(node.value) if isinstance(node, Value) and isinstance(node.value, str) else None
        if length is None:
            hint = "a duration is written '30 days', '48 hours', '1 year', or as in ISO 8601: P30D, PT48H, P1Y"
            self.wrong("bad-duration", hint, node)
        return length

    def agency_of(self, node: Node) -> AgencyId | None:
        """An agency's id, None when it has not the form of one."""
        text = self.text_of(node)
        if text and len(text) <= 63 and AGENCY_ID.fullmatch(text):
            return AgencyId(text)
        if text:
            hint = "an agency's id is lower case words joined by hyphens, at most 63 characters: millbrook-police"
            self.wrong("bad-agency", hint, node)
        return None

    def agency(self, table: Table, key: str) -> AgencyId | None:
        """The agency under a key, None when absent or wrong."""
        node = table.entries.get(key)
        return None if node is None else self.agency_of(node)

    def agencies(self, table: Table, key: str) -> tuple[AgencyId, ...]:
        """A list of agencies, each named once, at least one."""
        found: list[AgencyId] = []
        for node in self.items(table, key, filled=True):
            agency = self.agency_of(node)
            if agency in found:
                self.wrong("named-twice", "this agency is named twice in the list", node)
            elif agency is not None:
                found.append(agency)
        return tuple(found)
