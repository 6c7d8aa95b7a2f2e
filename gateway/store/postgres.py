"""PostgreSQL: any number of nodes on one database.

Acceptances, outcomes and audit entries of concurrent callers share transactions (`gather.py`): fewer round trips and
fewer commits. A commit is answered when the server's `synchronous_commit` lets it, which is checked at the start.
"""

from gateway.agency import AgencyId
from gateway.delivery.delivery import State
from gateway.store import rows
from gateway.store.answers_read import AnswersRead
from gateway.store.interface import Counts
from gateway.store.postgres_alerts import PostgresAlerts
from gateway.store.postgres_backups import PostgresBackups
from gateway.store.postgres_configuration import PostgresConfigurations
from gateway.store.postgres_deliveries import PostgresDeliveries
from gateway.store.postgres_disclosures import PostgresDisclosures
from gateway.store.postgres_log import PostgresLog
from gateway.store.postgres_messages import PostgresMessages
from gateway.store.postgres_replies import PostgresReplies
from gateway.store.postgres_retention import PostgresRetention
from gateway.store.postgres_statements import fetch, scalar
from gateway.store.postgres_witness import PostgresWitnesses


class PostgresStore(
    PostgresConfigurations,
    PostgresMessages,
    PostgresDeliveries,
    PostgresReplies,
    PostgresLog,
    AnswersRead,
    PostgresDisclosures,
    PostgresRetention,
    PostgresWitnesses,
    PostgresAlerts,
    PostgresBackups,
):
    """The promises of `interface.Store`, kept by PostgreSQL."""

    async def counts(self) -> Counts:
        """For metrics and the doctor."""
        async with self._snapshot() as db:
            oldest = await scalar(db, "oldest_due")
            ((unsequenced, since),) = await fetch(db, "unsequenced")
            return Counts(
                messages=await scalar(db, "count_messages"),
                deliveries=tuple(
                    (AgencyId(recipient), State(state), count)
                    for recipient, state, count in await fetch(db, "count_deliveries")
                ),
                oldest=None if oldest is None else rows.moment(oldest),
                unsequenced=unsequenced,
                unsequenced_since=None if since is None else rows.moment(since),
                log_size=await scalar(db, "log_size"),
                emergencies=await scalar(db, "count_emergencies"),
                signatures=await scalar(db, "count_signatures"),
                unarranged=await scalar(db, "count_waiting_disclosures"),
                replies=tuple(
                    (AgencyId(agency), State(state), count) for agency, state, count in await fetch(db, "count_replies")
                ),
            )
