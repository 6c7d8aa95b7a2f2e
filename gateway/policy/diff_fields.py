"""Which fields become visible, fuller, narrower or gone for one recipient. Computed on outcomes, not on text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.iepd.catalog import Field, Steps
from gateway.iepd.package import Iepd
from gateway.policy.change import Change, Turn
from gateway.policy.explain import conditions_in_words, fields_in_words, titles_of, transform_in_words
from gateway.policy.mou import Clause, Grain, How, Manner, Transform
from gateway.policy.outcome import Outcome

Outcomes = Mapping[Steps, Outcome]

_FINENESS = {
    Grain.YEAR: 0,
    Grain.MONTH: 1,
    Grain.DAY: 2,
    Grain.TEN_YEARS: 10,
    Grain.FIVE_YEARS: 11,
    Grain.TENTH_DEGREE: 20,
    Grain.HUNDREDTH_DEGREE: 21,
}
"""Bands and grids lie in each other, so that of each pair the coarser can be made of the finer. No field takes grains
of two kinds."""
_LEFT_BEHIND = {
    Manner.DROP: (0, "no trace"),
    Manner.NIL: (1, "an empty element"),
    Manner.NIL_WITHHELD: (2, 'an empty element marked "withheld"'),
}


@dataclass(frozen=True, slots=True)
class _Shift:
    """What happens to some fields: "3 fields {many} jail {how}: titles{tail}"."""

    turn: Turn
    one: str
    many: str
    how: str = ""
    tail: str = ""


_GIVEN = ("is given to", "are given to")


def field_changes(
    iepd: Iepd, old: tuple[Clause, Outcomes], new: tuple[Clause, Outcomes], *, recipient: str
) -> Iterator[Change]:
    """What changes for one recipient between two clauses."""
    titles = titles_of(iepd)
    groups: dict[_Shift, list[Field]] = {}
    for field in iepd.catalog.fields:
        before, after = old[1][field.path], new[1][field.path]
        for shift in _shifts(field, before, after, titles):
            groups.setdefault(shift, []).append(field)
        manner = _manner((old[0], before), (new[0], after))
        if manner is not None:
            groups.setdefault(manner, []).append(field)
    for shift, fields in groups.items():
        many = len(fields) > 1
        count = f"{len(fields)} field{'s' if many else ''} of {iepd.id} {shift.many if many else shift.one}"
        yield Change(
            turn=shift.turn,
            what="fields",
            head=f"{count} ",
            tail=f"{shift.how}: {fields_in_words(fields, most=8)}{shift.tail}.",
            recipients=(recipient,),
            exchange=iepd.id,
            clauses=(new[0].id,),
            fields=tuple(field.name for field in fields),
        )


def _shifts(field: Field, before: Outcome, after: Outcome, titles: Mapping[str, str]) -> Iterator[_Shift]:
    if not before.released and not after.released:
        return
    if not before.released:
        form = _form_in_words(after)
        tail = f"{f', {form}' if form else ''}{conditions_in_words(after, titles)}"
        yield _Shift(Turn.WIDENING, "becomes visible to", "become visible to", tail=tail)
        return
    if not after.released:
        yield _Shift(Turn.NARROWING, "is no longer visible to", "are no longer visible to")
        return
    turn = form_turn(field, before, after)
    if turn is not None:
        how = f" {_form_in_words(after) or 'in full'}, until now {_form_in_words(before) or 'in full'}"
        yield _Shift(turn, *_GIVEN, how)
    if before.unless != after.unless:
        yield _conditions(before, after, titles)


def _conditions(before: Outcome, after: Outcome, titles: Mapping[str, str]) -> _Shift:
    now, until = (conditions_in_words(each, titles).removeprefix(", ") or "none" for each in (after, before))
    tail = f"; conditions: {now}; until now: {until}"
    if before.unless < after.unless:
        return _Shift(Turn.NARROWING, *_GIVEN, " on more conditions", tail)
    fewer = after.unless < before.unless
    return _Shift(Turn.WIDENING, *_GIVEN, f" on {'fewer' if fewer else 'other'} conditions", tail)


def _form_in_words(outcome: Outcome) -> str:
    """ "masked", "as the year only"; "" of what goes through as it is."""
    return "" if outcome.change is None or outcome.because is None else transform_in_words(outcome.because)


def form_turn(field: Field, before: Outcome, after: Outcome) -> Turn | None:
    """Which way the form of a released field goes; None when it stays. In doubt it widens."""
    old = before.because if before.change is not None else None
    new = after.because if after.change is not None else None
    if old is None or new is None:
        if old is new:
            return None
        return Turn.WIDENING if new is None else Turn.NARROWING
    if before.form == after.form:
        return None
    if new.how is How.REPLACE:  # a fixed text tells nothing of the value
        return Turn.NEUTRAL if old.how is How.REPLACE else Turn.NARROWING
    return Turn.NARROWING if _coarser(field, old, new) else Turn.WIDENING


def _coarser(field: Field, old: Transform, new: Transform) -> bool:
    """Whether the new form can be made of the old one, for every value the schema allows."""
    if old.how is new.how is How.GENERALIZE and old.to in _FINENESS and new.to in _FINENESS:
        return _FINENESS[new.to] < _FINENESS[old.to]
    if old.how is new.how is How.MASK and new.keep_last < old.keep_last:
        # A value no longer than what may be kept is masked whole: of such a one, keeping less shows more.
        return new.keep_last == 0 or (field.value.length_min or 0) > old.keep_last
    return False


def _manner(old: tuple[Clause, Outcome], new: tuple[Clause, Outcome]) -> _Shift | None:
    """What withheld fields leave behind: an empty element tells that there was something."""
    if not all(outcome.unless or not outcome.released for _, outcome in (old, new)):
        return None
    (before, _), (after, words) = _LEFT_BEHIND[_left(*old)], _LEFT_BEHIND[_left(*new)]
    if before == after:
        return None
    turn = Turn.WIDENING if after > before else Turn.NARROWING
    return _Shift(turn, f"leaves {words} where withheld from", f"leave {words} where withheld from")


def _left(clause: Clause, outcome: Outcome) -> Manner:
    own = outcome.because.manner if outcome.because is not None else None
    return own or clause.manner
