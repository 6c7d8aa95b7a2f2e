"""Drafts: a template filled in for these parties, ready for an officer to go through.

A template is a commented agreement with a few marks: `{{from}}`, `{{to}}`, `{{parties}}`, `{{id}}`, `{{since}}`,
`{{until}}`, `{{review}}`, `{{contacts}}`; lines that begin with "#:" speak to this module. `#: line:`, `#: from:` and
`#: to:` say what it is for and for whom when nobody is named; `#: part NAME` takes in a file of `parts/`; what stands
between `#: each recipient` and `#: end` is written once for each of them, with `{{recipient}}` and `{{clause}}`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.agency import Agency, AgencyId

VALID = timedelta(days=3 * 365)
REVIEWED = timedelta(days=365)

_ABOUT = re.compile(r"#: (line|from|to): (.+)")
_PART = re.compile(r"#: part ([a-z\-]+)")
_EACH, _END = "#: each recipient", "#: end"
_MARK = re.compile(r"\{\{([a-z]+)\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One template. line: what it is for; sender, recipients: of the sample agencies."""

    name: str
    line: str
    sender: AgencyId
    recipients: tuple[AgencyId, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Whom a draft is for. agencies: those the gateway knows, for their contacts."""

    sender: AgencyId
    recipients: tuple[AgencyId, ...]
    agencies: Mapping[AgencyId, Agency]

    @property
    def all(self) -> tuple[AgencyId, ...]:
        """Sender and recipients."""
        return (self.sender, *self.recipients)


def read_template(name: str, text: str) -> Template:
    """The template in a file. Raises ValueError for a file that does not say what it is for."""
    about = {match[1]: match[2] for line in text.splitlines() if (match := _ABOUT.fullmatch(line))}
    if about.keys() != {"line", "from", "to"}:
        raise ValueError(f"the template {name} lacks one of its first lines")
    recipients = tuple(AgencyId(each.strip()) for each in about["to"].split(","))
    kept = "".join(line for line in text.splitlines(keepends=True) if not _ABOUT.fullmatch(line.rstrip("\n")))
    return Template(name=name, line=about["line"], sender=AgencyId(about["from"]), recipients=recipients, text=kept)


def fill(template: Template, parts: Mapping[str, str], parties: Parties, *, id: str, since: date) -> str:
    """The draft of an agreement, in effect from this day."""
    words = {
        "id": id,
        "from": str(parties.sender),
        "to": ", ".join(parties.recipients),
        "parties": ", ".join(parties.all),
        "since": since.isoformat(),
        "until": (since + VALID).isoformat(),
        "review": (since + REVIEWED).isoformat(),
        "contacts": _contacts(parties).rstrip("\n"),
    }
    lines = list(_each(_with_parts(template.text.splitlines(), parts), parties.recipients))
    return "\n".join(_filled(line, words) for line in lines) + "\n"


def _with_parts(lines: Iterable[str], parts: Mapping[str, str]) -> Iterable[str]:
    for line in lines:
        part = _PART.fullmatch(line)
        if part is None:
            yield line
        else:
            yield from parts[part[1]].splitlines()


def _each(lines: Iterable[str], recipients: Sequence[AgencyId]) -> Iterable[str]:
    """The lines with each block written once for each recipient. Clauses are numbered on from those before it."""
    block: list[str] | None = None
    clauses = 0
    for line in lines:
        if line == _EACH:
            block = []
        elif line == _END and block is not None:
            for recipient in recipients:
                clauses += 1
                words = {"recipient": str(recipient), "clause": f"E{clauses}"}
                yield from (_filled(each, words) for each in block)
            block = None
        elif block is not None:
            block.append(line)
        else:
            clauses += line.startswith("  - id: E")
            yield line


def _filled(line: str, words: Mapping[str, str]) -> str:
    return _MARK.sub(lambda mark: words.get(mark[1], mark[0]), line)


def _contacts(parties: Parties) -> str:
    """A liaison for each party: from its agency file, else a line to fill in."""
    found = ["contacts:"]
    for party in parties.all:
        agency = parties.agencies.get(party)
        known = next((each for each in (agency.contacts if agency else ()) if each.role == "liaison"), None)
        name = known.name if known else "TO BE NAMED"
        rest = [
            f'{key}: "{value}"' for key, value in _reached(known.phone if known else "", known.email if known else "")
        ]
        found.append("  - {" + ", ".join([f"party: {party}", "role: liaison", f'name: "{_quoted(name)}"', *rest]) + "}")
    return "\n".join(found)


def _reached(phone: str, email: str) -> list[tuple[str, str]]:
    return [(key, _quoted(value)) for key, value in (("phone", phone), ("email", email)) if value]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def id_of(parties: Parties, since: date) -> str:
    """An id to begin with: the last words of the parties' ids and the year, "JAIL-POLICE-2026"."""
    return "-".join([*(party.split("-")[-1].upper() for party in parties.all[:3]), str(since.year)])
