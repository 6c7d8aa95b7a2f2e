"""The frame of an agreement: parties, dates, words, contacts, prose, reports, approvals."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from gateway.agency import Agency, AgencyId, Contact, agency_of
from gateway.document.source import Node, Table
from gateway.policy import taking
from gateway.policy.format import EMAIL, PROSE
from gateway.policy.mou import Approval, Goal, Kind, PartyContact, Report, Section, Storage
from gateway.policy.reading import Reading, nearest

AUDIT_KEPT_LEAST = timedelta(days=365)
"""CJIS Security Policy, AU-11."""

UNITS_MAY = frozenset({Kind.SOP, Kind.LETTER})
"""Kinds of paper that may bind units of one agency."""


# --- parties -----------------------------------------------------------------------------------------------------


def check_party(reading: Reading, node: Node, party: AgencyId, parties: tuple[AgencyId, ...]) -> None:
    """Report one who is named and does not agree to anything."""
    if parties and party not in parties:
        reading.wrong("not-a-party", f"{party} is not a party of this agreement{nearest(party, parties)}", node)


def read_parties(
    reading: Reading, root: Table, kind: Kind | None, agencies: Mapping[AgencyId, Agency] | None
) -> tuple[AgencyId, ...]:
    """Who agrees: agencies, or units of one of them."""
    named = taking.nodes(root, "parties")
    parties = tuple(AgencyId(taking.word_of(node)) for node in named)
    if not parties or "parties" not in root.entries:
        return parties
    of = {agency_of(party) for party in parties}
    units = [node for node in named if "/" in taking.word_of(node)]
    if len(of) == 1 and (len(parties) == 1 or len(units) == len(parties)):
        if len(parties) == 1 or kind not in UNITS_MAY:
            hint = "an agreement has at least two parties; an sop or a letter may have two units of one agency"
            reading.wrong("one-party", hint, root.entries["parties"])
    else:
        for node in units:
            hint = f"between agencies the agency itself is the party: {agency_of(AgencyId(taking.word_of(node)))}"
            reading.wrong("unit-of-an-agency", hint, node)
    if agencies is not None:
        for node, party in zip(named, parties, strict=True):
            _check_agency(reading, node, party, agencies)
    return parties


def _check_agency(reading: Reading, node: Node, party: AgencyId, agencies: Mapping[AgencyId, Agency]) -> None:
    agency = agencies.get(agency_of(party))
    _, _, unit = party.partition("/")
    if agency is None:
        hint = f"{agency_of(party)} is not an agency of this gateway{nearest(agency_of(party), agencies)}"
        reading.wrong("unknown-agency", hint, node)
    elif unit and unit not in {each.id for each in agency.units}:
        hint = f"{agency.id} has no unit {unit}{nearest(unit, [each.id for each in agency.units])}"
        reading.wrong("unknown-agency", hint, node)


# --- dates -------------------------------------------------------------------------------------------------------


def read_effective(reading: Reading, root: Table) -> tuple[date | None, date | None, date | None]:
    """First day, last day, day of review."""
    table = taking.below(root, "effective")
    if table is None:
        return None, None, None
    since, until, review_by = (taking.day(table, key) for key in ("from", "until", "review_by"))
    if since and until and until < since:
        reading.wrong("ends-before-start", "the last day lies before the first", table.entries["until"])
    elif review_by and until and review_by > until:
        reading.wrong("review-after-end", "the review falls after the last day", table.entries["review_by"])
    if review_by and since and review_by < since:
        reading.wrong("review-before-start", "the review falls before the first day", table.entries["review_by"])
    return since, until, review_by


def read_supersedes(reading: Reading, root: Table) -> tuple[int, int]:
    """The version, and the one it takes the place of."""
    version, supersedes = taking.number(root, "version"), taking.number(root, "supersedes")
    if version and supersedes >= version:
        reading.wrong("bad-version", f"version {version} supersedes an earlier one only", root.entries["supersedes"])
    return version, supersedes


def read_approvals(
    reading: Reading, root: Table, parties: tuple[AgencyId, ...], since: date | None
) -> tuple[Approval, ...]:
    """Who approved it. An agreement takes effect when all have, so none may be later than its first day."""
    found: list[Approval] = []
    for table in taking.tables(root, "approvals"):
        at, party = taking.day(table, "at"), AgencyId(taking.text(table, "party"))
        if party:
            check_party(reading, table.entries["party"], party, parties)
        if at is None:
            continue
        if since is not None and at > since:
            hint = f"approved on {at}, but in effect from {since}: an agreement takes effect after it is approved"
            reading.wrong("effective-before-approval", hint, table.entries["at"])
        by, role, key, signature = (taking.text(table, each) for each in ("by", "role", "key", "signature"))
        found.append(Approval(party=party, by=by, role=role, at=at, key=key, signature=signature))
    return tuple(found)


def read_audit_kept(reading: Reading, root: Table) -> timedelta | None:
    """How long records of disclosure are kept; None = the agreement is silent."""
    table = taking.below(root, "retention")
    kept = taking.length(table, "audit")
    if table is not None and kept is not None and kept < AUDIT_KEPT_LEAST:
        hint = "the record of disclosures is kept at least a year (CJIS Security Policy, AU-11)"
        reading.wrong("audit-too-short", hint, table.entries["audit"])
    return kept


# --- people and prose --------------------------------------------------------------------------------------------


def read_contacts(reading: Reading, root: Table, parties: tuple[AgencyId, ...]) -> tuple[PartyContact, ...]:
    """Whom to call."""
    found: list[PartyContact] = []
    for table in taking.tables(root, "contacts"):
        party = AgencyId(taking.text(table, "party"))
        if party:
            check_party(reading, table.entries["party"], party, parties)
        role, name, phone, email = (taking.text(table, each) for each in ("role", "name", "phone", "email"))
        found.append(PartyContact(party=party, contact=Contact(role=role, name=name, phone=phone, email=email)))
    return tuple(found)


def read_reports(reading: Reading, root: Table, contacts: Collection[PartyContact]) -> tuple[Report, ...]:
    """Which reports come of it; whoever gets one is an address or a contact."""
    roles = {each.contact.role for each in contacts}
    found: dict[str, Report] = {}
    for table in taking.tables(root, "reports"):
        id = taking.text(table, "id")
        if id in found:
            reading.wrong("report-twice", "another report has this id", table.entries["id"])
        for node in taking.nodes(table, "to"):
            to = taking.word_of(node)
            if to not in roles and not EMAIL.fullmatch(to):
                hint = f"{to!r} is no e-mail address and no role of a contact of this agreement{nearest(to, roles)}"
                reading.wrong("unknown-contact", hint, node)
        every = taking.length(table, "every")
        if every is not None:
            found[id] = Report(id=id, every=every, to=taking.texts(table, "to"), text=taking.text(table, "text"))
    return tuple(found.values())


def read_goals(root: Table) -> tuple[Goal, ...]:
    """What the parties want to reach."""
    return tuple(
        Goal(goal=taking.text(each, "goal"), measure=taking.text(each, "measure"))
        for each in taking.tables(root, "goals")
    )


def read_storage(root: Table) -> Storage | None:
    """Where recipients keep what they get: a text alone is the place."""
    table = taking.below(root, "storage")
    if table is None:
        place = taking.text(root, "storage")
        return Storage(place=place) if place else None
    return Storage(
        place=taking.text(table, "place"), host=taking.text(table, "host"), safeguards=taking.text(table, "safeguards")
    )


def read_meanings(root: Table, key: str) -> tuple[Section, ...]:
    """Words, and what they mean."""
    table = taking.below(root, key)
    entries = {} if table is None else table.entries
    return tuple(Section(heading=word, text=taking.word_of(node), key=key) for word, node in entries.items())


def read_prose(root: Table) -> tuple[Section, ...]:
    """What only people read."""
    kept = [
        Section(heading=heading, text=taking.text(root, key), key=key)
        for key, (heading, _) in PROSE.items()
        if key in root.entries
    ]
    own = taking.tables(root, "prose")
    return (*kept, *(Section(heading=taking.text(each, "heading"), text=taking.text(each, "text")) for each in own))
