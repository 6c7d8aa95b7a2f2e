"""The judgment after the kills: what the sender was told, what the recipients got and what the log says must agree."""

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from gateway.audit.note import NoteKey
from gateway.audit.receipt import read_receipt
from tests.acceptance.load import Arrival, Load, Sent

SHOWN_MAX = 10


@dataclass(frozen=True)
class Figures:
    """What a run came to."""

    messages: int
    canceled: int
    refused: int
    tries: int
    unanswered: int
    unavailable: int
    replayed: int
    effects: int
    repeats: int
    recalled: int
    entries: int

    def __str__(self) -> str:
        return (
            f"{self.messages} messages acknowledged ({self.canceled} cancellations), {self.refused} refused, "
            f"{self.tries} tries, {self.unanswered} unanswered, {self.unavailable} told 503, {self.replayed} replayed; "
            f"{self.effects} effects, {self.repeats} repeats on the wire, {self.recalled} recalled before they "
            f"arrived; {self.entries} entries in the log"
        )


class Judge:
    """Collects everything that is wrong, so that one run tells all of it."""

    def __init__(self, load: Load) -> None:
        self.wrong: list[str] = list(load.trouble)
        self._load = load
        self._valid = [sent for sent in load.sent if sent.valid]
        self._by_mark = {sent.mark: sent for sent in self._valid}
        self._effects: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
        for each in load.arrivals:
            self._effects[each.recipient, each.mark].append(each)

    def say(self, fault: str) -> None:
        """Something is wrong."""
        self.wrong.append(fault)

    async def judge(self, entries: list[dict[str, Any]], receipt_key: NoteKey) -> Figures:
        """All of it. `entries` are those of the exported, verified log: leaf, and the body as read."""
        self._answers()
        self._arrivals()
        recalled = await self._losses()
        self._order()
        self._receipts(entries, receipt_key)
        self._log(entries)
        shown = "\n".join(self.wrong[:SHOWN_MAX])
        assert not self.wrong, f"{len(self.wrong)} faults:\n{shown}"
        return self._figures(recalled, len(entries))

    def _answers(self) -> None:
        """One message of the sender, one answer, however often it was sent."""
        for sent in self._valid:
            told = {(each.message, each.receipt, tuple(sorted(each.deliveries.items()))) for each in sent.answers}
            if len(told) != 1:
                self.say(f"{sent.id} has {len(told)} different answers")
            elif len(sent.answers[0].deliveries) != 3:
                self.say(f"{sent.id} has {len(sent.answers[0].deliveries)} recipients")

    def _arrivals(self) -> None:
        """One visible effect for each message and recipient, the same bytes on every try."""
        for (recipient, mark), came in self._effects.items():
            sent = self._by_mark.get(mark)
            if sent is None or not sent.answers:
                self.say(f"{mark or 'an unmarked message'} reached {recipient} and was never acknowledged")
                continue
            for what, seen in (
                ("message ids", {each.message for each in came}),
                ("keys", {each.key for each in came}),
                ("payloads", {each.digest for each in came}),
            ):
                if len(seen) != 1:
                    self.say(f"{sent.id} reached {recipient} with {len(seen)} {what}")
            told = sent.answers[0]
            if {(each.message, each.delivery) for each in came} != {(told.message, told.deliveries.get(recipient))}:
                self.say(f"{sent.id} reached {recipient} under other ids than its sender was told")

    async def _losses(self) -> int:
        """Everything acknowledged has arrived, or was withdrawn by the sender before it could; how many were."""
        for delivery in self._load.awaited:
            self.say(f"delivery {delivery} was acknowledged and never arrived")
        recalled = 0
        for sent in self._valid:
            if sent.canceled and sent.answers:
                states = await self._load.state(sent)
                if set(states) != set(sent.answers[0].deliveries.values()):
                    self.say(f"{sent.id} was acknowledged, and its sender is told of {len(states)} deliveries")
                for delivery, state in states.items():
                    if state == "delivered" and delivery not in self._load.arrived:
                        self.say(f"delivery {delivery} of the canceled {sent.id} is delivered and never arrived")
                    elif state not in ("delivered", "recalled"):
                        self.say(f"delivery {delivery} of the canceled {sent.id} is {state}")
                    recalled += delivery not in self._load.arrived
        return recalled

    def _order(self) -> None:
        """Nothing has an effect after the notice that withdraws it."""
        first: dict[tuple[str, str], int] = {}
        for place, each in enumerate(self._load.arrivals):
            first.setdefault((each.recipient, each.mark), place)
        for sent in self._valid:
            if sent.earlier is None:
                continue
            for recipient in {recipient for recipient, _ in first}:
                withdrawn = first.get((recipient, sent.earlier.mark), -1)
                if withdrawn > first.get((recipient, sent.mark), len(self._load.arrivals)):
                    self.say(f"{sent.earlier.id} took effect at {recipient} after {sent.id}, which cancels it")

    def _receipts(self, entries: list[dict[str, Any]], key: NoteKey) -> None:
        """Every receipt is signed, speaks of what was sent, and its leaf is in the log."""
        leaves = {entry["leaf"] for entry in entries}
        for sent in self._valid:
            for answer in sent.answers[:1]:
                receipt = read_receipt(answer.receipt, [key])
                if (receipt.message, receipt.digest) != (answer.message, _digest(sent)):
                    self.say(f"the receipt of {sent.id} is about something else")
                if receipt.leaf_hash.hex() not in leaves:
                    self.say(f"the leaf of the receipt of {sent.id} is not in the log")

    def _log(self, entries: list[dict[str, Any]]) -> None:
        """The log knows the messages that were acknowledged and no others, and each delivery at most once."""
        acknowledged = sorted(sent.answers[0].message for sent in self._valid if sent.answers)
        received = sorted(_said(entries, "receive", "message"))
        if received != acknowledged:
            self.say(f"the log has {len(received)} messages received, the sender {len(acknowledged)} acknowledged")
        delivered = _said(entries, "deliver", "delivery")
        if len(set(delivered)) != len(delivered):
            self.say("the log has a delivery twice")
        for delivery in set(delivered) - self._load.arrived:
            self.say(f"the log has delivery {delivery}, which never arrived")
        uncanceled = {
            delivery
            for sent in self._valid
            if sent.answers and not sent.canceled
            for delivery in sent.answers[0].deliveries.values()
        }
        for delivery in uncanceled - set(delivered):
            self.say(f"delivery {delivery} arrived, and the log does not have it")

    def _figures(self, recalled: int, entries: int) -> Figures:
        sent = self._load.sent
        return Figures(
            messages=len(self._valid),
            canceled=sum(1 for each in self._valid if each.earlier is not None),
            refused=len(sent) - len(self._valid),
            tries=sum(each.tries for each in sent),
            unanswered=sum(each.unanswered for each in sent),
            unavailable=sum(each.unavailable for each in sent),
            replayed=sum(1 for each in sent for answer in each.answers if answer.replayed),
            effects=len(self._effects),
            repeats=len(self._load.arrivals) - len(self._effects),
            recalled=recalled,
            entries=entries,
        )


def _digest(sent: Sent) -> str:
    return "sha-256:" + sha256(sent.body).hexdigest()


def _said(entries: list[dict[str, Any]], type: str, field: str) -> list[str]:
    """This field of all entries of this type."""
    return [entry["body"][field] for entry in entries if entry["body"]["type"] == type]
