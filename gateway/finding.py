"""Finding: one thing that is wrong with a document, an agreement or a deployment.

What can go wrong many times in one document is a value, not an exception. A finding's text is the
gateway's own and holds no value out of the document it speaks of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"  # the document is refused
    WARNING = "warning"  # it is accepted; somebody should look
    NOTE = "note"  # nothing is wrong; it is good to know


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    code    stable and public, e.g. "schema.missing-element"
    path    absolute XPath with namespace prefixes and positions, or a key path in a YAML file; "" = the whole
    line    1-based line in the source, None when there is none (a built document)
    file    name of the file for findings on files of a folder, "" for a message
    """

    code: str
    text: str
    severity: Severity = Severity.ERROR
    path: str = ""
    line: int | None = None
    column: int | None = None
    file: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return " ".join(part for part in (place, f"[{self.code}]", self.path, self.text) if part)


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those findings for which a document is refused."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
