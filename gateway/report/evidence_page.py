"""Evidence page: what an evidence package says, proves and does not prove, and how to check it - for a reader of law.

The same words twice: as plain text, and as one HTML file without scripts and with nothing from outside.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from gateway.clock import timestamp
from gateway.report.pages import pages

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the log in words. index: its place in the log."""

    index: int
    at: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePage:
    """What the page is made of.

    whole     it is the whole log, not some entries
    root      64 hex digits
    verifier  SHA-256 of the verifier in the package, hex
    cosigners partners that have countersigned the checkpoint
    lacking   what its entries speak of and is not in it
    happened  the first entries, in words
    """

    origin: str
    about: str
    whole: bool
    made: datetime
    size: int
    root: str
    entries: int
    covers: int
    contents: int
    receipts: int
    destructions: int
    agreements: tuple[str, ...]
    laws: int
    cosigners: tuple[str, ...]
    verifier: str
    lacking: tuple[str, ...]
    happened: tuple[Happened, ...]


class Section(NamedTuple):
    """A heading and what stands under it: paragraphs, and lines that are typed as they are."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()


def as_text(page: EvidencePage) -> str:
    """Plain text."""
    lines: list[str] = [title(page), "=" * len(title(page))]
    for section in sections(page):
        lines += ["", section.heading, "-" * len(section.heading)]
        for paragraph in section.paragraphs:
            lines += _wrapped(paragraph)
        for point in section.points:
            lines += _wrapped(point, "  - ")
        lines += [f"    {each}" for each in section.typed]
    if page.happened:
        lines += ["", told_heading(page), "-" * len(told_heading(page))]
        for each in page.happened:
            lines += _wrapped(each.what, f"{each.index:>8}  {each.at}  ")
    return "\n".join((*lines, ""))


def _wrapped(text: str, first: str = "") -> list[str]:
    """Lines of a text; ids are not broken."""
    rest = " " * len(first)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def as_html(page: EvidencePage) -> str:
    """One HTML file."""
    return pages.get_template("evidence.html").render(
        page=page, title=title(page), sections=list(sections(page)), told_heading=told_heading(page)
    )


def title(page: EvidencePage) -> str:
    """Of the page."""
    return f"Evidence from the log of {page.origin}"


def told_heading(page: EvidencePage) -> str:
    """Above the entries."""
    left = page.entries - len(page.happened)
    return "What the log says" + (f" (the first {len(page.happened)}; {left} more are in the package)" if left else "")


def sections(page: EvidencePage) -> Iterator[Section]:
    """The page."""
    what = (
        f"Evidence about: {page.about}. Handed out {timestamp(page.made)} by the gateway that calls its log "
        f"{page.origin}. The gateway passes records between agencies under written agreements, and keeps a log of each "
        "act, to which entries can be added but in which none can be changed, removed or moved unnoticed."
    )
    yield Section("What this is", (what,))
    yield Section("What is in it", points=tuple(_held(page)))
    yield Section("What it proves", points=tuple(_proves(page)))
    yield Section("What it does not prove", points=tuple(_proves_not(page)))
    yield _checking(page)
    if page.lacking:
        yield Section("What is missing", points=page.lacking)


def _held(page: EvidencePage) -> Iterator[str]:
    kind = "all entries" if page.whole else "entries, each with the proof of its place"
    yield f"{page.entries} {kind} (log.jsonl)" if page.whole else f"{page.entries} {kind} (entries.jsonl)"
    yield f"the signed head of the log over {page.size} entries (checkpoint), root {page.root}"
    if page.cosigners:
        yield f"on it the countersignatures of {', '.join(page.cosigners)}"
    if page.covers:
        one = "Covers" if page.covers != 1 else "Cover"
        yield f"{page.covers} {one}: the signed paper that went with each release and says under which agreement"
    if page.receipts:
        yield f"{page.receipts} signed receipt{'s' if page.receipts != 1 else ''} for what was taken in"
    if page.destructions:
        one = "certificates" if page.destructions != 1 else "certificate"
        yield f"{page.destructions} signed {one} of the destruction of the gateway's copies"
    if page.agreements:
        versions = len(page.agreements) // 2
        yield f"the text of {versions} agreement{'s' if versions != 1 else ''} as in force then (agreements)"
    if page.laws:
        yield f"the texts of {page.laws} packs of legal rules that were applied (laws)"
    if page.contents:
        yield f"{page.contents} contents as recipients got them (payloads): confidential, handle them as such"
    else:
        yield "no content of any record, and no names of the people they are about"


def _proves(page: EvidencePage) -> Iterator[str]:
    yield "Each entry stood in the gateway's log, word for word, when the head was signed, and at its very place."
    if page.whole:
        yield "The log has no other entries before that head, and none was changed, left out or moved."
    if page.covers:
        yield "Each Cover is the one that was signed for the release that its entry records."
    if page.agreements:
        yield "Each agreement's text is the one that the entries name by its digest, to the letter."
    if page.receipts:
        yield "What the gateway promised in a receipt, it has written into its log."
    if page.contents:
        yield "Each content is the one that the gateway committed to when it was released."
    if page.cosigners:
        yield "A partner saw the same log: the gateway cannot have shown it another one."


def _proves_not(page: EvidencePage) -> Iterator[str]:
    if not page.whole:
        yield (
            "That these are all entries there are about this. Only the whole log shows that (gateway audit export "
            "--all), held against a head that somebody else has kept."
        )
    yield "That what an agency reported was true: the log says what was sent and under which rule, not what happened."
    yield "Who at the receiving agency has read it, and what was said by telephone or on paper."
    if not page.cosigners:
        yield (
            "That everybody was shown the same log. Ask the agencies that exchange with this gateway for a head of the "
            "log that they have kept, or for a countersigned one."
        )
    yield "Whose the keys are. A key that lies in this package proves nothing: get it by hand, from the agency."


def _checking(page: EvidencePage) -> Section:
    how = (
        "On any computer with Python 3.11 or later, without a network. Ask the agency, or better a partner agency, for "
        "the log's key, the key of receipts and the certificate of the gateway's authority, on paper or in person, and "
        "compare them with those in the folders keys and certificates. Take verifier.py from the gateway's published "
        "source; the copy in this package should have the SHA-256 below. Then:"
    )
    return Section(
        "How to check it",
        (how,),
        typed=(
            f"SHA-256 {page.verifier}  verifier.py",
            "python -m pip install cryptography",
            "python verifier.py PACKAGE.zip --key LOG-KEY --receipt-key RECEIPT-KEY --authority CERTIFICATE",
            "",
            "Every check is printed. The last line says PASSED or FAILED, and how many checks could not be made.",
            "Without Python, that no file was damaged on its way: unzip it, and there: sha256sum -c files.txt",
        ),
    )


# --- entries in words -------------------------------------------------------------------------------------------


def happened(index: int, entry: Mapping[str, Any]) -> Happened:
    """An entry in words. What has none of its own is told by its type and the keys people ask for."""
    told = _SENTENCES.get(entry["type"])
    try:
        what = told.format_map(_Words(entry)) if told is not None else _plainly(entry)
    except KeyError:
        what = _plainly(entry)
    return Happened(index, entry["at"], what)


_SENTENCES = {
    "receive": "message {message} of {sender} taken in: {exchange}, {action}",
    "repeat": "{sender} sent message {message} again and got its first receipt",
    "refuse": "a submission was not taken in: {code}",
    "disseminate": (
        "released to {recipient} under {mou}, clause {clauses}, for {purpose}: "
        "{shared} fields as they are, {reduced} in a lesser form, {withheld} withheld (dissemination {dissemination})"
    ),
    "emergency": "released to {recipient} in an emergency ({reason}) by {actor} and {second}",
    "withhold": "nothing released to {recipient}: {code}",
    "trial": "on trial under {mou}, nothing left: what {recipient} would get was counted",
    "deliver": "delivered to {recipient} (evidence: {evidence})",
    "evidence": "the answer that {recipient} signed was verified",
    "fail": "a try to deliver to {recipient} failed: {code}",
    "undeliverable": "given up: not delivered to {recipient}",
    "expire": "too late: not delivered to {recipient}",
    "recall": "recalled before {recipient} had it",
    "register": "filed: {mou}",
    "approve": "{actor} approved {mou} for {agency}",
    "withdraw": "{actor} took back the approval of {mou} by {user}",
    "check": "{mou} was checked: {outcome}",
    "activate": "{actor} put {mou} in force or on trial: {state}",
    "suspend": "{actor} suspended {mou}",
    "end": "{actor} ended {mou}",
    "destroy": "copies destroyed ({kind}, {reason}): {count} payloads of this and other messages",
    "hold": "destruction was halted by a hold",
    "release": "a hold was lifted",
    "read": "content was read ({kind})",
    "export": "evidence was handed out ({kind})",
}
"""By an entry's type; a word in braces is one of its keys."""


class _Words(dict[str, Any]):
    def __getitem__(self, key: str) -> str:
        value = super().__getitem__(key)
        if isinstance(value, dict):
            return str(sum(value.values()))
        return ", ".join(value) if isinstance(value, list) else str(value)


def _plainly(entry: Mapping[str, Any]) -> str:
    keys = ("action", "kind", "agency", "recipient", "mou", "actor", "code", "outcome", "state")
    return ", ".join((str(entry["type"]), *(f"{key} {entry[key]}" for key in keys if key in entry)))
