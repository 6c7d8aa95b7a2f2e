"""Remark: one thing that the check of an agreement has to say, with a picture and a way out where there is one."""

from dataclasses import dataclass

from gateway.document.source import Items, Node, Table, Value
from gateway.finding import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A counter-example: an invented piece of a message as it is received, and what is left of it; lines of XML.

    where  the element, in the exchange's words
    after  () = nothing
    """

    where: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One remark.

    code    "mou.promise-lost"
    clause  id of the clause, "" = the whole agreement
    fields  names of the fields it is about
    ways    ways out, each a sentence
    """

    code: str
    severity: Severity
    text: str
    clause: str = ""
    fields: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    picture: Picture | None = None
    line: int | None = None
    column: int | None = None

    def finding(self, file: str) -> Finding:
        """The remark as a finding of the agreement's file."""
        text = "; ".join((self.text, *(f"way out: {way}" for way in self.ways)))
        return Finding(
            code=self.code,
            text=text,
            severity=self.severity,
            path=f"clause {self.clause}" if self.clause else "",
            line=self.line,
            column=self.column,
            file=file,
        )


Spot = tuple[int, int] | tuple[None, None]
"""Line and column, from 1."""

NO_SPOT: Spot = (None, None)


class Spots:
    """Where the lines of an agreement stand in its file; everything is nowhere when there is no file."""

    def __init__(self, source: Table | None) -> None:
        self._clauses: dict[str, Table] = {}
        exchanges = source.entries.get("exchanges") if source is not None else None
        for node in exchanges.items if isinstance(exchanges, Items) else ():
            id = node.entries.get("id") if isinstance(node, Table) else None
            if isinstance(node, Table) and isinstance(id, Value):
                self._clauses[str(id.value)] = node

    def clause(self, id: str) -> Spot:
        """Of a clause."""
        return _spot(self._clauses.get(id))

    def share(self, clause: str, number: int) -> Spot:
        """Of a line of an allow-list."""
        node = self._field(clause, "share")
        found = node.items[number] if isinstance(node, Items) and number < len(node.items) else None
        return _spot(found) if found is not None else self.clause(clause)

    def transform(self, clause: str, what: str) -> Spot:
        """Of a transform, by the field or label that it names."""
        node = self._field(clause, "transform")
        return node.places.get(what, self.clause(clause)) if isinstance(node, Table) else self.clause(clause)

    def _field(self, clause: str, key: str) -> Node | None:
        table = self._clauses.get(clause)
        fields = table.entries.get("fields") if table is not None else None
        return fields.entries.get(key) if isinstance(fields, Table) else None


def _spot(node: Node | None) -> Spot:
    return NO_SPOT if node is None else (node.line, node.column)
