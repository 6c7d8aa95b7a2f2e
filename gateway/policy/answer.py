"""Answer: may this role see this field for this purpose? One or two plain sentences, and a way on from a dead end."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.agency import AgencyId
from gateway.iepd.catalog import Field
from gateway.iepd.package import Iepd
from gateway.policy.access import Access, Cell, category
from gateway.policy.duties import in_words
from gateway.policy.explain import (
    Law,
    fields_in_words,
    law_of,
    listed,
    no_law,
    outcome_word,
    reference,
    sentence,
    titles_of,
)
from gateway.policy.mou import Clause, Mou
from gateway.policy.outcome import Outcome, outcomes
from gateway.policy.reading import nearest
from gateway.policy.schema import known_words


class Dead(StrEnum):
    """A question that finds nothing to decide."""

    EXCHANGE = "explain.no-such-exchange"
    RECIPIENT = "explain.no-such-recipient"
    FIELD = "explain.no-such-field"
    PURPOSE = "explain.purpose-not-agreed"
    ROLE = "explain.role-not-allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    field     label ("person.name"), labels below a word ("medical.*"), or name of a field
    to        recipient, None = each of them
    exchange  id, with its version or without; "" = each
    """

    field: str
    role: str
    purpose: str
    to: AgencyId | None = None
    exchange: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Of some fields that share one fate.

    outcome  "shared", "reduced" or "withheld"; "nobody" of a dead end
    code     why it is a dead end, "" when it is none
    law      section of law that decided, "" = the agreement alone
    duties   what is demanded of whoever looks, in words
    """

    outcome: str
    text: str
    code: str = ""
    exchange: str = ""
    recipient: str = ""
    clause: str = ""
    law: str = ""
    duties: str = ""
    fields: tuple[str, ...] = field(default=())


def answer(mou: Mou, question: Question, iepds: Mapping[str, Iepd], law: Law = no_law) -> tuple[Answer, ...]:
    """Everything the agreement says to the question, in the order of its clauses; or one dead end."""
    clauses = [each for each in mou.exchanges if question.exchange in {"", each.exchange, category(each.exchange)}]
    if not clauses:
        known = sorted({each.exchange for each in mou.exchanges})
        return _dead(Dead.EXCHANGE, f"{mou.id} says nothing of {question.exchange}", known, question.exchange)
    if question.to is not None:
        known = sorted({each for clause in clauses for each in clause.recipients})
        clauses = [each for each in clauses if question.to in each.recipients]
        if not clauses:
            return _dead(Dead.RECIPIENT, f"{mou.id} gives {question.to} nothing of this", known, question.to)
    named = [each for each in clauses if iepds[each.exchange].catalog.select(question.field)]
    if not named:
        words = sorted({word for each in clauses for word in known_words(iepds[each.exchange].catalog)})
        exchanges = listed(sorted({each.exchange for each in clauses}))
        told = f"There is no field or label {question.field!r} in {exchanges}{nearest(question.field, words)}"
        return (Answer(outcome="nobody", code=Dead.FIELD, text=_ended(told)),)
    meant = [each for each in named if each.purpose == question.purpose]
    if not meant:
        known = sorted({each.purpose for each in named})
        told = f"nobody gets {question.field} for {question.purpose} under {mou.id}"
        return _dead(Dead.PURPOSE, told, known, question.purpose)
    return _by_role(mou, question, meant, iepds, law)


def _by_role(
    mou: Mou, question: Question, meant: list[Clause], iepds: Mapping[str, Iepd], law: Law
) -> tuple[Answer, ...]:
    access = Access(mou)
    found: list[Answer] = []
    denied: list[Answer] = []
    for clause in meant:
        cell = access.cell(clause, question.role)
        # Without rules a clause is for its own role, whatever another clause gives the same recipient.
        if not cell.open or not (mou.access or clause.role == question.role):
            denied.append(_denied(mou, question, clause, cell, access))
            continue
        for recipient in clause.recipients if question.to is None else (question.to,):
            found += _of_clause(mou, question, clause, recipient, iepds[clause.exchange], law, cell)
    return tuple(found) or tuple(denied[:1])


def _dead(code: Dead, told: str, known: Iterable[str], word: str) -> tuple[Answer, ...]:
    """A dead end with the words that would have led on."""
    words = list(known)
    text = f"{told[0].upper()}{told[1:]}. The agreement knows {listed(words)}{nearest(word, words)}"
    return (Answer(outcome="nobody", code=code, text=_ended(text)),)


def _ended(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _denied(mou: Mou, question: Question, clause: Clause, cell: Cell, access: Access) -> Answer:
    """The role may not, with those that may."""
    deny = "deny" if len(cell.denials) > 1 else "denies"
    why = f"{listed(cell.denials)} {deny} it" if cell.denials else "no rule permits it"
    if not mou.access:
        why = "no clause names that role"
    way = (clause.sender, question.to or clause.recipients[0], clause.exchange, clause.purpose)
    others = sorted(role for role, each in access.ways[way].by_role.items() if each.open)
    may = f"Roles that may: {listed(others)}" if others else "No role may"
    told = f"Whoever is {question.role} gets nothing of {clause.exchange} for {clause.purpose} under {mou.id}: {why}."
    return Answer(
        outcome="nobody",
        code=Dead.ROLE,
        text=_ended(f"{told} {may}{nearest(question.role, others)}"),
        exchange=clause.exchange,
        clause=clause.id,
    )


def _of_clause(
    mou: Mou, question: Question, clause: Clause, recipient: AgencyId, iepd: Iepd, law: Law, cell: Cell
) -> Iterator[Answer]:
    decided = outcomes(clause, iepd.catalog, law(mou, clause, recipient))
    selected = iepd.catalog.select(question.field)
    groups: dict[tuple[object, ...], list[Field]] = {}
    for each in selected:
        groups.setdefault(_fate(decided[each.path]), []).append(each)
    demands = "; or else ".join(f"{in_words(demands)} (rule {rule})" for rule, demands in cell.ways if demands)
    for fields in groups.values():
        outcome = decided[fields[0].path]
        whole = len(selected) > 1 and len(fields) == len(selected)
        subject = f"All of {question.field} ({fields_in_words(fields)})" if whole else fields_in_words(fields)
        section = law_of(outcome, clause)
        told = sentence(
            subject,
            outcome,
            f"{recipient} ({question.role}, for {question.purpose})",
            reference(mou, clause),
            titles_of(iepd),
            law=section,
            many=len(fields) > 1,
        )
        if outcome.released and demands:
            told += f" Whoever looks must {demands}."
        elif not outcome.released and not section and _nobody(mou, fields, iepd):
            told += f" Nobody gets {'them' if len(fields) > 1 else 'it'} under this agreement."
        yield Answer(
            outcome=outcome_word(outcome),
            text=told,
            exchange=clause.exchange,
            recipient=recipient,
            clause=clause.id,
            law=section or ", ".join(sorted({each for _, each in outcome.laws})),
            duties=demands if outcome.released else "",
            fields=tuple(each.name for each in fields),
        )


def _fate(outcome: Outcome) -> tuple[object, ...]:
    """What two fields must have in common to be told in one sentence."""
    because = outcome.because.because if outcome.because is not None else ""
    return (outcome_word(outcome), outcome.form, outcome.clause, outcome.unless, outcome.laws, because)


def _nobody(mou: Mou, fields: list[Field], iepd: Iepd) -> bool:
    """Whether no clause of the agreement gives any of these fields to anybody."""
    theirs = [each for each in mou.exchanges if each.exchange == iepd.id]
    decided = [outcomes(each, iepd.catalog) for each in theirs]
    return not any(each[one.path].released for each in decided for one in fields)
