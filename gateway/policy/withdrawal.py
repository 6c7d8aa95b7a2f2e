"""Withdrawal: the least that mends what a recipient has - that an earlier message is void, and nothing else.

It is what a past recipient gets of a correction or cancellation when the agreement gives nothing (it has ended, is
suspended, or its route does not hold any more): no field is released that was not known before, and still nobody goes
on acting on a withdrawn notice.
"""

from dataclasses import replace

from gateway.iepd.package import Iepd
from gateway.message import Action
from gateway.policy.mou import Clause, How, Item, Manner, Mou, Transform
from gateway.policy.rules import SharingRules, compile_rules


def withdrawal_rules(mou: Mou, clause: Clause, iepd: Iepd) -> SharingRules:
    """Rules that let through the action, as "cancel", the earlier message's id and the as-of time. Not the reason: it
    is free text."""
    named = {key: iepd.catalog.find(path) for key, path in iepd.message_paths.items()}
    head = [field for key, field in named.items() if key in {"earlier", "as_of"} and field is not None]
    action = named.get("action")
    transforms = () if action is None else (Transform(what=action.name, how=How.REPLACE, text=Action.CANCEL.value),)
    least = replace(
        clause, share=tuple(Item(what=field.name) for field in head), transforms=transforms, manner=Manner.DROP
    )
    # Without references: a pointer to what is withheld would take along what the message cannot be without, and another
    # place of the same object would have a say in what the head tells.
    return replace(compile_rules(mou, least, iepd), structures=(), ids=frozenset())
