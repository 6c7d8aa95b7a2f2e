"""Question 19: who read, exported or changed anything: the log, agreements, keys, people, settings."""

from gateway.audit.catalog import EntryType
from gateway.exchange.answers.asked import Asked, answer, body_of
from gateway.exchange.gateway import Gateway
from gateway.report.table import Cell, Table, columns
from gateway.store.log import StoredEntry

FLOW = frozenset(
    {
        EntryType.RECEIVE,
        EntryType.REFUSE,
        EntryType.REPEAT,
        EntryType.DISSEMINATE,
        EntryType.WITHHOLD,
        EntryType.SANDBOX,
        EntryType.TRIAL,
        EntryType.DELIVER,
        EntryType.EVIDENCE,
        EntryType.FAIL,
        EntryType.UNDELIVERABLE,
        EntryType.EXPIRE,
        EntryType.RECALL,
        EntryType.READ,  # by recipients; those by people are asked for by themselves
        EntryType.ACCESS_REFUSED,
    }
)
"""What messages and programs do. Everything else is somebody's act."""

ACTS = tuple(sorted(each for each in EntryType if each not in FLOW))

OF = (
    "user",
    "mou",
    "exchange",
    "law",
    "consent",
    "hold",
    "message",
    "dissemination",
    "delivery",
    "bucket",
    "fingerprint",
    "kind",
)
"""What an act may be done to, the most telling first."""

COLUMNS = columns(
    at="When",
    act="Act",
    what="What",
    actor="By",
    second="And by",
    agency="For",
    of="Of",
    reason="Reason",
    signed="Signed",
    entry="Log entry",
    index="Leaf",
)


async def admin_actions(gateway: Gateway, asked: Asked, *, acts: tuple[EntryType, ...] = ()) -> Table:
    """Acts of people in the period, oldest first. acts: only these; () = all."""
    types = tuple(each for each in acts or (*ACTS, EntryType.READ) if each is not EntryType.READ)
    page = asked.page
    found = list(
        await gateway.store.entries_of_types(
            types, since=page.since, until=page.until, after=page.after, limit=page.limit
        )
    )
    if EntryType.READ in acts or not acts:
        found += await gateway.store.readings(page)
        found.sort(key=lambda each: each.entry.at)
    shown, after = asked.cut(tuple(found[: page.limit]))
    return await answer(
        gateway,
        asked,
        name="audit admin-actions",
        title="Acts of people",
        question="Who read the log or a record, or changed agreements, keys, people or settings?",
        columns=COLUMNS,
        rows=[_row(each) for each in shown],
        next=after,
    )


def _row(stored: StoredEntry) -> tuple[Cell, ...]:
    body = body_of(stored)
    what = [body[key] for key in ("action", "state", "outcome", "kind", "role") if key in body]
    return (
        stored.entry.at,
        body["type"],
        " ".join(what) or None,
        body.get("actor"),
        body.get("second"),
        body.get("agency"),
        _of(body),
        body.get("reason"),
        "signed" if "signature" in body else None,
        stored.entry.id,
        stored.index,
    )


def _of(body: dict[str, object]) -> str | None:
    """What it was done to."""
    for key in OF:
        value = body.get(key)
        if value and not (key == "fingerprint" and "signature" in body):
            return f"{key} {value}"
    return None
