"""Past: somebody who got, or was to get, an earlier message of a chain."""

from dataclasses import dataclass

from gateway.agency import AgencyId
from gateway.message import Message, MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """A message that a recipient has, in place of one that it never got.

    name  what a payload calls it
    """

    message: MessageId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A past recipient, and what decided the newest message it was to get: an agreement's version and its clause.

    had  what is named to it as the earlier message; None = the one that the sender names
    """

    recipient: AgencyId
    mou: str
    mou_version: int
    clause: str
    had: Had | None = None


def had_of(message: Message, *, named: MessageId, written: str | None) -> Had:
    """This message as the sender would have named it, who wrote one of its own ids for the named message, or ours."""
    return Had(message=message.id, name=message.id if written == named else message.sender_id)
