"""The promises of `store.witness`, kept by either database: only how rows are put is different."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.store import rows, witness_rows
from gateway.store.reads import Reads
from gateway.store.witness import GivenHead, Head, HeldCosignature, LogTrouble, WitnessKey
from gateway.store.witness_rows import Values


class WitnessesKept(Reads):
    """Cosigners and heads."""

    @abstractmethod
    async def _put(self, query: str, values: Sequence[Values], entries: Sequence[AuditEntry] = ()) -> bool:
        """Run a query with each of these values, and write the entries when it put any row; whether it did. Every query
        returns one row for each that it put."""

    async def put_witness_key(self, key: WitnessKey, entries: Sequence[AuditEntry]) -> None:
        """A new key, or the new state of one."""
        await self._put("put_witness_key", [witness_rows.witness_key_values(key)], entries)

    async def witness_keys(self) -> tuple[WitnessKey, ...]:
        """All of them."""
        return await self._all(witness_rows.witness_key_of, "witness_keys")

    async def note_head(self, agency: AgencyId, head: Head) -> None:
        """A head waits to be looked at."""
        await self._put("note_head", [{"agency": agency} | witness_rows.head_values(head)])

    async def noted_heads(self) -> tuple[tuple[AgencyId, Head], ...]:
        """What waits."""
        return await self._all(witness_rows.noted_of, "noted_heads")

    async def drop_noted(self, agency: AgencyId, size: int) -> None:
        """It was looked at."""
        await self._put("drop_noted", [{"agency": agency, "size": size}])

    async def seen_head(self, agency: AgencyId) -> Head | None:
        """The newest head that we cosigned."""
        return await self._one(witness_rows.head_of, "seen_head", agency=agency)

    async def see_head(self, agency: AgencyId, head: Head, *, instead_of: int) -> bool:
        """Keep what we cosign."""
        values = {"agency": agency, "instead_of": instead_of} | witness_rows.head_values(head)
        return await self._put("see_head", [values])

    async def add_cosignatures(self, cosignatures: Sequence[HeldCosignature]) -> None:
        """Keep them."""
        await self._put("add_cosignature", [witness_rows.cosignature_values(each) for each in cosignatures])

    async def cosignatures(self, size: int) -> tuple[HeldCosignature, ...]:
        """Of the head of exactly this size."""
        return await self._all(witness_rows.cosignature_of, "cosignatures", size=size)

    async def newest_cosigned(self) -> tuple[HeldCosignature, ...]:
        """The newest of each cosigner."""
        return await self._all(witness_rows.cosignature_of, "newest_cosigned")

    async def give_heads(self, given: Sequence[GivenHead], entries: Sequence[AuditEntry]) -> None:
        """Remember who was handed which head."""
        await self._put("give_head", [witness_rows.given_values(each) for each in given], entries)

    async def given_heads(self, agency: AgencyId | None, limit: int) -> tuple[GivenHead, ...]:
        """Newest first."""
        return await self._all(witness_rows.given_of, "given_heads", agency=agency, limit=limit)

    async def report_trouble(self, trouble: LogTrouble, entries: Sequence[AuditEntry]) -> bool:
        """Keep it, unless it stands already."""
        return await self._put("report_trouble", [witness_rows.trouble_values(trouble)], entries)

    async def troubles(self) -> tuple[LogTrouble, ...]:
        """All of them."""
        return await self._all(witness_rows.trouble_of, "troubles")

    async def end_troubles(self, at: datetime, entries: Sequence[AuditEntry]) -> None:
        """All that stands ends."""
        await self._put("end_troubles", [{"at": rows.micros(at)}], entries)

    async def verified_head(self) -> Head | None:
        """The newest head under which the log was read."""
        return await self._one(witness_rows.head_of, "verified_head")

    async def keep_verified(self, head: Head) -> None:
        """Keep it, unless a larger one is kept."""
        await self._put("keep_verified", [witness_rows.head_values(head)])

    async def signed_heads(self, after: int, limit: int) -> tuple[tuple[int, bytes], ...]:
        """Our signed heads, by size."""
        return await self._all(lambda row: (int(row[0]), bytes(row[1])), "checkpoints", after=after, limit=limit)
