"""The chain of messages that a correction, cancellation or update belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.agency import AgencyId
from gateway.delivery.delivery import Delivery, State
from gateway.exchange.past import Past, had_of
from gateway.exchange.submission import ActionMismatch, AlreadyCanceled, EarlierUnknown, Submission
from gateway.iepd.header import Header
from gateway.message import REACHES_PAST_RECIPIENTS, Action, Message, MessageId
from gateway.policy.emergency import EMERGENCY
from gateway.store.interface import Store
from gateway.store.messages import DisseminationRecord

OPEN = frozenset({State.WAITING, State.SENDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The message that an action speaks of, and everyone who got, or was to get, something of its chain.

    newest      the message of the chain that was stored last
    open        deliveries of the chain that have not arrived
    chain_size  how many messages and disseminations the chain held, counted before anything else of it was read: what
                is accepted or released of it meanwhile makes the decision stale
    """

    message: Message
    past: tuple[Past, ...]
    chain_size: int
    newest: MessageId
    open: tuple[Delivery, ...] = ()


async def find_earlier(store: Store, submission: Submission, header: Header, exchange: str) -> Earlier | None:
    """The earlier message; None for a new one, and for an update that names none.

    It is named by the sender's own id or by ours, in the message, in the address, or in both: then they must agree.
    Raises `ActionMismatch`, `EarlierUnknown`, `AlreadyCanceled`.
    """
    named = header.earlier
    if submission.act is not None:
        action, addressed = submission.act
        if header.action is not action:
            raise ActionMismatch(f"the address says {action}, the message says {header.action}")
        found = await _message(store, submission, addressed)
        if named is not None and found is not None and (await _message(store, submission, named)) != found:
            raise ActionMismatch("the message and the address name different earlier messages")
    elif named is None:
        if header.action in REACHES_PAST_RECIPIENTS:
            raise EarlierUnknown(f"to {header.action} a message it must name the earlier message's id")
        return None
    elif header.action is Action.NEW:
        raise ActionMismatch("a new message names no earlier one")
    else:
        found = await _message(store, submission, named)
    if found is None or found.exchange != exchange:
        raise EarlierUnknown("the earlier message is not one that this sender sent in this exchange")
    size = await store.chain_size(found.first)
    messages = await store.chain_messages(found.first)
    if any(message.action is Action.CANCEL for message in messages):
        raise AlreadyCanceled("the earlier message was canceled; what is to be said anew is a new message")
    records = sorted(await store.chain(found.first), key=lambda record: record.delivery.created_at)
    still_open = tuple(record.delivery for record in records if record.delivery.state in OPEN)
    had = {
        recipient: had_of(message, named=found.id, written=named)
        for recipient, message in _given(records, messages, found).items()
        if message.id != found.id
    }
    past = tuple(replace(each, had=had.get(each.recipient)) for each in _past(records))
    return Earlier(message=found, past=past, chain_size=size, newest=messages[-1].id, open=still_open)


async def names_earlier(store: Store, submission: Submission, earlier: MessageId | None) -> bool:
    """Whether the address names this message, or none."""
    if submission.act is None:
        return True
    addressed = await _message(store, submission, submission.act[1])
    return addressed is not None and addressed.id == earlier


def superseded(message: Message, chain: Sequence[Message]) -> bool:
    """Whether the chain, in stored order, holds what takes this message back: a correction that came after it, or a
    cancellation, which is always the last."""
    place = [each.id for each in chain].index(message.id)
    later = any(each.action in REACHES_PAST_RECIPIENTS for each in chain[place + 1 :])
    return later or (message.action is not Action.CANCEL and any(each.action is Action.CANCEL for each in chain))


async def _message(store: Store, submission: Submission, id: str) -> Message | None:
    known = await store.known(submission.sender, id)
    record = await store.message(known.message if known else MessageId(id))
    return record.message if record is not None and record.message.sender == submission.sender else None


def _given(
    records: Sequence[DisseminationRecord], messages: Sequence[Message], found: Message
) -> dict[AgencyId, Message]:
    """Which message of the chain each recipient surely has: the one that was found, or else the newest. Where none is
    known to have arrived, one that may have; where none was tried, one that it was to get."""

    def likely(record: DisseminationRecord) -> tuple[int, bool]:
        delivery = record.delivery
        tried = delivery.attempts > 0 or delivery.state is State.SENDING
        sure = 2 if delivery.state is State.DELIVERED else int(tried)
        return sure, record.dissemination.message == found.id

    by_id = {message.id: message for message in messages}
    # What was accepted since the messages were read makes the decision stale anyway.
    known = (record for record in records if record.dissemination.message in by_id)
    # Sorted by time already: of those that are alike, the newest stands last.
    return {record.dissemination.recipient: by_id[record.dissemination.message] for record in sorted(known, key=likely)}


def _past(records: Sequence[DisseminationRecord]) -> tuple[Past, ...]:
    """Each past recipient once, with the agreement of the newest message it was to get; an emergency release counts
    where no agreement gave it anything. The sender, who was told of one, is no recipient."""
    given = [record for record in records if record.dissemination.recipient != record.sender]
    agreed = [record for record in given if record.dissemination.mou != EMERGENCY]
    released = [record for record in given if record.dissemination.mou == EMERGENCY]
    past = {
        record.dissemination.recipient: Past(
            recipient=record.dissemination.recipient,
            mou=record.dissemination.mou,
            mou_version=record.dissemination.mou_version,
            clause=record.dissemination.clauses[0],
        )
        for record in (*released, *agreed)
    }
    return tuple(past[recipient] for recipient in sorted(past))
