"""What the paper to sign says, in plain words; `paper_html.py` gives it its looks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.agency import Agency, AgencyId, agency_of
from gateway.iepd.package import Iepd
from gateway.policy.duration import in_words
from gateway.policy.format_clause import GRAINS
from gateway.policy.mou import AccessRule, Clause, Condition, Effect, Evidence, Grain, How, Kind, Manner, Mou, Transform
from gateway.policy.outcome import DEFAULT, Outcome, outcomes
from gateway.policy.permit import category
from gateway.policy.words import COURSES, PURPOSES, ROLES

KINDS = {
    Kind.MOU: "Memorandum of Understanding",
    Kind.DSA: "Data Sharing Agreement",
    Kind.SOP: "Standard Operating Procedure",
    Kind.LETTER: "Letter of Agreement",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the table of fields: all fields with which the same is done for the same reason.

    label   their label, or the word of the line that says so, "medical.*"
    titles  in officers' words
    form    what is given: "" = as it is
    only    conditions, in words
    why     reason; of a withheld field, why it is
    """

    label: str
    titles: tuple[str, ...]
    form: str = ""
    only: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What becomes of every field of a clause's exchange. unlisted: labels the clause says nothing of."""

    shared: tuple[Line, ...]
    reduced: tuple[Line, ...]
    withheld: tuple[Line, ...]
    unlisted: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One obligation: a heading, its text, and the row of `standing.py` that says who sees to it."""

    heading: str
    text: str
    standing: str


def fields_of(clause: Clause, iepd: Iepd) -> Fields:
    """The table of fields."""
    decided = outcomes(clause, iepd.catalog)
    facts = {fact.name: fact.title for fact in iepd.facts}
    found: dict[tuple[str, str, str, tuple[str, ...], str], list[str]] = {}
    for field in iepd.catalog.fields:
        outcome = decided[field.path]
        sort, form, why = _become(outcome)
        named = field.label if outcome.because is None else outcome.because.what
        key = (sort, named, form, _only(outcome, facts) if outcome.released else (), why)
        found.setdefault(key, []).append(field.title)
    lines: dict[str, list[Line]] = {"shared": [], "reduced": [], "withheld": [], "unlisted": []}
    for (sort, label, form, only, why), titles in found.items():
        kept = tuple(dict.fromkeys(titles))
        lines[sort].append(Line(label=label, titles=kept, form=form, only=only, why=why))
    return Fields(**{sort: tuple(each) for sort, each in lines.items()})


def _become(outcome: Outcome) -> tuple[str, str, str]:
    transform = outcome.because
    why = "" if transform is None else transform.because
    if not outcome.released:
        return ("unlisted" if outcome.clause == DEFAULT else "withheld"), "", why
    if transform is None or outcome.change is None:
        return "shared", "", why
    return "reduced", form_in_words(transform), why


def _only(outcome: Outcome, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Conditions: "not where: record is sealed"."""
    said = []
    for condition in sorted(outcome.unless):
        fact = condition.removeprefix("not ")
        where = "only where" if fact != condition else "not where"
        said.append(f"{where}: {facts.get(fact, fact)}")
    return tuple(said)


def form_in_words(transform: Transform) -> str:
    """What a transform leaves of a value."""
    match transform.how:
        case How.MASK:
            return f"the last {transform.keep_last} characters only" if transform.keep_last else "asterisks only"
        case How.GENERALIZE:
            line = GRAINS[transform.to or Grain.YEAR]
            return f"{_lower(line.partition(';')[0])} only"
        case How.PSEUDONYMIZE:
            return "a token that stands for it"
        case How.REPLACE:
            return f"always “{transform.text}”"
        case How.REMOVE:
            return "nothing"


def points_of(mou: Mou, clause: Clause, iepd: Iepd) -> tuple[Point, ...]:
    """The obligations of a clause besides its fields, in the order people ask for them."""
    facts = {fact.name: fact.title for fact in iepd.facts}
    found = [Point(heading="What for, and who may see it", text=_purpose(mou, clause), standing="purpose")]
    if clause.route:
        conditions = "; ".join(_condition(each, facts) for each in clause.route)
        found.append(
            Point(
                heading="Only messages of which this holds",
                text=f"{conditions[:1].upper()}{conditions[1:]}.",
                standing="route",
            )
        )
    if clause.deadline:
        before = facts.get(clause.deadline.before, clause.deadline.before)
        text = f"At least {in_words(clause.deadline.at_least)} before: {before}."
        found.append(Point(heading="Notice is due", text=text, standing="deadline"))
    if clause.within:
        text = f"Within {in_words(clause.within)} of the message."
        found.append(Point(heading="Delivered", text=text, standing="within"))
    found.append(_evidence(clause))
    found += _retention(clause)
    if clause.notices:
        text = " ".join(f"“{notice}”" for notice in clause.notices)
        found.append(Point(heading="Told with every message", text=text, standing="notices"))
    onward = clause.onward_sharing or "The recipient passes nothing on."
    found.append(Point(heading="Passing on", text=onward, standing="onward_sharing"))
    if clause.manner is not Manner.DROP:
        text = "An empty element, marked as withheld." if clause.manner is Manner.NIL_WITHHELD else "An empty element."
        found.append(Point(heading="In the place of a withheld field", text=text, standing="fields"))
    return tuple(found)


def _purpose(mou: Mou, clause: Clause) -> str:
    purpose, role = _spaced(clause.purpose), _spaced(clause.role)
    return (
        f"{purpose.capitalize()}: {_lower(meaning(mou, 'purposes', clause.purpose))} "
        f"Seen by {role}: {_lower(meaning(mou, 'roles', clause.role))}"
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _evidence(clause: Clause) -> Point:
    signed = clause.evidence is Evidence.SIGNED
    text = "The recipient's system has answered" + (" with its signature." if signed else " without an error.")
    return Point(heading="Counts as delivered when", text=text, standing=f"evidence.{clause.evidence}")


def _retention(clause: Clause) -> list[Point]:
    kept = clause.retention
    found = []
    if kept.recipient_copy:
        text = f"{in_words(kept.recipient_copy)} from receipt, then destroyed."
        found.append(Point(heading="Recipient's copy is kept", text=text, standing="recipient_copy"))
    if kept.gateway_copy:
        text = f"{in_words(kept.gateway_copy)} from delivery, then destroyed."
        found.append(Point(heading="Gateway's copy is kept", text=text, standing="gateway_copy"))
    return found


def _condition(condition: Condition, facts: Mapping[str, str]) -> str:
    title = facts.get(condition.fact, condition.fact)
    values = condition.values
    return f"{title}: {' or '.join(_value(each) for each in values)}"


def _value(value: bool | str) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"“{value}”"


def meaning(mou: Mou, sort: str, word: str) -> str:
    """A role, purpose or course in words, with a full stop."""
    own = {"roles": mou.roles, "purposes": mou.purposes, "courses": mou.courses}[sort]
    shipped = {"roles": ROLES, "purposes": PURPOSES, "courses": COURSES}[sort]
    text = next((each.text for each in own if each.heading == word), None)
    if text is None:
        text = shipped[word].title if word in shipped else word
    return text if text.endswith((".", "!", "?")) else f"{text}."


def rule_in_words(mou: Mou, rule: AccessRule, iepds: Iterable[Iepd]) -> str:
    """An access rule as a sentence or two."""
    titles = {category(iepd.id): iepd.title for iepd in iepds}
    who = _joined((_explained(mou, "roles", role) for role in rule.roles), "everyone")
    what = _joined((titles.get(each, each) for each in rule.categories), "any record")
    why = _joined((_explained(mou, "purposes", each) for each in rule.purposes), "any purpose")
    if rule.effect is Effect.DENY:
        return f"Never, whatever another rule says: {who}. Records: {what}. Purposes: {why}."
    needs = [
        *(["signed in with a second factor"] if rule.mfa else []),
        *(f"trained in {_spaced(each)}" for each in rule.training),
        *(f"a case number for {_spaced(each)}" for each in rule.case_number_for),
    ]
    also = f" Required: {'; '.join(needs)}." if needs else ""
    return f"{who[:1].upper()}{who[1:]}. Records: {what}. Purposes: {why}.{also}"


def _explained(mou: Mou, sort: str, word: str) -> str:
    return f"{_spaced(word)} ({_lower(meaning(mou, sort, word)).rstrip('.')})"


def _spaced(word: str) -> str:
    return word.replace("-", " ")


def _joined(words: Iterable[str], none: str) -> str:
    return "; ".join(words) or none


def party_name(party: AgencyId, agencies: Mapping[AgencyId, Agency]) -> str:
    """A party by its name, where the gateway knows it."""
    agency = agencies.get(agency_of(party))
    if agency is None:
        return str(party)
    unit = next((each.name for each in agency.units if each.id == party.partition("/")[2]), "")
    return f"{agency.name}, {unit}" if unit else agency.name
