"""From the table of a clause to a Clause: who gives what to whom, in which form, how fast, for how long."""

from collections.abc import Mapping

from gateway.agency import AgencyId
from gateway.document.source import Items, Node, Table, Value
from gateway.iepd.package import Iepd
from gateway.policy import taking
from gateway.policy.fit import fit_clause
from gateway.policy.frame import check_party
from gateway.policy.mou import Clause, Condition, Deadline, Evidence, Grain, How, Item, Manner, Retention, Transform
from gateway.policy.reading import Reading, nearest
from gateway.policy.victim import refused_by_name


def read_clauses(
    reading: Reading, root: Table, parties: tuple[AgencyId, ...], iepds: Mapping[str, Iepd] | None
) -> tuple[tuple[Clause, Table], ...]:
    """The clauses, each with its place in the file."""
    found: dict[str, tuple[Clause, Table]] = {}
    for table in taking.tables(root, "exchanges"):
        clause = _clause(table)
        _check_parties(reading, clause, table, parties)
        _check_fields(reading, clause, table)
        if clause.id in found:
            reading.wrong("clause-twice", "another clause has this id", table.entries["id"])
        if iepds is not None and clause.exchange:
            _fit(reading, table, clause, iepds)
        found[clause.id] = clause, table
    return tuple(found.values())


def _fit(reading: Reading, table: Table, clause: Clause, iepds: Mapping[str, Iepd]) -> None:
    iepd = iepds.get(clause.exchange)
    if iepd is None:
        hint = f"no exchange {clause.exchange!r} is registered{nearest(clause.exchange, iepds)}"
        reading.wrong("unknown-exchange", hint, table.entries["exchange"])
        return
    fit_clause(reading, clause, table, iepd)


def _clause(table: Table) -> Clause:
    fields, deliver, retention = (taking.below(table, key) for key in ("fields", "deliver", "retention"))
    lasting, before = taking.length(table, "send_at_least"), taking.text(table, "before")
    return Clause(
        id=taking.text(table, "id"),
        exchange=taking.text(table, "exchange"),
        sender=AgencyId(taking.text(table, "from")),
        recipients=tuple(map(AgencyId, taking.texts(table, "to"))),
        purpose=taking.text(table, "purpose"),
        role=taking.text(table, "role"),
        route=tuple(_condition(each) for each in taking.tables(table, "route")),
        share=tuple(_item(node) for node in taking.nodes(fields, "share")),
        transforms=_transforms(fields),
        evidence=taking.choice(deliver, "evidence", Evidence) or Evidence.TRANSPORT,
        within=taking.length(deliver, "within"),
        deadline=Deadline(at_least=lasting, before=before) if lasting is not None and before else None,
        retention=Retention(
            gateway_copy=taking.length(retention, "gateway_copy"),
            recipient_copy=taking.length(retention, "recipient_copy"),
        ),
        notices=taking.texts(table, "notices"),
        onward_sharing=taking.text(table, "onward_sharing"),
        manner=taking.choice(fields, "withhold", Manner) or Manner.DROP,
    )


def _condition(table: Table) -> Condition:
    wanted = table.entries.get("is")
    values = wanted.items if isinstance(wanted, Items) else (wanted,)
    kept = tuple(v.value for v in values if isinstance(v, Value) and isinstance(v.value, bool | str))
    return Condition(fact=taking.text(table, "fact"), values=kept)


def _item(node: Node) -> Item:
    if not isinstance(node, Table):
        return Item(what=taking.word_of(node))
    what, unless, when = (taking.text(node, key) for key in ("field", "unless", "when"))
    return Item(what=what, unless=unless, when=when)


def _transforms(fields: Table | None) -> tuple[Transform, ...]:
    table = None if fields is None else taking.below(fields, "transform")
    entries = {} if table is None else table.entries
    return tuple(_transform(what, entry) for what, entry in entries.items() if isinstance(entry, Table))


def _transform(what: str, table: Table) -> Transform:
    return Transform(
        what=what,
        how=taking.choice(table, "do", How) or How.REMOVE,
        keep_last=taking.number(table, "keep_last"),
        to=taking.choice(table, "to", Grain),
        text=taking.text(table, "with"),
        because=taking.text(table, "because"),
        manner=taking.choice(table, "leave", Manner),
    )


# --- what can be judged without the exchange ---------------------------------------------------------------------


def _check_parties(reading: Reading, clause: Clause, table: Table, parties: tuple[AgencyId, ...]) -> None:
    if clause.sender:
        check_party(reading, table.entries["from"], clause.sender, parties)
    for node in taking.nodes(table, "to"):
        recipient = AgencyId(taking.word_of(node))
        check_party(reading, node, recipient, parties)
        if recipient == clause.sender:
            reading.wrong("to-itself", "a clause does not send to its own sender", node)


def _check_fields(reading: Reading, clause: Clause, table: Table) -> None:
    fields = taking.below(table, "fields")
    if fields is None:
        return
    below = taking.below(fields, "transform")
    given = clause.share or any(transform.how is not How.REMOVE for transform in clause.transforms)
    if below is not None and clause.transforms and not given and "share" not in fields.places:
        reading.wrong("shares-nothing", "this clause shares no field: it only removes", fields)
    for transform in clause.transforms:
        code, hint = refused_by_name(transform)
        if code and below is not None:
            reading.wrong(code, hint, below.entries[transform.what], below.places[transform.what])
