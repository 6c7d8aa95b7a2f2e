"""The words for flaws: what is wrong, in a sentence, and the ways out. A way out is tried before it is offered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.finding import Severity
from gateway.iepd.catalog import Field
from gateway.iepd.package import Iepd
from gateway.policy.condition import said
from gateway.policy.flaw import Culprit, Flaw, Wrong
from gateway.policy.manner import misfit_manner
from gateway.policy.mou import Clause, How, Item, Manner, Transform
from gateway.policy.outcome import DEFAULT
from gateway.policy.picture import picture, where
from gateway.policy.prove import Proof
from gateway.policy.remark import Remark, Spot
from gateway.policy.specimen import named
from gateway.policy.transform import misfit

NAMES_MAX = 6
WORDS_MAX = 3
STAND_IN = "withheld"

_NEVER_PROPOSED = ("victim", "communication.privileged", "medical", "sud", "intel", "juvenile")
"""A way out never leads to these: whoever writes the agreement must think of it without help."""

PARTLY = "mou.promise-partly-lost"

CODES: Mapping[Wrong, str] = {
    Wrong.LOST: "mou.promise-lost",
    Wrong.BROKEN: "mou.output-invalid",
    Wrong.HOLLOW: "mou.output-invalid",
    Wrong.ABSTRACT: "mou.output-invalid",
    Wrong.ATTRIBUTE: "mou.output-invalid",
    Wrong.IDENTITY: "mou.output-invalid",
    Wrong.VALUE: "mou.output-invalid",
    Wrong.RENAMED: "mou.output-invalid",
    Wrong.KEYED: "mou.not-provable",
    Wrong.TOO_LARGE: "mou.not-provable",
    Wrong.NOTHING: "mou.gives-nothing",
}

_SENTENCES: Mapping[Wrong, str] = {
    Wrong.BROKEN: "what is left of {place} is not what the schema takes: {steps}",
    Wrong.HOLLOW: "{place} would come out empty, and the schema asks for content that the catalog does not know",
    Wrong.ABSTRACT: "{place} is of an abstract type: the schema wants xsi:type there, and no cut lets that through",
    Wrong.ATTRIBUTE: "the schema requires the attribute {attribute} of {place}, and no field of the catalog names it",
    Wrong.IDENTITY: "{place}{attribute} holds an id of the message; ids are given anew, and it would point at nothing",
    Wrong.VALUE: "not every lesser form of {place} is a value that the schema takes",
    Wrong.RENAMED: "the element that holds the lesser form of {place} cannot carry all that the other carries",
    Wrong.KEYED: "the schema holds values in {place} against each other (xs:key); that cannot be proven",
    Wrong.TOO_LARGE: "the content model of {place} is too large to be proven",
    Wrong.NOTHING: "the clause gives nothing of any message",
}

Kind = tuple[Wrong, tuple[str, ...]]
"""What is wrong, and where."""


def kind(flaw: Flaw) -> Kind:
    """What tells two flaws of one clause apart."""
    return flaw.wrong, flaw.place.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Puts the flaws of one clause into words.

    vain    fields lost with lines that give nothing else
    errors  the flaws for which the clause is refused
    again   the same of another wording of the clause
    """

    clause: Clause
    iepd: Iepd
    proof: Proof
    vain: frozenset[Field]
    errors: frozenset[Kind]
    again: Callable[[Clause], frozenset[Kind]]

    def remark(self, flaw: Flaw, spot: Spot) -> Remark:
        """The flaw, with its picture and the ways out."""
        lost, partly = flaw.wrong is Wrong.LOST, kind(flaw) not in self.errors
        return Remark(
            code=PARTLY if partly else CODES[flaw.wrong],
            severity=Severity.WARNING if partly else Severity.ERROR,
            clause=self.clause.id,
            text=_lost(flaw, self.iepd, partly=partly) if lost else _wrong(flaw, self.iepd),
            fields=tuple(field.name for field in flaw.every or tuple(flaw.place.fields())),
            ways=() if partly else tuple(self._ways(flaw)),
            picture=picture(flaw, self.proof.rules, self.iepd),
            line=spot[0],
            column=spot[1],
        )

    def _ways(self, flaw: Flaw) -> Iterator[str]:
        """Ways out that were tried: with them the error is gone, and none has come that was not there."""
        if flaw.wrong is Wrong.LOST:
            candidates = _of_loss(flaw, self.clause, self.iepd, self.vain)
        else:
            candidates = iter([_without(tuple(_fields_below(flaw)), self.clause)])
        for words, other in candidates:
            if self.again(other) <= self.errors - {kind(flaw)}:
                yield words


def _wrong(flaw: Flaw, iepd: Iepd) -> str:
    left = [named(step.left, iepd.prefixes) for step in flaw.steps if step.left is not None]
    attribute = f"/@{named(flaw.attribute, iepd.prefixes)}" if flaw.attribute else ""
    text = _SENTENCES[flaw.wrong].format(
        place=where(flaw.place, iepd), steps=" ".join(left) or "nothing", attribute=attribute
    )
    joined = ", where an object stands in several places of the message" if flaw.joined else ""
    return f"{text}{joined}{_holding(flaw.holding, iepd)}"


def _lost(flaw: Flaw, iepd: Iepd, *, partly: bool) -> str:
    names = [field.name for field in flaw.lost]
    place = where(flaw.place, iepd)
    given = f"{_many(len(names), 'field')} of {place} {'is' if len(names) == 1 else 'are'} given and cannot arrive"
    if flaw.attribute:
        attribute = named(flaw.attribute.removeprefix("@"), iepd.prefixes)
        mark = flaw.attribute.removeprefix("@")
        required = flaw.place.node.attributes[mark].field.required
        why = f"{'the schema requires the attribute' if required else 'it goes with its mark'} {attribute}, and that"
    elif flaw.missing:
        missing = " or ".join(named(tag, iepd.prefixes) for tag in flaw.missing)
        why = f"the schema requires {missing} beside {'it' if len(names) == 1 else 'them'}, and that"
    else:
        why = "the element itself"
    rest = "; the same lines give them in other places, where they arrive" if partly else ""
    if flaw.also:
        rest = f"; with that goes {_list([field.name for field in flaw.also])}{rest}"
    return f"{given} ({_list(names)}): {why} is withheld{_holding(flaw.holding, iepd)}: {_culprits(flaw)}{rest}"


def _culprits(flaw: Flaw) -> str:
    """Who withholds what, by label: "victim.no-contact.name by E1"."""
    by: dict[str, list[str]] = {}
    for culprit in flaw.culprits:
        labels = by.setdefault(culprit.clause, [])
        if culprit.field.label not in labels:
            labels.append(culprit.field.label)
    said = [
        f"{_list(sorted(labels))} {'because no line lists it' if clause == DEFAULT else f'by {clause}'}"
        for clause, labels in sorted(by.items())
    ]
    return "; ".join(said) or "because nothing of it is given"


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    return ", ".join(names[:NAMES_MAX]) + more


def _holding(conditions: frozenset[str], iepd: Iepd) -> str:
    titles = {fact.name: fact.title for fact in iepd.facts}
    words = ", ".join(said(condition, titles) for condition in sorted(conditions))
    return f" (where {words})" if words else ""


# --- ways out ----------------------------------------------------------------------------------------------------


def _of_loss(flaw: Flaw, clause: Clause, iepd: Iepd, vain: frozenset[Field]) -> Iterator[tuple[str, Clause]]:
    lines = dict.fromkeys(item.what for item in clause.share if vain.issuperset(iepd.catalog.select(item.what)))
    if lines:
        kept = tuple(item for item in clause.share if item.what not in lines)
        yield f"take out {_many(len(lines), 'line')}: {', '.join(lines)}", replace(clause, share=kept)
    else:
        yield _without(flaw.every, clause)
    conditional = sorted({condition for culprit in flaw.culprits for condition in culprit.conditions})
    facts = {fact.name for fact in iepd.facts}
    for condition in [each for each in conditional if each.removeprefix("not ") in facts][:1]:
        fact = condition.removeprefix("not ")
        key = "when" if fact != condition else "unless"
        items = tuple(Item(what=field.name, **{key: fact}) for field in flaw.lost)
        yield (
            f"give {_list([field.name for field in flaw.lost])} under the same condition ({key}: {fact})",
            replace(clause, share=(*clause.share, *items)),
        )
    open_ = [culprit for culprit in flaw.culprits if _may_be_given(culprit, clause, iepd)]
    labels = dict.fromkeys(culprit.field.label for culprit in open_)
    names = dict.fromkeys(culprit.field.name for culprit in open_)
    for word in (*list(labels)[:WORDS_MAX], *list(names)[:WORDS_MAX]):
        yield f"share {word} too", replace(clause, share=(*clause.share, Item(what=word)))
    for culprit in open_:
        empty = Transform(what=culprit.field.name, how=How.REMOVE, manner=Manner.NIL)
        if not misfit_manner(empty, culprit.field, iepd):
            words = f"let {culprit.field.name} stand there empty ({{do: remove, leave: nil}})"
            yield words, replace(clause, transforms=(*clause.transforms, empty))
            break
    for culprit in open_:
        stand_in = Transform(what=culprit.field.name, how=How.REPLACE, text=STAND_IN)
        if not misfit(stand_in, culprit.field):
            words = f'give {culprit.field.name} as a fixed text ({{do: replace, with: "{STAND_IN}"}})'
            yield words, replace(clause, transforms=(*clause.transforms, stand_in))
            return


def _may_be_given(culprit: Culprit, clause: Clause, iepd: Iepd) -> bool:
    """Whether giving a field may be proposed: nobody said that it is to be withheld, and no law is in sight."""
    if culprit.clause != DEFAULT or culprit.field.label.startswith(_NEVER_PROPOSED):
        return False
    return not any(_names(transform.what, culprit.field.label, iepd) for transform in clause.transforms)


def _names(what: str, label: str, iepd: Iepd) -> bool:
    """Whether a line speaks of a field with this label."""
    return any(field.label == label for field in iepd.catalog.select(what))


def _fields_below(flaw: Flaw) -> Iterator[Field]:
    for place in flaw.place.at_and_below():
        yield from place.fields()


def _without(fields: Sequence[Field], clause: Clause) -> tuple[str, Clause]:
    names = [field.name for field in fields]
    removed = tuple(Transform(what=name, how=How.REMOVE, because="It cannot arrive.") for name in names)
    words = f"withhold the whole of it: remove {', '.join(names)}, here and wherever the same object stands"
    return words, replace(clause, transforms=(*clause.transforms, *removed))
