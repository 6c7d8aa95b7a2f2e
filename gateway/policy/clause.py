"""From the text of a clause to a Clause: who gives what to whom, in which form, how fast, for how long."""

import re
from collections.abc import Mapping
from datetime import timedelta

from gateway.agency import AgencyId
from gateway.document.source import Items, Node, Table, Value
from gateway.iepd.package import Iepd
from gateway.policy.fit import Places, fit_clause
from gateway.policy.mou import (
    Clause,
    Condition,
    Deadline,
    Evidence,
    Grain,
    How,
    Item,
    Manner,
    Retention,
    Transform,
)
from gateway.policy.reading import Reading, nearest

_CLAUSE_ID = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}")
_FIELD = re.compile(r"[a-z][a-z0-9]*([.\-][a-z0-9]+)*(\.\*)?")

_CLAUSE_REQUIRED = ("id", "exchange", "from", "to", "purpose", "role", "fields")
_CLAUSE_OPTIONAL = ("route", "deliver", "send_at_least", "before", "retention", "notices", "onward_sharing")


def read_party(reading: Reading, table: Table, key: str, parties: tuple[AgencyId, ...]) -> AgencyId:
    agency = reading.agency(table, key)
    if agency is None:
        return AgencyId("")
    _checkread_party(reading, table.entries[key], agency, parties)
    return agency


def _checkread_party(reading: Reading, node: Node, agency: AgencyId, parties: tuple[AgencyId, ...]) -> None:
    if parties and agency not in parties:
        hint = f"{agency} is not a party of this agreement{nearest(agency, parties)}"
        reading.wrong("not-a-party", hint, node)


def read_clauses(
    reading: Reading, root: Table, parties: tuple[AgencyId, ...], iepds: Mapping[str, Iepd] | None
) -> tuple[Clause, ...]:
    clauses: dict[str, Clause] = {}
    for node in reading.items(root, "exchanges", filled=True):
        table = reading.table(node, _CLAUSE_REQUIRED, _CLAUSE_OPTIONAL)
        if table is None:
            continue
        clause, places = _clause(reading, table, parties)
        if clause.id in clauses:
            reading.wrong("clause-twice", "another clause has this id", table.entries["id"])
        clauses[clause.id] = clause
        if iepds is not None and clause.exchange:
            _fit(reading, table, clause, places, iepds)
    return tuple(clauses.values())


def _fit(reading: Reading, table: Table, clause: Clause, places: Places, iepds: Mapping[str, Iepd]) -> None:
    iepd = iepds.get(clause.exchange)
    if iepd is None:
        hint = f"no exchange {clause.exchange!r} is registered{nearest(clause.exchange, iepds)}"
        reading.wrong("unknown-exchange", hint, table.entries["exchange"])
        return
    fit_clause(reading, clause, places, iepd)


def _clause(reading: Reading, table: Table, parties: tuple[AgencyId, ...]) -> tuple[Clause, Places]:
    places = Places()
    sender = read_party(reading, table, "from", parties)
    share, transforms = _fields(reading, table, places)
    evidence, within = _deliver(reading, table)
    clause = Clause(
        id=reading.pattern(
            table, "id", _CLAUSE_ID, "a clause's id is a letter and up to 15 letters, digits or points: E1"
        ),
        exchange=reading.text(table, "exchange"),
        sender=sender,
        recipients=_recipients(reading, table, sender, parties),
        purpose=reading.word(table, "purpose", "a purpose"),
        role=reading.word(table, "role", "a role"),
        route=_route(reading, table, places),
        share=share,
        transforms=transforms,
        evidence=evidence,
        within=within,
        deadline=_deadline(reading, table, places),
        retention=_retention(reading, table),
        notices=reading.texts(table, "notices"),
        onward_sharing=reading.text(table, "onward_sharing"),
    )
    return clause, places


def _recipients(
    reading: Reading, table: Table, sender: AgencyId, parties: tuple[AgencyId, ...]
) -> tuple[AgencyId, ...]:
    recipients = reading.agencies(table, "to")
    for node, agency in zip(reading.items(table, "to"), recipients, strict=False):
        _checkread_party(reading, node, agency, parties)
        if sender and agency == sender:
            reading.wrong("to-itself", "a clause does not send to its own sender", node)
    return recipients


def _route(reading: Reading, table: Table, places: Places) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    for node in reading.items(table, "route"):
        entry = reading.table(node, ("fact", "is"))
        if entry is None or "is" not in entry.entries:
            continue
        fact = reading.pattern(entry, "fact", _FIELD, "a fact is named by lower case words: under-supervision")
        wanted = entry.entries["is"]
        values = wanted.items if isinstance(wanted, Items) else (wanted,)
        kept = tuple(v.value for v in values if isinstance(v, Value) and isinstance(v.value, bool | str))
        if not values or len(kept) != len(values):
            reading.wrong("wrong-type", "a fact is true, false, a text, or one of a list of these", wanted)
        elif fact:
            conditions.append(Condition(fact=fact, values=kept))
            places.conditions.append(entry)
    return tuple(conditions)


def _fields(reading: Reading, table: Table, places: Places) -> tuple[tuple[Item, ...], tuple[Transform, ...]]:
    node = table.entries.get("fields")
    fields = None if node is None else reading.table(node, (), ("share", "transform"))
    if fields is None:
        return (), ()
    share: list[Item] = []
    for entry in reading.items(fields, "share"):
        item = _item(reading, entry)
        if item is not None:
            share.append(item)
            places.items.append(entry)
    transforms: list[Transform] = []
    below = fields.entries.get("transform")
    if below is not None and not isinstance(below, Table):
        reading.wrong("wrong-type", "transforms are a table: a field or label, and what is done with it", below)
    elif isinstance(below, Table):
        for what, entry in below.entries.items():
            transform = _transform(reading, what, entry, below.places[what])
            if transform is not None:
                transforms.append(transform)
                places.transforms.append(entry)
    if not share and not transforms and not reading.findings:
        reading.wrong("shares-nothing", "this clause shares no field", fields)
    return tuple(share), tuple(transforms)


def _item(reading: Reading, node: Node) -> Item | None:
    if isinstance(node, Value):
        what = reading.text_of(node)
        return Item(what=what) if _named(reading, what, node) else None
    table = reading.table(node, ("field",), ("unless", "when"))
    if table is None or "field" not in table.entries:
        return None
    if not {"unless", "when"} & set(table.entries):
        reading.wrong("missing-key", "write the field by itself, or give it a condition: unless or when", table)
    what = reading.text(table, "field")
    hint = "a fact is named by lower case words: protected"
    unless, when = (reading.pattern(table, key, _FIELD, hint) for key in ("unless", "when"))
    return Item(what=what, unless=unless, when=when) if _named(reading, what, table.entries["field"]) else None


def _named(reading: Reading, what: str, node: Node) -> bool:
    if what and not _FIELD.fullmatch(what):
        hint = "a field or label is lower case words joined by points and hyphens: person.name, medical.*"
        reading.wrong("bad-word", hint, node)
    return bool(_FIELD.fullmatch(what))


_TRANSFORM_KEYS = {How.MASK: "keep_last", How.GENERALIZE: "to", How.REPLACE: "with", How.REMOVE: "because"}
"""The key each transform needs; a pseudonym needs none."""


def _transform(reading: Reading, what: str, node: Node, place: tuple[int, int]) -> Transform | None:
    if not _FIELD.fullmatch(what):
        hint = "a field or label is lower case words joined by points and hyphens: person.name, medical.*"
        reading.wrong("bad-word", hint, node, place)
        return None
    how = reading.choice(node, "do", How) if isinstance(node, Table) else None
    own = _TRANSFORM_KEYS.get(how, "") if how else ""
    needed = ("do", own) if own else ("do",)
    optional = ("because", *(("leave",) if how is How.REMOVE else ())) if how else _TRANSFORM_KEYS.values()
    table = reading.table(node, needed, optional)
    if table is None or how is None or (own and own not in table.entries):
        return None
    grain = reading.choice(table, "to", Grain)
    if how is How.GENERALIZE and grain is None:
        return None
    return Transform(
        what=what,
        how=how,
        keep_last=reading.number(table, "keep_last", least=0, most=8),
        to=grain,
        text=reading.text(table, "with"),
        because=reading.text(table, "because"),
        manner=reading.choice(table, "leave", Manner),
    )


def _deliver(reading: Reading, table: Table) -> tuple[Evidence, timedelta | None]:
    node = table.entries.get("deliver")
    deliver = None if node is None else reading.table(node, (), ("evidence", "within"))
    if deliver is None:
        return Evidence.TRANSPORT, None
    return reading.choice(deliver, "evidence", Evidence) or Evidence.TRANSPORT, reading.duration(deliver, "within")


def _deadline(reading: Reading, table: Table, places: Places) -> Deadline | None:
    present = [key for key in ("send_at_least", "before") if key in table.entries]
    if len(present) == 1:
        hint = "send_at_least and before go together: send_at_least: 48 hours, before: release.scheduled"
        reading.wrong("half-a-deadline", hint, table.entries[present[0]])
    length = reading.duration(table, "send_at_least")
    before = reading.pattern(table, "before", _FIELD, "a moment is named by a fact: release.scheduled")
    if length is None or not before:
        return None
    places.before = table.entries["before"]
    return Deadline(at_least=length, before=before)


def _retention(reading: Reading, table: Table) -> Retention:
    node = table.entries.get("retention")
    retention = None if node is None else reading.table(node, (), ("gateway_copy", "recipient_copy"))
    if retention is None:
        return Retention()
    return Retention(
        gateway_copy=reading.duration(retention, "gateway_copy"),
        recipient_copy=reading.duration(retention, "recipient_copy"),
    )
