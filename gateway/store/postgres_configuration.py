"""The promises of `store.configuration`, kept by PostgreSQL."""

from collections.abc import Collection, Sequence

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.policy.consent import Consent
from gateway.store import configuration_rows
from gateway.store.agency_text import agency_of
from gateway.store.configuration import Change, Configuration, ConfigurationChanged, Relisted
from gateway.store.gather import Gather
from gateway.store.postgres_pool import Connected
from gateway.store.postgres_reading import NoConnection, Reading
from gateway.store.postgres_statements import SQL, Space, fetch, insert, insert_entries, lock_keys, scalar


class PostgresConfigurations(Reading):
    """What is in force, who may act, and who consented to what."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._asking_version = Gather(self._version_group, most=10_000, in_vain=NoConnection)

    async def close(self) -> None:
        """Finish what is under way and let go."""
        await self._asking_version.finish()
        await super().close()

    async def fact(self, name: str) -> str | None:
        """A named fact of the deployment."""
        found: str | None = await self._value("fact", name=name)
        return found

    async def set_fact(self, name: str, value: str) -> str:
        """Set it if it is not set yet; gives the value that now stands."""
        async with self._writing("fact") as db:
            await db.execute(SQL["set_fact"], {"name": name, "value": value})
            stands: str = await scalar(db, "fact", name=name)
        return stands

    async def configuration_version(self) -> int:
        """The version; callers at one time share a round trip."""
        return await self._asking_version(None)

    async def _version_group(self, askers: Sequence[None]) -> Sequence[int]:
        return [await self._value("configuration_version")] * len(askers)

    async def configuration(self) -> Configuration:
        """A consistent snapshot."""
        async with self._snapshot() as db:
            return Configuration(
                version=await scalar(db, "configuration_version"),
                agencies=tuple(agency_of(text) for (text,) in await fetch(db, "agencies")),
                credentials=tuple(map(configuration_rows.credential_of, await fetch(db, "credentials"))),
                authorities=tuple(map(configuration_rows.authority_of, await fetch(db, "authorities"))),
                revocation_lists=tuple(map(configuration_rows.revocation_list_of, await fetch(db, "revocation_lists"))),
                agreements=tuple(map(configuration_rows.agreement_of, await fetch(db, "agreements"))),
                exchanges=tuple(map(configuration_rows.exchange_of, await fetch(db, "exchanges"))),
                users=tuple(map(configuration_rows.user_of, await fetch(db, "users"))),
                approvals=tuple(map(configuration_rows.approval_of, await fetch(db, "approvals"))),
                laws=tuple(map(configuration_rows.law_of, await fetch(db, "laws"))),
                withdrawals=tuple(map(configuration_rows.withdrawal_of, await fetch(db, "withdrawals"))),
            )

    async def change(
        self,
        changes: Sequence[Change],
        entries: Sequence[AuditEntry],
        relisted: Relisted | None = None,
        *,
        under: int | None = None,
    ) -> int:
        """Apply all changes, write the entries, and give the new version."""
        async with self._writing("change") as db:
            return await _change(db, changes, entries, relisted, under)

    async def consents(self, subjects: Collection[str]) -> tuple[Consent, ...]:
        """Every consent of the persons with these blind indexes."""
        return await self._all(configuration_rows.consent_of, "consents", subjects=sorted(subjects))

    async def consent(self, id: str) -> Consent | None:
        """One consent."""
        return await self._one(configuration_rows.consent_of, "consent", id=id)

    async def consents_of(self, holder: AgencyId | None, before: str | None, limit: int) -> tuple[Consent, ...]:
        """Newest first, by key."""
        values = {"holder": holder, "before": before, "limit": limit}
        return await self._all(configuration_rows.consent_of, "consents_of", **values)


async def _change(
    db: Connected,
    changes: Sequence[Change],
    entries: Sequence[AuditEntry],
    relisted: Relisted | None,
    under: int | None,
) -> int:
    """Apply all changes; the new version. Raises `ConfigurationChanged`."""
    await db.execute(SQL["own_configuration"], {"space": int(Space.CONFIGURATION)})
    if under is not None and under != int(await scalar(db, "configuration_version")):
        raise ConfigurationChanged("the configuration changed meanwhile; try again")
    for each in configuration_rows.in_order(changes):
        query, row = configuration_rows.put_of(each)
        await insert(db, query, [row])
    await insert_entries(db, entries)
    if relisted is not None:
        await lock_keys(db, Space.INBOX, relisted.recipients)
        await db.execute(SQL["relist"], {"mou": relisted.mou, "recipients": list(relisted.recipients)})
    return int(await scalar(db, "next_version"))
