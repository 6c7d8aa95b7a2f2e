"""Vain lines: lines of a clause that select nothing, never apply, say again what others say, or against the law."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.finding import Severity
from gateway.iepd.catalog import Field, Steps
from gateway.iepd.package import Iepd
from gateway.policy.condition import negation
from gateway.policy.mou import Clause, How, Item, Transform
from gateway.policy.outcome import conditions
from gateway.policy.remark import Remark, Spot, Spots
from gateway.policy.restriction import Restrictions


@dataclass(slots=True)
class _Lines:
    """What speaks of one field: how many lines of the allow-list, how many with each condition, and transforms."""

    shares: int = 0
    asking: dict[str, int] = field(default_factory=dict)
    removals: list[Transform] = field(default_factory=list)
    lesser: list[Transform] = field(default_factory=list)

    def add(self, own: tuple[str, ...]) -> None:
        """One more line, with these conditions."""
        self.shares += 1
        for condition in own:
            self.asking[condition] = self.asking.get(condition, 0) + 1

    def again(self, own: tuple[str, ...]) -> bool:
        """Whether the field fares the same without one line of these conditions."""
        others = self.shares > 1 or bool(self.lesser)
        return bool(self.removals) or (others and all(self.asking[condition] > 1 for condition in own))


class Vain:
    """Looks through one clause.

    always  conditions that hold for every message the clause's route takes
    ending  fields where the catalog ends and the schema does not
    """

    def __init__(
        self,
        clause: Clause,
        iepd: Iepd,
        restrictions: Restrictions,
        always: frozenset[str],
        spots: Spots,
        ending: frozenset[Steps] = frozenset(),
    ) -> None:
        self._ending = ending
        self._clause, self._catalog, self._spots = clause, iepd.catalog, spots
        self._always = always
        self._law = {
            path: min((r.law for r in found if not r.where), default="") for path, found in restrictions.items()
        }
        self._lines: dict[Steps, _Lines] = {}
        for item in clause.share:
            own = conditions(item)
            for each in self._catalog.select(item.what):
                self._of(each).add(own)
        for transform in clause.transforms:
            for each in self._catalog.select(transform.what):
                lines = self._of(each)
                (lines.removals if transform.how is How.REMOVE else lines.lesser).append(transform)

    def _of(self, each: Field) -> _Lines:
        return self._lines.setdefault(each.path, _Lines())

    def remarks(self) -> Iterator[Remark]:
        """What is vain in the clause, in the order of its lines."""
        for number, item in enumerate(self._clause.share):
            found = self._share(number, item, self._catalog.select(item.what))
            if found is not None:
                yield found
        for transform in self._clause.transforms:
            found = self._transform(transform, self._catalog.select(transform.what))
            if found is not None:
                yield found

    # --- lines of the allow-list ---

    def _share(self, number: int, item: Item, fields: tuple[Field, ...]) -> Remark | None:
        spot = self._spots.share(self._clause.id, number)
        blocked = self._blocked(item.what, fields, spot)
        if blocked is not None:
            return blocked
        lines = [self._of(each) for each in fields]
        removing = {transform.what for each in lines for transform in each.removals[:1]}
        if lines and all(each.removals for each in lines):
            text = f"{item.what} is shared here and removed by the line for {', '.join(sorted(removing))}"
            return self._remark("conflicting", Severity.ERROR, text, fields, spot, "take out one of the two lines")
        never = [self._never(each) for each in lines]
        if not lines or all(never):
            why = f": {next(filter(None, never), '')}" if any(never) else ": the exchange has no such field"
            return self._remark("dead-rule", Severity.ERROR, f"{item.what} is never shared{why}", fields, spot)
        going = [each for each in fields if not self._of(each).removals]
        if all(each.path in self._ending for each in going):
            text = f"{item.what} is given only where the catalog ends: the schema lets anything stand there, and no cut"
            way = "take out this line, or name in fields.yaml what stands there"
            return self._remark("catalog-ends", Severity.ERROR, f"{text} lets that through", fields, spot, way)
        own = conditions(item)
        if all(each.again(own) for each in lines):
            text = f"{item.what} is shared by other lines already"
            return self._remark("redundant", Severity.WARNING, text, fields, spot, "take out this line")
        return None

    def _never(self, lines: _Lines) -> str:
        """Why the conditions on a field never let it through, "" when they can."""
        unless = lines.asking.keys()
        against = next((each for each in sorted(unless) if negation(each) in unless), "")
        if against:
            return f"one line gives it only where {against} holds, another only where it does not"
        barred = sorted(unless & self._always)
        return f"the clause's route takes only messages where {barred[0]} holds" if barred else ""

    # --- transforms ---

    def _transform(self, transform: Transform, fields: tuple[Field, ...]) -> Remark | None:
        spot = self._spots.transform(self._clause.id, transform.what)
        lines = [self._of(each) for each in fields]
        if transform.how is How.REMOVE:
            if lines and all(self._withheld_anyway(each, transform) for each in lines):
                text = f"{transform.what} is withheld without this line too: it states what the clause does anyway"
                return self._remark("redundant", Severity.NOTE, text, fields, spot)
            return None
        blocked = self._blocked(transform.what, fields, spot)
        if blocked is not None:
            return blocked
        if lines and all(each.removals for each in lines):
            text = f"{transform.what} is reduced here and removed by another line"
            return self._remark("conflicting", Severity.ERROR, text, fields, spot, "take out one of the two lines")
        if not lines or all(self._never(each) for each in lines):
            return self._remark("dead-rule", Severity.ERROR, f"{transform.what} is never given", fields, spot)
        if all(len(each.lesser) > 1 for each in lines):
            text = f"{transform.what} is reduced in the same way by other lines already"
            return self._remark("redundant", Severity.WARNING, text, fields, spot, "take out this line")
        return None

    @staticmethod
    def _withheld_anyway(lines: _Lines, removal: Transform) -> bool:
        if any(other is not removal for other in lines.removals):
            return True
        return not lines.shares and not lines.lesser

    # --- law ---

    def _blocked(self, what: str, fields: tuple[Field, ...], spot: Spot) -> Remark | None:
        laws = [self._law.get(each.path, "") for each in fields]
        if not any(laws):
            return None
        some = tuple(each for each, law in zip(fields, laws, strict=True) if law)
        sections = ", ".join(sorted(set(filter(None, laws))))
        if all(laws):
            text = f"{what} is given here, and the law always withholds it: {sections}"
            way = "take out this line: it promises what cannot be kept"
            return self._remark("law-blocked", Severity.WARNING, text, some, spot, way)
        text = f"of {what} the law always withholds {', '.join(each.name for each in some)}: {sections}"
        return self._remark("law-blocked", Severity.NOTE, text, some, spot)

    def _remark(
        self, code: str, severity: Severity, text: str, fields: tuple[Field, ...], spot: Spot, *ways: str
    ) -> Remark:
        return Remark(
            code=f"mou.{code}",
            severity=severity,
            clause=self._clause.id,
            text=text,
            fields=tuple(each.name for each in fields),
            ways=ways,
            line=spot[0],
            column=spot[1],
        )
