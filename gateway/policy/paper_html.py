"""The paper to sign as one HTML page for a U.S. letter sheet: no scripts, nothing fetched, everything escaped.

Built as a tree and not as text, so that no word of an agreement can become markup.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from lxml import etree

from gateway.agency import Agency, AgencyId, agency_of
from gateway.iepd.package import Iepd
from gateway.policy.duration import in_words
from gateway.policy.format import PROSE
from gateway.policy.mou import Clause, Mou
from gateway.policy.paper import KINDS, Fields, Line, fields_of, party_name, points_of, rule_in_words
from gateway.policy.paper_style import STYLE
from gateway.policy.reading import UNPRINTABLE
from gateway.policy.standing import Standing, row
from gateway.policy.titles import grouped

Element = etree._Element  # noqa: SLF001  (lxml's own name for what it builds)
Agencies = Mapping[AgencyId, Agency]

_CLASSES = {Standing.ENFORCED: "here", Standing.ATTESTED: "partner", Standing.ON_PAPER: "paper"}
_SIGNS = {Standing.ENFORCED: "■", Standing.ATTESTED: "◪", Standing.ON_PAPER: "□"}
"""Told apart without color: the paper is copied in black and white."""


def render(mou: Mou, iepds: Mapping[str, Iepd], agencies: Agencies) -> str:
    """The page. Every clause's exchange must be among the exchanges."""
    page = _Page(mou, iepds, agencies)
    tree = h(
        "html",
        {"lang": "en"},
        h(
            "head",
            h("meta", {"charset": "utf-8"}),
            h(
                "meta",
                {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"},
            ),
            h("meta", {"name": "viewport", "content": "width=device-width"}),
            h("title", f"{mou.id} version {mou.version}"),
            h("style", STYLE),
        ),
        h("body", *page.sections()),
    )
    return etree.tostring(tree, method="html", encoding="unicode", doctype="<!DOCTYPE html>", pretty_print=True)


def h(tag: str, *parts: Mapping[str, str] | Element | str) -> Element:
    """An element with these attributes, children and texts."""
    made = etree.Element(tag)
    for part in parts:
        if isinstance(part, Mapping):
            for name, value in part.items():
                made.set(name, _printable(value))
        elif not isinstance(part, str):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + _printable(part)
        else:
            made.text = (made.text or "") + _printable(part)
    return made


def _printable(text: str) -> str:
    """No agreement holds what XML cannot; titles of a field catalog from elsewhere may."""
    return UNPRINTABLE.sub("\ufffd", text)


class _Page:
    """The parts of one page, in order."""

    def __init__(self, mou: Mou, iepds: Mapping[str, Iepd], agencies: Agencies) -> None:
        self._mou, self._iepds, self._agencies = mou, iepds, agencies
        self._units = any("/" in party for party in mou.parties)
        self._number = 0
        self._marked: dict[
            str, str
        ] = {}  # every part that was marked: its row in the table of standings, and its heading

    def sections(self) -> Iterable[Element]:
        yield from self._head()
        yield from self._parties()
        yield from self._goals()
        yield from self._definitions()
        yield from self._access()
        for clause in self._mou.exchanges:
            yield from self._clause(clause)
        yield from self._around()
        yield from self._contacts()
        yield self._standings()
        yield self._signatures()

    # --- the pieces all sections use ---

    def _section(self, heading: str, *rest: Element, mark: str = "") -> Element:
        self._number += 1
        title = h("h2", f"{self._number}. {heading}", *([self._mark(mark, heading)] if mark else []))
        return h("section", title, *rest)

    def _mark(self, key: str, heading: str) -> Element:
        self._marked.setdefault(key, heading)
        return _sign(row(key, between_units=self._units).standing)

    def _name(self, party: AgencyId) -> str:
        return party_name(party, self._agencies)

    # --- the sections ---

    def _head(self) -> Iterable[Element]:
        mou = self._mou
        dates: list[Element | str] = [f"In effect from {_day(mou.since)} through {_day(mou.until)}. "]
        dates.append(self._mark("effective", "Validity"))
        if mou.supersedes:
            dates += [f" It takes the place of version {mou.supersedes}. ", self._mark("supersedes", "Earlier version")]
        if mou.review_by:
            dates += [f" The parties review it by {_day(mou.review_by)}. ", self._mark("review", "Review")]
        yield h(
            "header",
            h("p", {"class": "kind"}, KINDS[mou.kind]),
            h("h1", mou.title),
            h("p", {"class": "id"}, f"{mou.id}, version {mou.version}"),
            h("p", *dates),
            h("p", {"class": "digest"}, "Digest of the agreement that the gateway enforces: ", h("code", mou.digest)),
        )
        yield h(
            "div",
            {"class": "legend"},
            h("p", h("strong", "Who sees to it that this is kept. "), "Each part is marked:"),
            *(h("p", _sign(standing), f" {says}") for standing, says in _LEGEND.items()),
        )

    def _parties(self) -> Iterable[Element]:
        rows = []
        for party in self._mou.parties:
            agency = self._agencies.get(agency_of(party))
            kind = agency.kind.replace("-", " ") if agency else ""
            ori = f", ORI {agency.ori}" if agency and agency.ori else ""
            rows.append(
                h("tr", h("td", h("strong", self._name(party))), h("td", kind + ori), h("td", h("code", party)))
            )
        yield self._section("Parties", h("table", {"class": "plain"}, *rows), mark="parties")

    def _goals(self) -> Iterable[Element]:
        mou = self._mou
        if mou.goals:
            rows = [h("tr", h("td", each.goal), h("td", each.measure)) for each in mou.goals]
            table = h("table", h("thead", h("tr", h("th", "Goal"), h("th", "Measured by"))), h("tbody", *rows))
            yield self._section("What this is for", table, mark="goals")
        if mou.authority or mou.law_packs:
            said = [h("ul", *(h("li", each) for each in mou.authority))] if mou.authority else []
            if mou.law_packs:
                packs = f"Rules of law the parties name: {', '.join(mou.law_packs)}. "
                said.append(h("p", packs, self._mark("law_packs", "Rules of law")))
            yield self._section("Authority", *said)

    def _definitions(self) -> Iterable[Element]:
        mou = self._mou
        words = (*mou.definitions, *mou.roles, *mou.purposes, *mou.courses)
        if words:
            pairs = [part for each in words for part in (h("dt", each.heading), h("dd", each.text))]
            yield self._section("Definitions", h("dl", *pairs), mark="definitions")

    def _access(self) -> Iterable[Element]:
        mou = self._mou
        if mou.access:
            iepds = self._iepds.values()
            rows = [h("tr", h("td", each.id), h("td", rule_in_words(mou, each, iepds))) for each in mou.access]
            table = h("table", {"class": "numbered"}, *rows)
            yield self._section("Who may see what", table, mark="access")

    def _clause(self, clause: Clause) -> Iterable[Element]:
        iepd = self._iepds[clause.exchange]
        to = ", ".join(self._name(each) for each in clause.recipients)
        points = [
            h(
                "tr",
                h("th", point.heading),
                h("td", point.text),
                h("td", {"class": "marked"}, self._mark(point.standing, point.heading)),
            )
            for point in points_of(self._mou, clause, iepd)
        ]
        yield self._section(
            f"Clause {clause.id}: {iepd.title}",
            h("p", {"class": "way"}, "From ", h("strong", self._name(clause.sender)), " to ", h("strong", to)),
            h("table", {"class": "points"}, *points),
            h("h3", "Which fields, in which form ", self._mark("fields", "Fields")),
            *_fields(fields_of(clause, iepd)),
        )

    def _around(self) -> Iterable[Element]:
        mou = self._mou
        kept = h("p", f"The record of who got what is kept {in_words(mou.audit_kept)}.")
        yield self._section("Record of disclosures", kept, mark="retention.audit")
        if mou.reports:
            rows = [
                h(
                    "tr",
                    h("td", each.id, *([h("br"), h("span", {"class": "small"}, each.text)] if each.text else [])),
                    h("td", f"every {in_words(each.every, months=True)}".replace("every 1 ", "every ")),
                    h("td", ", ".join(each.to)),
                )
                for each in mou.reports
            ]
            head = h("thead", h("tr", h("th", "Report"), h("th", "How often"), h("th", "To")))
            yield self._section("Reports", h("table", head, h("tbody", *rows)), mark="reports")
        if mou.storage:
            parts = (("Where", mou.storage.place), ("Run by", mou.storage.host), ("Safeguards", mou.storage.safeguards))
            rows = [h("tr", h("th", name), h("td", text)) for name, text in parts if text]
            yield self._section("Where records are kept", h("table", {"class": "points"}, *rows), mark="storage")
        for section in mou.prose:
            mark = section.key if section.key in PROSE else "prose"
            yield self._section(section.heading, *_paragraphs(section.text), mark=mark)

    def _contacts(self) -> Iterable[Element]:
        if self._mou.contacts:
            rows = [
                h(
                    "tr",
                    h("td", self._name(each.party)),
                    h("td", each.contact.role),
                    h("td", each.contact.name),
                    h("td", " ".join(part for part in (each.contact.phone, each.contact.email) if part)),
                )
                for each in self._mou.contacts
            ]
            yield self._section("Contacts", h("table", {"class": "plain"}, *rows), mark="contacts")

    def _standings(self) -> Element:
        rows = []
        for standing in Standing:
            for key, heading in self._marked.items():
                found = row(key, between_units=self._units)
                if found.standing is standing:
                    marked = h("td", {"class": "marked"}, _sign(standing))
                    rows.append(h("tr", h("th", heading), h("td", found.why), marked))
        return self._section("Who sees to what, and how", h("table", {"class": "points long"}, *rows))

    def _signatures(self) -> Element:
        mou = self._mou
        given = [
            h("li", f"{self._name(each.party)}: {each.by}, {each.role}, {_day(each.at)}") for each in mou.approvals
        ]
        approved = [h("p", "Approved so far:"), h("ul", *given)] if given else []
        says = h(
            "p",
            f"By signing, each party agrees to {mou.id}, version {mou.version}, with the digest ",
            h("code", mou.digest),
            ". Another digest is another agreement.",
        )
        return self._section("Signatures", says, *approved, *(self._signature(party) for party in mou.parties))

    def _signature(self, party: AgencyId) -> Element:
        lines = ("Signature", "Name", "Title", "Date")
        return h(
            "div",
            {"class": "signature"},
            h("p", h("strong", f"For {self._name(party)}")),
            h("div", {"class": "lines"}, *(h("div", h("span", line)) for line in lines)),
        )


_LEGEND = {
    Standing.ENFORCED: "The gateway does it, or refuses. No person can forget it.",
    Standing.ATTESTED: "The partner is told, with every message or by this paper, and answers for it.",
    Standing.ON_PAPER: "People keep it. The gateway neither carries nor checks it.",
}


def _sign(standing: Standing) -> Element:
    return h("span", {"class": f"mark {_CLASSES[standing]}"}, f"{_SIGNS[standing]} {standing}")


def _fields(fields: Fields) -> Iterable[Element]:
    plain = [each for each in fields.shared if not each.only]
    asked = [each for each in fields.shared if each.only]
    tables = (
        ("Shared as it is", "", [(each, "") for each in plain]),
        ("Shared on a condition", "Condition", [(each, _sentence(each.only)) for each in asked]),
        (
            "Shared in a lesser form",
            "What is given",
            [(each, _sentence((each.form, *each.only, each.why))) for each in fields.reduced],
        ),
        ("Withheld", "Why", [(each, _sentence((each.why,))) for each in fields.withheld]),
    )
    for caption, head, rows in tables:
        if rows:
            yield _table(caption, head, rows)
    if fields.unlisted:
        names = grouped(dict.fromkeys(title for each in fields.unlisted for title in each.titles))
        yield h(
            "p",
            {"class": "unlisted"},
            h("strong", "Withheld because nothing above lists it: "),
            f"{names}. The same holds for any field that a later version of this record adds.",
        )


def _table(caption: str, head: str, rows: Iterable[tuple[Line, str]]) -> Element:
    heads = ["What", *([head] if head else []), "Label"]
    body = [
        h(
            "tr",
            h("td", grouped(line.titles)),
            *([h("td", said)] if head else []),
            h("td", {"class": "label"}, h("code", line.label)),
        )
        for line, said in rows
    ]
    return h(
        "table",
        {"class": "fields three" if head else "fields"},
        h("caption", caption),
        h("thead", h("tr", *(h("th", each) for each in heads))),
        h("tbody", *body),
    )


def _sentence(parts: Iterable[str]) -> str:
    said = ". ".join(f"{part[:1].upper()}{part[1:]}".rstrip(".") for part in parts if part)
    return f"{said}." if said else ""


def _paragraphs(text: str) -> Iterable[Element]:
    return [h("p", part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _day(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
