"""What changes around the clauses of an agreement: parties, dates, safeguards, and what people read.

What only people read cannot be judged here. Definitions and prose bind - "the center passes nothing on" is one
sentence of it - so a change of them counts as widening; contacts, goals, title and authority give nobody anything.
"""

from collections.abc import Iterator

from gateway.policy.change import Change, Turn
from gateway.policy.duration import in_words
from gateway.policy.explain import listed
from gateway.policy.mou import Mou, Section


def frame_changes(old: Mou, new: Mou) -> Iterator[Change]:
    """Everything that is different outside clauses and access rules."""
    for part in (_identity, _parties, _dates, _safeguards, _reports, _prose):
        for turn, what, told in part(old, new):
            yield Change(turn=turn, what=what, head=told)


Told = tuple[Turn, str, str]


def _identity(old: Mou, new: Mou) -> Iterator[Told]:
    if old.id != new.id:
        yield Turn.WIDENING, "agreement", f"It is another agreement: {new.id}, not {old.id}."
    for what, before, after in (("title", old.title, new.title), ("kind", old.kind.value, new.kind.value)):
        if before != after:
            yield Turn.NEUTRAL, what, f"The {what} is {after!r}, until now {before!r}."
    gone, come = _apart(old.authority, new.authority)
    if gone or come:
        said = [f"{listed(each)} {word}" for each, word in ((come, "added"), (gone, "removed")) if each]
        yield Turn.NEUTRAL, "authority", f"Legal authority: {'; '.join(said)}."


def _parties(old: Mou, new: Mou) -> Iterator[Told]:
    gone, come = _apart(old.parties, new.parties)
    if come:
        yield Turn.WIDENING, "parties", f"{listed(come)} {_becomes(come)} party."
    if gone:
        yield Turn.NARROWING, "parties", f"{listed(gone)} {'are' if len(gone) > 1 else 'is'} no longer party."


def _becomes(names: tuple[str, ...]) -> str:
    return "become" if len(names) > 1 else "becomes"


def _dates(old: Mou, new: Mou) -> Iterator[Told]:
    if old.since != new.since:
        turn = Turn.WIDENING if new.since < old.since else Turn.NARROWING
        yield turn, "dates", f"The first day is {new.since}, until now {old.since}."
    if old.until != new.until:
        turn = Turn.WIDENING if new.until > old.until else Turn.NARROWING
        yield turn, "dates", f"The last day is {new.until}, until now {old.until}."
    if old.review_by != new.review_by:
        sooner = new.review_by is not None and (old.review_by is None or new.review_by < old.review_by)
        now, until = (str(each) if each else "not set" for each in (new.review_by, old.review_by))
        yield (Turn.NARROWING if sooner else Turn.WIDENING), "dates", f"The review is due {now}, until now {until}."


def _safeguards(old: Mou, new: Mou) -> Iterator[Told]:
    gone, come = _apart(old.law_packs, new.law_packs)
    if gone:
        yield Turn.WIDENING, "law-packs", f"No longer named as binding: {listed(gone)}."
    if come:
        yield Turn.NARROWING, "law-packs", f"Named as binding besides: {listed(come)}."
    if old.audit_kept != new.audit_kept:
        shorter = new.audit_kept < old.audit_kept
        told = f"Records of disclosure are kept {in_words(new.audit_kept)}, until now {in_words(old.audit_kept)}."
        yield (Turn.WIDENING if shorter else Turn.NARROWING), "records", told
    if old.storage != new.storage:
        named = [each for each in ("place", "host", "safeguards") if _of(old, each) != _of(new, each)]
        yield Turn.WIDENING, "storage", f"Where recipients keep what they get changes: {listed(named)}."


def _of(mou: Mou, part: str) -> str:
    return "" if mou.storage is None else str(getattr(mou.storage, part))


def _reports(old: Mou, new: Mou) -> Iterator[Told]:
    before, after = ({each.id: each for each in mou.reports} for mou in (old, new))
    for id, report in after.items():
        known = before.get(id)
        if known is None:
            yield (
                Turn.WIDENING,
                "reports",
                f"The report {id} goes to {listed(report.to)} every {in_words(report.every)}.",
            )
            continue
        gone, come = _apart(known.to, report.to)
        if come:
            yield Turn.WIDENING, "reports", f"The report {id} goes to {listed(come)} too."
        if gone:
            yield Turn.NEUTRAL, "reports", f"The report {id} no longer goes to {listed(gone)}."
        if known.every != report.every:
            told = f"The report {id} is due every {in_words(report.every)}, until now every {in_words(known.every)}."
            yield Turn.NEUTRAL, "reports", told
    for id in before.keys() - after.keys():
        yield Turn.NEUTRAL, "reports", f"There is no report {id} any more."


def _prose(old: Mou, new: Mou) -> Iterator[Told]:
    for what, before, after in (
        ("definition", old.definitions, new.definitions),
        ("section", old.prose, new.prose),
    ):
        yield from _sections(what, before, after)
    if old.contacts != new.contacts:
        whose = sorted({str(each.party) for each in set(old.contacts) ^ set(new.contacts)})
        yield Turn.NEUTRAL, "contacts", f"Contacts change: {listed(whose) or 'their order'}."
    if old.goals != new.goals:
        yield Turn.NEUTRAL, "goals", "Goals or their measures change."


def _sections(what: str, old: tuple[Section, ...], new: tuple[Section, ...]) -> Iterator[Told]:
    before, after = ({each.heading: each.text for each in sections} for sections in (old, new))
    for heading in [*after, *(each for each in before if each not in after)]:
        if before.get(heading) == after.get(heading):
            continue
        word = "is new" if heading not in before else "changes" if heading in after else "is gone"
        yield Turn.WIDENING, "prose", f"The {what} {heading!r} {word}: a person must read it."


def _apart(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is gone, and what has come."""
    return tuple(each for each in old if each not in new), tuple(each for each in new if each not in old)
