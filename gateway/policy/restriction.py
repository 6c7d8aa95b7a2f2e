"""Restriction: what law says of one field for one recipient, which no agreement loosens.

Law packs become restrictions when rules are compiled, for one clause and one recipient; a restriction can only
withhold. What it depends on at the moment of a decision (a consent, where an object comes from) it names as conditions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.iepd.catalog import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One rule of law on one field.

    law    section that says so, "42 CFR 2.31"; it stands as the clause of the redaction
    where  conditions: the field is withheld where all of them hold; empty = wherever it stands
    """

    law: str
    where: frozenset[str] = field(default_factory=frozenset)


Restrictions = Mapping[Steps, tuple[Restriction, ...]]
"""By the field's path; a field without an entry is not restricted."""

NONE: Restrictions = {}
