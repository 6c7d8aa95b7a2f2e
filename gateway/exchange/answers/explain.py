"""Question 2: what of a message was withheld from whom, and by which rule or law. Places and rules, never values."""

from collections.abc import Iterator

from gateway.agency import AgencyId
from gateway.audit.catalog import EntryType
from gateway.errors import Refused
from gateway.exchange.answers.asked import Asked, Body, answer, stories_of, strangers
from gateway.exchange.gateway import Gateway
from gateway.message import Dissemination, MessageId
from gateway.policy.explain import reasons
from gateway.policy.journal import REFERENCE
from gateway.policy.outcome import DEFAULT
from gateway.report.table import Cell, Table, columns

COLUMNS = columns(
    recipient="Withheld from",
    mou="Agreement",
    path="Place",
    field="Field",
    label="Label",
    outcome="Outcome",
    rule="Clause or law",
    why="Why",
    count="Places",
)

CLOSURE = "closure"

PURGED = (
    "The record was destroyed when its time was over, and the places with it. What the log keeps is how many places of "
    "each label were withheld or reduced."
)


WHOLE = "Nothing was withheld: all of the message was given as it was."
NOBODY = "Nothing of this message was given to whoever is asked about, and nothing was refused to them by name."
"""Both leave the table empty, and mean the opposite."""


class MessageNeverSeen(Refused):
    """The log knows nothing of a message with this id."""

    code = "message.unknown"


async def explained(gateway: Gateway, message: MessageId, asked: Asked, *, to: AgencyId | None = None) -> Table:
    """Every place of a message that a recipient did not get as it was, and why. Raises `MessageNeverSeen`."""
    await gateway.refresh()
    story = [body for _, body in (await stories_of(gateway, [message])).get(message, [])]
    if not story:
        raise MessageNeverSeen(f"the log knows no message {message}")
    stored = {each.dissemination.id: each.dissemination for each in await gateway.store.disseminations(message)}
    rows: list[tuple[Cell, ...]] = []
    gone = reached = False
    for body in story:
        if body.get("recipient") in {body.get("sender"), None} or (to is not None and body["recipient"] != to):
            continue
        if body["type"] == EntryType.WITHHOLD:
            rows.append((body["recipient"], None, None, None, None, "nothing was given", None, body["code"], None))
        elif body["type"] == EntryType.DISSEMINATE:
            reached = True
            made = stored.get(body["dissemination"])
            # Of what is destroyed a row may stand for a while yet, without its places.
            whole = made is not None and len(made.redactions) == _count(body)
            gone = gone or not whole
            rows += _places(gateway, body, made) if made is not None and whole else _counted(body)
    return await answer(
        gateway,
        asked,
        name="audit explain",
        title=f"What was withheld of message {message}",
        question="What was withheld from whom, and by which rule or law?",
        columns=COLUMNS,
        rows=rows[: asked.limit],
        note=PURGED if gone else "" if rows else WHOLE if reached else strangers(gateway, to) or NOBODY,
    )


def _places(gateway: Gateway, body: Body, made: Dissemination) -> Iterator[tuple[Cell, ...]]:
    """One row a place, in document order."""
    current = gateway.current
    laws = {rule.section: rule.text for pack in current.laws.packs for rule in pack.rules}
    mou = current.mous.get((made.mou, made.mou_version))
    clause = mou.clause(made.clauses[0]) if mou is not None else None
    iepd = current.iepds.get(body["exchange"])
    because = (
        reasons(clause, iepd.catalog, made.redactions)
        if clause is not None and iepd is not None
        else ("",) * len(made.redactions)
    )
    for each, reason in zip(made.redactions, because, strict=True):
        yield (
            made.recipient,
            body["mou"],
            each.path,
            each.field,
            each.label,
            each.outcome,
            {DEFAULT: "not listed", CLOSURE: "reference"}.get(each.clause, each.clause),
            _why(each.clause, each.label, laws) or reason or None,
            1,
        )


def _why(clause: str, label: str, laws: dict[str, str]) -> str:
    if clause == DEFAULT:
        return "No line of the clause gives it."
    if clause == CLOSURE or label == REFERENCE:
        return "It points at something that was withheld."
    return laws.get(clause, "")


def _count(body: Body) -> int:
    return sum(sum(body[outcome].values()) for outcome in ("withheld", "reduced"))


def _counted(body: Body) -> Iterator[tuple[Cell, ...]]:
    """What the log keeps when the record is gone."""
    for outcome in ("withheld", "reduced"):
        for label, count in sorted(body[outcome].items()):
            yield body["recipient"], body["mou"], None, None, label, outcome, None, None, count
