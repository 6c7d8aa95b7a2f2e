"""The promises of `store.configuration`, kept by SQLite."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.agency import AgencyId
from gateway.audit.entry import AuditEntry
from gateway.policy.consent import Consent
from gateway.store import configuration_rows
from gateway.store.agency_text import agency_of, json_text
from gateway.store.configuration import Change, Configuration, ConfigurationChanged, Relisted
from gateway.store.sqlite_reading import Reading, snapshot
from gateway.store.sqlite_statements import SQL, Acts, insert, insert_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """The arguments of `Store.change`."""

    changes: Sequence[Change]
    entries: Sequence[AuditEntry]
    relisted: Relisted | None = None
    under: int | None = None


class SqliteConfigurations(Reading):
    """What is in force, who may act, and who consented to what."""

    async def fact(self, name: str) -> str | None:
        """A named fact of the deployment."""
        row = self._now("fact", name=name)
        return None if row is None else row[0]

    async def set_fact(self, name: str, value: str) -> str:
        """Set it if it is not set yet; gives the value that now stands."""
        stands: str = await self._writer.write("fact", (name, value))
        return stands

    async def configuration_version(self) -> int:
        """The version, some microseconds away."""
        version: int = self._now("configuration_version")[0]
        return version

    async def configuration(self) -> Configuration:
        """A consistent snapshot."""
        return await self._read(_configuration)

    async def change(
        self,
        changes: Sequence[Change],
        entries: Sequence[AuditEntry],
        relisted: Relisted | None = None,
        *,
        under: int | None = None,
    ) -> int:
        """Apply all changes, write the entries, and give the new version."""
        changing = Changing(changes=tuple(changes), entries=tuple(entries), relisted=relisted, under=under)
        version: int | None = await self._writer.write("change", changing)
        if version is None:
            raise ConfigurationChanged("the configuration changed meanwhile; try again")
        return version

    async def consents(self, subjects: Collection[str]) -> tuple[Consent, ...]:
        """Every consent of the persons with these blind indexes."""
        return await self._all(configuration_rows.consent_of, "consents", subjects=json_text(sorted(subjects)))

    async def consent(self, id: str) -> Consent | None:
        """One consent."""
        return await self._one(configuration_rows.consent_of, "consent", id=id)

    async def consents_of(self, holder: AgencyId | None, before: str | None, limit: int) -> tuple[Consent, ...]:
        """Newest first, by key."""
        values = {"holder": holder, "before": before, "limit": limit}
        return await self._all(configuration_rows.consent_of, "consents_of", **values)


def _configuration(db: sqlite3.Connection) -> Configuration:
    with snapshot(db):
        return Configuration(
            version=db.execute(SQL["configuration_version"]).fetchone()[0],
            agencies=tuple(agency_of(text) for (text,) in db.execute(SQL["agencies"])),
            credentials=tuple(map(configuration_rows.credential_of, db.execute(SQL["credentials"]))),
            authorities=tuple(map(configuration_rows.authority_of, db.execute(SQL["authorities"]))),
            revocation_lists=tuple(map(configuration_rows.revocation_list_of, db.execute(SQL["revocation_lists"]))),
            agreements=tuple(map(configuration_rows.agreement_of, db.execute(SQL["agreements"]))),
            exchanges=tuple(map(configuration_rows.exchange_of, db.execute(SQL["exchanges"]))),
            users=tuple(map(configuration_rows.user_of, db.execute(SQL["users"]))),
            approvals=tuple(map(configuration_rows.approval_of, db.execute(SQL["approvals"]))),
            laws=tuple(map(configuration_rows.law_of, db.execute(SQL["laws"]))),
            withdrawals=tuple(map(configuration_rows.withdrawal_of, db.execute(SQL["withdrawals"]))),
        )


def _change(db: sqlite3.Connection, wanted: Sequence[Changing]) -> list[int | None]:
    """New versions; None where the version that a change was decided under is gone."""
    versions: list[int | None] = []
    for changing in wanted:
        version = db.execute(SQL["configuration_version"]).fetchone()[0]
        if changing.under not in {None, version}:
            versions.append(None)
            continue
        for change in configuration_rows.in_order(changing.changes):
            query, row = configuration_rows.put_of(change)
            insert(db, query, [row])
        _relist(db, changing.relisted)
        db.execute(SQL["next_version"])
        insert_entries(db, changing.entries)
        versions.append(db.execute(SQL["configuration_version"]).fetchone()[0])
    return versions


def _relist(db: sqlite3.Connection, relisted: Relisted | None) -> None:
    if relisted is not None:
        values = {"mou": relisted.mou, "recipients": json_text(relisted.recipients)}
        count = db.execute(SQL["relist"], values).rowcount
        db.execute(SQL["add_positions"], {"count": count})


def _fact(db: sqlite3.Connection, wanted: Sequence[tuple[str, str]]) -> list[str]:
    values: list[str] = []
    for name, value in wanted:
        db.execute(SQL["set_fact"], {"name": name, "value": value})
        values.append(db.execute(SQL["fact"], {"name": name}).fetchone()[0])
    return values


ACTS: Final[Acts] = {"change": _change, "fact": _fact}
