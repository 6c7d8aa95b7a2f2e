"""Verdict: what becomes of one element's children, over every sequence of them that its type takes.

Nearly every type of NIEM is a plain sequence of slots, each with elements of its own. Leaving elements out of such a
sequence, or putting one for another of the same slot, breaks nothing but the least number of a slot, and that can be
seen without an automaton. Whatever is more than that is read by one (`inclusion`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.iepd.components import Components
from gateway.iepd.content import Slot
from gateway.policy.fate import GONE, Fate
from gateway.policy.inclusion import Reading, Step, Wanted
from gateway.policy.rules import Need

Fates = Mapping[str, Fate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may become of an element, as far as its children decide.

    stays    it may have all it needs
    lacking  children with which it does not have what it needs, and so goes; None when it always has
    broken   children of which so much is left that it stays, and yet the schema does not take it; None when it does
    bare     nothing may be left in it
    leaf     something to read is always left in it when it stays
    """

    stays: bool
    lacking: tuple[Step, ...] | None
    broken: tuple[Step, ...] | None
    bare: bool
    leaf: bool


def judge(components: Components, type_name: str, needs: Sequence[Need], fates: Fates) -> Verdict:
    """The verdict over the type's children, and over those of types that extend it. Raises `TooLarge`."""
    slots = components.slots(type_name)
    verdict = None if slots is None else _plain(slots, needs, fates)
    unlike = []
    for extension in components.extensions(type_name):
        longer = components.slots(extension)
        # What an extension adds to a plain sequence in names of its own is left out, and changes nothing.
        if verdict is None or longer is None or slots is None or longer[: len(slots)] != slots:
            unlike.append(extension)
    if verdict is not None and not unlike:
        return verdict
    read = [_read(components, left, type_name, needs, fates) for left in (type_name, *unlike)]
    return Verdict(
        stays=any(each.stays for each in read),
        lacking=next((each.lacking for each in read if each.lacking is not None), None),
        broken=next((each.broken for each in read if each.broken is not None), None),
        bare=any(each.bare for each in read),
        leaf=all(each.leaf for each in read),
    )


# --- plain sequences ---------------------------------------------------------------------------------------------


def _plain(slots: Sequence[Slot], needs: Sequence[Need], fates: Fates) -> Verdict | None:
    """The verdict over a plain sequence; None when elements leave their slot, or the needs are not those of slots."""
    needed = {need.names: need.least for need in needs}
    required = [slot for slot in slots if slot.least > 0]
    if any(needed.get(slot.names, slot.least) != slot.least for slot in required):
        return None
    if len(needed) != len(needs) or not needed.keys() <= {slot.names for slot in required}:
        return None
    for name, fate in fates.items():
        if len(fate.names) > 1 or (fate.names and name not in fate.names):
            slot = next((slot for slot in slots if name in slot.names), None)
            if slot is None or not fate.names <= slot.names:
                return None
    stays, lacking, broken, leaf = True, None, None, False
    for slot in required:
        here = {name: fates.get(name, GONE) for name in slot.names}
        goes = next((name for name, fate in sorted(here.items()) if fate.goes), None)
        if slot.names in needed:
            stays = stays and any(fate.stays for fate in here.values())
            if goes is not None and lacking is None:
                lacking = word(slots, fates, slot, goes)
        else:
            bare = next((name for name, fate in sorted(here.items()) if fate.bare), None)
            missing = goes if goes is not None else bare
            if missing is not None and broken is None:
                broken = word(slots, fates, slot, missing)
        leaf = leaf or all(fate.leaf for fate in here.values() if fate.stays)
    return Verdict(stays=stays, lacking=lacking, broken=broken, bare=not required or broken is not None, leaf=leaf)


def word(slots: Sequence[Slot], fates: Fates, failing: Slot | None, missing: str, shown: str = "") -> tuple[Step, ...]:
    """A shortest sequence of children in which the failing slot loses the missing one; with one of `shown`."""
    steps: list[Step] = []
    for slot in slots:
        here = sorted(slot.names)
        best = next((name for name in here if fates.get(name, GONE).stays), here[0] if here else "")
        if slot is failing:
            steps += [Step(missing, None)] * max(slot.least, 1)
        elif slot.least:
            steps += [Step(best, _left(best, fates))] * slot.least
        if shown in slot.names and all(step.name != shown for step in steps):
            if slot is failing and slot.most is not None and len(steps) >= slot.most:
                continue
            steps.append(Step(shown, _left(shown, fates)))
    return tuple(steps)


def _left(name: str, fates: Fates) -> str | None:
    return next(iter(sorted(fates.get(name, GONE).names)), None)


# --- everything else ---------------------------------------------------------------------------------------------


def _read(components: Components, left: str, right: str, needs: Sequence[Need], fates: Fates) -> Verdict:
    wanted = [Wanted(need.names, need.least) for need in needs]
    reading = Reading(components.automaton(left), components.automaton(right), wanted, tuple(fates))

    def built(name: str) -> Sequence[str | None]:
        return fates.get(name, GONE).options(needed=True)

    def final(name: str) -> Sequence[str | None]:
        return fates.get(name, GONE).options(needed=False)

    def empty(name: str) -> Sequence[str | None]:
        return tuple(each for each in final(name) if each is None)

    def unread(name: str) -> Sequence[str | None]:
        fate = fates.get(name, GONE)
        return tuple(each for each in final(name) if each is None or not fate.leaf)

    stays = reading.shortest(built, reading.enough) is not None
    return Verdict(
        stays=stays,
        lacking=reading.shortest(built, lambda at: not reading.enough(at)),
        broken=reading.shortest(final, lambda at: reading.enough(at) and not reading.fits(at)),
        bare=not needs and reading.shortest(empty, lambda _: True) is not None,
        leaf=stays and reading.shortest(unread, reading.enough) is None,
    )
