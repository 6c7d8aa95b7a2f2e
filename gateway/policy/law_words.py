"""Law packs in sentences an officer can read out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.agency import JUSTICE, AgencyKind
from gateway.policy.label import any_covers, covers
from gateway.policy.law import FEDERAL, Basis, Binds, LawPack, LawRule, Mandates, Parties, open_bases, speaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked of a law. "" and None ask of every recipient, purpose and kind of record."""

    label: str = ""
    to: str = ""
    purpose: str = ""
    category: str = ""
    between: Parties | None = None


def binding(pack: LawPack) -> str:
    """When a pack binds."""
    if pack.binds is Binds.ALWAYS:
        return "binds every agreement"
    if pack.binds is Binds.NAMED:
        return "binds where the gateway's settings or an agreement names it"
    return f"binds where the sender or the recipient is of {pack.jurisdiction}, or where it is named"


def whose(pack: LawPack) -> str:
    """Whose law it is, and since when."""
    law = "federal law" if pack.jurisdiction == FEDERAL else f"law of {pack.jurisdiction}"
    return f"{law}, {_days(pack.since, pack.until)}"


def _days(since: date, until: date) -> str:
    return f"from {since.isoformat()}" + ("" if until == date.max else f" until {until.isoformat()}")


def scope(rule: LawRule) -> str:
    """What a rule speaks of, in one sentence."""
    words = [_list(rule.labels)] if rule.labels else ["whatever is sent"]
    if rule.exempt:
        words.append(f"but not {_list(rule.exempt)}")
    if rule.origins:
        words.append(_origins(rule))
    if rule.when:
        words.append(f"where the fact '{rule.when}' holds")
    if rule.sender_duties:
        words.append(f"sent by a {_list(rule.sender_duties, 'and')}")
    if rule.kinds:
        words.append(f"to {_kinds(rule.kinds)}")
    if rule.purposes:
        words.append(f"for {_list(rule.purposes, 'or')}")
    if rule.exchanges:
        words.append(f"in {_list(rule.exchanges, 'or')} messages")
    if rule.since != date.min or rule.until != date.max:
        words.append(_days(rule.since, rule.until))
    return f"Speaks of {' '.join(words).rstrip(',')}."


def _origins(rule: LawRule) -> str:
    return f"from {_list(rule.origins, 'or')}{', or from nobody knows where,' if rule.unknown else ''}"


def effects(rule: LawRule) -> tuple[str, ...]:
    """What a rule does, a sentence for each."""
    told = []
    if rule.withholds:
        what = "The whole message is withheld" if rule.whole else "It is withheld"
        told.append(f"{what}{_unless(rule.bases)}.")
    if rule.mandate is not None:
        more = "" if rule.mandate is Mandates.AT_LEAST else "; anything more needs a basis of its own"
        told.append(f"It must be shared{more}.")
    if rule.deadline is not None:
        told.append(f"It is sent at least {_length(rule.deadline.at_least)} before {rule.deadline.before}.")
    if rule.notice:
        told.append(f'A notice travels with it: "{rule.notice}"')
    if rule.no_onward:
        told.append("The recipient passes nothing on.")
    if rule.keep is not None:
        told.append(f"The recipient keeps it at most {_length(rule.keep)}.")
    return tuple(told)


def verdict(rule: LawRule, asking: Asking) -> str:
    """What a rule says in one case; "" when it does not speak of it."""
    if asking.between is None and not asking.purpose:
        return " ".join(effects(rule))
    between = asking.between or Parties()
    case = _case(asking)
    if not _may_speak(rule, asking, between):
        return ""
    if not rule.withholds:
        return " ".join(effects(rule))
    what = _what(rule, asking)
    if any(_granted(basis, asking) for basis in _left(rule, asking, between)):
        return f"This rule does not withhold it{case}."
    bases = [basis for basis in rule.bases if asking.between is not None and asking.purpose]
    if not bases:
        return f"{what} is withheld{case}{_unless(_left(rule, asking, between))}."
    left = open_bases(rule, asking.label or rule.labels[0], purpose=asking.purpose, between=between)
    if any(basis.settled for basis in left):
        return f"This rule does not withhold it{case}."
    if left:
        return f"{what} is withheld{case}{_unless(left)}."
    return f"{what} is withheld{case}. It goes only {_grounds(rule.bases)}."


def _what(rule: LawRule, asking: Asking) -> str:
    """What is withheld, as far as what was asked does not say it."""
    what = "The whole message" if rule.whole else asking.label or _list(rule.labels)
    if rule.origins:
        what = f"{what} {_origins(rule)}"
    if rule.when:
        what = f"{what} where the fact '{rule.when}' holds"
    if rule.exchanges and not asking.category:
        what = f"{what} in {_list(rule.exchanges, 'or')} messages"
    return what


def _may_speak(rule: LawRule, asking: Asking, between: Parties) -> bool:
    """Whether it speaks of the case; of what was not asked nothing is ruled out."""
    return speaks(
        rule,
        purpose=asking.purpose or next(iter(rule.purposes), ""),
        category=asking.category or next(iter(rule.exchanges), ""),
        between=between,
    )


def _left(rule: LawRule, asking: Asking, between: Parties) -> Sequence[Basis]:
    """The grounds that what was asked does not rule out."""
    return [
        basis
        for basis in rule.bases
        if (asking.between is None or not basis.kinds or between.kind in basis.kinds)
        and (asking.between is None or between.duties.issuperset(basis.duties))
        and (not asking.purpose or not basis.purposes or asking.purpose in basis.purposes)
        and (not asking.label or not basis.labels or any_covers(basis.labels, asking.label))
    ]


def _granted(basis: Basis, asking: Asking) -> bool:
    """Whether a ground that is not ruled out asks for nothing but what was said, so that it is there."""
    return (
        basis.settled
        and (asking.between is not None or not (basis.kinds or basis.duties))
        and bool(asking.purpose or not basis.purposes)
        and bool(asking.label or not basis.labels)
    )


def matching(rules: Iterable[LawRule], word: str) -> tuple[LawRule, ...]:
    """The rules that speak of a label, or of labels below a word."""
    return tuple(
        rule
        for rule in rules
        if (rule.speaks_of(word.removesuffix(".*")) or any(covers(word, label) for label in rule.labels))
    )


def _case(asking: Asking) -> str:
    to = f" from {asking.to}" if asking.to else ""
    return f"{to}{f' for {asking.purpose}' if asking.purpose else ''}"


def _unless(bases: Iterable[Basis]) -> str:
    grounds = _grounds(bases)
    return f", except {grounds}" if grounds else ", whatever the agreement says"


def _grounds(bases: Iterable[Basis]) -> str:
    return "; or ".join(_ground(basis) for basis in bases)


def _ground(basis: Basis) -> str:
    words = []
    if basis.labels:
        words.append(f"for {_list(basis.labels)} only")
    if basis.kinds:
        words.append(f"to {_kinds(basis.kinds)}")
    if basis.duties:
        words.append(f"to an agency with the duty {_list(basis.duties, 'and')}")
    if basis.purposes:
        words.append(f"for {_list(basis.purposes, 'or')}")
    if basis.consent:
        words.append("with the person's written consent for this recipient and purpose")
    if basis.fact:
        words.append(f"where the fact '{basis.fact}' holds")
    return ", ".join(words)


def _kinds(kinds: Iterable[AgencyKind]) -> str:
    found = set(kinds)
    if found >= JUSTICE:
        rest = sorted(found - JUSTICE)
        return _list(["criminal justice agencies", *rest], "or")
    return _list(sorted(found), "or")


def _list(words: Iterable[str], last: str = "and") -> str:
    every = [str(word) for word in words]
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} {last} {every[-1]}"


def _length(length: timedelta) -> str:
    hours, days = length // timedelta(hours=1), length.days
    if days and days % 365 == 0:
        return f"{days // 365} year{'s' if days > 365 else ''}"
    if length == timedelta(days=days) and days > 2:
        return f"{days} days"
    return f"{hours} hours"
