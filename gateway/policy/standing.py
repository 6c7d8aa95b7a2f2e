"""Standing: who sees to it that a part of an agreement is kept - this gateway, the partner, or people.

The one table that the paper to sign is marked from. It is honest before it is proud: "enforced here" is only what this
gateway does or refuses by itself, today; what it merely writes down, carries or counts is not. Whoever builds the
enforcement of a row changes the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """Who sees to it."""

    ENFORCED = "enforced here"  # the gateway does it, or refuses
    ATTESTED = "attested by the partner"  # the partner is told, in a signed Cover or by this paper, and answers for it
    ON_PAPER = "on paper only"  # people keep it; the gateway neither carries nor checks it


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One part of an agreement. why: a sentence for the paper."""

    standing: Standing
    why: str


def _here(why: str) -> Row:
    return Row(standing=Standing.ENFORCED, why=why)


def _partner(why: str) -> Row:
    return Row(standing=Standing.ATTESTED, why=why)


def _paper(why: str) -> Row:
    return Row(standing=Standing.ON_PAPER, why=why)


ROWS: Mapping[str, Row] = {
    # the frame
    "parties": _here("Nobody else sends or receives anything under this agreement."),
    "effective": _here("Nothing goes before the first day or after the last."),
    "review": _paper("The parties keep this date themselves."),
    "supersedes": _here("The earlier version ends when this one takes effect."),
    "law_packs": _here(
        "What these packs withhold is withheld here, as is what law that binds the parties anyway withholds."
    ),
    "access": _partner("The recipient's system lets in only people who fulfill this, and answers for it."),
    # a clause
    "fields": _here(
        "What is not listed is taken out of every message before it leaves, and the rest is validated again."
    ),
    "route": _here("A message that does not fulfill all of them does not go."),
    "purpose": _partner("Purpose and role travel in the signed Cover; the recipient's system holds to them."),
    "evidence.transport": _here("Until the recipient's system has answered, a message is tried again."),
    "evidence.signed": _paper(
        "The gateway takes an answer without an error for delivery; people ask for the signature."
    ),
    "within": _paper("Late deliveries are listed, with by how much and why: gateway report late-notices."),
    "deadline": _paper("Late notices are listed, with by how much and why: gateway report late-notices."),
    "gateway_copy": _here(
        "Every copy is sealed under a key of its own; when its day is over, that key is destroyed and it is certified."
    ),
    "recipient_copy": _partner("The day travels in the signed Cover of every message."),
    "notices": _here("They travel in the signed Cover of every message."),
    "onward_sharing": _partner("The rule travels in the signed Cover of every message."),
    # what stands around it
    "goals": _paper("The parties measure them."),
    "definitions": _paper("For people who read this agreement."),
    "retention.audit": _here("The log only grows: nothing can be taken out of it unseen."),
    "reports": _paper("People make them from the log."),
    "storage": _partner("The recipient answers for the place by signing; the gateway cannot look inside."),
    "training": _partner("The recipient answers for it by signing."),
    "breach_notice": _paper("People tell people."),
    "third_parties": _partner("The recipient answers for it; the rule on passing on travels in every Cover."),
    "audit": _paper("Any party can fetch and verify its part of the log; what else is agreed is a matter of people."),
    "disputes": _paper("People settle them."),
    "termination": _paper("People give notice; from the moment the agreement is ended here, nothing more goes."),
    "prose": _paper("For people who read this agreement."),
    "contacts": _paper("People call people."),
}

BETWEEN_UNITS = _paper("The gateway connects agencies, not their units: between units people keep this.")

_OF_CLAUSES = frozenset(
    {"parties", "effective", "fields", "route", "purpose", "notices", "onward_sharing", "recipient_copy"}
    | {"gateway_copy", "supersedes", "evidence.transport", "retention.audit", "law_packs"}
)


def row(key: str, *, between_units: bool = False) -> Row:
    """Who sees to this part."""
    return BETWEEN_UNITS if between_units and key in _OF_CLAUSES else ROWS[key]
