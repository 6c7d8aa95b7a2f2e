"""Why a field is shared, reduced or withheld: a sentence an officer can read out."""

from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.iepd.catalog import Field
from gateway.iepd.package import Iepd
from gateway.policy.mou import Clause, Grain, How, Mou, Transform
from gateway.policy.outcome import DEFAULT, Outcome, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What becomes of one field, and why.

    outcome  "shared", "reduced" or "withheld"
    """

    field: str
    label: str
    title: str
    outcome: str
    text: str


def explain(mou: Mou, clause: Clause, iepd: Iepd, recipient: AgencyId | None = None) -> tuple[Explanation, ...]:
    """A sentence for every field of the clause's exchange, in catalog order."""
    decided = outcomes(clause, iepd.catalog)
    titles = {fact.name: fact.title for fact in iepd.facts}
    to = str(recipient) if recipient is not None else " and ".join(clause.recipients)
    reference = f"{mou.id} v{mou.version}, clause {clause.id}"
    return tuple(_explain(field, decided[field.path], to, reference, titles) for field in iepd.catalog.fields)


def _explain(field: Field, outcome: Outcome, to: str, reference: str, titles: dict[str, str]) -> Explanation:
    transform = outcome.because
    reason = f" {transform.because}" if transform is not None and transform.because else ""
    if not outcome.released:
        word = "withheld"
        why = f"{reference} does not list it." if outcome.clause == DEFAULT else f"{reference} removes it.{reason}"
        text = f"{field.title} is withheld from {to}: {why}"
    elif transform is None or outcome.change is None:
        word = "shared"
        text = f"{field.title} is shared with {to}: {reference}{_conditions(outcome, titles)}.{reason}"
    else:
        word = "reduced"
        text = f"{field.title} is given to {to} {_form(transform)}: {reference}{_conditions(outcome, titles)}.{reason}"
    return Explanation(field=field.name, label=field.label, title=field.title, outcome=word, text=text)


def _conditions(outcome: Outcome, titles: dict[str, str]) -> str:
    """The conditions in the titles of their facts: ", unless: victim is protected"."""
    words = []
    for condition in sorted(outcome.unless):
        fact = condition.removeprefix("not ")
        words.append(f"{'only if' if fact != condition else 'unless'}: {titles.get(fact, fact)}")
    return "".join(f", {each}" for each in words)


def _form(transform: Transform) -> str:
    if transform.how is How.MASK:
        return f"with all but its last {transform.keep_last} characters masked" if transform.keep_last else "masked"
    if transform.how is How.REPLACE:
        return f'as "{transform.text}"'
    if transform.how is How.PSEUDONYMIZE:
        return "as a token that is the same for the same value"
    return _GRAINS[transform.to or Grain.YEAR]


_GRAINS = {
    Grain.YEAR: "as the year only",
    Grain.MONTH: "as year and month only",
    Grain.DAY: "as the day only",
    Grain.CITY_STATE: "as city and state only",
    Grain.FIVE_YEARS: "as a band of five years only",
    Grain.TEN_YEARS: "as a band of ten years only",
    Grain.TENTH_DEGREE: "to a tenth of a degree only",
    Grain.HUNDREDTH_DEGREE: "to a hundredth of a degree only",
}
