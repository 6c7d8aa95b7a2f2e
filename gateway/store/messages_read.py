"""What of the promises of `store.messages` is read in the same way from either database."""

from gateway.agency import AgencyId
from gateway.message import DisseminationId, Message, MessageId, Sealed
from gateway.store import rows
from gateway.store.messages import DisseminationRecord, MessageRecord
from gateway.store.reads import Reads


class MessagesRead(Reads):
    """Messages and what became of them."""

    async def because(self, dissemination: DisseminationId) -> Sealed | None:
        """What a person wrote of a release."""
        return await self._one(rows.sealed_of, "because", dissemination=dissemination)

    async def message(self, id: MessageId) -> MessageRecord | None:
        """One accepted message."""
        return await self._one(rows.message_record_of, "message", id=id)

    async def messages(self, sender: AgencyId | None, before: MessageId | None, limit: int) -> tuple[Message, ...]:
        """Newest first, by key."""
        if sender is None:
            return await self._all(rows.message_of, "messages", before=before, limit=limit)
        return await self._all(rows.message_of, "messages_of_sender", sender=sender, before=before, limit=limit)

    async def disseminations(self, message: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of one message, in order of recipient."""
        return await self._all(rows.record_of, "disseminations", message=message)

    async def chain_messages(self, first: MessageId) -> tuple[Message, ...]:
        """Every message of a chain."""
        return await self._all(rows.message_of, "chain_messages", first=first)

    async def chain_size(self, first: MessageId) -> int:
        """How many messages and disseminations a chain holds."""
        return await self._one(lambda row: int(row[0]), "chain_size", first=first) or 0

    async def chain(self, first: MessageId) -> tuple[DisseminationRecord, ...]:
        """Of every message of a chain."""
        return await self._all(rows.record_of, "chain", first=first)
