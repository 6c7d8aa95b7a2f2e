"""Mandate: fields that a law orders to be shared with a kind of recipient."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.finding import Severity
from gateway.iepd.catalog import Catalog, Field, Steps
from gateway.policy.mou import Clause
from gateway.policy.outcome import Outcome
from gateway.policy.remark import Remark, Spot

ENVELOPE = "message."
"""Labels of what a message says of itself: no mandate speaks of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """What one section orders.

    law      section, "N.Y. Correction Law 149"
    text     the rule in one sentence
    labels   labels or names of fields that must be shared, where the exchange has them
    no_more  all other fields need a basis of their own
    """

    law: str
    text: str
    labels: tuple[str, ...]
    no_more: bool = False


def mandated(
    mandates: Iterable[Mandate], clause: Clause, catalog: Catalog, decided: dict[Steps, Outcome], spot: Spot
) -> Iterator[Remark]:
    """What of the mandates is missing, and what goes beyond them."""
    for mandate in mandates:
        asked = [(label, catalog.select(label)) for label in mandate.labels]
        missing = {label: _withheld(fields, decided) for label, fields in asked}
        missing = {label: fields for label, fields in missing.items() if fields}
        if missing:
            yield Remark(
                code="mou.mandate-missing",
                severity=Severity.ERROR,
                clause=clause.id,
                text=f"{mandate.law} orders {', '.join(missing)} to be shared, and the clause withholds it",
                fields=tuple(field.name for fields in missing.values() for field in fields),
                ways=(f"share {', '.join(missing)}",),
                line=spot[0],
                column=spot[1],
            )
        known = {field.path for _, fields in asked for field in fields}
        beyond = [field for field in catalog.fields if field.path not in known and decided[field.path].released]
        labels = sorted({field.label for field in beyond if not field.label.startswith(ENVELOPE)})
        if mandate.no_more and labels:
            yield Remark(
                code="mou.mandate-exceeded",
                severity=Severity.WARNING,
                clause=clause.id,
                text=f"{mandate.law} does not speak of {', '.join(labels)}: giving that needs a basis of its own",
                fields=tuple(field.name for field in beyond if not field.label.startswith(ENVELOPE)),
                line=spot[0],
                column=spot[1],
            )


def _withheld(fields: Iterable[Field], decided: dict[Steps, Outcome]) -> list[Field]:
    return [field for field in fields if not decided[field.path].released]
