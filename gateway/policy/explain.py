"""Why a field is shared, reduced or withheld: a sentence an officer can read out. All words for outcomes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.iepd.catalog import Catalog, Field
from gateway.iepd.package import Iepd
from gateway.message import Redaction
from gateway.policy.mou import Clause, Grain, How, Mou, Transform
from gateway.policy.outcome import DEFAULT, Outcome, outcomes
from gateway.policy.restriction import NONE, Restrictions

Law = Callable[[Mou, Clause, AgencyId], Restrictions]
"""What law says of a clause for one of its recipients."""


def no_law(_mou: Mou, _clause: Clause, _recipient: AgencyId) -> Restrictions:
    """Where only the agreement is asked about."""
    return NONE


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


def explain(
    mou: Mou, clause: Clause, iepd: Iepd, recipient: AgencyId | None = None, restrictions: Restrictions = NONE
) -> tuple[Explanation, ...]:
    """A sentence for every field of the clause's exchange, in catalog order."""
    decided = outcomes(clause, iepd.catalog, restrictions)
    titles = titles_of(iepd)
    to = str(recipient) if recipient is not None else " and ".join(clause.recipients)
    return tuple(
        Explanation(
            field=field.name,
            label=field.label,
            title=field.title,
            outcome=outcome_word(decided[field.path]),
            text=sentence(field.title, decided[field.path], to, reference(mou, clause), titles),
        )
        for field in iepd.catalog.fields
    )


def reasons(clause: Clause, catalog: Catalog, redactions: Iterable[Redaction]) -> tuple[str, ...]:
    """For each redaction the reason that its transform gives in the words of the agreement; "" where there is none.

    A place that went for another cause - a condition, a reference to what was cut - does not get its transform's.
    """
    fields = {field.name: field.path for field in catalog.fields}
    decided = outcomes(clause, catalog)
    found = []
    for redaction in redactions:
        outcome = decided.get(fields.get(redaction.field, ()))
        meant = outcome is not None and (outcome.how, outcome.clause) == (redaction.outcome, redaction.clause)
        found.append(outcome.because.because if outcome is not None and meant and outcome.because is not None else "")
    return tuple(found)


def titles_of(iepd: Iepd) -> dict[str, str]:
    """Facts by name, in officers' words."""
    return {fact.name: fact.title for fact in iepd.facts}


def reference(mou: Mou, clause: Clause) -> str:
    """ "JAIL-PD-2026-01 v1, clause E1"."""
    return f"{mou.id} v{mou.version}, clause {clause.id}"


def outcome_word(outcome: Outcome) -> str:
    """ "shared", "reduced" or "withheld"."""
    if not outcome.released:
        return "withheld"
    return "shared" if outcome.change is None else "reduced"


def law_of(outcome: Outcome, clause: Clause) -> str:
    """The section of law that withholds the field whatever the agreement says, "" when none does."""
    return "" if outcome.released or outcome.clause in {DEFAULT, clause.id} else outcome.clause


def sentence(
    subject: str, outcome: Outcome, to: str, by: str, titles: Mapping[str, str], *, law: str = "", many: bool = False
) -> str:
    """One sentence, and the agreement's own reason after it where it gives one.

    by    agreement, version and clause
    law   the section that withholds, where law does
    many  the subject is several fields
    """
    be, it = ("are", "them") if many else ("is", "it")
    transform = outcome.because
    reason = f" {transform.because}" if transform is not None and transform.because else ""
    word = outcome_word(outcome)
    if law:
        return f"{subject} {be} withheld from {to}: {law} withholds {it}, although {by} lists {it}."
    if word == "withheld":
        why = f"{by} does not list {it}." if outcome.clause == DEFAULT else f"{by} removes {it}.{reason}"
        return f"{subject} {be} withheld from {to}: {why}"
    conditions = conditions_in_words(outcome, titles)
    if word == "shared" or transform is None:
        return f"{subject} {be} shared with {to}: {by}{conditions}.{reason}"
    return f"{subject} {be} given to {to} {transform_in_words(transform)}: {by}{conditions}.{reason}"


def conditions_in_words(outcome: Outcome, titles: Mapping[str, str]) -> str:
    """ ", unless victim is protected, but withheld by 42 CFR 2.31 where no consent": "" when there are none."""
    laws = dict(outcome.laws)
    words = []
    for condition in sorted(outcome.unless - laws.keys()):
        fact = condition.removeprefix("not ")
        plain = fact != condition and " and " not in condition
        words.append(f"only where {fact_in_words(fact, titles)}" if plain else f"unless {_said(condition, titles)}")
    words += [f"but withheld by {law} where {_said(condition, titles)}" for condition, law in sorted(laws.items())]
    return "".join(f", {each}" for each in words)


def _said(condition: str, titles: Mapping[str, str]) -> str:
    """A condition in words; one that is put together of several ("a and not b") too."""
    parts = []
    for part in condition.split(" and "):
        fact = part.removeprefix("not ")
        words = fact_in_words(fact, titles)
        parts.append(words if fact == part else f"it is not so that {words}")
    return " and ".join(parts)


def fact_in_words(fact: str, titles: Mapping[str, str]) -> str:
    """A fact's title; conditions that law sets are words already, after "law:"."""
    if fact.startswith("law:"):
        return fact.removeprefix("law:").strip()
    name, _, rest = fact.partition(" ")
    return f"{titles.get(name, name)} {rest}".rstrip()


def transform_in_words(transform: Transform) -> str:
    """ "as the year only", "with all but its last 4 characters masked"."""
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


def fields_in_words(fields: Iterable[Field], *, most: int = 4) -> str:
    """ "Last name; First name; and 3 more"."""
    titles = list(dict.fromkeys(field.title for field in fields))
    if len(titles) > most:
        return f"{'; '.join(titles[:most])}; and {len(titles) - most} more"
    return "; ".join(titles)  # commas are in the titles


def listed(words: Iterable[str], link: str = "and") -> str:
    """ "a, b and c"."""
    each = list(words)
    return f"{', '.join(each[:-1])} {link} {each[-1]}" if len(each) > 1 else "".join(each)
